#!/usr/bin/env bats
# ccpm-sync on the local tracker, and the commands that call it: epic-sync, issue-*, sync, import, bug-report, epic-close.

load helpers

setup() {
  make_project
  pm=$REPOSITORY/commands/pm
  export CCPM_TRACKER=local
  ccpm-plan new-epic auth <<<'# Epic: auth' >/dev/null
  ccpm-plan new-task auth --title 'Store hashes' <<<'The text of 001.' >/dev/null
  ccpm-plan new-task auth --title 'Log in' --depends-on 001 <<<'After 001.' >/dev/null
  epic=.claude/epics/auth
}

sync_epic() { bash "$pm/epic-sync.sh" auth --no-worktree >/dev/null; }

@test "epic-sync makes issues, names the files after them, and says so" {
  run bash "$pm/epic-sync.sh" auth --dry-run
  status_is 0
  [[ $output == *"nothing was changed"*"create 'Log in' from $epic/002.md (task, epic:auth)"* ]]
  [ ! -e .claude/tracker ]
  run bash "$pm/epic-sync.sh" auth --no-worktree
  status_is 0
  [[ $output == *'✅ Synced epic auth'*'Epic: #1'*'2 issues created (#2 to #3)'*'Branch: epic/auth'* ]]
  [ "$(cd "$epic" && echo *.md)" = '2.md 3.md epic.md github-mapping.md' ]
  [ "$(ccpm-fm-cas get "$epic"/3.md depends_on github version)" = $'[2]\nlocal://issues/3\n2' ]
  [ "$(tail -n 1 "$epic"/3.md)" = 'After 001.' ]
  run bash "$pm/epic-sync.sh" auth --no-worktree
  [[ $output == *'has its issues in '*'nothing was made'*'2 tasks'*'ccpm-sync status auth'* ]]
}

@test "epic-sync makes the worktree of the epic last, where there is something to make it of" {
  git commit -q --allow-empty -m First
  run bash "$pm/epic-sync.sh" auth
  status_is 0
  [[ $output == *'Worktree: '*'epic-auth' ]]
  git rev-parse --verify -q epic/auth
}

@test "how epic-sync answers changes nothing of what it does; without git it names no branch" {
  git commit -q --allow-empty -m First
  ccpm-plan new-epic 'a b' <<<'# Epic' >/dev/null
  run bash "$pm/epic-sync.sh" a b --json
  status_is 0
  [[ $output == *'"branch": "epic/a%20b"'*'"worktree": "'*'epic-a%20b"}' ]]
  git rev-parse --verify -q epic/a%20b
  rm -rf .git
  run bash "$pm/epic-sync.sh" auth
  status_is 0
  [[ $output == *'Tasks: 2 issues created'* && $output != *Branch:* && $output != *Worktree:* ]]
}

@test "an interrupted sync is shown by the plan, and a journal that was edited is 65" {
  printf '{"intent":"x","kind":"issue","key":"001","title":"Store hashes","at":0,"boot":0,"boot_id":""}\n' \
    >"$epic"/sync-journal.jsonl
  run bash "$pm/epic-sync.sh" auth --dry-run
  [[ $output == *'An earlier sync was interrupted'* ]]
  echo oops >>"$epic"/sync-journal.jsonl
  run bash "$pm/epic-sync.sh" auth --no-worktree
  status_is 65
  [[ $output == *'line 2'* ]]
}

@test "issue-sync posts what is new in the progress files, once" {
  sync_epic
  mkdir -p "$epic"/updates/2
  printf -- '---\nissue: 2\ncompletion: 40%%\n---\n\nHalf done in %s/src.\n' "$PWD" >"$epic"/updates/2/progress.md
  run bash "$pm/issue-sync.sh" 2
  status_is 0
  [[ $output == *'Posted 1 comment:'*'Completion: 40%'* ]]
  run bash "$pm/issue-sync.sh" 2
  [[ $output == *'No updates since the last sync'* ]]
  [ "$(grep -c 'SYNCED: ' "$epic"/updates/2/progress.md)" = 1 ]
  [[ $(ccpm-fm-cas get "$epic"/updates/2/progress.md last_sync) == 20*Z ]]
  run ccpm-sync show 2 --json
  [[ $output == *'"comment_count": 1'* && $output == *'Half done in src.'* && $output != *"$PWD"* ]]
}

