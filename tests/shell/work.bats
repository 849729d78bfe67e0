#!/usr/bin/env bats
# ccpm-work: who does which task.

load helpers

setup() {
  make_project
  git commit -q --allow-empty -m start
  mkdir -p .claude/epics/auth
  printf -- '---\nname: auth\nstatus: backlog\nprogress: 0%%\n---\n# Epic\n' >.claude/epics/auth/epic.md
  task 001 'effort: 1'
  task 002 'depends_on: [001]'
  task 003 'conflicts_with: [001]'
}

task() { printf -- '---\nname: Task %s\nstatus: open\n%s\n---\n# Task\n' "$1" "$2" >".claude/epics/auth/$1.md"; }

@test "next claims the most urgent task once, and says 1 when none is left" {
  run --separate-stderr ccpm-work next auth --agent agent-ada
  status_is 0
  [ "$output" = 001 ]
  run --separate-stderr ccpm-work next auth --agent agent-bob
  status_is 1
  [ -z "$output" ]
  [[ $stderr == *"no task of epic 'auth' can be started now"*hint:* ]]
  run ccpm-work claim auth/003 --agent agent-bob
  status_is 75
  [[ $output == *"it conflicts with #001, which agent-ada works on"* ]]
}

@test "start marks the task and its epic, and only the holder may finish it" {
  ccpm-work start auth/001 --agent agent-ada
  [ "$(ccpm-fm-cas get .claude/epics/auth/001.md status)" = in-progress ]
  [ "$(ccpm-fm-cas get .claude/epics/auth/epic.md status)" = in-progress ]
  run ccpm-work done auth/001 --agent agent-bob --no-code "tried"
  status_is 77
  [[ $output == *"in the hands of agent-ada for work since "* ]]
  [ "$(ccpm-fm-cas get .claude/epics/auth/001.md status)" = in-progress ]
}

@test "done wants evidence: a commit, a diff, or a reason" {
  ccpm-work start auth/001 --agent agent-ada
  run ccpm-work done auth/001 --agent agent-ada
  status_is 2
  [[ $output == *"nothing shows that #001 is done"*--no-code* ]]
  run ccpm-work done auth/001 --agent agent-ada --commit nonsense
  status_is 66
  run ccpm-work done auth/001 --agent agent-ada --diff
  status_is 2
  git commit -q --allow-empty -m "Issue #1: store"
  run ccpm-work done auth/001 --agent agent-ada
  status_is 0
  [[ $output == *"evidence: commits $(git rev-parse --short HEAD)"*"unblocked: 002"* ]]
}

@test "done of what is done is confirmed to who did it, and 77 for anybody else" {
  ccpm-work start auth/001 --agent agent-ada
  ccpm-work done auth/001 --agent agent-ada --no-code 'words' >/dev/null
  before=$(snapshot .claude/epics)
  run ccpm-work done auth/001 --agent agent-ada
  status_is 0
  [[ $output == *"is done since 20"*", by you"*"status: closed"*"evidence: no code: words"* ]]
  run ccpm-work done auth/001 --agent agent-bob --no-code 'me too'
  status_is 77
  [[ $output == *"#001 of epic 'auth' is closed already by agent-ada since 20"*hint:* ]]
  [ "$(snapshot .claude/epics)" = "$before" ]
  ccpm-plan close-task auth 003 >/dev/null
  run ccpm-work done auth/003 --agent agent-ada
  status_is 77
}

@test "a refused claim says who has the task, and since when; who found nothing to steal is not sent to steal" {
  ccpm-work claim auth/001 --agent agent-ada
  run ccpm-work claim auth/001 --agent agent-bob
  status_is 75
  [[ $output == *"it is in the hands of agent-ada for work since 20"*"until 20"* ]]
  run ccpm-work next auth --agent agent-bob
  status_is 1
  [[ $output == *"ccpm-work steal auth"* ]]
  for words in 'steal auth' 'next auth --steal'; do
    # shellcheck disable=SC2086
    run ccpm-work $words --agent agent-bob
    status_is 1
    [[ $output == *"hint: ccpm-query blocked tells why" ]]
  done
}

@test "a diff is evidence where the work is" {
  ccpm-work start auth/001 --agent agent-ada
  echo work >made.txt
  run ccpm-work done auth/001 --agent agent-ada --diff --json
  status_is 0
  [[ $output == *'"evidence": "diff of 1 files: made.txt"'* ]]
}

@test "a task that is given back is open again, and the next one is told where the work is" {
  ccpm-work start auth/001 --agent agent-ada
  ccpm-work release auth/001 --agent agent-ada
  [ "$(ccpm-fm-cas get .claude/epics/auth/001.md status)" = open ]
  run ccpm-work next auth --agent agent-bob
  status_is 0
  [[ $output == *"agent-ada had begun it; the work is in $project (branch main)"* ]]
}

@test "the task of an agent whose process died is taken over with its work pointed to" {
  sleep 60 &
  pid=$!
  ccpm-work start auth/001 --agent agent-ada --pid "$pid"
  run ccpm-work next auth --agent agent-bob
  status_is 1
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || :
  run ccpm-work steal auth --agent agent-bob --json
  status_is 0
  [[ $output == *'"left_by": {"agent": "agent-ada"'* ]]
}

