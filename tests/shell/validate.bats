#!/usr/bin/env bats
# validate.sh: the report, what it mends, and the way back.

load helpers

setup() {
  make_project
  pm=$REPOSITORY/commands/pm
  mkdir -p .claude/epics/auth .claude/prds .claude/rules
  printf -- '---\nname: auth\nstatus: backlog\nprogress: 0%%\n---\n' >.claude/epics/auth/epic.md
  printf -- '---\nname: Store\nstatus: open\n---\n' >.claude/epics/auth/001.md
  broken=$'---\nname: Login: the first half\nstatus: open\ndepends_on: [009]\n---\nof mine\n'
}

@test "a sound plan is healthy and exits 0" {
  run bash "$pm/validate.sh"
  status_is 0
  [[ $output == "Validating PM System..."*"✅ All references valid"*"✅ All files have frontmatter"*"  Errors: 0"*"✅ System is healthy!" ]]
  run bash "$pm/validate.sh" --json
  status_is 0
  [ "$output" = '{"findings": [], "errors": 0, "warnings": 0, "invalid_files": 0, "mendable": 0}' ]
  [ ! -e .claude/backups ]
}

@test "findings exit 1, with file, line, kind and hint; --exit-zero is for prompts" {
  printf '%s' "$broken" >.claude/epics/auth/002.md
  run bash "$pm/validate.sh"
  status_is 1
  [[ $output == *"Task 002 references missing task: 009"*".claude/epics/auth/002.md:4 [dangling] hint: "* ]]
  [[ $output == *"The value of 'name' is not valid YAML"*".claude/epics/auth/002.md:2 [not-yaml] hint: "* ]]
  [[ $output == *"  Errors: 1"*"  Warnings: 1"*"  Invalid files: 1"* ]]
  run bash "$pm/validate.sh" --exit-zero
  status_is 0
  run bash "$pm/validate.sh" --json
  status_is 1
  [[ $output == *'"kind": "dangling", "severity": "warning", "file": ".claude/epics/auth/002.md", "line": 4, '* ]]
}

@test "what is no file is named, and neither search nor validate waits for it" {
  ln -s nowhere.md .claude/epics/auth/016.md
  mkfifo .claude/epics/auth/019.md
  run timeout 20 bash "$pm/search.sh" Store
  status_is 0
  [[ $output == *'001'* ]]
  run timeout 20 bash "$pm/validate.sh"
  status_is 1
  [[ $output == *'016.md is a link that leads to no file'*'.claude/epics/auth/016.md:1 [no-file] hint: '* ]]
  [[ $output == *'019.md is no file, but a pipe or a device'* && $output != *Orphaned* ]]
}

@test "a task without a name, and a status that nobody knows, are told" {
  printf -- '---\nstatus: weird\n---\nNo heading.\n' >.claude/epics/auth/002.md
  printf -- '---\nname: C\nstatus: {x: y}\n---\n' >.claude/epics/auth/003.md
  printf -- '---\nname: D\nstatus: Not Started\n---\n' >.claude/epics/auth/004.md
  run bash "$pm/validate.sh"
  status_is 1
  [[ $output == *'002.md:1 [no-name]'*'counts as open: weird'*'002.md:2 [bad-status]'*'a list or a mapping'*'003.md:3 [bad-status]'* ]]
  [[ $output == *'  Warnings: 3'* ]]
}

@test "nothing to mend is said as that" {
  run ccpm-query validate --fix
  status_is 0
  [[ $output == *'Nothing to mend: nothing was changed.'*'System is healthy'* ]]
}

@test "--dry-run shows the diff and changes nothing" {
  printf '%s' "$broken" >.claude/epics/auth/002.md
  before=$(snapshot .)
  run bash "$pm/validate.sh" --fix --dry-run
  status_is 1
  [[ $output == *"-name: Login: the first half"*'+name: "Login: the first half"'*"Would mend: .claude/epics/auth/002.md"*"nothing was changed"* ]]
  [ "$(snapshot .)" = "$before" ]
}

