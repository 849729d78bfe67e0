#!/usr/bin/env bash
# Summary: Show an issue, its task and its newest comments
# Usage: issue-show.sh <issue|epic/task> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" show "$@"
