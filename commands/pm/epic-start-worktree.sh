#!/usr/bin/env bash
# Summary: A worktree for one agent on its own branch of an epic, or one that agents share
# Usage: epic-start-worktree.sh <epic-name> [--agent ID | --shared]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-worktree" add "$@"
