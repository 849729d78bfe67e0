#!/usr/bin/env bats
# ccpm-agent: the registry, claims on files, requests and messages.

load helpers

setup() {
  make_project
  mkdir -p .claude/epics/auth .claude/epics/pay src/db
  registry=.claude/epics/auth/agents.json
}

# as AGENT COMMAND…
as() { CCPM_AGENT_ID=$1 "${@:2}"; }

@test "register prints the id, list shows agents of all epics, unregister takes them out" {
  run as agent-a ccpm-agent register auth database-layer
  status_is 0
  [ "$output" = agent-a ]
  as agent-b ccpm-agent register pay
  run ccpm-agent list
  status_is 0
  [[ $output == *"agent-a  auth"*"active"*"database-layer"*"agent-b  pay"* ]]
  run ccpm-agent list pay --json
  [[ $output == '[{"agent_id": "agent-b", "epic": "pay"'* ]]
  as agent-a ccpm-agent unregister
  run as agent-a ccpm-agent unregister
  status_is 0
  [[ $output == *"was not registered"* ]]
  run ccpm-agent list auth
  [ "$output" = "No agents are registered." ]
}

@test "the registry has the keys of the specification, and keeps those that it does not know" {
  printf '{"note": "keep", "agents": {"old": {"started": "2020-01-01T00:00:00Z", "last_heartbeat": "2020-01-01T00:00:00Z", "mood": "good"}}, "coordination": {"plan": 7}}' >"$registry"
  as agent-a ccpm-agent claim auth db 'src/db/*' --issue 12
  run "$(cat "$REPOSITORY/lib/.python")" - "$registry" <<'PYTHON'
import json, sys
data = json.load(open(sys.argv[1]))
agent = data["agents"]["agent-a"]
assert {"started", "last_heartbeat", "status", "work_stream", "files_locked", "commits"} <= agent.keys(), agent
assert (agent["status"], agent["work_stream"]) == ("active", "db")
assert data["coordination"]["work_streams"] == {"db": "agent-a"}
stream = data["coordination"]["streams"]["db"]
assert (stream["owner"], stream["status"], stream["files"], stream["issue"]) == ("agent-a", "claimed", ["src/db/*"], 12)
assert (data["note"], data["coordination"]["plan"]) == ("keep", 7)
assert (data["agents"]["old"]["mood"], data["agents"]["old"]["status"]) == ("good", "dead")
PYTHON
  status_is 0
}

@test "an older registry, whose work streams are objects, is read and converted" {
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  printf '{"agents": {"agent-old": {"started": "%s", "last_heartbeat": "%s", "status": "active", "work_stream": "db", "files_locked": [], "commits": 2}},
    "coordination": {"work_streams": {"db": {"owner": "agent-old", "status": "in-progress", "files": ["src/db/*"], "started": "%s"}}}}' "$now" "$now" "$now" >"$registry"
  run as agent-b ccpm-agent check src/db/a.ts
  status_is 1
  [[ $output == *"agent-old"* ]]
  run as agent-b ccpm-agent claim pay x src/db/a.ts
  status_is 75
  as agent-b ccpm-agent register auth
  run cat "$registry"
  [[ $output == *'"work_streams": {'*'"db": "agent-old"'*'"streams": {'* ]]
}

@test "a registry that is not JSON is refused with 65 and stays as it is" {
  printf 'oops' >"$registry"
  run as agent-a ccpm-agent register auth
  status_is 65
  [ "$(cat "$registry")" = oops ]
}

@test "a registry that is not JSON is left out where all are meant, with a word about it" {
  as agent-a ccpm-agent register auth
  mkdir .claude/epics/other
  printf oops >.claude/epics/other/agents.json
  for verb in heartbeat list clean unregister; do
    run --separate-stderr as agent-a ccpm-agent "$verb"
    status_is 0
    [[ $stderr == *"left out: "*"other/agents.json is not JSON"*"hint: "* ]]
  done
}

