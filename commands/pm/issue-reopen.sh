#!/usr/bin/env bash
# Summary: Open a task and its issue again
# Usage: issue-reopen.sh <issue|epic/task> [--comment TEXT] [--force] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" reopen "$@"
