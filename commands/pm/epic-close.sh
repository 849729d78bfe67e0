#!/usr/bin/env bash
# Summary: Complete an epic when all its tasks are closed, and close its issue
# Usage: epic-close.sh <name> [--archive] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" close-epic "$@"
