#!/usr/bin/env bash
# Summary: Recount an epic from its tasks, also in the list of tasks in its issue
# Usage: epic-refresh.sh <name> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" refresh "$@"
