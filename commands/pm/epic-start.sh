#!/usr/bin/env bash
# Summary: Begin an epic: register, make its branch with a worktree, and show what can start
# Usage: epic-start.sh <name> [--agent ID]
set -u
case ${BASH_SOURCE[0]} in */*) bin=${BASH_SOURCE[0]%/*}/../../bin ;; *) bin=./../../bin ;; esac
if [ $# -eq 0 ]; then
  printf 'usage: epic-start.sh <name> [--agent ID]\n' >&2
  exit 2
fi
"$bin/ccpm-agent" register "$@" >/dev/null || exit
path=$("$bin/ccpm-worktree" add --shared "$@") || exit
printf 'Worktree: %s\n\n' "$path"
status=0
"$bin/ccpm-agent" ready "$@" || status=$?
[ "$status" -ne 1 ] || printf '\nNothing can begin now: what is open is taken or waits.\n'
[ "$status" -gt 1 ] || exit 0
exit "$status"