@test "what changes a stream or gives a file back says with --json what it did" {
  export CCPM_AGENT_ID=agent-a
  ccpm-agent claim auth db 'src/db/**'
  run ccpm-agent start auth db --json
  [ "$output" = '{"epic": "auth", "stream": "db", "status": "in-progress"}' ]
  run ccpm-agent complete auth db --json
  [ "$output" = '{"epic": "auth", "stream": "db", "status": "completed"}' ]
  run --separate-stderr ccpm-agent release auth web --json
  [ "$output" = '{"epic": "auth", "stream": "web", "released": false}' ]
  ccpm-agent request src/app.ts
  run ccpm-agent return src/app.ts --json
  [ "$output" = '{"file": "src/app.ts", "returned": true}' ]
  run --separate-stderr ccpm-agent return src/app.ts --json
  [ "$output" = '{"file": "src/app.ts", "returned": false}' ]
}

@test "wrong names have exact codes" {
  run ccpm-agent register nowhere
  status_is 66
  for name in ../auth .auth a/b ''; do
    run ccpm-agent register "$name"
    status_is 2
  done
  run ccpm-agent heartbeat --agent nobody
  status_is 66
  run ccpm-agent claim auth db '../x' --agent a
  status_is 2
  run ccpm-agent claim auth db '!x' --agent a
  status_is 2
  run ccpm-agent start auth nothing --agent a
  status_is 66
  run ccpm-agent nothing
  status_is 2
  run ccpm-agent register auth --pid 99999999
  status_is 2
}

@test "a stream: claimed, in progress, completed; its files are free then" {
  as agent-a ccpm-agent claim auth db 'src/db/**' '!src/db/tmp/**'
  run as agent-b ccpm-agent claim auth db 'elsewhere/**'
  status_is 75
  [[ $output == *"stream db of auth belongs to agent-a since "* ]]
  run as agent-b ccpm-agent start auth db
  status_is 77
  as agent-a ccpm-agent start auth db
  run ccpm-agent streams auth
  [ "$output" = $'db\tin-progress\tagent-a\tsrc/db/**, !src/db/tmp/**' ]
  run as agent-b ccpm-agent check src/db/a.ts src/db/tmp/a.ts README.md
  status_is 1
  [[ $output == $'src/db/a.ts\tagent-a\tstream db of auth'* ]]
  [ "${#lines[@]}" -eq 1 ]
  run as agent-a ccpm-agent check src/db/a.ts
  status_is 0
  run as agent-b ccpm-agent release auth db
  status_is 77
  run ccpm-agent owner auth db
  status_is 0
  [ "$output" = agent-a ]
  as agent-a ccpm-agent complete . db
  run as agent-b ccpm-agent check src/db/a.ts
  status_is 0
  run as agent-b ccpm-agent claim auth db 'src/db/**'
  status_is 0
  as agent-b ccpm-agent release auth db
  run as agent-b ccpm-agent release auth db
  status_is 0
  run ccpm-agent owner auth db
  status_is 1
}

@test "patterns that could meet are refused across epics, with a file that both mean" {
  as agent-a ccpm-agent claim auth db 'src/db/*'
  run as agent-b ccpm-agent claim pay users 'src/**/user.ts'
  status_is 75
  [[ $output == *"both mean src/db/user.ts"*"hint: claim other files"* ]]
  run as agent-b ccpm-agent claim pay users 'src/**/user.ts' --json
  status_is 75
  [[ $output == *'"path": "src/db/user.ts"'*'"error": "busy"'* ]]
  run ccpm-agent list pay --json
  [[ $output != *'"stream": "users"'* ]]
  run as agent-b ccpm-agent claim pay users 'src/api/*'
  status_is 0
  run as agent-c ccpm-agent conflicts auth 'src/**'
  status_is 1
  [[ $output == *$'src/db/x\tagent-a\tstream db of auth'*$'src/api/x\tagent-b\tstream users of pay'* ]]
  run as agent-c ccpm-agent conflicts auth 'docs/**'
  status_is 0
}

@test "commands in a linked worktree and with symbolic links mean the same files" {
  git commit -q --allow-empty -m first
  git worktree add -q ../b -b b
  as agent-a ccpm-agent claim auth db 'src/db/**'
  ln -s src/db "$project/short"
  for file in short/a.ts src/../src/db/a.ts "$project/src/db/a.ts" "$PWD/../b/src/db/a.ts"; do
    run as agent-b ccpm-agent check "$file"
    status_is 1
  done
  cd ../b
  run as agent-b ccpm-agent check src/db/a.ts
  status_is 1
}

