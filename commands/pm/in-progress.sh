#!/usr/bin/env bash
# Summary: Tasks and epics that are being worked on
# Usage: in-progress.sh [--all] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" in-progress "$@"
