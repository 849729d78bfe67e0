#!/usr/bin/env bats
# ccpm-plan and the writing commands: prd-new, prd-parse, prd-edit, epic-decompose, epic-edit, epic-refresh, epic-close,
# epic-oneshot, clean, detect-completion, bug-report; and init and help.

load helpers

setup() {
  make_project
  pm=$REPOSITORY/commands/pm
  export CCPM_AGENT_ID=tester
}

# auth: three tasks, of which the third depends on the second, and the second on the first
make_epic() {
  bash "$pm/prd-new.sh" auth --description 'Log in' <<<'# PRD' >/dev/null
  printf '# Epic: auth\n\nWords.\n' | bash "$pm/prd-parse.sh" auth >/dev/null
  bash "$pm/epic-decompose.sh" auth >/dev/null <<'TASKS'
=== Store hashes
parallel: true
hours: 4

## Description
Words.
=== Log in
depends_on: @1

=== Log out
depends_on: [@2, 001]
conflicts_with: @1
hours: 2
TASKS
}

value() { ccpm-fm-cas get ".claude/$1" "$2"; }

@test "prd-new writes a PRD once, and --check says so before" {
  run bash "$pm/prd-new.sh" --check auth
  status_is 0
  [ "$output" = 'file: .claude/prds/auth.md' ]
  run bash "$pm/prd-new.sh" auth --description 'Log in: and out' <<<'# PRD: auth'
  status_is 0
  [ "$output" = .claude/prds/auth.md ]
  [ "$(value prds/auth.md description)" = 'Log in: and out' ]
  [ "$(value prds/auth.md status)$(value prds/auth.md version)" = backlog1 ]
  [ "$(tail -n 1 .claude/prds/auth.md)" = '# PRD: auth' ]
  for option in --check --json; do
    run --separate-stderr bash "$pm/prd-new.sh" $option auth </dev/null
    status_is 10
    [[ $stderr == *'hint: change it with: /pm:prd-edit auth' ]]
  done
  run bash "$pm/prd-new.sh" --check
  status_is 2
  run bash "$pm/prd-new.sh" --check a/b
  status_is 2
}

@test "prd-parse makes an epic of a PRD that exists" {
  run bash "$pm/prd-parse.sh" --check auth
  status_is 66
  bash "$pm/prd-new.sh" auth <<<'# PRD'
  run bash "$pm/prd-parse.sh" --check auth
  [ "${lines[*]}" = 'file: .claude/epics/auth/epic.md prd: .claude/prds/auth.md' ]
  run bash "$pm/prd-parse.sh" auth <<<'# Epic: auth'
  [ "$output" = .claude/epics/auth/epic.md ]
  [ "$(value epics/auth/epic.md prd)" = .claude/prds/auth.md ]
  [ "$(value epics/auth/epic.md status)$(value epics/auth/epic.md progress)$(value epics/auth/epic.md version)" = backlog0%1 ]
  run bash "$pm/prd-parse.sh" auth <<<'# Epic: another'
  status_is 10
}

@test "prd-edit and epic-edit replace the text, and only that of the version that was read" {
  make_epic
  run bash "$pm/prd-edit.sh" --check auth
  [[ $output == *'version: 1'*'  - PRD'*'epic: .claude/epics/auth/epic.md'* ]]
  created=$(value prds/auth.md created)
  run bash "$pm/prd-edit.sh" auth --expect-version 1 <<<'# PRD: better'
  status_is 0
  [ "$output" = 2 ]
  [ "$(value prds/auth.md created)" = "$created" ]
  [ "$(tail -n 2 .claude/prds/auth.md)" = $'\n# PRD: better' ]
  run bash "$pm/prd-edit.sh" auth --expect-version 1 <<<'# PRD: mine'
  status_is 10
  [ "$(tail -n 1 .claude/prds/auth.md)" = '# PRD: better' ]
  run bash "$pm/prd-edit.sh" auth <<<'# PRD: mine'
  status_is 2
  run bash "$pm/epic-edit.sh" --check auth
  [[ $output == *'file: .claude/epics/auth/epic.md'*'prd: .claude/prds/auth.md'*'tasks: 3'*'001.md - Store hashes'* ]]
  version=$(value epics/auth/epic.md version)
  run bash "$pm/epic-edit.sh" auth --expect-version "$version" <<<$'---\nstatus: x\n---'
  status_is 2
  run bash "$pm/epic-edit.sh" auth --expect-version "$version" </dev/null
  status_is 2
  run bash "$pm/epic-edit.sh" auth --expect-version "$version" <<<'# Epic: new'
  status_is 0
  [ "$(value epics/auth/epic.md status)" = backlog ]
  run bash "$pm/prd-edit.sh" --check nothing
  status_is 66
  run bash "$pm/epic-edit.sh" --check nothing
  status_is 66
}

