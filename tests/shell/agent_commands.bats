#!/usr/bin/env bats
# commands/pm/: agents, issue-analyze, issue-start, epic-start.

load helpers

setup() {
  make_project
  mkdir -p .claude/epics/auth .claude/epics/pay
  git commit -q --allow-empty -m first
  for n in 001 002; do
    printf -- '---\nname: Task %s\nstatus: open\ndepends_on: []\n---\n\nbody\n' $n >.claude/epics/auth/$n.md
  done
  printf -- '---\nname: Task 003\nstatus: open\ndepends_on: [001]\n---\n' >.claude/epics/auth/003.md
  printf -- '---\nname: auth\nstatus: backlog\n---\n' >.claude/epics/auth/epic.md
}

# pm SCRIPT ARGS…
pm() { bash "$REPOSITORY/commands/pm/$1.sh" "${@:2}"; }

# as AGENT COMMAND…
as() { CCPM_AGENT_ID=$1 "${@:2}"; }

analysis() {
  cat <<'TEXT'
# Parallel Work Analysis: Issue #001

## Parallel Streams

### Stream A: Database layer
**Scope**: tables
**Files**:
- `src/db/schema.ts` (new)
- `src/db/migrations/*`
**Dependencies**: none

### Stream B: Endpoints
**Files**: `src/api/users/**`, `docs/api.md`
**Can Start**: after Stream A defines the tables
**Dependencies**: Stream A

### Stream C: Tests
**Files**:
- tests/users/
**Can Start**: immediately
TEXT
}

@test "issue-analyze shows the task, writes the analysis, and says what is not sound" {
  run pm issue-analyze --check 001
  status_is 0
  [[ $output == "Task: .claude/epics/auth/001.md (Task 001), of epic auth"*"There is none yet."* ]]
  run pm issue-analyze 001 < <(analysis)
  status_is 0
  [ "$(sed -n 2p .claude/epics/auth/001-analysis.md)" = "issue: 001" ]
  [[ $output == *$'A\tready\tDatabase layer'*$'B\twaiting for A\tEndpoints'*$'C\tready\tTests'* ]]
  run pm issue-analyze --check 001
  status_is 0
  [[ $output == *$'\t'"src/db/migrations/*"* ]]
  run pm issue-analyze 002 <<<$'### Stream A: x\n**Files**: `src/a.ts`\n### Stream B: y\n**Files**: `src/*.ts`\n### Stream C: z'
  status_is 1
  [[ $output == *"streams A and B could both change src/a.ts"*"stream C names no files"* ]]
  run pm issue-analyze 999 </dev/null
  status_is 66
  run pm issue-analyze
  status_is 2
}

