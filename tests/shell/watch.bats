#!/usr/bin/env bats
# ccpm-watch: locks with their queues, the wait-for graph.

load helpers

setup() { make_project; }

# Waits for $1 seconds at most until a resource named $2 has $3 waiters.
until_waiting() {
  local left=$((${1} * 20))
  until ccpm-lock check "$2" --json | grep -q "\"waiting\": \[\"$3\""; do
    left=$((left - 1))
    [ "$left" -gt 0 ]
    sleep 0.05
  done
}

# Two agents that wait for each other, because nobody refused it; eve waits behind them.
stage_deadlock() {
  ccpm-lock acquire epic-a --agent agent-ada --operation edit
  ccpm-lock acquire epic-b --agent agent-bob --operation edit
  ccpm-lock acquire epic-b --agent agent-ada --no-deadlock-check --timeout 30 >ada.out 2>&1 3>&- &
  until_waiting 20 epic-b agent-ada
  ccpm-lock acquire epic-a --agent agent-bob --no-deadlock-check --timeout 30 >bob.out 2>&1 3>&- &
  until_waiting 20 epic-a agent-bob
}

@test "without waits there is no deadlock, and the check says 0" {
  run bash "$REPOSITORY/commands/pm/deadlock-check.sh"
  status_is 0
  [[ $output == *"✅ No deadlock. 0 waiting."* ]]
}

@test "a deadlock is named with its cycle, its victim and its tree, and the check says 1" {
  stage_deadlock
  run --separate-stderr bash "$REPOSITORY/commands/pm/deadlock-check.sh"
  [ "$stderr" = "hint: ccpm-watch deadlocks --resolve ends it: who loses least gets exit 11" ]
  status_is 1
  [[ $output == *"❌ Deadlock of 2: "* ]]
  [[ $output == *"agent-ada waits for epic-b held by agent-bob, for "* ]]
  [[ $output == *"agent-bob waits for epic-a held by agent-ada, for "* ]]
  [[ $output == *"Loses least: agent-bob (epic-b, held for "* ]]
  [[ $output == *"epic-a, held by agent-ada (edit)"*"└─ agent-bob waits "*"← deadlock"* ]]
  [[ $stderr == *"hint: "*--resolve* ]]
  run bash "$REPOSITORY/commands/pm/deadlock-check.sh" --exit-zero --json
  status_is 0
  [[ $output == *'"victim": {"agent": "agent-bob", "resources": ["epic-b"]'* ]]
  run ccpm-watch deadlocks --dot
  status_is 1
  [[ $output == "digraph waits {"*'"agent-ada" -> "agent-bob" [label="epic-b", color=red];'* ]]
  run ccpm-watch locks
  [[ $output == *"epic-a"*"agent-ada"*"edit"*"agent-bob"*"held"*"Waiting: 2"* ]]
  ccpm-watch deadlocks --resolve 2>/dev/null
  wait
}

@test "resolve takes from the one that loses least, and the others go on" {
  stage_deadlock
  token=$(ccpm-lock check epic-b | sed -n 's/^token: //p')
  run --separate-stderr ccpm-watch deadlocks --resolve
  status_is 0
  [[ $stderr == *"agent-bob has lost epic-b"* ]]
  until grep -q '^[0-9]' ada.out; do sleep 0.05; done
  run ccpm-atomic-write late.txt --fence "epic-b:$token" <<<late
  status_is 11
  ccpm-lock release epic-a --agent agent-ada
  wait
  grep -q '^[0-9]' bob.out
  run ccpm-watch deadlocks
  status_is 0
}

@test "a stale lock says why, and a record that cannot be read is shown" {
  sleep 60 3>&- &
  ccpm-lock acquire epic-dead --agent agent-gone --pid $!
  kill -9 $!
  wait $! 2>/dev/null || :
  printf 'garbage' >.claude/locks/epic-odd.lock
  run bash "$REPOSITORY/commands/pm/locks.sh"
  status_is 0
  [[ $output == *"epic-dead"*"stale: its process is gone"* ]]
  [[ $output == *"epic-odd"*"unreadable: "* ]]
  [[ $output == *"Stale locks: 1"*"The next acquire takes a stale lock over"* ]]
}

@test "who holds many locks is warned about" {
  for n in 1 2 3 4 5 6; do ccpm-lock acquire "epic-$n" --agent agent-ada; done
  ccpm-lock acquire task-1 --agent agent-bob
  run ccpm-watch deadlocks
  status_is 0
  [[ $output == *"⚠️ agent-ada holds 6 locks, the oldest for "* ]]
  [[ $output != *agent-bob* ]]
}

@test "metrics are a report, JSON, or text for a scraper" {
  ccpm-lock run epic-auth --agent agent-ada -- true
  run ccpm-watch metrics --since 1h
  status_is 0
  [[ $output == *"Locks: 1 given, 0 contended (0.0%)"*"wait for a lock"*"agent-ada"* ]]
  run ccpm-watch metrics --openmetrics
  [[ $output == *"# EOF" ]]
  run ccpm-watch metrics --since yesterday
  status_is 2
}

@test "a timeline is drawn for a terminal, a page, a picture and a trace" {
  mkdir -p .claude/epics/auth
  printf -- '---\nname: auth\n---\n' >.claude/epics/auth/epic.md
  printf -- '---\nname: Task\nstatus: open\n---\n' >.claude/epics/auth/001.md
  ccpm-agent register auth --agent agent-ada >/dev/null
  ccpm-work start auth/001 --agent agent-ada
  ccpm-work done auth/001 --agent agent-ada --no-code test >/dev/null
  run ccpm-watch timeline auth
  status_is 0
  [[ ${lines[0]} == "Timeline of auth: "* ]]
  [[ $output == *"agent-ada  "*"#"*"% busy"*"# working  w waiting  M merging  - alive  X found dead" ]]
  run ccpm-watch timeline auth --svg
  [[ $output == '<svg xmlns="http://www.w3.org/2000/svg"'*"working #001"*"</svg>" ]]
  ccpm-watch timeline auth --html | grep -q '^<!doctype html>'
  run ccpm-watch timeline auth --trace
  [[ $output == '{"traceEvents": ['*'"name": "#001", "cat": "working"'* ]]
  run ccpm-watch timeline auth --json
  [[ $output == *'"agent": "agent-ada"'*'"kind": "working"'* ]]
  run ccpm-watch timeline nowhere
  status_is 1
}

@test "a log with odd lines is shown for what it is: nothing of it stops a view" {
  mkdir -p .claude/metrics
  {
    printf '{"at":1.0,"event":"agent.registered","epic":"auth","agent":"<script>\\ud83d"}\n'
    printf '{"at":2.0,"event":["x"],"epic":"auth","agent":"<script>\\ud83d"}\n[]\n{"at":\n'
    printf '{"a":%.0s' {1..5000}
    printf '\n'
  } >.claude/metrics/events.jsonl
  for view in metrics "metrics --openmetrics" "timeline auth" "timeline auth --trace" "timeline auth --html" top; do
    # shellcheck disable=SC2086  # a verb and its options
    run --separate-stderr ccpm-watch $view
    status_is 0
    [ -z "$stderr" ]
    [[ $view != *html || $output != *'<script'* ]]
  done
}
