#!/usr/bin/env bats
# commands/pm/*.sh: the drop-in scripts, and the prompts beside them.

load helpers

setup() {
  make_project
  pm=$REPOSITORY/commands/pm
  mkdir -p .claude/epics/auth .claude/prds
  printf -- '---\nname: auth\nstatus: backlog\nprogress: 50%%\n---\n' >.claude/epics/auth/epic.md
  printf -- '---\nname: Store\nstatus: closed\n---\n' >.claude/epics/auth/001.md
  printf -- '---\nname: Login\nstatus: open\ndepends_on: [1]\nparallel: true\n---\n' >.claude/epics/auth/002.md
  printf -- '---\nname: Logout\nstatus: open\ndepends_on: [002, 099]\n---\n' >.claude/epics/auth/003.md
}

@test "next shows what can be started, blocked shows for what the others wait" {
  run bash "$pm/next.sh"
  status_is 0
  [[ $output == *"✅ Ready: #002 - Login"*"🔄 Can run in parallel"*"1 tasks ready to start" ]]
  run bash "$pm/blocked.sh"
  [[ $output == *"⏸️ Task #003 - Logout"*"Waiting for: #002"*"No such task: 099"*"Total blocked: 1 tasks" ]]
}

@test "a claimed task is shown as claimed" {
  ccpm-lock acquire task-2 --agent busy-bee
  run bash "$pm/next.sh"
  [[ $output == *"🔒 Claimed: #002 - Login"*"By: busy-bee"*"0 tasks ready"* ]]
  [[ $output != *"(you)"* ]]
  CCPM_AGENT_ID=busy-bee run bash "$pm/next.sh"
  [[ $output == *"By: busy-bee (you)"* ]]
}

@test "epic-status shows the computed progress beside the stated one" {
  run bash "$pm/epic-status.sh" auth
  status_is 0
  [[ $output == *"33%"*"Stated:   50%"* ]]
}

@test "every read-only command has JSON, and an unknown epic is 66" {
  for verb in status next blocked in-progress epic-list prd-list prd-status standup; do
    run bash "$pm/$verb.sh" --json
    status_is 0
    [ "${output:0:1}" = "{" ]
  done
  run bash "$pm/epic-show.sh" nothing
  status_is 66
  run bash "$pm/epic-show.sh"
  status_is 2
}

@test "hostile epic names and searches are only names and text" {
  for name in -rf 'a b' ü 657 '$(touch x)'; do
    mkdir -p ".claude/epics/$name"
    printf -- '---\nname: x\n---\nsome [text] -e *\n' >".claude/epics/$name/epic.md"
    run bash "$pm/epic-show.sh" "$name"
    status_is 0
    [[ $output == *"📚 Epic: $name"* ]]
  done
  for text in -e '[' '*' 'SOME [TEXT]'; do
    run bash "$pm/search.sh" "$text"
    status_is 0
    [[ $output == *"Total files with matches: "[57] ]]
  done
  run bash "$pm/search.sh" ''
  status_is 2
  [ ! -e x ]
}

@test "locks and lock-status show who holds what" {
  run bash "$pm/locks.sh"
  [[ $output == *"No active locks found."* ]]
  ccpm-lock acquire epic-auth --agent me
  run bash "$pm/locks.sh"
  [[ $output == *"epic-auth"*"me"*"Total locks: 1"* ]]
  run bash "$pm/lock-status.sh" epic-auth
  [[ $output == *"agent_id: me"* ]]
  run bash "$pm/lock-status.sh" other
  [ "$output" = unlocked ]
  run bash "$pm/lock-status.sh" other --json
  status_is 0
  [[ ${#lines[@]} = 1 && $output == '{"resource": "other"'*'}' ]]
  run bash "$pm/lock-status.sh" --json
  [[ ${#lines[@]} = 1 && $output == *'"resource": "epic-auth"'* ]]
}

@test "migrate-versions adds versions once, and names what cannot have one" {
  echo 'no frontmatter' >.claude/epics/auth/004.md
  run bash "$pm/migrate-versions.sh" --dry-run
  [[ $output == *"Would migrate: .claude/epics/auth/001.md"*"Dry run: nothing was changed."* && $output != *complete* ]]
  run bash "$pm/migrate-versions.sh"
  status_is 0
  [[ $output == *"Files migrated: 4"*"Skipped: 1"* ]]
  run bash "$pm/migrate-versions.sh"
  [[ $output == *"Files migrated: 0"*"Already had version: 4"* ]]
  run ccpm-fm-cas get .claude/epics/auth/001.md version
  [ "$output" = 1 ]
}

@test "eight at once create tasks without gaps or collisions, and closing them counts right" {
  for n in 1 2 3 4 5 6 7 8; do
    echo "body $n" | ccpm-plan new-task auth --title "Task $n" --agent "agent-$n" 2>/dev/null &
  done
  wait
  files=(.claude/epics/auth/*)
  [ "${files[*]##*/} " = "001.md 002.md 003.md 004.md 005.md 006.md 007.md 008.md 009.md 010.md 011.md epic.md " ]
  for n in 002 003 004 005 006 007 008 009 010 011; do
    ccpm-plan close-task auth "$n" --agent "agent-$n" >/dev/null 2>&1 &
  done
  wait
  run ccpm-fm-cas get .claude/epics/auth/epic.md progress status
  [ "${lines[*]}" = "100% completed" ]
}

@test "every prompt names its tools and runs only what it names" {
  for prompt in "$pm"/*.md; do
    [ "$(head -n 1 "$prompt")" = --- ]
    grep -q '^allowed-tools: ' "$prompt"
    grep -q '^description: ' "$prompt"
    while IFS= read -r line; do
      command=${line#'!`'}
      script=${command%%.sh*}.sh
      grep -qF "Bash($script:*)" "$prompt"
      [ -f "$pm/$(basename "$script")" ]
    done < <(grep '^!`' "$prompt")
    ccpm-fm-cas get "$prompt" description >/dev/null
  done
}
