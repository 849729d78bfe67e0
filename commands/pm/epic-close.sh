#!/usr/bin/env bash
# Summary: Mark an epic completed when all its tasks are closed
# Usage: epic-close.sh <name> [--archive] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" close-epic "$@"