@test "issue-close and issue-reopen change task, issue and progress, with a comment" {
  sync_epic
  run bash "$pm/issue-close.sh" 2 --comment 'all of it'
  status_is 0
  [[ $output == *'Closed issue #2'*'Epic progress: 50% (1/2 tasks complete)'* ]]
  [ "$(ccpm-fm-cas get "$epic"/2.md status)" = closed ]
  run bash "$pm/issue-status.sh" 2,3
  [[ $output == *'✅ #2: Store hashes'*'1/2 tasks closed'*'🟢 #3: Log in'* ]]
  run bash "$pm/issue-reopen.sh" 2
  [[ $output == *'Reopened issue #2'*'Epic progress: 0%'* ]]
  run bash "$pm/issue-show.sh" 2
  [[ $output == *'Status: open'*'Blocking: #3'*'2 comments'*'all of it'*'Reopened'* ]]
  run bash "$pm/issue-close.sh" 1
  status_is 2
  run bash "$pm/issue-close.sh" 99
  status_is 66
}

@test "issue-edit changes title, text and labels on both sides" {
  sync_epic
  run bash "$pm/issue-edit.sh" 2 --title 'Store "salted" hashes' --add-label urgent --body <<<'New text'
  status_is 0
  [ "$(ccpm-fm-cas get "$epic"/2.md name)" = 'Store "salted" hashes' ]
  [ "$(tail -n 1 "$epic"/2.md)" = 'New text' ]
  run bash "$pm/issue-show.sh" 2 --json
  [[ $output == *'"title": "Store \"salted\" hashes"'*'"urgent"'*'"body": "New text"'*'"sync": "in sync"'* ]]
}

@test "issue-edit refuses a text, title or label that is none: file and issue stay as they are" {
  sync_epic
  cp "$epic"/3.md .claude/tracker/3.json "$BATS_TEST_TMPDIR"
  refused() {
    run bash "$pm/issue-edit.sh" 3 "$@"
    status_is 2
    [[ $output == *'hint: '* ]]
    cmp "$epic"/3.md "$BATS_TEST_TMPDIR/3.md"
    cmp .claude/tracker/3.json "$BATS_TEST_TMPDIR/3.json"
  }
  refused --body </dev/null
  [[ $output == *'the new text is empty'* ]]
  refused --body <<<$'---\nname: x\n---\nText'
  [[ $output == *'begins with frontmatter'* ]]
  refused --title ''
  refused --title $'two\nlines'
  refused --add-label ''
  run bash "$pm/issue-edit.sh" 3 --body <<<$'caf\xe9'
  status_is 65
  cmp "$epic"/3.md "$BATS_TEST_TMPDIR/3.md"
}

@test "sync merges both ways; a text that both sides changed is 12 and both versions are kept" {
  sync_epic
  ccpm-fm-cas update "$epic"/2.md status=closed >/dev/null
  sed -i.bak 's/After 001\./Theirs./' .claude/tracker/3.json
  run bash "$pm/sync.sh"
  status_is 0
  [[ $output == *'#2 '*'pushed (state)'*'#3 '*'pulled (body)'* ]]
  [ "$(tail -n 1 "$epic"/3.md)" = 'Theirs.' ]
  sed -i.bak 's/Theirs\./Theirs again./' .claude/tracker/3.json
  sed -i.bak 's/Theirs\./Mine./' "$epic"/3.md
  run bash "$pm/sync.sh" auth
  status_is 12
  [[ $output == *"$epic/3.md and issue #3 both changed (body)"*"$epic/conflicts/3.remote.md"*'--keep local'* ]]
  [ "$(tail -n 1 "$epic"/3.md) $(tail -n 1 "$epic"/conflicts/3.remote.md)" = 'Mine. Theirs again.' ]
  run bash "$pm/sync.sh" auth --keep local
  status_is 0
  [ ! -e "$epic"/conflicts/3.remote.md ]
  run ccpm-sync status auth
  [[ $output != *conflict* ]]
  grep -q 'Mine\.' .claude/tracker/3.json
}

@test "import makes files for issues that have none" {
  sync_epic
  rm -r "$epic"
  run bash "$pm/import.sh"
  status_is 0
  [[ $output == *'Imported 1 epic and 2 tasks'* ]]
  [ "$(ccpm-fm-cas get "$epic"/3.md name imported github)" = $'Log in\ntrue\nlocal://issues/3' ]
  run bash "$pm/import.sh"
  [[ $output == *'Imported 0 epics and 0 tasks'*'already tracked): 3'* ]]
  run bash "$pm/import.sh" 99
  status_is 66
}

@test "bug-report makes an issue that follows up, once the epic is synced" {
  sync_epic
  run bash "$pm/bug-report.sh" 2 'Plus signs are refused' </dev/null
  status_is 0
  [[ $output == *'Bug issue created: #4'*'Linked to: #2'*"File: $epic/4.md" ]]
  grep -q 'Follow-up to #2' .claude/tracker/4.json
  grep -q '"bug"' .claude/tracker/4.json
}

