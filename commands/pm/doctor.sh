#!/usr/bin/env bash
# Summary: Whether this machine and this project can hold what CCPM promises
# Usage: doctor.sh [--fix | --dry-run | --undo [TIME]] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-doctor" "$@"
