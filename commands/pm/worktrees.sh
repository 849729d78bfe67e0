#!/usr/bin/env bash
# Summary: The worktrees of agents: whose, on which branch, how far, with uncommitted work or not
# Usage: worktrees.sh [EPIC] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-worktree" list "$@"
