#!/usr/bin/env bats
# The read-only commands against git, claims and odd files: standup, epic-status, next, search; test-reference-update.

load helpers

setup() {
  make_project
  pm=$REPOSITORY/commands/pm
  export CCPM_AGENT_ID=tester
  mkdir -p .claude/epics/auth .claude/prds
  task epic closed '' >.claude/epics/auth/epic.md
}

# task NAME STATUS DEPENDS_ON [MORE LINES]
task() { printf -- '---\nname: %s\nstatus: %s\ndepends_on: [%s]\n%b---\nwords\n' "$1" "$2" "$3" "${4-}"; }

commit() { git add -A && git commit -q --allow-empty -m "$1"; }

long_ago() { GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z commit "$1"; }

@test "standup tells what was committed and what files state, not what file times say" {
  task A open '' 'updated: 2020-01-01T00:00:00Z\n' >.claude/epics/auth/1.md
  task ü open '' >.claude/epics/auth/2-ü.md
  task C open '' >.claude/epics/auth/3.md
  long_ago 'Old work'
  touch .claude/epics/auth/1.md .claude/epics/auth/3.md # a file time of today, and nothing else
  run bash "$pm/standup.sh"
  status_is 0
  [[ $output == *'  No activity recorded today'* ]]
  echo more >>.claude/epics/auth/2-ü.md
  git mv .claude/epics/auth/3.md .claude/epics/auth/4.md
  commit 'Issue #2: go on'
  ccpm-fm-cas update .claude/epics/auth/1.md status=in-progress >/dev/null
  run bash "$pm/standup.sh"
  [[ $output == *'Worked on 3 task(s)'*'Commit: Issue #2: go on'*'Issue #1 (auth) - 0% complete'*'Tasks: 2 open, 0 closed, 3 total'*'In progress: 1' ]]
  [[ $output != *'epic(s)'* ]]
  run bash "$pm/standup.sh" --json
  [[ $output == *'"files": [".claude/epics/auth/1.md", ".claude/epics/auth/2-ü.md", ".claude/epics/auth/4.md"]'* ]]
}

@test "standup names files of the plan only, and a list of PRDs no dot files" {
  mkdir -p .claude/prds .claude/lib
  printf -- '---\nname: A\n---\n' >.claude/prds/a.md
  cp .claude/prds/a.md .claude/prds/.a.md
  echo x >.claude/lib/tool.py
  commit 'Install'
  run bash "$pm/standup.sh" --json
  [[ $output != *tool.py* && $output == *prds/a.md* ]]
  run bash "$pm/prd-list.sh"
  [[ $output == *'Total PRDs: 1'* ]]
}

@test "standup sees a new file that git does not have, and a progress file" {
  task A open '' >.claude/epics/auth/1.md
  task B open '' 'updated: 2020-01-01\n' >.claude/epics/auth/2.md # says when it changed
  mkdir -p .claude/epics/auth/updates/1
  printf -- '---\ncompletion: 30%%\nlast_sync: %s\n---\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >.claude/epics/auth/updates/1/progress.md
  run bash "$pm/standup.sh"
  [[ $output == *'Updated 1 epic(s)'*'Worked on 1 task(s)'*'Posted 1 progress update(s)'*'Issue #1 (auth) - 30% complete'* ]]
}

@test "standup works without git" {
  rm -rf .git
  task A open '' >.claude/epics/auth/1.md
  PATH=$REPOSITORY/bin:/bin:/usr/bin run bash "$pm/standup.sh"
  status_is 0
}

@test "epic-status shows commits, branches, and where git shows more than the files" {
  task A open '' >.claude/epics/auth/1.md
  task B closed '' >.claude/epics/auth/2.md
  ccpm-fm-cas update .claude/epics/auth/epic.md progress=10% >/dev/null
  commit Begin
  git switch -q -c epic/auth
  commit 'Issue #1: one'
  commit 'Issue #1: two'
  commit 'Issue #11: another'
  git switch -q main
  run bash "$pm/epic-status.sh" auth
  status_is 0
  [[ $output == *'] 50%'*'Stated:   10%'*'✅ Completed: 1'*'🔄 Available: 1'*'🏃 In progress: 0'*'⏸️ Blocked: 0'* ]]
  [[ $output == *'• Issue #1: 2 commits'*'• Branch epic/auth'*'#1 is open, git shows in-progress: 2 commits, last today'*'/pm:detect-completion auth'* ]]
  [[ $output != *'#11'* && $output != *'(merged)'* ]]
  git merge -q --no-ff -m Merge epic/auth
  run bash "$pm/epic-status.sh" auth
  [[ $output == *'• Branch epic/auth (all of it in the main branch)'* ]]
}

@test "next puts the longest remaining chain first, by effort where it is given" {
  task Short open '' >.claude/epics/auth/1.md
  task Long open '' >.claude/epics/auth/2.md
  task Behind open 2 >.claude/epics/auth/3.md
  run bash "$pm/next.sh"
  [[ $output == *'#2 - Long'*'#1 - Short'*'2 tasks ready'* ]]
  task Short open '' 'effort_hours: 10\n' >.claude/epics/auth/1.md
  run bash "$pm/next.sh"
  [[ $output == *'#1 - Short'*'#2 - Long'* ]]
}

