#!/usr/bin/env bats
# The sourced libraries: lib/locking.sh, lib/atomic-ops.sh, lib/frontmatter.sh, lib/session.sh.

load helpers

setup() {
  make_project
  export LIB=$REPOSITORY/lib
  task=.claude/epics/auth/001.md
  mkdir -p .claude/epics/auth
  printf -- '---\nname: Login\nstatus: open\nversion: 1\n---\n\nbody\n' >"$task"
}

# script TEXT: runs it as a script of its own, with the libraries at $LIB.
script() {
  local file
  file=$(mktemp "$BATS_TEST_TMPDIR/script.XXXXXX")
  printf '%s\n' "$1" >"$file"
  "$CCPM_TEST_BASH" "$file"
}

@test "sourcing prints nothing and changes no option, trap, IFS or PATH, with and without strict mode" {
  for strict in ':' 'set -euo pipefail' 'set -f; IFS=,'; do
    run script "$strict
      before=\$(set +o; trap; printf %q \"\$IFS\$PATH\")
      for one in locking atomic-ops frontmatter session locking; do source \"\$LIB/\$one.sh\"; done
      [ \"\$before\" = \"\$(set +o; trap; printf %q \"\$IFS\$PATH\")\" ]"
    status_is 0
    [ "$output" = "" ]
  done
}

@test "a lock is released at exit, the caller's trap runs with its status" {
  for early in yes no; do
    run script "set -euo pipefail
      [ $early = no ] || trap 'echo bye \$?' EXIT
      source \$LIB/locking.sh
      acquire_lock epic-auth >/dev/null
      [ $early = yes ] || trap 'echo bye \$?' EXIT
      exit 3"
    status_is 3
    [ "$output" = "bye 3" ]
    run ccpm-lock acquire epic-auth --agent next --timeout 1
    status_is 0
    ccpm-lock release epic-auth --agent next
  done
  run script 'source $LIB/locking.sh; acquire_lock epic-auth'
  [ "$output" = .claude/locks/epic-auth.lock ]
  run ccpm-lock check epic-auth
  status_is 1
}

@test "a script that is killed loses its lock at once" {
  run script 'source $LIB/locking.sh; acquire_lock epic-auth; kill -9 $$'
  status_is 137
  run ccpm-lock acquire epic-auth --timeout 0
  status_is 0
}

@test "acquired twice it is released with the second release" {
  run script 'set -eu; source $LIB/locking.sh
    acquire_lock a >/dev/null; acquire_lock a >/dev/null; release_lock a; check_lock a >/dev/null && echo held
    release_lock a; check_lock a || echo "status $?"; echo "fence ${CCPM_FENCE-none}"'
  [ "$output" = $'held\nunlocked\nstatus 1\nfence none' ]
}

@test "statuses of the helpers reach the caller: 75 busy, 2 not a name" {
  ccpm-lock acquire a --agent other
  run script 'source $LIB/locking.sh; acquire_lock a 0 2>/dev/null || echo $?; acquire_lock ../a 2>/dev/null || echo $?'
  [ "$output" = $'75\n2' ]
}

@test "a lock taken in a subshell belongs to the main shell" {
  run script 'source $LIB/locking.sh; (acquire_lock a >/dev/null); check_lock a >/dev/null && echo held'
  [ "$output" = held ]
  run ccpm-lock acquire a --timeout 0
  status_is 0
}

@test "children inherit no descriptor of ours" {
  [ -d /proc/self/fd ] || skip "needs /proc: it is a test for Linux"
  run script 'source $LIB/locking.sh; before=$(ls /proc/self/fd | wc -l)
    ccpm_session_open; acquire_lock a >/dev/null; [ "$before" = "$(ls /proc/self/fd | wc -l)" ]'
  status_is 0
}

@test "atomic_write keeps contents that echo would spoil" {
  run script 'set -eu; source $LIB/atomic-ops.sh
    atomic_write f "-n"; atomic_append f "back\\slash \$HOME"; atomic_write_file f g; cat g'
  [ "$output" = $'-n\nback\\slash $HOME' ]
}

@test "atomic_update loses no update to a writer in between, and writes nothing when the function fails" {
  run script 'set -eu; source $LIB/atomic-ops.sh
    echo 0 >f
    slow() { n=$(cat "$1"); [ -e met ] || { touch met; echo 41 >f; }; echo $((n + 1)) >"$1"; }
    atomic_update f slow; cat f
    fails() { echo spoiled >"$1"; return 4; }
    atomic_update f fails 2>/dev/null || echo "status $?"; cat f'
  [ "$output" = $'42\nstatus 4\n42' ]
}

@test "the frontmatter functions keep their names and meanings" {
  run script "set -eu; source \$LIB/frontmatter.sh; f=$task"'
    get_frontmatter_field $f status; get_version $f; update_frontmatter_field $f status closed; get_version $f
    edit() { echo more >>"$1"; }
    optimistic_update $f 2 edit; optimistic_update $f 2 edit 2>/dev/null || echo "status $?"
    retry_optimistic_update 3 $f edit; get_version $f; extract_content $f | tail -n 2
    extract_frontmatter $f | head -n 1; validate_frontmatter $f
    create_with_frontmatter new.md "name: x" body; ensure_version new.md; get_version new.md'
  status_is 0
  [ "$output" = $'open\n1\n2\nstatus 10\n4\nmore\nmore\nname: Login\n✓ Frontmatter valid\n1' ]
}

@test "a session gives the same answers, survives its helper and ends with its shell" {
  run script "set -euo pipefail; source \$LIB/locking.sh; source \$LIB/frontmatter.sh; f=$task"'
    ccpm_session_open
    echo "$_CCPM_SESSION_PID" >helper
    acquire_lock a >/dev/null; get_frontmatter_field $f status; update_frontmatter_field $f name "x: y"; get_version $f
    cd .claude; get_frontmatter_field epics/auth/001.md name; cd ..
    acquire_lock "../x" 2>/dev/null || echo "status $?"
    kill -9 "$_CCPM_SESSION_PID"; get_version $f; release_lock a; wait; echo end'
  status_is 0
  [ "$output" = $'open\n2\nx: y\nstatus 2\n2\nend' ]
  run ccpm-lock check a
  status_is 1
  run script 'source $LIB/session.sh; ccpm_session_open; echo $_CCPM_SESSION $_CCPM_SESSION_PID; kill -9 $$'
  read -r folder helper <<<"$output"
  for _ in $(seq 50); do
    kill -0 "$helper" 2>/dev/null || break
    sleep 0.1
  done
  [ ! -e "$folder" ]
}

@test "eight scripts that count under a lock lose no count" {
  echo 0 >count
  for _ in 1 2 3 4 5 6 7 8; do
    script 'source $LIB/locking.sh; ccpm_session_open
      for _ in 1 2 3 4 5; do acquire_lock count >/dev/null 2>&1 || exit; n=$(cat count); echo $((n + 1)) >count; release_lock count; done' &
  done
  wait
  [ "$(cat count)" = 40 ]
}