@test "epic-decompose gives numbers, references, versions and the list in the epic" {
  make_epic
  [ "$(value epics/auth/002.md depends_on)" = '[001]' ]
  [ "$(value epics/auth/003.md depends_on)" = '[002, 001]' ]
  [ "$(value epics/auth/003.md conflicts_with)" = '[001]' ]
  [ "$(value epics/auth/001.md effort_hours)$(value epics/auth/001.md parallel)$(value epics/auth/001.md version)" = 4true1 ]
  [ "$(value epics/auth/001.md status)" = open ]
  [ "$(value epics/auth/001.md created)" = "$(value epics/auth/001.md updated)" ]
  [ "$(tail -n 2 .claude/epics/auth/001.md)" = $'## Description\nWords.' ]
  run cat .claude/epics/auth/epic.md
  [[ $output == *$'\n\nWords.\n\n## Tasks Created\n- [ ] #001 - Store hashes (parallel: true)\n- [ ] #002 - Log in (parallel: false)\n- [ ] #003 - Log out (parallel: false)\n\nTotal tasks: 3\nParallel tasks: 1\nSequential tasks: 2\nEstimated total effort: 6 hours' ]]
}

@test "epic-decompose again creates nothing twice, and adds what is new" {
  make_epic
  run bash "$pm/epic-decompose.sh" auth <<<$'=== Log out\n=== Stay in\ndepends_on: @1'
  status_is 0
  [[ $output == *'Created 1 tasks'*004.md*'003.md (was there already)'*'Total tasks: 4'* ]]
  [ "$(value epics/auth/004.md depends_on)" = '[003]' ]
  grep -q '^Total tasks: 4$' .claude/epics/auth/epic.md
}

@test "epic-decompose refuses wrong drafts with the line, and writes nothing" {
  make_epic
  before=$(snapshot .claude/epics)
  check() {
    run bash "$pm/epic-decompose.sh" auth <<<"$1"
    status_is "$2"
    [[ $output == *"$3"* ]]
    [ "$(snapshot .claude/epics)" = "$before" ]
  }
  check $'=== One\ndepends_on: 099' 65 'names 099'
  check $'=== One\ndepends_on: @3' 65 'line 1'
  check $'=== One\nparalel: true' 65 "line 2"
  check $'=== One\nparallel: maybe' 65 'neither true nor false'
  check $'words\n=== One' 65 'line 1'
  check $'=== One\ndepends_on: @2\n\n=== Two\ndepends_on: @1' 65 'circle: One → Two → One'
  check '' 2 'no drafts'
  run bash "$pm/epic-decompose.sh" --check nothing
  status_is 66
}

@test "epic-oneshot wants an epic without tasks" {
  make_epic
  run bash "$pm/epic-oneshot.sh" --check auth
  status_is 10
  [[ $output == *"has 3 tasks already"* ]]
  ccpm-plan new-epic empty <<<'# Epic' >/dev/null
  run bash "$pm/epic-oneshot.sh" --check empty
  status_is 0
}

@test "epic-oneshot creates the tasks and their issues" {
  ccpm-plan new-epic auth <<<'# Epic' >/dev/null
  run bash "$pm/epic-oneshot.sh" auth <<<$'=== One\n=== Two\ndepends_on: @1'
  status_is 0
  [[ $output == *'Created 2 tasks'*'Synced epic auth'* ]]
  [ "$(value epics/auth/3.md depends_on)" = '[2]' ]
  grep -q '^- \[ \] #3 - Two' .claude/epics/auth/epic.md
}

