#!/usr/bin/env bats
# bin/ccpm: however it is started, it becomes  PYTHON -S -E lib/main.py HELPER ARGS…, or says in one line what to do.

load helpers

setup() {
  tree="$BATS_TEST_TMPDIR/a tree"
  plant "$tree"
  cd "$BATS_TEST_TMPDIR"
}

# A CCPM whose helpers only tell how they were called.
plant() {
  mkdir -p "$1/bin" "$1/lib/vendor" "$1/lib/ccpm/cli"
  cp -p "$REPOSITORY/bin/ccpm" "$1/bin/ccpm"
  ln -s ccpm "$1/bin/ccpm-lock"
  cp "$REPOSITORY/lib/.python" "$1/lib/.python"
  cp "$REPOSITORY/lib/ccpm/__init__.py" "$1/lib/ccpm/__init__.py"
  cp "$REPOSITORY/lib/ccpm/cli/__init__.py" "$1/lib/ccpm/cli/__init__.py"
  : >"$1/lib/setup.sh"
  printf 'import sys\nprint(sys.argv[1:], sys.flags.no_site, sys.flags.ignore_environment)\n' >"$1/lib/main.py"
}

called="['lock', 'acquire', 'a b', '', '*'] 1 1"

@test "ccpm-lock and ccpm lock are the same" {
  run -0 "$tree/bin/ccpm-lock" acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  run -0 "$tree/bin/ccpm" lock acquire 'a b' '' '*'
  [ "$output" = "$called" ]
}

@test "it starts through PATH, sh, dash, bash, relative names and links from elsewhere" {
  PATH="$tree/bin:$PATH" run -0 ccpm-lock acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  for shell in sh dash bash "$CCPM_TEST_BASH"; do
    command -v "$shell" >/dev/null || continue
    run -0 "$shell" "$tree/bin/ccpm-lock" acquire 'a b' '' '*'
    [ "$output" = "$called" ]
  done
  cd "$tree/bin"
  run -0 ./ccpm-lock acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  run -0 sh ccpm-lock acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  PATH=":$PATH" run -0 ccpm-lock acquire 'a b' '' '*'
  [ "$output" = "$called" ]
}

@test "it starts through links: absolute, relative, of links, of the folder, under another name" {
  mkdir -p one/two
  ln -s "$tree/bin/ccpm-lock" one/ccpm-lock
  ln -s ../ccpm-lock one/two/ccpm-lock
  ln -s "$tree/bin/ccpm-lock" one/mylock
  ln -s "$tree/bin/ccpm" one/two/ccpm-lock2
  mv one/two/ccpm-lock2 one/two/ccpm
  ln -s "$tree/bin" tools
  for start in one/ccpm-lock one/two/ccpm-lock one/mylock "$PWD/one/two/ccpm-lock" tools/ccpm-lock; do
    run -0 "$start" acquire 'a b' '' '*'
    [ "$output" = "$called" ]
  done
  run -0 one/two/ccpm lock acquire 'a b' '' '*'
  [ "$output" = "$called" ]
}

@test "it starts from a folder with spaces, quotes and newlines in its name" {
  odd=$BATS_TEST_TMPDIR/$'it\'s "a"\n\ttree \n'
  plant "$odd"
  run -0 "$odd/bin/ccpm-lock" acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  ln -s "$odd/bin/ccpm-lock" from-elsewhere
  run -0 ./from-elsewhere acquire 'a b' '' '*'
  [ "$output" = "$called" ]
}

@test "no variable of the caller disturbs it" {
  run -0 env -i "$tree/bin/ccpm-lock" acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  ln -s "$tree/bin/ccpm-lock" linked
  run -0 env -i ./linked acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  run -0 env IFS=/ac CDPATH=/:/tmp PYTHONHOME=/nowhere PYTHONPATH=/nowhere PATH=/nowhere python=no helper=no lib=/no bin=/no \
    self=/no name=no link=no known=no "$tree/bin/ccpm-lock" acquire 'a b' '' '*'
  [ "$output" = "$called" ]
  run -0 env SHELLOPTS=errexit:nounset bash "$tree/bin/ccpm-lock" acquire 'a b' '' '*'
  [ "$output" = "$called" ]
}

