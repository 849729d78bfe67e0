#!/usr/bin/env bash
# Summary: Conflicts before they happen: overlapping claims, branches of agents that will not merge
# Usage: conflicts.sh [EPIC] [--watch] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-worktree" conflicts "$@"
