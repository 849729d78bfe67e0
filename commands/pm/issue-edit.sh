#!/usr/bin/env bash
# Summary: Change title, text or labels of a task and its issue
# Usage: issue-edit.sh <issue|epic/task> [--title TEXT] [--body] [--add-label L] [--remove-label L] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" edit "$@"