@test "a request finds its owner; granted, shared or denied, the asker knows" {
  as agent-a ccpm-agent claim auth db 'src/db/**'
  run as agent-b ccpm-agent request src/db/a.ts --reason "one more column"
  status_is 75
  [[ $output == *"src/db/a.ts belongs to agent-a by stream db of auth"* ]]
  run as agent-a ccpm-agent inbox
  status_is 0
  [[ $output == *"request from agent-b"*"asks for src/db/a.ts: one more column"*"ccpm-agent grant src/db/a.ts --to agent-b"* ]]
  run as agent-c ccpm-agent grant src/db/a.ts --to agent-c
  status_is 77
  run as agent-a ccpm-agent grant src/db/a.ts
  status_is 0
  [ "$output" = agent-b ]
  run as agent-a ccpm-agent inbox
  status_is 1
  run as agent-b ccpm-agent inbox
  [[ $output == *"granted from agent-a"*"src/db/a.ts is yours until "* ]]
  run as agent-b ccpm-agent check src/db/a.ts
  status_is 0
  run as agent-a ccpm-agent check src/db/a.ts
  status_is 1
  run ccpm-lock check file-src%2Fdb%2Fa.ts
  [[ $output == *"operation: granted by agent-a"* || $output == *'operation: "granted by agent-a"'* ]]
  as agent-b ccpm-agent return src/db/a.ts
  run as agent-a ccpm-agent check src/db/a.ts
  status_is 0
  run as agent-b ccpm-agent request src/db/a.ts
  status_is 75
  as agent-a ccpm-agent share src/db/a.ts --to agent-b
  for who in agent-a agent-b; do
    run as $who ccpm-agent check src/db/a.ts
    status_is 0
  done
  run as agent-c ccpm-agent check src/db/a.ts
  status_is 1
  run as agent-b ccpm-agent request src/db/b.ts
  run as agent-a ccpm-agent deny src/db/b.ts --reason "not now"
  status_is 0
  run as agent-b ccpm-agent inbox --keep
  [[ $output == *"denied from agent-a"*"keeps src/db/b.ts: not now"* ]]
  run as agent-b ccpm-agent inbox --json
  [[ $output == *'"kind": "denied"'* ]]
  run as agent-b ccpm-agent inbox
  status_is 1
}

@test "an owner is told of a request once; a reason that comes later takes the place of none" {
  as agent-a ccpm-agent claim auth db 'src/db/**'
  run as agent-b ccpm-agent request src/db/a.ts
  run as agent-b ccpm-agent request src/db/a.ts --reason "need it"
  run as agent-b ccpm-agent request src/db/a.ts --wait 0.1
  run as agent-a ccpm-agent inbox --keep
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"asks for src/db/a.ts: need it"* ]]
  as agent-a ccpm-agent inbox
  run as agent-b ccpm-agent request src/db/c.ts --reason first
  run as agent-a ccpm-agent inbox
  run as agent-b ccpm-agent request src/db/c.ts --reason second
  run as agent-a ccpm-agent inbox
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"asks for src/db/c.ts: second"* ]]
}

@test "a file that is nobody's is the asker's at once" {
  run as agent-b ccpm-agent request notes.md
  status_is 0
  [ "$output" = 1 ]
  run as agent-a ccpm-agent check notes.md
  status_is 1
  run as agent-a ccpm-agent request notes.md --reason "me too"
  status_is 75
  # the lock's holder is the owner here, and hands it over
  as agent-b ccpm-agent grant notes.md
  run as agent-a ccpm-agent check notes.md
  status_is 0
  run as agent-b ccpm-agent check notes.md
  status_is 1
  run ccpm-agent request /etc/passwd --agent a
  status_is 2
}