@test "epic-refresh counts, epic-close closes the issue too" {
  sync_epic
  run bash "$pm/epic-close.sh" auth
  status_is 75
  bash "$pm/issue-close.sh" 2 >/dev/null
  bash "$pm/issue-close.sh" 3 >/dev/null
  run bash "$pm/epic-refresh.sh" auth
  [[ $output == *'Progress: 100%'* ]]
  run bash "$pm/epic-close.sh" auth --archive
  status_is 0
  [[ $output == *'✅ Epic closed: auth'*'Issue: #1 closed'*'Archived to .claude/epics/.archived/auth'* ]]
  grep -q '"state": "closed"' .claude/tracker/1.json
}

@test "a task that a commit closes can be closed from git" {
  sync_epic
  git commit -q --allow-empty -m $'Log\1 in\n\nCloses #3'
  run bash "$pm/sync.sh" auth --close-from-git
  status_is 0
  [ "$(ccpm-fm-cas get "$epic"/3.md status)" = closed ]
  run bash "$pm/issue-show.sh" 3
  [[ $output == *'Status: closed'*'Closed by commit'* ]]
}

@test "a task that was opened again is closed by a later commit only" {
  sync_epic
  git commit -q --allow-empty -m 'Closes #3'
  ccpm-sync sync auth --close-from-git >/dev/null
  ccpm-sync reopen 3 >/dev/null
  ccpm-sync sync auth --close-from-git
  [ "$(ccpm-fm-cas get "$epic"/3.md status)" = open ]
  GIT_COMMITTER_DATE='2099-01-01T00:00:00Z' git commit -q --allow-empty -m 'Fixes #3'
  ccpm-sync issue 3 --close-from-git
  [ "$(ccpm-fm-cas get "$epic"/3.md status)" = closed ]
}

@test "a task that was opened again in its file or its issue is closed by a later commit only" {
  sync_epic
  git commit -q --allow-empty -m 'Closes #2, closes #3'
  ccpm-sync sync auth --close-from-git >/dev/null
  ccpm-fm-cas update "$epic"/2.md status=open >/dev/null
  sed -i.bak 's/"state": "closed"/"state": "open"/' .claude/tracker/3.json && rm .claude/tracker/3.json.bak
  for _ in 1 2; do
    ccpm-sync sync auth --close-from-git
    [ "$(ccpm-fm-cas get "$epic"/2.md status) $(ccpm-fm-cas get "$epic"/3.md status)" = 'open open' ]
  done
  run ccpm-sync show 2
  [[ $output == *'Status: open'* ]]
}

@test "wrong words are 2, and an unknown epic is 66" {
  for words in 'issue x' 'sync auth --keep both' 'epic' 'status auth --tracker nowhere' 'show 0' 'epic auth --repo x --tracker local'; do
    # shellcheck disable=SC2086
    run ccpm-sync $words
    status_is 2
  done
  run ccpm-sync epic nothing
  status_is 66
}

@test "an epic that cannot be synced does not keep the others from it" {
  sync_epic
  ccpm-plan new-epic bad <<<'# Epic: bad' >/dev/null
  bash "$pm/epic-sync.sh" bad --no-worktree >/dev/null
  printf -- '---\nname: a\ngithub: x\ngithub: y\n---\n' >.claude/epics/bad/009.md
  ccpm-fm-cas update "$epic"/2.md status=closed >/dev/null
  run bash "$pm/sync.sh"
  status_is 65
  [[ $output == *"epic 'bad' was not synced"*'bad/009.md'* ]]
  grep -q '"state": "closed"' .claude/tracker/2.json
}

@test "close, reopen and --close-from-git leave a task to the agent that has it" {
  sync_epic
  ccpm-work claim auth/2 --agent ada 2>/dev/null >&2
  run bash "$pm/issue-close.sh" 2 --agent bob --comment mine
  status_is 77
  [[ $output == *"#2 of epic 'auth' is in the hands of ada for work since 20"*'hint: '*'--force'* ]]
  git commit -q --allow-empty -m $'Store\n\nCloses #2'
  run ccpm-sync sync auth --close-from-git --agent bob
  status_is 0
  [[ $output == *"closes $epic/2.md, but #2 of epic 'auth' is in the hands of ada"* ]]
  [ "$(ccpm-fm-cas get "$epic"/2.md status)" = open ]
  run grep 'mine\|Closed by commit' .claude/tracker/2.json
  status_is 1
  run bash "$pm/issue-close.sh" 2 --agent bob --force
  status_is 0
}

@test "hints name the verb and the epic that they are about" {
  run ccpm-sync issue 2 --keep foo
  status_is 2
  [[ $output == *'hint: ccpm-sync issue --help'* ]]
  run ccpm-sync sync
  [[ $output == *'auth: not synced yet (ccpm-sync epic auth)'* ]]
}