@test "--fix shows the diff, mends, saves the original, and --undo restores the bytes" {
  printf '%s' "$broken" >.claude/epics/auth/002.md
  before=$(snapshot .claude/epics)
  run bash "$pm/validate.sh" --fix
  status_is 1
  [[ $output == *'+name: "Login: the first half"'*"Mended: .claude/epics/auth/002.md"*"Originals: .claude/backups/"*"Left: 1 finding:"* ]]
  run ccpm-fm-cas validate .claude/epics/auth/002.md
  status_is 0
  printf '%s' "$broken" | cmp - .claude/backups/*/files/epics/auth/002.md
  run bash "$pm/validate.sh" --undo
  status_is 0
  [[ $output == *"Restored: .claude/epics/auth/002.md" ]]
  [ "$(snapshot .claude/epics)" = "$before" ]
  run bash "$pm/validate.sh" --undo
  status_is 66
}

@test "--undo refuses a file that changed since, with 10" {
  printf '%s' "$broken" >.claude/epics/auth/002.md
  bash "$pm/validate.sh" --fix >/dev/null || [ $? -eq 1 ]
  echo more >>.claude/epics/auth/002.md
  sum=$(cksum .claude/epics/auth/002.md)
  time=$(ls .claude/backups)
  run --separate-stderr bash "$pm/validate.sh" --undo "$time"
  status_is 10
  [[ $output == *"Left alone: .claude/epics/auth/002.md: it changed since"* ]]
  [[ $stderr == *"hint: the originals are in .claude/backups/$time/files"* ]]
  [ "$(cksum .claude/epics/auth/002.md)" = "$sum" ]
}

@test "--fix --json gives the diffs as data" {
  printf '%s' "$broken" >.claude/epics/auth/002.md
  run bash "$pm/validate.sh" --fix --json
  status_is 1
  [[ $output == '{"dry_run": false, "backup": "2'*'"file": ".claude/epics/auth/002.md"'*'"written": true'*'"left": {"findings": [{"kind": "dangling"'* ]]
}

@test "archived epics are looked at only when asked" {
  mkdir -p .claude/epics/.archived/old
  run bash "$pm/validate.sh"
  status_is 0
  run bash "$pm/validate.sh" --all
  status_is 1
  [[ $output == *"Missing epic.md in old"* ]]
}

@test "wrong arguments are 2, and a project without .claude says so" {
  for words in "--undo --fix" "20250101T000000Z" "--undo a b" "--nothing"; do
    # shellcheck disable=SC2086
    run bash "$pm/validate.sh" $words
    status_is 2
  done
  rm -r .claude
  run bash "$pm/validate.sh"
  status_is 1
  [[ $output == *"❌ .claude directory missing"* ]]
}

@test "from a linked worktree the plan at the root is judged and mended" {
  git commit -q --allow-empty -m first
  git worktree add -q ../side
  printf '%s' "$broken" >.claude/epics/auth/002.md
  cd ../side
  run bash "$pm/validate.sh" --fix
  status_is 1
  run ccpm-fm-cas validate "$project/.claude/epics/auth/002.md"
  status_is 0
}

@test "names and texts that are no UTF-8 come through as they are" {
  name=$(printf 'a\377b')
  mkdir ".claude/epics/$name" 2>/dev/null || skip "this file system takes only UTF-8 names"
  printf -- '---\nname: caf\351: x\n---\n' >".claude/epics/$name/epic.md"
  printf -- '---\nname: b: c\n---\n\351\n' >".claude/epics/$name/001.md"
  run bash "$pm/validate.sh"
  status_is 1
  run bash "$pm/validate.sh" --fix
  status_is 1
  run bash "$pm/validate.sh" --json
  status_is 1
  printf -- '---\nname: "b: c"\n---\n\351\n' | cmp - ".claude/epics/$name/001.md"
}