@test "who left a request is told when the file is free; who left the project asks no more" {
  as agent-a ccpm-agent claim auth db 'src/db/**'
  as agent-b ccpm-agent register pay
  run as agent-b ccpm-agent request src/db/a.ts
  status_is 75
  run ccpm-agent list
  [[ $output == *"src/db/a.ts of agent-a"* ]]
  as agent-a ccpm-agent complete auth db
  run as agent-b ccpm-agent inbox
  [[ $output == *"free"*"src/db/a.ts is free now; take it with: ccpm-agent request src/db/a.ts"* ]]
  as agent-a ccpm-agent claim auth db2 'src/db/**'
  run as agent-b ccpm-agent request src/db/a.ts
  as agent-b ccpm-agent unregister
  run as agent-a ccpm-agent deny src/db/a.ts
  status_is 66
}

@test "a waiting request gets the file when it is granted, released, or its owner dies; a refusal ends it" {
  as agent-a ccpm-agent claim auth db 'src/db/**'
  (as agent-b ccpm-agent request src/db/a.ts --wait 30 >"$BATS_TEST_TMPDIR/b" 2>&1) &
  until as agent-a ccpm-agent inbox --keep >/dev/null 2>&1; do :; done
  as agent-a ccpm-agent grant src/db/a.ts
  wait $!
  run as agent-b ccpm-agent check src/db/a.ts
  status_is 0
  (as agent-b ccpm-agent request src/db/b.ts --wait 30 >/dev/null 2>&1) &
  until [[ $(
    ccpm-agent list auth
    as agent-a ccpm-agent inbox 2>/dev/null
  ) == *b.ts* ]]; do :; done
  as agent-a ccpm-agent release auth db
  wait $!
  sleep 60 &
  owner=$!
  as agent-c ccpm-agent claim auth more 'more/**' --pid $owner
  (as agent-b ccpm-agent request more/x --wait 30 >/dev/null 2>&1) &
  until [[ $(as agent-c ccpm-agent inbox 2>/dev/null) == *more/x* ]]; do :; done
  kill -9 $owner
  wait $!
  as agent-a ccpm-agent claim auth last 'last/**'
  status=0
  (as agent-b ccpm-agent request last/x --wait 30 >"$BATS_TEST_TMPDIR/b" 2>&1) &
  until [[ $(as agent-a ccpm-agent inbox 2>/dev/null) == *last/x* ]]; do :; done
  as agent-a ccpm-agent deny last/x --reason mine
  wait $! || status=$?
  [ "$status" -eq 77 ]
  [[ $(cat "$BATS_TEST_TMPDIR/b") == *"agent-a keeps last/x: mine"* ]]
  status=0
  as agent-b ccpm-agent request last/y --wait 0.2 || status=$?
  [ "$status" -eq 75 ]
}

@test "who waits is in line, first come, first served, also while it is stopped" {
  as agent-a ccpm-agent claim auth db 'src/db/**'
  (as agent-b ccpm-agent request src/db/a.ts --wait 30 >/dev/null 2>&1) &
  first=$!
  until [[ $(as agent-a ccpm-agent inbox --keep 2>/dev/null) == *"from agent-b"* ]]; do :; done
  waiter=$(sed -n 's/.*"pid": \([1-9][0-9]*\).*/\1/p' .claude/locks/.state/requests.json)
  kill -STOP "$waiter"
  as agent-a ccpm-agent release auth db
  run as agent-c ccpm-agent request src/db/a.ts --wait 1
  status_is 75
  [[ $output == *"others wait for src/db/a.ts before you"* ]]
  kill -CONT "$waiter"
  wait $first
  run as agent-c ccpm-agent check src/db/a.ts
  [[ $output == $'src/db/a.ts\tagent-b\t'* ]]
}

@test "two agents that wait for each other's files: the second is refused with 13" {
  as agent-a ccpm-agent claim auth one 'one/**'
  as agent-b ccpm-agent claim auth two 'two/**'
  (as agent-a ccpm-agent request two/x --wait 30 >/dev/null 2>&1) &
  until [[ $(as agent-b ccpm-agent inbox 2>/dev/null) == *two/x* ]]; do :; done
  run as agent-b ccpm-agent request one/x --wait 30
  status_is 13
  [[ $output == *"agent-b waits for agent-a waits for agent-b"* ]]
  as agent-b ccpm-agent grant two/x
  wait $!
}

