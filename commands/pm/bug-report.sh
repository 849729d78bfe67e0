#!/usr/bin/env bash
# Summary: Create a task about a bug in a task or issue and, if its epic is synced, its issue
# Usage: bug-report.sh <issue> <title> [--hours H] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" bug "$@"
