#!/usr/bin/env bats
# doctor.sh: one line a check, its fix, and what --fix mends.

load helpers

setup() {
  make_project
  pm=$REPOSITORY/commands/pm
  mkdir -p .claude/epics/auth
  printf -- '---\nname: auth\nstatus: backlog\n---\n' >.claude/epics/auth/epic.md
}

@test "a sound project exits 0, with a line for every check" {
  run bash "$pm/doctor.sh"
  status_is 0
  for name in python packages git gh root locks clock leases plan registry hooks "git hooks"; do
    [[ $output == *" $name "* ]]
  done
  [[ $output == *"✅ locks      two processes exclude each other on this file system"* ]]
  [[ $output == *", 0 failures" ]]
}

@test "a failure exits 1, --exit-zero is for prompts, --json has it all as data" {
  printf -- '---\nname: a: b\n---\n' >.claude/epics/auth/001.md
  run bash "$pm/doctor.sh"
  status_is 1
  [[ $output == *"❌ plan       1 finding in 1 file, 1 error"*"fix: ccpm-query validate --fix"* ]]
  run bash "$pm/doctor.sh" --exit-zero
  status_is 0
  run bash "$pm/doctor.sh" --json
  status_is 1
  [[ $output == '{"checks": [{"name": "python", "status": "ok", '*'"name": "plan", "status": "fail", '*'"fail": 1}' ]]
}

@test "outside of a project it says so and exits 1" {
  mkdir "$BATS_TEST_TMPDIR/empty"
  cd "$BATS_TEST_TMPDIR/empty"
  run bash "$pm/doctor.sh"
  status_is 1
  [[ $output == *"❌ root"*"no project around"* ]]
}

@test "--fix shows the diff, mends the plan, the locks and the registry; --undo gives the plan back" {
  printf -- '---\nname: a: b\n---\n' >.claude/epics/auth/001.md
  printf '{"coordination": {"work_streams": {"db": {"owner": "agent-1"}}}}' >.claude/epics/auth/agents.json
  sleep 60 &
  ccpm-lock acquire task-7 --agent agent-gone --pid $! >/dev/null
  kill $!
  wait $! || true
  run bash "$pm/doctor.sh" --dry-run
  status_is 1
  [[ $output == *'+name: "a: b"'*"Would convert: .claude/epics/auth/agents.json"*"Would clean: Stale lock: task-7"* ]]
  [ -e .claude/locks/task-7.lock ]
  run bash "$pm/doctor.sh" --fix
  status_is 0
  [[ $output == *'+name: "a: b"'*"Converted: .claude/epics/auth/agents.json"*"Removed the stale lock of task-7"*"✅ plan"* ]]
  [ ! -e .claude/locks/task-7.lock ]
  grep -q '"db": "agent-1"' .claude/epics/auth/agents.json
  run bash "$pm/doctor.sh" --undo
  status_is 0
  [[ $output == *"Restored: .claude/epics/auth/001.md" ]]
  printf -- '---\nname: a: b\n---\n' | cmp - .claude/epics/auth/001.md
}

@test "wrong arguments are 2" {
  for words in "--undo --fix" "20250101T000000Z" "--nothing"; do
    # shellcheck disable=SC2086
    run bash "$pm/doctor.sh" $words
    status_is 2
  done
}
