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
      for one in locking atomic-ops frontmatter github-rate-limit session locking; do source \"\$LIB/\$one.sh\"; done
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

# Every function once; what it prints and returns is the same in each of the eight ways of the test below.
everything='
  f=.claude/epics/auth/001.md
  tell() { local code=0; "$@" || code=$?; [ "$code" -eq 0 ] || echo "$1: $code"; }
  tell acquire_lock epic-auth
  tell check_lock epic-auth >record
  grep -c "^agent_id: me$" record
  tell renew_lock epic-auth
  tell get_frontmatter_field $f status
  tell get_frontmatter_field $f nothing
  tell update_frontmatter_field $f status "in progress"
  tell atomic_update_frontmatter $f name "a: b"
  tell optimistic_update_frontmatter $f estimate ""
  tell get_version $f
  edit() { echo "line of $1" | tr -d -c "a-z \n" >>"$1"; }
  refuse() { return 7; }
  tell optimistic_update $f 4 edit
  tell optimistic_update $f 4 edit 2>/dev/null
  tell retry_optimistic_update 2 $f refuse
  tell extract_frontmatter $f | grep -v updated
  tell extract_content $f | wc -l | tr -d " "
  tell validate_frontmatter $f
  tell ensure_version $f
  tell atomic_write notes "one two"
  tell atomic_append notes three
  tell atomic_write_file notes copy
  grow() { echo four >>"$1"; }
  tell atomic_update copy grow
  tell atomic_update copy refuse
  tell atomic_write_file nowhere copy 2>/dev/null
  tell create_with_frontmatter new.md "name: n" body
  tell create_with_frontmatter new.md "name: n" body 2>/dev/null
  cat copy
  tell release_lock epic-auth
  tell release_lock epic-auth 2>/dev/null
  tell check_lock epic-auth
  tell cleanup_stale_locks
  (tell acquire_lock in-subshell >/dev/null; tell release_lock in-subshell)
  echo "$(acquire_lock task-7)"
  setup_lock_cleanup task-7
  tell acquire_lock ../x 2>/dev/null
  false || echo "options: ${-//[!efu]/} $(set -o | sed -n "s/^pipefail[[:space:]]*//p")"
'

outcome='.claude/locks/epic-auth.lock
1
open
get_frontmatter_field: 1
4
optimistic_update: 10
retry_optimistic_update: 7
name: "a: b"
status: in progress
version: 5
estimate:
3
✓ Frontmatter valid
atomic_update: 7
atomic_write_file: 66
create_with_frontmatter: 10
one two
three
four
unlocked
check_lock: 1
Cleaned 0 stale locks
.claude/locks/task-7.lock
acquire_lock: 2'

