#!/usr/bin/env bats
# The git hooks: what they refuse, what they let pass, and how they live beside the hooks of the repository.

load helpers

setup() {
  make_project
  mkdir -p .claude/epics/auth .claude/epics/pay src/db
  ln -s "$REPOSITORY/bin" .claude/bin
  printf '.claude\n' >.gitignore
  git add .gitignore
  git commit -q -m first
}

# as AGENT COMMAND…
as() { CCPM_AGENT_ID=$1 "${@:2}"; }

hook() {
  printf '#!%s\n%s\n' "$2" "$3" >"$1"
  chmod +x "$1"
}

@test "two worktrees, two agents: the commit of the other's file is refused, with a grant it passes" {
  hook .git/hooks/pre-commit /bin/sh 'echo "own hook" >>"$(git rev-parse --git-common-dir)/ran"'
  ccpm-agent hooks install >/dev/null
  git worktree add -q ../b -b b
  as agent-a ccpm-agent claim auth db 'src/db/**'
  cd ../b
  as agent-b ccpm-agent register pay
  mkdir -p src/db
  echo 1 >src/db/user.ts
  echo 2 >mine.txt
  git add .
  run as agent-b git commit -m both
  status_is 1
  [[ $output == *"src/db/user.ts  belongs to agent-a by stream db of auth (src/db/**), since "* ]]
  [[ $output == *"hint: commit only your own files: git commit -m MESSAGE -- mine.txt"* ]]
  [ ! -e "$project/.git/ran" ]
  run as agent-b git commit -m own -- mine.txt
  status_is 0
  [ "$(git show --format= --name-only)" = mine.txt ]
  [ "$(cat "$project/.git/ran")" = "own hook" ]
  run as agent-b ccpm-agent request src/db/user.ts --reason "one more column"
  status_is 75
  (cd "$project" && as agent-a ccpm-agent grant src/db/user.ts)
  run as agent-b git commit -m theirs
  status_is 0
  [ "$(git log -1 --format='%(trailers:key=Agent,valueonly)')" = agent-b ]
  # the owner has lent it out, and gets it back
  cd "$project"
  mkdir -p src/db
  echo 3 >src/db/user.ts
  git add src
  run as agent-a git commit -m mine
  status_is 1
  (cd ../b && as agent-b ccpm-agent return src/db/user.ts)
  run as agent-a git commit -m mine
  status_is 0
}

@test "a commit does not sweep up what another agent has staged in the same worktree" {
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent claim auth db 'src/db/**'
  echo a >src/db/a.ts
  git add src/db/a.ts
  echo b >b.txt
  git add b.txt
  run as agent-b git commit -a -m b
  status_is 1
  run as agent-b git commit -m b -- b.txt
  status_is 0
  [ "$(git show --format= --name-only)" = b.txt ]
  [ "$(git diff --cached --name-only)" = src/db/a.ts ]
  run as agent-a git commit -m a
  status_is 0
}

@test "what another agent has staged is not swept up although nobody claims it" {
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent register auth
  as agent-b ccpm-agent register pay
  echo a >a.txt
  as agent-a git add a.txt
  echo b >b.txt
  as agent-b git add b.txt
  run as agent-b git commit -m b
  status_is 1
  [[ $output == *"a.txt  staged by agent-a at "*"hint: commit only your own files: git commit -m MESSAGE -- b.txt; or wait until agent-a has committed it"* ]]
  run as agent-b git commit -a -m b
  status_is 1
  run as agent-b git commit -m b -- b.txt
  status_is 0
  [ "$(git diff --cached --name-only)" = a.txt ]
  # of what is staged, the newest content counts
  echo both >>a.txt
  as agent-b git add a.txt
  run as agent-a git commit -m a
  status_is 1
  [[ $output == *"a.txt  staged by agent-b at "* ]]
  git rm -q --cached a.txt
  as agent-a git add a.txt
  run as agent-a git commit -m a
  status_is 0
  # deletions too, and only as long as the agent lives
  as agent-a git rm -q a.txt
  run as agent-b git commit -m b
  status_is 1
  as agent-a ccpm-agent unregister
  run as agent-b git commit -m b
  status_is 0
}

