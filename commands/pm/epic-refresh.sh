#!/usr/bin/env bash
# Summary: Recount the progress and status of an epic from its tasks
# Usage: epic-refresh.sh <name> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" refresh "$@"
