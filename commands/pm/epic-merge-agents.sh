#!/usr/bin/env bash
# Summary: Merge what the agents of an epic have done into its branch, each result checked
# Usage: epic-merge-agents.sh <epic-name> [--check CMD] [--rescue] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-worktree" merge "$@"