@test "every function does the same with and without strict mode, with and without a session, in LF and CRLF files" {
  cp "$task" unix.md
  for session in '' ccpm_session_open; do
    for strict in '' 'set -euo pipefail'; do
      for ends in lf crlf; do
        rm -rf .claude/locks notes copy new.md
        if [ "$ends" = crlf ]; then sed "s/\$/$(printf '\r')/" unix.md >"$task"; else cp unix.md "$task"; fi
        run script "$strict
          export AGENT_ID=me
          trap 'echo bye' EXIT
          source \$LIB/locking.sh; source \$LIB/atomic-ops.sh; source \$LIB/frontmatter.sh
          $session
          $everything"
        status_is 0
        found=${output//$'\r'/}
        [ "${found##*$'\n'}" = bye ]
        found=${found%$'\n'*}
        if [ -n "$strict" ]; then
          [ "${found##*$'\n'}" = "options: eu on" ]
        else
          [ "${found##*$'\n'}" = "options:  off" ]
        fi
        found=${found%$'\n'*}
        : "${expected:=$found}"
        [ "$found" = "$expected" ] || diff <(echo "$expected") <(echo "$found")
        if [ "$ends" = crlf ]; then
          # each line of the block, ours too, ends as the file's lines do; what a function of the script appended does not
          run -1 grep -c -v "$(printf '\r')\$" <(sed '$d' "$task")
        fi
        run ccpm-lock list --json
        [ "$output" = "[]" ]
      done
    done
  done
  [ "$expected" = "$outcome" ]
}

@test "in a session no call starts a program: long texts, words, subshells that take turns" {
  printf -- '---\nname: long\n---\n' >long.md
  head -c 60000 /dev/zero | tr '\0' 'y' | fold -w 59 >>long.md
  ccpm-lock acquire held --agent other
  run script "set -euo pipefail; source \$LIB/frontmatter.sh; source \$LIB/locking.sh
    ccpm_session_open
    PATH=/usr/bin:/bin _CCPM_LIB=/nowhere"'
    [ "$(extract_content long.md)" = "$(sed 1,3d long.md)" ]
    for n in 1 2 3 4; do
      (for _ in 1 2 3 4 5; do atomic_append lines "from $n"; [ "$(get_frontmatter_field long.md name)" = long ]; done) &
    done
    wait
    sort lines | uniq -c | tr -s " "
    acquire_lock held 0 2>words || echo "status $?"
    grep -c "held is held by other" words
    echo a | { read -r x; atomic_write piped "$x b"; cat piped; }
    mkdir -p a/b; cd a/b; atomic_write ../here text; cd ../..; cat a/here'
  status_is 0
  [ "$output" = $' 5 from 1\n 5 from 2\n 5 from 3\n 5 from 4\nstatus 75\n1\na b\ntext' ]
}

@test "a helper that there is not is a usage error, within a session too" {
  run script 'source $LIB/session.sh
    ccpm_call ccpm-nope x 2>/dev/null || echo $?
    ccpm_session_open; ccpm_call ccpm-nope x 2>/dev/null || echo $?; ccpm_call ccpm-lock list --json; echo "$CCPM_OUT"'
  [ "$output" = $'2\n2\n[]' ]
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

# another_project: a second one at $other, with a lock of the same name free.
another_project() {
  other=$BATS_TEST_TMPDIR/other
  mkdir -p "$other/.claude" "$BATS_TEST_TMPDIR/nowhere"
  git init -q -b main "$other"
  export other nowhere=$BATS_TEST_TMPDIR/nowhere project
}

@test "a lock is released and renewed in the project where it was taken, wherever the script is by then" {
  another_project
  for session in : ccpm_session_open; do
    run script "source \$LIB/locking.sh; $session"'
      acquire_lock a >/dev/null; cd "$nowhere"; renew_lock a && release_lock a; echo $?
      cd "$project"; check_lock a
      acquire_lock a >/dev/null; cd "$other"; release_lock a; echo $?; cd "$project"; check_lock a
      acquire_lock a >/dev/null; mkdir gone; cd gone; rmdir "$project/gone"; release_lock a 2>/dev/null; echo $?; cd "$project"; check_lock a
      acquire_lock a >/dev/null; cd "$nowhere"'
    [ "$output" = $'0\nunlocked\n0\nunlocked\n0\nunlocked' ]
    run ccpm-lock check a
    status_is 1
  done
}

@test "a lock of the same name in another project is another lock" {
  another_project
  for session in : ccpm_session_open; do
    run script "set -eu; source \$LIB/locking.sh; $session"'
      acquire_lock a; cd "$other"; acquire_lock a; acquire_lock a
      ccpm-lock acquire a --agent z --timeout 0 2>/dev/null || echo "busy $?"
      cd "$project"; acquire_lock b >/dev/null; release_lock b
      release_lock a; check_lock a || cd "$other"; check_lock a >/dev/null && release_lock a
      check_lock a >/dev/null && release_lock a; check_lock a || echo "${CCPM_FENCE-none} ${CCPM_FENCE_ROOT-none}"'
    [ "$output" = $'.claude/locks/a.lock\n.claude/locks/a.lock\n.claude/locks/a.lock\nbusy 75\nunlocked\nunlocked\nnone none' ]
  done
}

@test "fences go down with their project, those of one project at a time" {
  another_project
  run script 'set -eu; source $LIB/locking.sh; say() { echo "$1 ${CCPM_FENCE-none} ${CCPM_FENCE_ROOT-none}"; }
    acquire_lock a >/dev/null; acquire_lock b >/dev/null; say 1; cd "$other"; acquire_lock c >/dev/null; say 2
    release_lock a; say 3; release_lock c; say 4; cd "$nowhere"; release_lock b; say 5'
  [ "$output" = "1 a:1,b:1 $project
2 c:1 $other
3 c:1 $other
4 b:1 $project
5 none none" ]
}

@test "the fence that a script was given counts in its own project only" {
  another_project
  ccpm-lock acquire a --agent me >token
  CCPM_FENCE=a:$(cat token) CCPM_FENCE_ROOT=$project AGENT_ID=me run script 'set -eu; source $LIB/locking.sh
    cd "$other"; acquire_lock a; ccpm-lock acquire a --agent z --timeout 0 2>/dev/null || echo "busy $?"
    cd "$project"; acquire_lock a; release_lock a; check_lock a >/dev/null && echo "still held"
    cd "$other"; release_lock a; echo "$CCPM_FENCE $CCPM_FENCE_ROOT"'
  [ "$output" = ".claude/locks/a.lock
busy 75
.claude/locks/a.lock
still held
a:$(cat token) $project" ]
}

@test "the fence that a script was given lets it pass again after it took a lock elsewhere" {
  another_project
  # shellcheck disable=SC2030
  export LIB AGENT_ID=me
  run ccpm-lock run a -- bash -c 'set -eu; source $LIB/locking.sh
    cd "$other"; acquire_lock b; cd "$project"; IFS=; acquire_lock a 0; release_lock a; cd "$other"; release_lock b'
  [ "$status" -eq 0 ]
  [ "$output" = ".claude/locks/b.lock
.claude/locks/a.lock" ]
}

@test "whatever a script says that its lock is for, it gets the lock" {
  OPERATION=$(printf 'x%.0s' {1..600}) run script 'source $LIB/locking.sh; acquire_lock a; check_lock a | grep -c "xxx"'
  [ "$output" = $'.claude/locks/a.lock\n1' ]
}

@test "an option in the place of a name is a usage error, and nothing is locked" {
  run script 'source $LIB/locking.sh
    for word in -h --help --json; do
      for each in acquire_lock release_lock renew_lock check_lock; do $each "$word" 2>/dev/null; echo $?; done
    done | sort | uniq -c | tr -s " "'
  [ "$output" = " 12 2" ]
  run ccpm-lock list --json
  [ "$output" = "[]" ]
}

@test "constants of the script, whatever their names, do not reach into the functions" {
  run script "
    readonly resource=other timeout=9 ttl=9 status=9 rest=9 count=9 path=9 fences=9 token=9 part=9 text=9 line=9 helper=9 word=9
    readonly pid=9 folder=9 source=9 target=9 verb=9 name=9 CCPM_ROOT=$project
    export AGENT_ID=me
    for one in locking atomic-ops frontmatter agent-registry github-rate-limit; do source \$LIB/\$one.sh; done
    ccpm_session_open"'
    acquire_lock a; release_lock a; check_lock a; cleanup_stale_locks
    atomic_write_file .claude/epics/auth/001.md copy; get_version copy
    edit() { echo more >>"$1"; }; atomic_update copy edit; ensure_version copy; echo $?
    register_agent auth; claim_work_stream auth db "src/*, docs/*"; list_work_streams auth
    check_file_conflicts auth src/x db; echo $?; check_rate_limit 0; echo $?'
  [ "$output" = $'.claude/locks/a.lock\nunlocked\nCleaned 0 stale locks\n1\n0\nme\n✓ Claimed work stream: db
Work Streams:\ndb - Owner: me - Status: claimed\n0\n5000\n0' ]
  run -1 grep -nE "\blocal (.* )?[a-z]" "$LIB"/{locking,session,atomic-ops,frontmatter,agent-registry,github-rate-limit}.sh
}

@test "atomic_update and optimistic_update work where words go to standard error: set -x, a warning of the shell" {
  for session in : ccpm_session_open; do
    run script "source \$LIB/frontmatter.sh; $session; exec 2>words; set -x"'
      echo 0 >f; edit() { echo more >>"$1"; }
      atomic_update f edit; echo $?; optimistic_update .claude/epics/auth/001.md 1 edit; echo $?
      optimistic_update .claude/epics/auth/001.md 1 edit; echo $?; cat f'
    [ "$output" = $'0\n0\n10\n0\nmore' ]
    grep -q "expected version 1, found 2" words
    printf -- '---\nversion: 1\n---\n' >"$task"
  done
}

@test "a lock of one subshell is not taken away by another's setup_lock_cleanup" {
  run script 'source $LIB/locking.sh
    ( acquire_lock a >/dev/null; touch taken; until [ -e tried ]; do sleep 0.02; done; renew_lock a; echo "renewed $?" ) &
    until [ -e taken ]; do sleep 0.02; done
    ( setup_lock_cleanup a; release_lock a 2>/dev/null; echo "released $?" ); touch tried; wait'
  [ "$output" = $'released 77\nrenewed 0' ]
}

@test "a shell that is not bash is told so" {
  need dash "apt-get install dash" dash -c true
  for one in locking atomic-ops frontmatter agent-registry github-rate-limit session; do
    run dash -c ". $LIB/$one.sh || { echo \$?; exit 3; }; echo loaded"
    status_is 3
    [[ $output == "$one.sh: "*"not bash"*$'\nhint: '*$'\n69' ]]
  done
}
