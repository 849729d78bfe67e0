#!/usr/bin/env bash
# Summary: All epics by state
# Usage: epic-list.sh [--all] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" epic-list "$@"