@test "a claim counts more than who staged: a refused commit does not lock the owner out" {
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent claim auth db 'src/db/**'
  as agent-b ccpm-agent register pay
  echo a >src/db/a.ts
  echo b >b.txt
  git add b.txt # by a person
  as agent-b git add src
  run git commit -m person
  status_is 1
  [[ $output == *"; or commit them all the same: git commit --no-verify"* ]]
  run as agent-b git commit -m b
  status_is 1
  [[ $output == *"src/db/a.ts  belongs to agent-a"* ]]
  [[ $output != *"--no-verify"* ]]
  run as agent-a git commit -m a -- src/db/a.ts
  status_is 0
  run as agent-b git commit -m b
  status_is 0
}

@test "the trailer names the agent once, and an empty message stays empty" {
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent register auth
  as agent-a git commit -q --allow-empty -m "say so"
  [ "$(git log -1 --format=%B)" = $'say so\n\nAgent: agent-a' ]
  as agent-a git commit -q --amend --allow-empty -m "say it otherwise"
  [ "$(git log -1 --format='%(trailers:key=Agent,valueonly)')" = agent-a ]
  as agent-b git commit -q --allow-empty -m "nobody knows me"
  [ "$(git log -1 --format='%(trailers:key=Agent)')" = "" ]
  run env CCPM_AGENT_ID=agent-a GIT_EDITOR=true git commit --allow-empty
  status_is 1
  [[ $output == *"empty commit message"* ]]
}

@test "commits that are only moved keep the agent that made them" {
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent register auth
  as agent-b ccpm-agent register pay
  git checkout -q -b side
  as agent-a git commit -q --allow-empty -m "work of a"
  git commit -q --allow-empty -m "work of nobody"
  git checkout -q main
  as agent-b git commit -q --allow-empty -m "work of b"
  git checkout -q side
  as agent-b git rebase -q --keep-empty main
  [ "$(git log -2 --format='%s:%(trailers:key=Agent,valueonly,separator=%x2C)')" = $'work of nobody:\nwork of a:agent-a' ]
}

@test "commits are counted, in the registry of each epic that knows the agent" {
  ccpm-agent hooks install >/dev/null
  git worktree add -q ../b -b b
  as agent-a ccpm-agent register auth
  (cd ../b && as agent-b ccpm-agent register auth)
  for n in 1 2 3; do as agent-a git commit -q --allow-empty -m "a $n"; done
  (cd ../b && as agent-b git commit -q --allow-empty -m "b")
  run ccpm-agent list --json
  [[ $output == *'"agent_id": "agent-a"'*'"commits": 3'*'"agent_id": "agent-b"'*'"commits": 1'* ]]
}

@test "a broken registry of another epic does not let a commit through" {
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent claim auth db 'src/db/**'
  printf '<<<<<<< "files"' >.claude/epics/pay/agents.json
  echo x >src/db/a.ts && echo x >b.ts
  git add src b.ts
  run as agent-b git commit -m all
  status_is 1
  [[ $output == *"src/db/a.ts  belongs to agent-a"* ]]
}

@test "concluding a merge takes in what the other side changed, and refuses what is changed on the way" {
  ccpm-agent hooks install >/dev/null
  echo base >both.txt
  git add both.txt
  git commit -q -m base
  git checkout -q -b side
  echo theirs >both.txt
  echo db >src/db/a.ts
  git add .
  git commit -q -m side
  git checkout -q main
  echo ours >both.txt
  git commit -q -a -m main
  as agent-a ccpm-agent claim auth db 'src/db/**'
  run git merge side
  status_is 1
  echo resolved >both.txt
  git add both.txt
  echo changed >src/db/a.ts
  git add src/db/a.ts
  run as agent-b git commit -m merge
  status_is 1
  [[ $output == *"hint: ask for it: ccpm-agent request src/db/a.ts --reason WHY; or give the merge up: git merge --abort"* ]]
  git checkout -q side -- src/db/a.ts
  run as agent-b git commit -m merge
  status_is 0
}

