#!/usr/bin/env bash
# Summary: Close a task and its issue
# Usage: issue-close.sh <issue|epic/task> [--comment TEXT] [--force] [--json]
#
# 77: another agent works on the task; --force closes it all the same. A task without an issue is closed in its file.
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" close "$@"