@test "what is no task, and what is archived, is not counted unless asked for" {
  task A open '' >.claude/epics/auth/12.md
  task B CLOSED '' >.claude/epics/auth/007-login.md
  task C '"Done"' '' >.claude/epics/auth/task-13.md
  task D in_progress '' >.claude/epics/auth/000.1.md
  mkdir -p .claude/epics/auth/tasks .claude/epics/archived/old .claude/epics/.archived/older .claude/epics/_archived/oldest
  task E 'open\r' '' >.claude/epics/auth/tasks/14.md
  for file in 12-analysis 12-plan notes 8-testing-summary; do task no open '' >".claude/epics/auth/$file.md"; done
  for old in archived/old .archived/older _archived/oldest; do task no open '' >".claude/epics/$old/1.md"; done
  run bash "$pm/status.sh"
  [[ $output == *$'Epics:\n  Total: 1'*$'Open: 2\n  In Progress: 1\n  Closed: 2\n  Total: 5' ]]
  run bash "$pm/status.sh" --all
  [[ $output == *$'Epics:\n  Total: 4'*'Total: 8' ]]
  run bash "$pm/epic-list.sh" --all
  [[ $output == *'Total epics: 4'* ]]
}

@test "dangling, self and circular dependencies are reported" {
  task A open 1 >.claude/epics/auth/1.md
  task B open 3 >.claude/epics/auth/2.md
  task C open 2 >.claude/epics/auth/3.md
  task D open 99 >.claude/epics/auth/4.md
  run bash "$pm/blocked.sh"
  status_is 0
  [[ $output == *'No such task: 99'*'🔁 Circular in auth: #1 → #1'*'Circular in auth: #2 → #3 → #2'*'Total blocked: 4 tasks' ]] ||
    [[ $output == *'No such task: 99'*'Circular in auth: #2 → #3 → #2'*'🔁 Circular in auth: #1 → #1'*'Total blocked: 4 tasks' ]]
}

@test "ten megabytes of frontmatter cost no more than a look" {
  task A open '' >.claude/epics/auth/1.md
  {
    printf -- '---\nname: big\nstatus: closed\n'
    head -c 10485760 /dev/zero | tr '\0' 'x'
    printf '\n---\n'
  } >.claude/epics/auth/2.md
  started=$SECONDS
  for command in status next blocked in-progress epic-list 'epic-show auth' 'epic-status auth' standup 'search x'; do
    # shellcheck disable=SC2086
    run bash "$pm/${command%% *}.sh" ${command#"${command%% *}"}
    status_is 0
  done
  run bash "$pm/next.sh"
  [[ $output == *'#1 - A'*'#2 - 2'* ]]
  run ccpm-plan close-task auth 2
  status_is 65
  [ $((SECONDS - started)) -lt 20 ]
}

@test "an epic whose epic.md is missing is shown, and cannot be recounted" {
  mkdir .claude/epics/bare
  task A open '' >.claude/epics/bare/1.md
  run bash "$pm/epic-show.sh" bare
  status_is 0
  run bash "$pm/epic-list.sh"
  [[ $output == *'.claude/epics/bare (no epic.md)'* ]]
  run bash "$pm/epic-refresh.sh" bare
  status_is 66
  run ccpm-plan close-task bare 1
  status_is 0
  [[ $output == *"epic 'bare' was not recounted: .claude/epics/bare has no epic.md"*'Closed: #1 in bare'* ]]
  [ "$(ccpm-fm-cas get .claude/epics/bare/1.md status)" = closed ]
  run bash "$pm/epic-decompose.sh" --check bare
  status_is 66
}

@test "a task changes also where the frontmatter of its epic cannot be written" {
  printf -- '---\nstatus: open\nstatus: backlog\nprogress: 5%%\n---\n' >.claude/epics/auth/epic.md
  task A open '' >.claude/epics/auth/1.md
  before=$(cat .claude/epics/auth/epic.md)
  run ccpm-plan close-task auth 1
  status_is 0
  [[ $output == *"epic 'auth' was not recounted: "*"'status' stands on lines 2 and 3"*'Closed: #1 in auth'* ]]
  run ccpm-plan decompose auth <<<'=== Two'
  status_is 0
  [ -f .claude/epics/auth/002.md ]
  [ "$(cat .claude/epics/auth/epic.md)" = "$before" ]
  run bash "$pm/epic-refresh.sh" auth
  status_is 65
}

@test "test-reference-update tries the rewriting of references, and leaves nothing" {
  before=$(snapshot .)
  TMPDIR=$BATS_TEST_TMPDIR run bash "$pm/test-reference-update.sh"
  status_is 0
  [[ $output == *'✅ 4.md depends_on: [2, 3]'*'✅ The texts below are as they were' ]]
  [ "$(snapshot .)" = "$before" ]
}

@test "half an emoji in a name stops no view" {
  mkdir -p .claude/epics/cut
  printf -- '---\nname: cut\n---\n' >.claude/epics/cut/epic.md
  printf -- '---\nname: "Cut \\ud83d"\nstatus: open\n---\n' >.claude/epics/cut/001.md
  run ccpm-query next
  status_is 0
  [[ $output == *"Cut ?"* ]]
}