@test "a linked worktree that has one agent commits as that agent, without being told" {
  ccpm-agent hooks install >/dev/null
  git worktree add -q ../b -b b
  cd ../b
  ccpm-agent claim auth db 'src/db/**' --agent agent-b
  mkdir -p src/db
  echo 1 >src/db/a.ts
  git add .
  run git commit -m mine
  status_is 0
  [ "$(git log -1 --format='%(trailers:key=Agent,valueonly)')" = agent-b ]
}

@test "a dead agent's files can be committed at once" {
  ccpm-agent hooks install >/dev/null
  sleep 60 &
  as agent-a ccpm-agent claim auth db 'src/db/**' --pid $!
  echo 1 >src/db/a.ts
  git add src
  run as agent-b git commit -m b
  status_is 1
  kill -9 $!
  wait $! || :
  run as agent-b git commit -m b
  status_is 0
}

@test "a helper that is broken, missing or not set up stops no commit" {
  cp -R "$REPOSITORY/bin" "$BATS_TEST_TMPDIR/bin"
  rm .claude/bin
  ln -s "$BATS_TEST_TMPDIR/bin" .claude/bin
  ccpm-agent hooks install >/dev/null
  echo 1 >a.txt
  git add a.txt
  run git commit -m "no library there"
  status_is 0
  rm .claude/bin
  echo 2 >a.txt
  run git commit -a -m "no helper there"
  status_is 0
  [ "$output" != "" ]
}

@test "hooks of the repository stay what they are, to the byte, and come back" {
  hook .git/hooks/pre-commit '/usr/bin/env bash' 'echo "bash $0" >>ran; exit 0'
  hook .git/hooks/prepare-commit-msg '/usr/bin/env python3' 'import sys; open("ran", "a").write("python " + " ".join(sys.argv[2:]) + "\n")'
  mkdir hooks
  hook hooks/mine.sh /bin/sh 'echo "link" >>ran'
  ln -s ../../hooks/mine.sh .git/hooks/post-commit
  snapshot .git/hooks >"$BATS_TEST_TMPDIR/before"
  run ccpm-agent hooks install
  status_is 0
  snapshot .git/hooks >"$BATS_TEST_TMPDIR/installed"
  run ccpm-agent hooks install
  [[ $output != *added* ]]
  snapshot .git/hooks >"$BATS_TEST_TMPDIR/again"
  cmp "$BATS_TEST_TMPDIR/installed" "$BATS_TEST_TMPDIR/again"
  as agent-a ccpm-agent register auth
  as agent-a git commit -q --allow-empty -m x
  [ "$(cat ran)" = $'bash .git/hooks/pre-commit\npython message\nlink' ]
  [ "$(git log -1 --format='%(trailers:key=Agent,valueonly)')" = agent-a ]
  run ccpm-agent hooks status
  status_is 0
  run ccpm-agent hooks remove
  status_is 0
  snapshot .git/hooks >"$BATS_TEST_TMPDIR/after"
  cmp "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
  run ccpm-agent hooks status
  status_is 1
}

@test "a hook that fails still stops the commit" {
  hook .git/hooks/pre-commit /bin/sh 'exit 3'
  ccpm-agent hooks install >/dev/null
  run git commit --allow-empty -m x
  status_is 1
}

@test "a hook that git passes over does not take ours with it" {
  printf '#!/bin/sh\nexit 1\n' >.git/hooks/pre-commit
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent claim auth db 'src/db/**'
  echo 1 >src/db/a.ts
  git add src
  run as agent-b git commit -m x
  status_is 1
  [[ $output == *"belongs to agent-a"* ]]
  run as agent-a git commit -m x
  status_is 0
  ccpm-agent hooks remove >/dev/null
  [ ! -x .git/hooks/pre-commit ]
  [ "$(cat .git/hooks/pre-commit)" = $'#!/bin/sh\nexit 1' ]
}

