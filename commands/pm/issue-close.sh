#!/usr/bin/env bash
# Summary: Close a task and its issue
# Usage: issue-close.sh <issue> [--comment TEXT] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" close "$@"
