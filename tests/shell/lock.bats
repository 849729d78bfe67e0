#!/usr/bin/env bats
# ccpm-lock from the command line: exit codes, outputs, hostile input.

load helpers

setup() { make_project; }

hold() { ccpm-lock acquire "$1" --agent "${2:-other}" --ttl "${3:-60}"; }

@test "acquire prints a token that grows with every acquisition" {
  run --separate-stderr ccpm-lock acquire epic-a
  status_is 0
  [ "$output" = 1 ]
  [ "$stderr" = "" ]
  ccpm-lock release epic-a
  run ccpm-lock acquire epic-a
  [ "$output" = 2 ]
}

@test "the record has the keys of the specification, in its order" {
  ccpm-lock acquire epic-a --agent me --operation epic_sync
  run sed 's/:.*//; 9q' .claude/locks/epic-a.lock
  [ "${output//$'\n'/ }" = "--- agent_id pid acquired expires operation token mode host" ]
  grep -qx 'operation: epic_sync' .claude/locks/epic-a.lock
}

@test "a held lock is busy for another agent, and the message says who and since when" {
  hold epic-a first
  run ccpm-lock acquire epic-a --agent second --timeout 0
  status_is 75
  [[ $output == *"epic-a is held by first"*"since 20"*"hint: "* ]]
}

@test "a wait is worth a word once it has lasted a second" {
  ccpm-lock acquire epic-a --agent ada
  (sleep 0.3 && ccpm-lock release epic-a --agent ada) &
  run -0 --separate-stderr ccpm-lock acquire epic-a --agent bob
  [ "$stderr" = "" ]
  (sleep 1.6 && ccpm-lock release epic-a --agent bob) &
  run -0 --separate-stderr ccpm-lock acquire epic-a --agent cyd
  [ "${#stderr_lines[@]}" -eq 2 ]
  [[ ${stderr_lines[0]} == "ccpm-lock: waiting: epic-a is held by bob "* ]]
  [[ ${stderr_lines[1]} == "ccpm-lock: got epic-a after "* ]]
  wait
}

@test "waiting for oneself is refused at once as a deadlock" {
  hold epic-a me
  run ccpm-lock acquire epic-a --agent me
  status_is 13
  [[ $output == *"me waits for epic-a held by me"* ]]
}

@test "check answers 0 held, 1 free; release twice is no error" {
  hold epic-a me
  run ccpm-lock check epic-a
  status_is 0
  [[ $output == *"agent_id: me"* ]]
  ccpm-lock release epic-a --agent me
  run ccpm-lock check epic-a
  status_is 1
  run ccpm-lock release epic-a --agent me
  status_is 0
}

@test "another agent's lease is not released without force, and force tells nobody it was free" {
  hold epic-a first
  run ccpm-lock release epic-a --agent second
  status_is 77
  run ccpm-lock release epic-a --agent second --force
  status_is 0
  [[ $output == "ccpm-lock: epic-a was held by first for "*" since "*"; that has ended" ]]
  run ccpm-lock release epic-a --agent first --token 1
  status_is 11
}

@test "an expired lease is lost: renew and release say 11, the next one takes it" {
  hold epic-a me 0.1
  sleep 0.2
  run ccpm-lock renew epic-a --agent me
  status_is 11
  run ccpm-lock acquire epic-a --agent you --timeout 0
  status_is 0
  run ccpm-lock release epic-a --agent me --token 1
  status_is 11
}

@test "a lease bound to a process that is gone is taken over at once" {
  sleep 60 &
  owner=$!
  ccpm-lock acquire epic-a --agent first --pid "$owner"
  run ccpm-lock acquire epic-a --agent second --timeout 0
  status_is 75
  kill -9 "$owner"
  wait "$owner" || :
  run ccpm-lock acquire epic-a --agent second --timeout 0
  status_is 0
}

@test "a lease cannot be bound to a process that does not run" {
  run ccpm-lock acquire epic-a --pid 4194300
  status_is 2
}

@test "run passes the status through and gives its fence to the command" {
  run ccpm-lock run epic-b epic-a -- sh -c 'echo "$CCPM_FENCE"; exit 7'
  status_is 7
  [ "$output" = "epic-a:1,epic-b:1" ]
  run ccpm-lock check epic-a
  status_is 1
  run ccpm-lock run epic-a -- sh -c 'kill -TERM $$'
  status_is 143
}