@test "core.hooksPath counts, and husky's hooks are those that people write" {
  mkdir .githooks
  git config core.hooksPath .githooks
  ccpm-agent hooks install >/dev/null
  [ -x .githooks/pre-commit ]
  [ ! -e .git/hooks/pre-commit ]
  ccpm-agent hooks remove >/dev/null
  [ "$(ls .githooks)" = "" ]

  # as husky 9 lays it out: stubs that run the file above with sh -e
  mkdir -p .husky/_
  git config core.hooksPath .husky/_
  for name in pre-commit prepare-commit-msg post-commit; do
    hook .husky/_/$name /usr/bin/env\ sh 's=$(dirname "$(dirname "$0")")/$(basename "$0"); [ ! -f "$s" ] || sh -e "$s" "$@"'
  done
  printf 'echo lint >>ran\n' >.husky/pre-commit
  ccpm-agent hooks install >/dev/null
  as agent-a ccpm-agent claim auth db 'src/db/**'
  echo 1 >src/db/a.ts
  git add src
  run as agent-b git commit -m x
  status_is 1
  [[ $output == *"belongs to agent-a"* ]]
  [ ! -e ran ]
  as agent-a git commit -q -m x
  [ "$(cat ran)" = lint ]
  [ "$(git log -1 --format='%(trailers:key=Agent,valueonly)')" = agent-a ]
  ccpm-agent hooks remove >/dev/null
  [ "$(cat .husky/pre-commit)" = 'echo lint >>ran' ]
  [ "$(ls .husky)" = $'_\npre-commit' ]
}

@test "the pre-commit framework runs, whichever was installed first" {
  # what `pre-commit install` writes: a bash script that finds its folder by \$0
  framework='HERE="$(cd "$(dirname "$0")" && pwd)"; [ ! -x "$HERE/pre-commit.legacy" ] || "$HERE/pre-commit.legacy" || exit 1; echo "framework in ${HERE##*/}" >>ran'
  hook .git/hooks/pre-commit '/usr/bin/env bash' "$framework"
  ccpm-agent hooks install >/dev/null
  git commit -q --allow-empty -m x
  [ "$(cat ran)" = "framework in hooks" ]
  # installed over ours, it keeps ours as the legacy hook
  ccpm-agent hooks remove >/dev/null
  rm .git/hooks/pre-commit ran
  ccpm-agent hooks install >/dev/null
  mv .git/hooks/pre-commit .git/hooks/pre-commit.legacy
  hook .git/hooks/pre-commit '/usr/bin/env bash' "$framework"
  as agent-a ccpm-agent claim auth db 'src/db/**'
  echo 1 >src/db/a.ts
  git add src
  run as agent-b git commit -m x
  status_is 1
  as agent-a git commit -q -m x
  [ "$(cat ran)" = "framework in hooks" ]
}

@test "hooks outside the project are left alone, and the lines to add are shown" {
  mkdir "$BATS_TEST_TMPDIR/global"
  git config core.hooksPath "$BATS_TEST_TMPDIR/global"
  run ccpm-agent hooks install
  status_is 2
  [[ $output == *"outside of this project"*"git-hook pre-commit"* ]]
  [ "$(ls "$BATS_TEST_TMPDIR/global")" = "" ]
}

@test "install.sh installs them, --no-hooks does not, --uninstall takes them out" {
  make_project "$BATS_TEST_TMPDIR/other"
  hook .git/hooks/pre-commit /bin/sh 'echo own >>ran'
  cp .git/hooks/pre-commit "$BATS_TEST_TMPDIR/own"
  bash "$REPOSITORY/install.sh" --no-hooks >/dev/null
  cmp .git/hooks/pre-commit "$BATS_TEST_TMPDIR/own"
  bash "$REPOSITORY/install.sh" --hooks >/dev/null
  run .claude/bin/ccpm-agent hooks status
  status_is 0
  bash "$REPOSITORY/install.sh" --dry-run --uninstall >/dev/null
  run .claude/bin/ccpm-agent hooks status
  status_is 0
  git commit -q --allow-empty -m x
  [ "$(cat ran)" = own ]
  bash "$REPOSITORY/install.sh" --uninstall >/dev/null
  cmp .git/hooks/pre-commit "$BATS_TEST_TMPDIR/own"
  [ ! -e .git/hooks/post-commit ]
}

@test "outside of git they are refused with 66" {
  mkdir -p "$BATS_TEST_TMPDIR/plain/.claude"
  cd "$BATS_TEST_TMPDIR/plain"
  run ccpm-agent hooks install
  status_is 66
}