@test "standard input reaches the helper" {
  printf 'import sys\nprint(sys.stdin.read())\n' >"$tree/lib/main.py"
  run -0 bash -c 'printf "a line" | "$1" x' x "$tree/bin/ccpm-lock"
  [ "$output" = 'a line' ]
}

@test "on the way to the helper no process is forked" {
  need strace "apt-get install strace, and allow ptrace" strace -f -o /dev/null true
  printf 'pass\n' >"$tree/lib/main.py"
  strace -f -o trace -e trace=process "$tree/bin/ccpm-lock" acquire x
  run -1 grep -E '(fork|clone3?)\(' trace
  run -0 grep -c 'execve(' trace
  [ "$output" -eq 2 ] # the shell, and Python
}

@test "every link is a helper with a summary, and the other way round" {
  run -0 ccpm
  listed=$(sed -n 's/^  \([a-z-]*\)  *[a-z].*/\1/p' <<<"$output" | sort)
  there=$(cd "$REPOSITORY/bin" && printf '%s\n' ccpm-* | sed 's/^ccpm-//' | sort)
  [ "$listed" = "$there" ]
  [ "$(ccpm help)" = "$output" ]
  [ "$(ccpm --help)" = "$output" ]
}

@test "every link in bin leads to ccpm" {
  for link in "$REPOSITORY"/bin/ccpm-*; do
    [ "$(readlink "$link")" = ccpm ]
  done
}

@test "the version is that of the package" {
  version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$REPOSITORY/lib/ccpm/__init__.py")
  run -0 ccpm --version
  [ "$output" = "ccpm $version" ]
}

@test "help NAME asks the helper" {
  run -0 "$tree/bin/ccpm" help lock
  [ "$output" = "['lock', '--help'] 1 1" ]
}

@test "an unknown helper is a usage error with the list" {
  for name in nope ../x '' ' ' --nope $'a\nb'; do
    [ -n "$name" ] || continue
    run -2 --separate-stderr "$tree/bin/ccpm" "$name"
    [ -z "$output" ]
    [[ $stderr == *"there is no helper named"* ]]
    [[ $stderr == *"  lock "* ]]
  done
}

refused() {
  run -69 --separate-stderr "$tree/bin/ccpm-lock" list
  [ -z "$output" ]
  [ "${#stderr_lines[@]}" -eq 2 ]
  [[ $stderr == "ccpm-lock: $1"$'\n'"hint: bash '$BATS_TEST_TMPDIR/a tree/bin/../lib/setup.sh'" ||
    $stderr == "ccpm-lock: $1"$'\n'"hint: bash '$(cd -P "$tree" && pwd)/lib/setup.sh'" ]]
}

@test "a tree that was never set up is refused with a line and a hint" {
  rm -r "$tree/lib/.python" "$tree/lib/vendor"
  refused 'CCPM is not set up on this machine yet'
  : >"$tree/lib/.python"
  refused 'CCPM is not set up on this machine yet'
}

@test "a Python that is gone is refused with a line and a hint" {
  echo /nowhere/python3 >"$tree/lib/.python"
  refused 'the Python that CCPM was set up with is gone (/nowhere/python3)'
}

@test "packages that are missing are refused with a line and a hint" {
  rmdir "$tree/lib/vendor"
  refused 'the Python packages of CCPM (lib/vendor) are missing'
}

@test "a launcher without its library says so" {
  rm "$tree/lib/main.py"
  run -69 "$tree/bin/ccpm-lock" list
  [[ $output == *"its library is missing or not whole"*"hint: install CCPM again: bash install.sh "* ]]
}