@test "run says which command cannot be started, and how to look; nobody has to read it" {
  run -127 ccpm-lock run epic-a -- no-such-command
  [ "$output" = 'ccpm-lock: no-such-command: cannot be started: No such file or directory
hint: command -v no-such-command shows whether it is in $PATH' ]
  (trap '' PIPE && exec 2> >(exit 0) && sleep 0.1 && ccpm-lock run epic-a -- no-such-command) || status=$?
  [ "$status" -eq 127 ]
  echo 'echo "hello $1"' >greet && chmod +x greet
  run ccpm-lock run epic-a -- ./greet you
  status_is 0
  [ "$output" = "hello you" ]
}

@test "run inside run passes through by the fence it carries" {
  run ccpm-lock run epic-a -- ccpm-lock run epic-a -- echo inside
  status_is 0
  [ "$output" = inside ]
}

@test "run stops its command and exits 11 when the lease is lost" {
  run ccpm-lock run epic-a --ttl 0.6 -- sh -c 'ccpm-lock release epic-a --force --agent thief; exec sleep 60'
  status_is 11
  [[ $output == *"stopping sh"* ]]
}

@test "shared holders stand together, an exclusive one waits for all of them" {
  ccpm-lock acquire epic-a --agent one --shared
  run ccpm-lock acquire epic-a --agent two --shared
  status_is 0
  run ccpm-lock acquire epic-a --agent three --timeout 0
  status_is 75
  ccpm-lock release epic-a --agent one
  ccpm-lock release epic-a --agent two
  run ccpm-lock acquire epic-a --agent three --timeout 0
  status_is 0
}

@test "clean removes what is stale, and only that" {
  hold epic-a first 0.1
  hold epic-b second
  sleep 0.2
  run --separate-stderr ccpm-lock clean
  status_is 0
  [ "$output" = epic-a ]
  run ccpm-lock check epic-b
  status_is 0
}

@test "--agent stands before or after the verb, --json is JSON" {
  run ccpm-lock --agent me acquire epic-a --json
  status_is 0
  [[ $output == '{"agent_id": "me"'* ]]
  run --separate-stderr ccpm-lock acquire epic-a --agent you --timeout 0 --json
  status_is 75
  [[ $output == *'"error": "busy"'* ]]
}

@test "hostile resource names are usage errors and leave nothing behind" {
  long=$(printf '%5000s' '' | tr ' ' a)
  for name in ../x a/b '' "$long" $'a\nb' -x .x 'a b' 'ü'; do
    run ccpm-lock acquire --timeout 0 -- "$name"
    status_is 2
  done
  [ ! -e .claude/locks ]
}

@test "a record full of garbage is held until it is old, never broken silently" {
  mkdir -p .claude/locks
  head -c 3000 /dev/urandom >.claude/locks/epic-a.lock
  run ccpm-lock acquire epic-a --timeout 0
  status_is 75
  [[ $output == *"unreadable"* ]]
  touch -t 202001010000 .claude/locks/epic-a.lock
  run ccpm-lock acquire epic-a --timeout 0
  status_is 0
}

@test "a lock directory of the old implementation is held until it is old" {
  mkdir -p .claude/locks/epic-a.lock
  echo "pid: 1" >.claude/locks/epic-a.lock/metadata.yaml
  run ccpm-lock acquire epic-a --timeout 0
  status_is 75
  touch -t 202001010000 .claude/locks/epic-a.lock
  run ccpm-lock acquire epic-a --timeout 0
  status_is 0
}

@test "a .claude that is a symbolic link works, one that is a file is an I/O error" {
  mkdir real && rmdir .claude && ln -s real .claude
  run ccpm-lock acquire epic-a
  status_is 0
  [ -f real/locks/epic-a.lock ]
  rm .claude && touch .claude
  run ccpm-lock acquire epic-a
  status_is 74
}

@test "a read-only tree is an I/O error with a hint; looking still works" {
  need namespaces "run as root, or in a container with CAP_SYS_ADMIN" unshare --mount true
  hold epic-a first
  run unshare --mount sh -c 'mount --bind "$PWD" "$PWD" && mount -o remount,bind,ro "$PWD" && cd "$PWD" &&
    ccpm-lock check epic-a >/dev/null && ccpm-lock acquire epic-b'
  status_is 74
  [[ $output == *"hint: "*"read-only"* ]]
}

@test "outside every project the error says what to do" {
  mkdir "$BATS_TEST_TMPDIR/nowhere" && cd "$BATS_TEST_TMPDIR/nowhere"
  run ccpm-lock list
  status_is 66
  [[ $output == *"CCPM_ROOT"* ]]
}

@test "a linked worktree locks at the main one" {
  git commit -q --allow-empty -m first
  git worktree add -q ../linked
  (cd ../linked && ccpm-lock acquire epic-a --agent inside)
  run ccpm-lock check epic-a
  status_is 0
  [ ! -e ../linked/.claude/locks ]
}

@test "an operation that fills the record is refused, and nothing is held" {
  run ccpm-lock acquire epic-a --operation "$(printf '%0501d' 0)"
  status_is 2
  [[ $output == *"501 characters long, at most 500"* ]]
  run ccpm-lock check epic-a
  status_is 1
}

@test "an operation with control characters stands in one line, printable" {
  ccpm-lock acquire epic-a --operation $'x\n\e[31my' >/dev/null
  grep -qF 'x??[31my' .claude/locks/epic-a.lock
}

@test "a fence with thousands of digits is a usage error" {
  echo x >notes.md
  run ccpm-atomic-write notes.md --fence "epic-a:$(printf '%05000d' 1)" <<<mine
  status_is 2
}
