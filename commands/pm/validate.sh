#!/usr/bin/env bash
# Summary: What is wrong with the plan and its files, and how to mend it
# Usage: validate.sh [--all] [--fix | --dry-run | --undo [TIME]] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" validate "$@"