# A project that has CCPM in git, set up in its main worktree as install.sh leaves it, and a linked worktree of it.
plant_worktrees() {
  main="$BATS_TEST_TMPDIR/the main"
  linked="$BATS_TEST_TMPDIR/the linked"
  git init -q -b main "$main"
  plant "$main/.claude"
  printf '/.claude/lib/.python\n/.claude/lib/vendor\n' >"$main/.gitignore"
  printf 'import os, sys\nprint(os.path.realpath(sys.argv[0]), sys.argv[1:])\n' >"$main/.claude/lib/main.py"
  git -C "$main" add -A
  git -C "$main" commit -q -m 'with ccpm'
  git -C "$main" worktree add -q -b linked "$linked"
}

@test "in a linked worktree the main worktree's setup serves, and no process is forked to find it" {
  plant_worktrees
  [ ! -e "$linked/.claude/lib/.python" ]
  served="$(cd -P "$main" && pwd)/.claude/lib/main.py ['lock', 'list']"
  for start in "$linked/.claude/bin/ccpm-lock" "$linked/.claude/commands/../bin/ccpm-lock"; do
    mkdir -p "$linked/.claude/commands"
    run -0 "$start" list
    [ "$output" = "$served" ]
  done
  cd "$linked/.claude/bin"
  run -0 ./ccpm-lock list
  [ "$output" = "$served" ]
  run -0 sh ccpm lock list
  [ "$output" = "$served" ]
  git -C "$linked" worktree add -q "$linked/.claude/worktrees/agent-1"
  run -0 "$linked/.claude/worktrees/agent-1/.claude/bin/ccpm-lock" list
  [ "$output" = "$served" ]
  if command -v strace >/dev/null; then
    strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=process "$linked/.claude/bin/ccpm-lock" list
    run -1 grep -E '(fork|clone3?)\(' "$BATS_TEST_TMPDIR/trace"
  fi
}

@test "a linked worktree that is set up itself uses its own, and one whose main worktree is not names that" {
  plant_worktrees
  cp "$main/.claude/lib/.python" "$linked/.claude/lib/.python"
  mkdir "$linked/.claude/lib/vendor"
  run -0 "$linked/.claude/bin/ccpm-lock" list
  [ "$output" = "$(cd -P "$linked" && pwd)/.claude/lib/main.py ['lock', 'list']" ]
  rmdir "$linked/.claude/lib/vendor"
  rm -r "$main/.claude/lib/vendor"
  run -69 "$linked/.claude/bin/ccpm-lock" list
  [ "$output" = "ccpm-lock: the Python packages of CCPM (lib/vendor) are missing"$'\n'"hint: bash '$main/.claude/lib/setup.sh'" ]
}

@test "a linked worktree of a bare repository is served by the project folder around it" {
  plant_worktrees
  mkdir "$BATS_TEST_TMPDIR/hub"
  git clone -q --bare "$main" "$BATS_TEST_TMPDIR/hub/.bare"
  git -C "$BATS_TEST_TMPDIR/hub/.bare" worktree add -q "$BATS_TEST_TMPDIR/hub/feature" main
  run -69 "$BATS_TEST_TMPDIR/hub/feature/.claude/bin/ccpm-lock" list
  [[ $output == *"hint: bash $BATS_TEST_TMPDIR/hub/feature/.claude/lib/setup.sh" ]]
  plant "$BATS_TEST_TMPDIR/hub/.claude"
  run -0 "$BATS_TEST_TMPDIR/hub/feature/.claude/bin/ccpm-lock" acquire 'a b' '' '*'
  [ "$output" = "$called" ]
}

@test "every helper tells its version, and refuses an option that it does not have" {
  for one in lock agent doctor atomic-write; do
    run ccpm-$one --version
    status_is 0
    [ "$output" = "$(ccpm --version)" ]
    run --separate-stderr ccpm-$one --badopt --json </dev/null
    status_is 2
    [[ ${#lines[@]} = 1 && $output == *'"code": 2'* && $stderr == *'hint: '* ]]
  done
}
