#!/usr/bin/env bats
# What a command takes for a task: two epics with the same numbers, `billing` synced (issues #1 to #4), `auth` not.

load helpers

setup() {
  make_project
  git commit -q --allow-empty -m First
  pm=$REPOSITORY/commands/pm
  export CCPM_TRACKER=local
  for epic in auth billing; do
    ccpm-plan new-epic "$epic" </dev/null >/dev/null
    for task in A B C; do ccpm-plan new-task "$epic" --title "$epic $task" </dev/null >/dev/null; done
  done
  ccpm-sync epic billing >/dev/null
}

status_of() { ccpm-fm-cas get ".claude/epics/$1.md" status; }

@test "issue-close 002 closes the task that is called so, and no issue of another epic" {
  run bash "$pm/issue-close.sh" 002 --comment 'by hand'
  status_is 0
  [[ $output == '✅ Closed auth/002 (.claude/epics/auth/002.md)'*'Epic progress: 33%'* ]]
  [ "$(status_of auth/002) $(status_of billing/2)" = 'closed open' ]
  grep -q 'by hand' .claude/epics/auth/updates/002/notes.md
  run bash "$pm/issue-close.sh" 2
  [[ $output == '✅ Closed issue #2 (.claude/epics/billing/2.md)'* ]]
  run bash "$pm/issue-reopen.sh" auth/2
  status_is 0
  [ "$(status_of auth/002) $(status_of billing/2)" = 'open closed' ]
}

@test "issue-show and issue-status take EPIC/TASK, also of a task that has no issue" {
  run bash "$pm/issue-show.sh" 001
  status_is 0
  [[ $output == '🎫 auth/001: auth A'*'No issue yet'*'.claude/epics/auth/001.md (open), not synced'* ]]
  run bash "$pm/issue-show.sh" auth/001 --json
  [[ $output == *'"issue": 0'*'"reference": "auth/001"'* ]]
  run bash "$pm/issue-show.sh" 1
  [[ $output == '🎫 Issue #1: Epic: billing'* ]]
  run bash "$pm/issue-status.sh" 2,auth/002,billing/3
  status_is 0
  [[ $output == *'#2: billing A'*'auth/002: auth B'*'#3: billing B'* ]]
}

@test "what needs an issue says how a task gets one" {
  for words in 'issue-sync 003' 'issue-edit auth/003 --title x'; do
    # shellcheck disable=SC2086
    set -- $words
    run bash "$pm/$1.sh" "${@:2}"
    status_is 66
    [[ $output == *'auth/003 has no issue in .claude/tracker'*'hint: ccpm-sync epic auth makes it'* ]]
  done
  [ "$(status_of billing/3)" = open ]
  run ccpm-sync show 99
  status_is 66
  run ccpm-sync close 1
  status_is 2
  [[ $output == *"'billing' itself"* ]]
}

@test "issue-start takes an exact name, and the hint of what is not analysed works" {
  run bash "$pm/issue-start.sh" 2
  status_is 66
  [[ $output == *'hint: /pm:issue-analyze billing/2'* ]]
  run bash "$pm/issue-start.sh" '#002'
  status_is 66
  [[ $output == *'hint: /pm:issue-analyze auth/002'* ]]
  run bash "$pm/issue-analyze.sh" --check billing/2
  status_is 0
  run ccpm-work claim 1
  status_is 2
  [[ $output == *"'1' is the epic 'billing' itself"* ]]
}

@test "a claim on issue 3 has nothing to do with a task 003 of an epic without issues" {
  ccpm-work claim billing/3 --agent ada 2>/dev/null >&2
  run bash "$pm/next.sh"
  [[ $output == *'✅ Ready: #003 - auth C'*'🔒 Claimed: #3 - billing B'* ]]
  ccpm-work claim auth/003 --agent bob 2>/dev/null
  ccpm-work release auth/003 --agent bob >/dev/null
  run bash "$pm/epic-sync.sh" auth --no-worktree
  status_is 0
}

@test "who locks issue 3 by hand locks no task 003" {
  ccpm-lock acquire task-3 --agent ada >/dev/null
  run ccpm-work claim billing/3 --agent bob
  status_is 75
  run ccpm-work claim auth/003 --agent bob
  status_is 0
}

@test "what somebody locked by hand under a short name is a claim on the task" {
  ccpm-lock acquire task-002 --agent ada >/dev/null
  run ccpm-work claim auth/002 --agent bob
  status_is 75
  [[ $output == *'it is in the hands of ada for '*'since 20'* ]]
}

@test "import takes numbers of issues only" {
  run ccpm-sync import 002
  status_is 2
  [[ $output == *"'002' is no number of an issue"* ]]
}
