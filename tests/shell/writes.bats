#!/usr/bin/env bats
# ccpm-atomic-write and ccpm-fm-cas from the command line.

load helpers

setup() {
  make_project
  task=.claude/epics/auth/001.md
  mkdir -p .claude/epics/auth
  printf -- '---\nname: Login   # short\nstatus: "open"\ndepends_on: [001, 010]\nversion: 1\n---\n\nbody\n---\nstatus: fake\n' >"$task"
}

@test "atomic-write replaces, appends, and keeps the mode" {
  echo old >f && chmod 640 f
  echo new | ccpm-atomic-write f
  echo more | ccpm-atomic-write --append f
  [ "$(cat f)" = $'new\nmore' ]
  [ -n "$(find f -perm 640)" ]
  [ "$(ls -A)" = $'.claude\n.git\nf' ]
}

@test "atomic-write with a condition refuses with 10 what has changed" {
  echo old >f
  run ccpm-atomic-write --if-absent f <<<new
  status_is 10
  run ccpm-atomic-write --if-sha256 0000 f <<<new
  status_is 10
  [ "$(cat f)" = old ]
}

@test "atomic-write leaves a file of another living agent as it is, 77" {
  mkdir -p src/db .claude/epics/auth && echo old >src/db/user.ts
  ccpm-agent claim auth db 'src/db/**' '*.md' --agent agent-a --pid $$
  for way in '' --append; do
    run ccpm-atomic-write $way src/db/user.ts --agent agent-b <<<new
    status_is 77
    [[ $output == *"src/db/user.ts belongs to agent-a by stream db of auth"*"nothing was written"*"hint: "*"ccpm-agent request src/db/user.ts"* ]]
  done
  [ "$(cat src/db/user.ts)" = old ]
  printf -- '---\nname: x\n---\n' >src/db/notes.md
  run ccpm-fm-cas update src/db/notes.md name=y --agent agent-b
  status_is 77
  ccpm-fm-cas update src/db/notes.md name=y --agent agent-a
  ccpm-fm-cas update "$task" status=closed --agent agent-b
  ccpm-atomic-write src/db/user.ts --agent agent-a <<<new
  ccpm-atomic-write src/app.ts --agent agent-b <<<new
  ccpm-atomic-write .claude/epics/auth/log.md --agent agent-b <<<new
}

@test "atomic-write lets through what is the session's own, and what a subagent's script writes without a name" {
  mkdir -p src .claude/epics/auth
  export CLAUDE_CODE_SESSION_ID=s1
  ccpm-agent claim auth app 'src/**' --pid $$
  ccpm-atomic-write src/app.ts --agent agent-sub <<<new
  ccpm-agent claim auth web 'web/**' --agent agent-sub
  mkdir web && ccpm-atomic-write web/a.ts <<<new
  run ccpm-atomic-write web/a.ts --agent agent-other <<<new
  status_is 77
}

@test "atomic-write edits the target of a symbolic link and keeps the link" {
  echo old >target && ln -s target link
  echo new | ccpm-atomic-write link
  [ -h link ]
  [ "$(cat target)" = new ]
}

@test "a write under a fence that does not hold is refused with 11" {
  token=$(ccpm-lock acquire epic-auth --agent me --ttl 60)
  echo new | ccpm-atomic-write --fence "epic-auth:$token" f
  ccpm-lock release epic-auth --agent me
  run ccpm-atomic-write --fence "epic-auth:$token" f <<<late
  status_is 11
  CCPM_FENCE=epic-auth:$token run ccpm-fm-cas update "$task" status=closed
  status_is 11
  [ "$(cat f)" = new ]
  printf -- '---\nname: x\n---\n' >unversioned.md
  CCPM_FENCE=epic-auth:$token run ccpm-fm-cas ensure unversioned.md
  status_is 11
  run ccpm-fm-cas ensure unversioned.md --fence "epic-auth:$token"
  status_is 11
  [ "$(ccpm-fm-cas get unversioned.md)" = "name: x" ]
  token=$(ccpm-lock acquire epic-auth --agent me)
  CCPM_FENCE=epic-auth:$token ccpm-fm-cas ensure unversioned.md
  [ "$(ccpm-fm-cas get unversioned.md version)" = 1 ]
}

