#!/usr/bin/env bash
# Summary: Begin an epic: register, make its branch with a worktree, and show what can start
# Usage: epic-start.sh <name> [--agent ID] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-agent" begin-epic "$@"
