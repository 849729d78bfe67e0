#!/usr/bin/env bash
# Summary: Merge an issue with its task, and post what is new in its progress files
# Usage: issue-sync.sh <issue|epic/task> [--keep local|remote] [--close-from-git] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" issue "$@"