@test "get prints values as they are written; a missing key is 1" {
  run ccpm-fm-cas get "$task" depends_on
  [ "$output" = "[001, 010]" ]
  run ccpm-fm-cas get "$task" status
  [ "$output" = open ]
  run ccpm-fm-cas get "$task" nothing
  status_is 1
  run ccpm-fm-cas get absent.md
  status_is 66
}

@test "get gives each of several keys a line of its own, whatever its value is" {
  printf -- '---\na: one\nfolded: |\n  two\n  three\nempty:\nlist:\n  - 1\n  - 2\n---\n' >f.md
  { ccpm-fm-cas get f.md a missing folded empty list a >found && code=0; } || code=$?
  [ "$code" -eq 1 ]
  [ "$(cat found)" = $'one\n\ntwo three\n\n[1, 2]\none' ]
  run ccpm-fm-cas get f.md a empty
  status_is 0
  run ccpm-fm-cas get f.md missing
  status_is 1
  [ -z "$output" ]
}

@test "set needs the version that was read, and says who wrote the other one" {
  run ccpm-fm-cas set "$task" --expect-version 1 status=closed --agent first
  status_is 0
  [ "$output" = 2 ]
  run ccpm-fm-cas set "$task" --expect-version 1 status=open
  status_is 10
  [[ $output == *"expected version 1, found 2"*"first"*"20"* ]]
}

@test "an edit of one key leaves every other byte" {
  cp "$task" before
  ccpm-fm-cas update "$task" status=closed
  # two lines changed, `updated` is new
  [ "$(diff before "$task" | grep -c '^[<>]')" -eq 5 ]
  grep -qx 'status: "closed"' "$task"
  grep -qx 'name: Login   # short' "$task"
  grep -qx 'status: fake' "$task"
  grep -qx 'version: 2' "$task"
}

@test "version and updated cannot be set by hand, a broken block is 65" {
  run ccpm-fm-cas update "$task" version=9
  status_is 2
  printf -- '---\nname: x\n' >open.md
  run ccpm-fm-cas update open.md name=y
  status_is 65
  run ccpm-fm-cas update "$task"
  status_is 2
}

@test "shared state is the root's copy, also through a linked worktree" {
  git add -A && git commit -q -m plan
  git worktree add -q ../linked
  (cd ../linked && ccpm-fm-cas update "$task" status=closed)
  (cd ../linked/.claude && ccpm-fm-cas update epics/auth/001.md parallel=true)
  run ccpm-fm-cas get "$task" status parallel
  [ "${lines[*]}" = "closed true" ]
  git -C ../linked diff --quiet
}

@test "ten megabytes of frontmatter, an alias bomb and deep nesting are refused" {
  { printf -- '---\n' && head -c 10000000 /dev/zero | tr '\0' 'a' && printf '\n---\n'; } >big.md
  { printf -- '---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n'; } >bomb.md
  { printf -- '---\na: ' && head -c 3000 /dev/zero | tr '\0' '[' && printf '\n---\n'; } >deep.md
  for file in big.md bomb.md deep.md; do
    run ccpm-fm-cas get $file a
    status_is 65
    run ccpm-fm-cas update $file a=1
    status_is 65
  done
}

@test "what cannot be written or read is told with what to do" {
  make_project
  run ccpm-atomic-write a --from nofile
  status_is 66
  [[ $output == *'no such file: nofile'*'hint: '*'--from'* ]]
  run ccpm-atomic-write . </dev/null
  status_is 74
  [[ $output == *'hint: that is a folder'* ]]
  run ccpm-atomic-write '' </dev/null
  status_is 2
  [[ $output == *'the file name is empty'*'hint: '* ]]
}

@test "new content may come through a pipe" {
  for verb in 'ccpm-atomic-write f' "ccpm-fm-cas commit $task --expect-version 1"; do
    run bash -c "$verb --from <(printf -- '---\nname: piped\nversion: 1\n---\n')"
    status_is 0
  done
  grep -q piped f
  [ "$(ccpm-fm-cas get "$task" name version)" = $'piped\n2' ]
  run ccpm-fm-cas commit "$task" --expect-version 2 --from nowhere
  status_is 66
}
