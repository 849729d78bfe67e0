#!/usr/bin/env bats
# ccpm-worktree and the commands that use it, from the command line.

load helpers

setup() {
  make_project "$BATS_TEST_TMPDIR/my project"
  mkdir -p .claude/epics/auth
  printf -- '---\nname: auth\nstatus: in-progress\ncheck: test ! -e bad\n---\n' >.claude/epics/auth/epic.md
  printf '.claude/locks\n.claude/metrics\n' >.gitignore
  printf 'one\ntwo\nthree\n' >text
  git add -A
  git commit -q -m base
  commands=$REPOSITORY/commands/pm
}

work() {
  cd "../epic-auth-agent-$1" || return
  eval "$2"
  git add -A
  git commit -q -m "work of $1"
  cd "$project" || return
}

@test "epic-start-worktree makes a worktree for an agent, or one to share, and prints where" {
  run "$CCPM_TEST_BASH" "$commands/epic-start-worktree.sh" auth --agent agent-1
  status_is 0
  [ "$output" = "$BATS_TEST_TMPDIR/epic-auth-agent-1" ]
  run "$CCPM_TEST_BASH" "$commands/epic-start-worktree.sh" auth --shared
  status_is 0
  [ "$output" = "$BATS_TEST_TMPDIR/epic-auth" ]
  run "$CCPM_TEST_BASH" "$commands/epic-start-worktree.sh" nothing
  status_is 66
  run "$CCPM_TEST_BASH" "$commands/epic-start-worktree.sh"
  status_is 2
}

@test "worktrees lists them" {
  run "$CCPM_TEST_BASH" "$commands/worktrees.sh"
  status_is 0
  [ "$output" = "No worktrees of agents." ]
  ccpm-worktree add auth --agent agent-1 >/dev/null
  run "$CCPM_TEST_BASH" "$commands/worktrees.sh" auth
  status_is 0
  [[ ${lines[1]} == "agent-1  auth  epic/auth--agent-1  0      no     in-use"*"../epic-auth-agent-1" ]]
}

@test "conflicts ends with 1 when it finds some, with --exit-zero never" {
  for agent in 1 2; do ccpm-worktree add auth --agent "agent-$agent" >/dev/null; done
  run "$CCPM_TEST_BASH" "$commands/conflicts.sh" auth
  status_is 0
  work 1 'echo first >text'
  (cd ../epic-auth-agent-2 && echo second >text)
  run "$CCPM_TEST_BASH" "$commands/conflicts.sh"
  status_is 1
  [ "${lines[0]}" = "CONFLICT  agent-1 and agent-2: text" ]
  run "$CCPM_TEST_BASH" "$commands/conflicts.sh" --exit-zero
  status_is 0
}

@test "epic-merge-agents: 1 for a failed check, 12 for a conflict, 0 when all is merged" {
  for agent in 1 2; do ccpm-worktree add auth --agent "agent-$agent" >/dev/null; done
  work 1 ': >bad'
  run "$CCPM_TEST_BASH" "$commands/epic-merge-agents.sh" auth
  status_is 1
  [[ $output == *"failed    epic/auth--agent-1  the check ended with 1; its output: "* ]]
  work 1 'rm bad; echo first >text'
  work 2 'echo second >text'
  run "$CCPM_TEST_BASH" "$commands/epic-merge-agents.sh" auth
  status_is 12
  [[ $output == *"conflict  epic/auth--agent-"* ]]
  work 2 'git merge -q epic/auth >/dev/null || :; echo both >text'
  run "$CCPM_TEST_BASH" "$commands/epic-merge-agents.sh" auth
  status_is 0
  [ "$(git show epic/auth:text)" = both ]
}

@test "remove refuses with 75 what is unsaved, and with --rescue says how it comes back" {
  path=$(ccpm-worktree add auth --agent agent-1)
  echo new >"$path/new file"
  run ccpm-worktree remove auth --agent agent-1
  status_is 75
  [[ $output == *"has unsaved work: untracked: new file"* ]]
  run ccpm-worktree remove auth --agent agent-1 --rescue
  status_is 0
  [ ! -e "$path" ]
  back=${output##*bring it back with: }
  run ${back%%$'\n'*}
  status_is 0
  [ "$(cat "$path/new file")" = new ]
}
