#!/usr/bin/env bash
# agent.sh EPIC WORKTREE PACE: works off tasks of EPIC in WORKTREE until none is left. $CCPM_AGENT_ID says who it is.
#
# An example of an agent without a model: the loop is that of a real one. `next` hands out the best task that can be
# started, also what a dead agent left and, with --steal, what a busy one has not begun. Each task ends with a commit,
# which is the evidence that `done` wants.
set -uo pipefail
epic=$1 worktree=$2 pace=$3
cd "$worktree" || exit
ccpm-agent register "$epic" --pid $$ >/dev/null || exit

while :; do
  task=$(ccpm-work next "$epic" --steal --pid $$ 2>/dev/null)
  case $? in
    0) ;;
    1)
      ccpm-query epic-show "$epic" --json | grep -q '"open": 0' && exec ccpm-agent unregister "$epic" >/dev/null
      sleep 0.2 # others work on what ours waits for
      continue
      ;;
    *) exit 1 ;;
  esac
  ccpm-work start "$epic/$task" --pid $$ 2>/dev/null || continue # stolen meanwhile
  if [ -n "${DEMO_DIES-}" ]; then
    echo "half of $task" >"src/part-$task.sh"
    echo "$task" >"$DEMO_DIES"
    kill -STOP $$ # the driver ends us here, in the middle of the work
  fi
  sleep "$pace"
  mkdir -p src && printf 'echo "part %s by %s"\n' "$task" "$CCPM_AGENT_ID" >"src/part-$task.sh"
  git add -A src && git commit -q -m "Issue #$task: part of $CCPM_AGENT_ID" || exit
  ccpm-work "done" "$epic/$task" >/dev/null || exit
  ccpm-agent heartbeat "$epic" >/dev/null 2>&1 || :
done