@test "a plan is shown, kept and followed" {
  run --separate-stderr ccpm-work plan auth --agents agent-ada,agent-bob
  status_is 0
  [ "${lines[0]}" = "agent-ada"$'\t'"0-1 h"$'\t'"#001 Task 001" ]
  [[ $stderr == *"2 h for 3 h of work; no plan takes less than 2 h"* ]]
  run --separate-stderr ccpm-work next auth --agent agent-ada
  [ "$output" = 001 ]
  run ccpm-work plan auth
  status_is 2
}

@test "a number that several epics have needs its epic" {
  mkdir .claude/epics/pay
  cp .claude/epics/auth/*.md .claude/epics/pay
  run ccpm-work claim 001
  status_is 2
  [[ $output == *"auth/001, pay/001"* ]]
  run ccpm-work claim auth/099
  status_is 66
  run ccpm-work next nowhere
  status_is 66
}

@test "notes of several agents are kept in one file" {
  for n in 1 2 3 4 5 6; do
    ccpm-work note auth/001 "note $n" --agent "agent-$n" >/dev/null &
  done
  wait
  [ "$(grep -c 'agent-[1-6]: note' .claude/epics/auth/updates/001/notes.md)" -eq 6 ]
}

@test "a claim that is lost cannot close the task" {
  ccpm-work start auth/001 --agent agent-ada
  ccpm-lock release task-auth.001 --force --agent agent-bob
  run ccpm-work done auth/001 --agent agent-ada --no-code "late"
  status_is 11
  [ "$(ccpm-fm-cas get .claude/epics/auth/001.md status)" = in-progress ]
}

@test "what a registered agent had claimed is free when its process is dead" {
  sleep 60 3>&- &
  pid=$!
  ccpm-agent register auth --agent agent-ada --pid "$pid" >/dev/null
  ccpm-work start auth/001 --agent agent-ada
  run ccpm-work steal auth --agent agent-bob
  status_is 1
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || :
  run ccpm-work next auth --agent agent-bob --json
  status_is 0
  [[ $output == *'"task": "001"'*'"left_by": {"agent": "agent-ada", "worktree": "'* ]]
}

@test "a task whose files another agent owns is not given out, and a plan is for the agents that are there" {
  printf -- '---\nname: Files\nstatus: open\nfiles: [src/db/*]\n---\n' >.claude/epics/auth/004.md
  ccpm-agent register auth --agent agent-ada >/dev/null
  ccpm-agent claim auth db 'src/**/user.ts' --agent agent-ada >/dev/null
  run ccpm-work claim auth/004 --agent agent-bob
  status_is 75
  [[ $output == *"agent-ada owns src/db/user.ts (stream db of auth)"* ]]
  ccpm-work claim auth/004 --agent agent-ada
  run --separate-stderr ccpm-work plan auth
  status_is 0
  [[ $output == *"agent-ada"*"#004 Files (in work)"* ]]
  [[ $output != *agent-bob* ]]
}

@test "a heartbeat extends the claims of its agent" {
  ccpm-agent register auth --agent agent-ada >/dev/null
  ccpm-work claim auth/001 --agent agent-ada
  ccpm-lock renew task-auth.001 --agent agent-ada --ttl 20 >/dev/null
  ccpm-agent heartbeat auth --agent agent-ada
  run ccpm-lock check task-auth.001
  [[ $output == *"ttl: 900"* ]]
}

@test "a task that two agents left, one after the other, is still to be had, with the work of the first pointed to" {
  ccpm-agent register auth --agent agent-ada >/dev/null
  ccpm-work start auth/001 --agent agent-ada
  ccpm-agent unregister auth --agent agent-ada
  ccpm-agent register auth --agent agent-bob >/dev/null
  ccpm-work claim auth/001 --agent agent-bob
  ccpm-agent unregister auth --agent agent-bob
  run ccpm-work next auth --agent agent-cyd --json
  status_is 0
  [[ $output == *'"task": "001"'*'"left_by": {"agent": "agent-ada", "worktree": "'* ]]
  ccpm-work start auth/001 --agent agent-cyd
  ccpm-work done auth/001 --agent agent-cyd --no-code "all there"
}

@test "a board that cannot be read is told, and left as it is" {
  for board in '{"tasks":{"001":null}}' '{"tasks":{"001":{"seconds":"x"}}}' '{"tasks":[]}' '{"plan":null}' '{"plan":{"assignments":["x"]}}' \
    '{"tasks":{"001":{"left":"x"}}}'; do
    printf '%s\n' "$board" >.claude/epics/auth/work.json
    for verb in next claim plan; do
      case $verb in
        claim) run ccpm-work claim auth/001 --agent agent-ada ;;
        plan) run ccpm-work plan auth --agents agent-ada ;;
        *) run ccpm-work "$verb" auth --agent agent-ada ;;
      esac
      status_is 65
      [[ $output == *"work.json: "*" is no "*hint:* ]]
    done
    [ "$(cat .claude/epics/auth/work.json)" = "$board" ]
  done
}
