#!/usr/bin/env bash
# Summary: Make the issues of an epic and its tasks, exactly once; then its worktree
# Usage: epic-sync.sh <name> [--dry-run] [--no-worktree] [--repo OWNER/NAME] [--tracker T] [--relink] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" epic --worktree "$@"