@test "notes reach one agent, an epic, or all; an unknown one is refused" {
  as agent-a ccpm-agent register auth
  as agent-b ccpm-agent register pay
  as agent-c ccpm-agent register pay
  run as agent-a ccpm-agent tell agent-b the schema changed
  [ "$output" = agent-b ]
  run as agent-a ccpm-agent tell --epic pay "lunch"
  [ "$output" = $'agent-b\nagent-c' ]
  run as agent-b ccpm-agent tell --all "thanks"
  [ "$output" = $'agent-a\nagent-c' ]
  run as agent-b ccpm-agent inbox
  [[ $output == *"note from agent-a"*"the schema changed"*"note from agent-a"*"lunch"* ]]
  run as agent-a ccpm-agent tell agent-x hello
  status_is 66
  run as agent-a ccpm-agent tell hello
  status_is 2
}

# script TEXT: runs it as a script of its own
script() { "$CCPM_TEST_BASH" -c "set -euo pipefail; source $REPOSITORY/lib/agent-registry.sh; $1"; }

@test "the functions of older scripts work, with the epic and the agent named or not" {
  run script '
    before=$(set +o; trap)
    a=$(register_agent auth database-layer)
    b=$(register_agent auth api-layer)
    [[ $a == agent-* && $b == agent-* && $a != "$b" ]]
    heartbeat auth "$a"
    heartbeat "$a"
    claim_work_stream auth "$a" db "src/db/*, docs/db.md"
    [ "$(get_stream_owner auth db)" = "$a" ]
    status=0
    check_file_conflicts auth "src/**/user.ts" 2>/dev/null || status=$?
    [ $status -eq 1 ]
    check_file_conflicts auth "src/**/user.ts" db
    check_file_conflicts "src/api/*"
    status=0
    claim_work_stream "$b" users "src/**/user.ts" 2>/dev/null || status=$?
    [ $status -eq 75 ]
    claim_work_stream "$b" api "src/api/**"
    list_work_streams auth
    add_locked_file auth "$a" 001.md
    add_locked_file "$a" 002.md
    [ "$(ccpm-agent list auth --json | grep -o "00[12].md" | sort | tr "\n" ,)" = 001.md,002.md, ]
    remove_locked_file auth "$a" 001.md
    [ "$(ccpm-agent list auth --json | grep -o "00[12].md" | tr "\n" ,)" = 002.md, ]
    increment_commits auth "$a"
    get_active_agents auth | grep -q "^$a - db - 20"
    complete_work_stream auth "$a" db
    release_work_stream "$b" api
    unregister_agent auth "$a"
    unregister_agent "$b"
    [ -z "$(get_active_agents auth)" ]
    cleanup_stale_agents auth
    init_coordination auth
    [[ $(generate_agent_id) == agent-* ]]
    [ "$before" = "$(set +o; trap)" ]'
  status_is 0
  [[ $output == *"✓ Claimed work stream: db"*"Work Streams:"*"db - Owner: agent-"*" - Status: claimed"* ]]
}

@test "with an id of its own a script is that agent, in a session too" {
  export AGENT_ID=agent-me
  run script '
    ccpm_session_open
    [ "$(register_agent auth)" = agent-me ]
    heartbeat
    claim_work_stream db "src/db/*"
    [ "$(get_stream_owner db)" = agent-me ]
    complete_work_stream db
    unregister_agent'
  status_is 0
}

@test "cleanup_stale_agents takes dead agents out and says how many" {
  sleep 60 &
  as agent-a ccpm-agent claim auth db 'src/**' --pid $!
  kill -9 $!
  run script 'cleanup_stale_agents auth'
  status_is 0
  [[ $output == *"Removed 1 dead agents"* ]]
  run ccpm-agent list auth
  [ "$output" = "No agents are registered." ]
}

@test "a claimed task is in the row of its epic" {
  printf -- '---\nname: t\nstatus: open\n---\n' >.claude/epics/auth/001.md
  as agent-a ccpm-agent register pay
  as agent-a ccpm-agent register auth
  as agent-a ccpm-work next auth
  run ccpm-agent list --json
  [[ $output == *'"epic": "auth"'*'"tasks": ["auth.001"]'*'"epic": "pay"'*'"tasks": []'* ]]
  run ccpm-agent list pay
  [[ $output != *auth.001* ]]
}