@test "epic-oneshot answers with one object" {
  ccpm-plan new-epic auth <<<'# Epic' >/dev/null
  run --separate-stderr bash "$pm/epic-oneshot.sh" auth --json <<<$'=== One\n=== Two\ndepends_on: @1'
  status_is 0
  [[ ${#lines[@]} = 1 && $output == '{"decomposed": {"epic": "auth", '*'}, "synced": {"epic": "auth", '*'}}' ]]
  run --separate-stderr bash "$pm/epic-oneshot.sh" auth --json <<<'=== One'
  status_is 10
  [[ ${#lines[@]} = 1 && $output == *'"code": 10'* ]]
}

@test "epic-refresh says what the tasks say, and keeps what people wrote" {
  make_epic
  ccpm-fm-cas update .claude/epics/auth/001.md status=Completed >/dev/null
  printf '\n### Notes\n- [ ] call Bob\n' >>.claude/epics/auth/epic.md
  run bash "$pm/epic-refresh.sh" auth
  status_is 0
  [[ $output == *'🔄 Epic refreshed: auth'*'Closed: 1'*'Open: 2'*'Total: 3'*'Progress: 0% → 33%'*'Status: backlog → in-progress'* ]]
  [ "$(value epics/auth/epic.md progress) $(value epics/auth/epic.md status)" = '33% in-progress' ]
  grep -q '^- \[x\] #001 - Store hashes' .claude/epics/auth/epic.md
  [ "$(tail -n 2 .claude/epics/auth/epic.md)" = $'### Notes\n- [ ] call Bob' ]
  version=$(value epics/auth/epic.md version)
  run bash "$pm/epic-refresh.sh" auth --json
  [[ $output == *'"progress": "33%"'* ]]
  [ "$(value epics/auth/epic.md version)" = "$version" ] # nothing to say: nothing written
}

@test "epic-refresh believes an epic without tasks, and a status in other words" {
  mkdir -p .claude/epics/old
  printf -- '---\nstatus: done\nprogress: 100%%\n---\n' >.claude/epics/old/epic.md
  before=$(cat .claude/epics/old/epic.md)
  run bash "$pm/epic-refresh.sh" old
  status_is 0
  [ "$(cat .claude/epics/old/epic.md)" = "$before" ]
}

@test "epic-close wants all tasks closed, marks epic and PRD, and archives by moving" {
  make_epic
  run bash "$pm/epic-close.sh" auth
  status_is 75
  [[ $output == *'open tasks: #001 #002 #003'* ]]
  for n in 1 2 3; do ccpm-plan close-task auth $n >/dev/null; done
  echo note >.claude/epics/auth/note.txt
  files=$(ls .claude/epics/auth)
  run bash "$pm/epic-close.sh" auth --archive
  status_is 0
  [[ $output == *'✅ Epic closed: auth'*'Tasks completed: 3'*'Duration: 0 days'*'Archived to .claude/epics/.archived/auth'* ]]
  [ ! -e .claude/epics/auth ]
  [ "$(ls .claude/epics/.archived/auth)" = "$files" ]
  [ "$(value epics/.archived/auth/epic.md status) $(value epics/.archived/auth/epic.md progress)" = 'completed 100%' ]
  [ "$(value prds/auth.md status)" = implemented ]
  grep -q 'epic auth → .claude/epics/.archived/auth (3 of 3 tasks closed)' .claude/epics/.archived/archive-log.md
  run ccpm-plan new-task auth --title more </dev/null
  status_is 66
}

@test "closing what is closed and archived changes nothing, and open tasks are named when they are archived" {
  make_epic
  run ccpm-plan archive auth
  status_is 0
  [[ $output == *"epic 'auth' goes with 3 open tasks: #001 #002 #003"* ]]
  mv .claude/epics/.archived/auth .claude/epics/auth
  for n in 1 2 3; do ccpm-plan close-task auth $n >/dev/null; done
  bash "$pm/epic-close.sh" auth --archive >/dev/null
  before=$(snapshot .claude/epics)
  run bash "$pm/epic-close.sh" auth --archive
  status_is 0
  [ "$output" = '✅ Epic auth was closed and archived before: .claude/epics/.archived/auth' ]
  run ccpm-plan close-epic auth --json
  [[ $output == *'"already": true'* ]]
  [ "$(snapshot .claude/epics)" = "$before" ]
}

@test "a task is closed as EPIC TASK, as EPIC/TASK, or by a number that only one has; wrong names say what there is" {
  make_epic
  ccpm-plan close-task auth/001 >/dev/null
  ccpm-plan close-task 2 >/dev/null
  [ "$(value epics/auth/001.md status) $(value epics/auth/002.md status)" = 'closed closed' ]
  run ccpm-plan close-task auth 9
  status_is 66
  [[ $output == *"epic 'auth' has no task '9'"*'hint: ccpm-query epic-show auth'* ]]
  run ccpm-plan close-task auth
  status_is 2
  [[ $output == *"'auth' names no task"*'ccpm-query epic-list'* ]]
}

@test "a task that another agent works on is closed only with --force" {
  make_epic
  ccpm-work start auth/001 --agent ada 2>/dev/null
  for verb in close-task reopen-task; do
    run ccpm-plan $verb auth 001 --agent bob
    status_is 77
    [[ $output == *"#001 of epic 'auth' is in the hands of ada for work since 20"*'hint: '*'--force'* ]]
  done
  [ "$(value epics/auth/001.md status)" = in-progress ]
  ccpm-plan close-task auth 001 --agent bob --force >/dev/null
  [ "$(value epics/auth/001.md status)" = closed ]
  ccpm-plan reopen-task auth 001 --agent ada >/dev/null
}

@test "an epic of which somebody else has a task is not archived" {
  make_epic
  ccpm-lock acquire task-1 --agent other >/dev/null
  run ccpm-plan archive auth
  status_is 75
  [[ $output == *other* ]]
  [ -d .claude/epics/auth ]
}

@test "clean moves what was completed long ago, and only that" {
  make_epic
  mkdir -p .claude/epics/open
  printf -- '---\nstatus: backlog\nupdated: 2020-01-01\n---\n' >.claude/epics/open/epic.md
  printf -- '---\nstatus: closed\nupdated: 2020-01-01\n---\n' >.claude/epics/open/1.md
  mkdir -p .claude/epics/done/updates .claude/epics/fresh .claude/epics/auth/updates/1 .claude/epics/auth/updates/2
  printf -- '---\nstatus: completed\ncompleted: 2020-01-01T00:00:00Z\n---\n' >.claude/epics/done/epic.md
  printf -- '---\nstatus: closed\nupdated: 2020-01-01\n---\n' >.claude/epics/done/1.md
  printf -- '---\nstatus: completed\ncompleted: %s\n---\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >.claude/epics/fresh/epic.md
  printf -- '---\nlast_sync: 2020-01-01T00:00:00Z\n---\n' | tee .claude/epics/auth/updates/1/progress.md >.claude/epics/auth/updates/2/progress.md
  ccpm-plan close-task auth 1 >/dev/null
  before=$(snapshot .claude/epics)
  run bash "$pm/clean.sh" --dry-run
  status_is 0
  [[ $output == *'🧹 Cleanup Plan'*'done - Completed '*' days ago'*'#1 in auth'*'No changes made.' ]]
  [[ $output != *fresh* && $output != *open* && $output != *'#2 in'* ]]
  [ "$(snapshot .claude/epics)" = "$before" ]
  run bash "$pm/clean.sh"
  status_is 0
  [[ $output == *'✅ Cleanup Complete'*'1 completed epics'*'1 stale progress folders'* ]]
  [ -f .claude/epics/.archived/done/1.md ]
  [ -f .claude/epics/auth/updates/.archived/1/progress.md ]
  [ -f .claude/epics/auth/updates/2/progress.md ]
  [ -f .claude/epics/fresh/epic.md ]
  run bash "$pm/clean.sh"
  [ "$output" = '✅ Nothing to clean up' ]
}

@test "detect-completion reads git, proposes, and writes what is certain" {
  make_epic
  git commit -q --allow-empty -m 'Begin'
  git switch -q -c issue-1
  git commit -q --allow-empty -m 'Issue #1: store them'
  git switch -q main
  git merge -q --no-ff -m 'Merge' issue-1
  git commit -q --allow-empty -m 'Issue #2: log in'
  GIT_COMMITTER_DATE=2020-01-01T00:00:00Z git commit -q --allow-empty -m 'Issue #3: long ago'
  run bash "$pm/detect-completion.sh" auth
  status_is 0
  [[ $output == *'Task 001: Status Mismatch'*'Detected: closed (high confidence)'*'branch issue-1 is merged; 1 commit, last today'* ]]
  [[ $output == *'Task 002'*'Detected: in-progress (high confidence)'*'Task 003'*'Detected: closed (medium confidence)'*'Mismatches: 3'* ]]
  [ "$(value epics/auth/001.md status)" = open ]
  run bash "$pm/detect-completion.sh" --apply
  [[ $output == *'Updated: 2'* ]]
  [ "$(value epics/auth/001.md status) $(value epics/auth/002.md status) $(value epics/auth/003.md status)" = 'closed in-progress open' ]
  [ "$(value epics/auth/001.md git_commits) $(value epics/auth/001.md detected_completion)" = '1 true' ]
  [ "$(value epics/auth/epic.md progress)" = 33% ]
  run bash "$pm/detect-completion.sh" auth --task 3
  [ "$(value epics/auth/003.md status)" = closed ]
  run bash "$pm/detect-completion.sh" auth --task 1
  status_is 66
  run bash "$pm/detect-completion.sh" nothing
  status_is 66
}

@test "detect-completion leaves a task to the agent that has it" {
  make_epic
  git commit -q --allow-empty -m 'Issue #1: begun'
  ccpm-lock acquire task-1 --agent other >/dev/null
  run bash "$pm/detect-completion.sh" auth --apply
  status_is 0
  [[ $output == *'🔒 Left to other, who works on it'* ]]
  [ "$(value epics/auth/001.md status)" = open ]
}

@test "detect-completion does not guess between epics that share a number" {
  make_epic
  mkdir -p .claude/epics/other
  printf -- '---\nstatus: open\n---\n' | tee .claude/epics/other/epic.md >.claude/epics/other/001.md
  git commit -q --allow-empty -m 'Issue #1: whose?'
  run bash "$pm/detect-completion.sh" --apply
  status_is 0
  [[ $output == *'auth/001'*'low confidence'*'other/001'*'low confidence'* ]]
  [ "$(value epics/auth/001.md status)" = open ]
}

@test "a bug report is a task of the same epic that names its issue" {
  make_epic
  ccpm-fm-cas update .claude/epics/auth/002.md github=https://github.com/octo/shop/issues/42 >/dev/null
  run bash "$pm/bug-report.sh" 42 'Plus signs are refused' </dev/null
  status_is 0
  [ "$output" = .claude/epics/auth/004.md ]
  [ "$(value epics/auth/004.md name)" = 'Bug: Plus signs are refused' ]
  [ "$(value epics/auth/004.md bug_for)" = 42 ]
  grep -q '#42: Log in' .claude/epics/auth/004.md
  grep -q '^- \[ \] #004 - Bug: Plus signs are refused' .claude/epics/auth/epic.md
  run bash "$pm/bug-report.sh" 99 'Nowhere' </dev/null
  status_is 66
  run bash "$pm/bug-report.sh" 42 </dev/null
  status_is 2
  ccpm-plan new-epic other <<<'# Epic' >/dev/null
  ccpm-plan new-task other --title 'Also one' </dev/null >/dev/null
  run bash "$pm/bug-report.sh" 1 'Which?' </dev/null
  status_is 2
  [[ $output == *'auth/001, other/001'* ]]
  run bash "$pm/bug-report.sh" other/1 'That one' </dev/null
  [ "$output" = .claude/epics/other/002.md ]
}

@test "names that need quoting go through every writing command" {
  # shellcheck disable=SC2016
  for name in -rf 'a b' ü 657 '$(touch x)'; do
    bash "$pm/prd-new.sh" "$name" <<<'# PRD' >/dev/null
    bash "$pm/prd-parse.sh" "$name" <<<'# Epic' >/dev/null
    bash "$pm/epic-decompose.sh" "$name" <<<'=== One' >/dev/null
    ccpm-plan new-task "$name" --title two --depends-on 1 </dev/null >/dev/null
    bash "$pm/epic-edit.sh" "$name" --expect-version "$(value "epics/$name/epic.md" version)" <<<'# Epic: edited' >/dev/null
    bash "$pm/prd-edit.sh" "$name" --expect-version 1 <<<'# PRD: edited' >/dev/null
    ccpm-plan task-list "$name" >/dev/null
    bash "$pm/bug-report.sh" "$name/1" --title 'a bug' </dev/null >/dev/null
    for task in 001 2 003; do ccpm-plan close-task "$name" $task >/dev/null; done
    bash "$pm/epic-refresh.sh" "$name" >/dev/null
    bash "$pm/detect-completion.sh" "$name" >/dev/null
    [ "$(value "epics/$name/epic.md" progress)" = 100% ]
    bash "$pm/epic-close.sh" "$name" --archive >/dev/null
    [ -f ".claude/epics/.archived/$name/003.md" ]
    [ "$(value "prds/$name.md" status)" = implemented ]
  done
  [ ! -e x ]
  for name in '' . .. .hidden a/b archived; do
    run ccpm-plan new-epic "$name" <<<'# Epic'
    status_is 2
  done
}

@test "a wrong option is no part of a name" {
  run bash "$pm/prd-new.sh" auth --descripton x </dev/null
  status_is 2
  run ccpm-plan new-epic -- --odd <<<'# Epic'
  status_is 0
  [ -f .claude/epics/--odd/epic.md ]
}

@test "every writing command answers with JSON" {
  make_epic
  for command in 'prd-new.sh --check new' 'prd-edit.sh --check auth' 'epic-edit.sh --check auth' 'epic-decompose.sh --check auth' \
    'epic-refresh.sh auth' 'clean.sh --dry-run' 'detect-completion.sh' 'init.sh' 'help.sh'; do
    # shellcheck disable=SC2086
    run --separate-stderr bash "$pm/"$command --json
    status_is 0
    [ "${output:0:1}${output: -1}" = '{}' ]
  done
  run --separate-stderr ccpm-plan close-task auth 1 --json
  [[ $output == '{"task": "001", "file": ".claude/epics/auth/001.md", "status": "closed", "epic": "auth"'* ]]
}

@test "init makes the folders once, without a network, and says what there is" {
  mkdir empty && cd empty
  export PATH=$REPOSITORY/bin:/usr/bin:/bin HOME=$PWD
  run bash "$pm/init.sh"
  status_is 0
  [[ $output == *'🚀 Initializing Claude Code PM System'*'🔍 Checking dependencies'*'📁 Creating directory structure'*'✅ Git repository detected'*'No remote configured'*'✅ Initialization Complete!'* ]]
  [ -d "$project/.claude/epics" ]
  [ -d "$project/.claude/prds" ]
  echo mine >"$project/CLAUDE.md"
  git remote add origin https://github.com/automazeio/ccpm.git
  run bash "$pm/init.sh"
  status_is 0
  [[ $output == *'Everything is there'*'WARNING: Your remote origin points to the CCPM template repository!'* ]]
  [ "$(cat "$project/CLAUDE.md")" = mine ]
}

@test "init makes a project of a folder that is none" {
  cd "$BATS_TEST_TMPDIR"
  mkdir elsewhere && cd elsewhere
  run bash "$pm/init.sh"
  status_is 0
  [[ $output == *'Not a git repository'* ]]
  [ -d .claude/epics ]
}

@test "help names every slash command that is installed" {
  run bash "$pm/help.sh"
  status_is 0
  for prompt in "$pm"/*.md; do
    name=${prompt##*/}
    grep -Eq "^  /pm:${name%.md}( |$)" <<<"$output"
  done
}

@test "days are days, effort is effort, and a name that is missing is one" {
  make_epic
  run ccpm-plan clean --days -1
  status_is 2
  [[ $output == *'-1 is not within 0 and 36500 days'* ]]
  run ccpm-plan new-task auth --title X --hours abc </dev/null
  status_is 2
  [[ $output == *"'abc' is no effort"* ]]
  run bash "$pm/prd-parse.sh" </dev/null
  status_is 2
  [[ $output == *'no NAME given'* && $output != *EPIC* ]]
}