@test "an analysis replaces another one only on purpose" {
  run pm issue-analyze 001 </dev/null
  status_is 2
  [ ! -e .claude/epics/auth/001-analysis.md ]
  pm issue-analyze 001 < <(analysis) >/dev/null
  run pm issue-analyze 001 </dev/null
  status_is 2
  run pm issue-analyze 001 <<<'### Stream A: x'
  status_is 10
  [[ $output == *"there is an analysis already: .claude/epics/auth/001-analysis.md"*"hint: "*"--if-sha256 "* ]]
  grep -q 'Database layer' .claude/epics/auth/001-analysis.md
  run pm issue-analyze 001 --check --json
  status_is 0
  hash=${output##*'"sha256": "'}
  hash=${hash%%\"*}
  run pm issue-analyze 001 --if-sha256 "$hash" <<<$'### Stream A: x\n**Files**: `src/a.ts`'
  status_is 0
  run pm issue-analyze 001 --if-sha256 "$hash" <<<$'### Stream A: y\n**Files**: `src/a.ts`'
  status_is 10
  run pm issue-analyze 001 --replace <<<$'### Stream A: z'
  status_is 1
  [[ $output == *"hint: mend it and call again with --if-sha256 "* ]]
}

@test "streams that wait for each other may change one file, in their order" {
  run pm issue-analyze 001 <<<$'### Stream A: x\n**Files**: `src/a.ts`\n### Stream B: y\n**Files**: `src/*.ts`\n**Dependencies**: Stream A'
  status_is 0
  pm issue-start 001 A --agent agent-1 >/dev/null
  run pm issue-start 001 B --agent agent-2
  status_is 75
  ccpm-agent complete auth 001-A --agent agent-1
  run pm issue-start 001 B --agent agent-2
  status_is 0
}

@test "an issue that is refused leaves no agent behind" {
  pm issue-analyze 001 < <(analysis) >/dev/null
  pm issue-start 001 --agent ada >/dev/null
  run pm issue-start auth/001 --agent bob
  status_is 75
  run ccpm-agent list auth
  [[ $output == *ada* && $output != *bob* ]]
}

@test "the commands that begin work know --help, --json, and options in any place" {
  for one in issue-start issue-analyze epic-start test-reference-update; do
    run --separate-stderr pm $one --help
    status_is 0
    [[ $output == 'usage: '* && $stderr == '' ]]
    run --separate-stderr pm $one --wrong
    status_is 2
    [[ $stderr == *'hint: '* ]]
  done
  pm issue-analyze 001 < <(analysis) >/dev/null
  run --separate-stderr pm issue-start 001 --json --agent ada
  [[ $output == '{"epic": "auth", "issue": "001", '*'"name": "Task 001"}' ]]
  run --separate-stderr pm epic-start auth --json --agent ada
  [[ $output == '{"worktree": {"path": '*'"tasks": [{'* ]]
  run --separate-stderr pm epic-start nope --json
  status_is 66
  [[ $output == '{'*'"code": 66'* ]]
  run pm issue-start 001 --agent
  status_is 2
  run pm issue-start 001 --agent ''
  status_is 2
}

@test "issue-start takes the task once, and shows its streams" {
  run as agent-a pm issue-start 001
  status_is 66
  [[ $output == *"hint: /pm:issue-analyze auth/001"* ]]
  [ "$(ccpm-fm-cas get .claude/epics/auth/001.md status)" = open ]
  pm issue-analyze 001 < <(analysis) >/dev/null
  run as agent-a pm issue-start 001
  status_is 0
  [[ $output == *"Task 001 is in progress (.claude/epics/auth/001.md, epic auth). Its streams:"*$'A\tready\tDatabase layer'* ]]
  [ "$(ccpm-fm-cas get .claude/epics/auth/001.md status)" = in-progress ]
  run as agent-b pm issue-start auth/001
  status_is 75
  run pm issue-start
  status_is 2
}

@test "agents take the streams of an issue, each its own, in their order" {
  pm issue-analyze 001 < <(analysis) >/dev/null
  as agent-a pm issue-start 001 >/dev/null
  run as agent-1 pm issue-start 001 A
  status_is 0
  [[ $output == *"001-A Database layer is yours: /src/db/schema.ts, src/db/migrations/*"* ]]
  progress=.claude/epics/auth/updates/001/stream-A.md
  [ "$(ccpm-fm-cas get $progress agent)" = agent-1 ]
  [ "$(ccpm-fm-cas get .claude/epics/auth/updates/001/progress.md completion)" = 0% ]
  run as agent-2 pm issue-start 001 A
  status_is 75
  run as agent-2 pm issue-start 001 B
  status_is 75
  [[ $output == *"stream B of issue 001 waits for stream A"* ]]
  run ccpm-agent take auth 001 --agent agent-2
  status_is 0
  [[ $output == *001-C* ]]
  run ccpm-agent take auth 001 --agent agent-3
  status_is 75
  [[ $output == *"no stream of issue 001 can begin now (A in-progress, B waiting, C in-progress)"* ]]
  run as agent-2 ccpm-agent check src/db/schema.ts src/db/migrations/1.sql tests/users/x.ts
  status_is 1
  [ "${#lines[@]}" -eq 2 ]
  as agent-1 ccpm-agent complete auth 001-A
  run pm issue-start 001 B --agent agent-3
  status_is 0
  run pm agents auth
  status_is 0
  [[ $output == *"agent-a"*"agent-2"*"001-C (in-progress)"*"agent-3"*"001-B (in-progress)"* ]]
}

@test "a stream whose file another epic's agent owns is refused, and the next one taken" {
  as agent-x ccpm-agent claim pay sql 'src/db/**'
  pm issue-analyze 001 < <(analysis) >/dev/null
  run pm issue-start 001 A --agent agent-1
  status_is 75
  [[ $output == *"both mean src/db/schema.ts"* ]]
  [ ! -e .claude/epics/auth/updates/001/stream-A.md ]
  run ccpm-agent take auth 001 --agent agent-1
  status_is 0
  [[ $output == *001-C* ]]
}

@test "epic-start registers, makes the worktree, and shows what can begin" {
  pm issue-analyze 001 < <(analysis) >/dev/null
  run as agent-a pm epic-start auth
  status_is 0
  [[ $output == "Worktree: "*"epic-auth"* || ${lines[*]} == *"Worktree: "* ]]
  [[ $output == *"#001 Task 001: ready"*"A Database layer: ready"*"B Endpoints: waiting for A"* ]]
  [[ $output == *"#002 Task 002: ready"*"not analysed: /pm:issue-analyze auth/002"*"#003 Task 003: blocked, waits for 001"* ]]
  run ccpm-agent list auth --json
  [[ $output == *'"agent_id": "agent-a"'* ]]
  run as agent-a pm epic-start auth
  status_is 0
  run pm epic-start nowhere
  status_is 66
  run pm epic-start
  status_is 2
}

@test "nothing can begin: ready says so with 1, epic-start in words" {
  for n in 001 002; do ccpm-work start auth/$n --agent agent-b >/dev/null; done
  run ccpm-agent ready auth
  status_is 1
  [[ $output == *"#001 Task 001: taken by agent-b"* ]]
  run as agent-a pm epic-start auth
  status_is 0
  [[ $output == *"Nothing can begin now"* ]]
}

@test "agents shows what is there, in words and as JSON" {
  run pm agents
  status_is 0
  [ "$output" = "No agents are registered." ]
  as agent-a ccpm-agent claim auth db 'src/db/**'
  ccpm-lock acquire file-notes.md --agent agent-a
  run pm agents --json
  [[ $output == *'"files_locked": ["notes.md"]'* ]]
  run pm agents nowhere
  status_is 66
}
