#!/usr/bin/env bats
# install.sh: into a project, again, into old layouts, out again.

load helpers

setup_file() {
  source=$BATS_FILE_TMPDIR/source
  copy_source "$source"
  bash "$source/lib/setup.sh" --quiet
  export source
}

setup() { make_project "$BATS_TEST_TMPDIR/my project"; }

install() { "$CCPM_TEST_BASH" "$source/install.sh" "$@" </dev/null; }

# A later version: one file of CCPM changed, one gone, one new.
later_source() {
  cp -Rp "$source" "$BATS_TEST_TMPDIR/later"
  source=$BATS_TEST_TMPDIR/later
  printf 'show the next task, better\n' >"$source/commands/pm/next.md"
  printf 'take the lock first, always\n' >"$source/rules/agent-coordination.md"
  mv "$source/commands/pm/next.sh" "$source/commands/pm/later.sh"
}

@test "a fresh installation works at once" {
  run -0 install "$project"
  [[ $output == *"CCPM "*" in $project"* ]]
  [[ $output == *"Next:"* ]]
  run -0 .claude/bin/ccpm-lock acquire task-1 --agent a
  run -0 .claude/bin/ccpm-lock check task-1
  [[ $output == *"agent_id: a"* ]]
}

@test "git sees what is to be shared and nothing that is made on each machine" {
  install "$project"
  .claude/bin/ccpm-lock acquire task-1 --agent a
  git add -A
  run -0 git ls-files
  [[ $output == *.claude/lib/main.py* ]]
  [[ $output == *.claude/.ccpm/manifest.json* ]]
  [[ $output != *vendor* ]]
  [[ $output != *.python* ]]
  [[ $output != *.pyc* ]]
  [[ $output != *.claude/locks* ]]
  [[ $output != *.claude/metrics* ]]
}

@test "a second run says so and changes nothing on disk" {
  install "$project"
  before=$(snapshot .)
  run -0 install "$project"
  [[ $output == *"is already up to date"* ]]
  [[ $output != *"Next:"* ]]
  [ "$(snapshot .)" = "$before" ]
}

@test "without a target it takes the repository around the current directory" {
  mkdir -p src/deep
  cd src/deep
  run -0 install
  [ -x "$project/.claude/bin/ccpm-lock" ]
}

@test "without a target and a repository it refuses with 66" {
  cd /
  run -66 install
  [[ $output == *"no git repository around /"* ]]
  [[ $output == *"hint: "* ]]
}

@test "in its own repository it asks for a target" {
  cd "$source"
  mkdir .git
  run -2 install
  rmdir .git
  [[ $output == *"CCPM's own repository"* ]]
}

@test "refusals have exact codes and leave the project alone" {
  before=$(snapshot .)
  run -66 install "$project/nowhere"
  touch "$BATS_TEST_TMPDIR/file"
  run -66 install "$BATS_TEST_TMPDIR/file"
  [[ $output == *"is not a folder"* ]]
  run -66 install --uninstall "$project"
  [[ $output == *"CCPM is not installed in $project"* ]]
  run -2 install --no-such-option
  run -2 install "$project" "$project"
  run -2 install ''
  run -2 install --python
  run -69 install "$project" --python "$(command -v true)"
  [[ $output == *"is no Python >= 3.10"* ]]
  [ "$(snapshot .)" = "$before" ]
}

@test "a file in the place of .claude is named, 74" {
  rmdir .claude
  touch .claude
  run -74 install "$project"
  [[ $output == *".claude is a file where CCPM needs a folder"* ]]
  [ ! -s .claude ]
}

@test "without any Python it refuses with 69 and says how to get one" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  for tool in bash dirname sed readlink cksum git; do
    ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/$tool"
  done
  rm -rf "$BATS_TEST_TMPDIR/bare"
  copy_source "$BATS_TEST_TMPDIR/bare"
  rm -rf "$BATS_TEST_TMPDIR/bare/lib/.python"
  PATH=$BATS_TEST_TMPDIR/bin run -69 bash "$BATS_TEST_TMPDIR/bare/install.sh" "$project"
  [[ $output == *"needs Python 3.10 or newer, found no Python at all"* ]]
  [[ $output == *"hint: install one"* ]]
}

@test "a read-only project is refused with 74 and not touched" {
  need namespaces "run as root, or in a container with CAP_SYS_ADMIN" unshare --mount true
  run -74 unshare --mount bash -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && bash "$2/install.sh" "$1"' \
    x "$project" "$source"
  [[ $output == *"Read-only file system"* ]]
  [[ $output == *"hint: "* ]]
  [ "$(ls -A .claude)" = "" ]
}

@test "a dry run tells the plan and leaves no trace" {
  mkdir -p .claude/scripts/pm
  echo 'echo old' >.claude/scripts/pm/next.sh
  before=$(snapshot .)
  run -0 install "$project" --dry-run
  [[ $output == *"new "*" files: "* ]]
  [[ $output == *"forwards  .claude/scripts/pm/next.sh"* ]]
  [[ $output == *"nothing was changed"* ]]
  [ "$(snapshot .)" = "$before" ]
}

@test "the dry run of an uninstallation leaves no trace either" {
  install "$project"
  before=$(snapshot .)
  run -0 install "$project" --uninstall --dry-run
  [[ $output == *"removed "* ]]
  [ "$(snapshot .)" = "$before" ]
}

@test "uninstalling restores every byte, also after use" {
  printf 'node_modules' >.gitignore # no last newline
  mkdir -p .claude/commands/pm .claude/rules .claude/epics/auth
  printf 'their command\r\n' >.claude/commands/pm/next.md
  ln -s ../commands/pm/next.md .claude/rules/agent-coordination.md
  printf -- '---\nname: x\n---\n' >.claude/epics/auth/1.md
  chmod 600 .claude/commands/pm/next.md
  before=$(snapshot .)
  run -0 install "$project"
  [[ $output == *"replaced  .claude/commands/pm/next.md"* ]]
  .claude/bin/ccpm-lock run task-1 --agent a -- true
  run -0 install "$project" --uninstall
  [ "$(snapshot .)" = "$before" ]
}

@test "uninstalling leaves no .claude and no .gitignore where there was none" {
  rmdir .claude
  before=$(snapshot .)
  install "$project"
  run -0 install "$project" --uninstall
  [ "$(snapshot .)" = "$before" ]
}

@test "uninstalling is refused with 75 while a lock is held, and names it" {
  install "$project"
  .claude/bin/ccpm-lock acquire epic-auth --agent ada
  before=$(snapshot .claude/lib/ccpm)
  run -75 install "$project" --uninstall
  [[ $output == *"epic-auth is held by ada"* ]]
  [[ $output == *"hint: "* ]]
  [ "$(snapshot .claude/lib/ccpm)" = "$before" ]
  .claude/bin/ccpm-lock release epic-auth --agent ada
  run -0 install "$project" --uninstall
}

@test "what the user edited stays when CCPM goes" {
  install "$project"
  echo 'our own rule' >>.claude/rules/agent-coordination.md
  run -0 install "$project" --uninstall
  [[ $output == *"kept      .claude/rules/agent-coordination.md, which you edited"* ]]
  grep -q 'our own rule' .claude/rules/agent-coordination.md
  [ ! -e .claude/lib ]
}

@test "a file of ours that was edited stays, and how to get ours back is said and works" {
  install "$project"
  echo '# damaged' >>.claude/lib/ccpm/core/names.py
  run -0 install "$project"
  [[ $output == *"kept      .claude/lib/ccpm/core/names.py, which you edited (to get ours, rename it and install again)"* ]]
  mv .claude/lib/ccpm/core/names.py "$BATS_TEST_TMPDIR"
  run -0 install "$project"
  cmp .claude/lib/ccpm/core/names.py "$source/lib/ccpm/core/names.py"
}

@test "below the top of a repository it says where agents share, and the hint for a missing folder works" {
  mkdir sub
  run -0 --separate-stderr install sub
  [ "${stderr_lines[0]}" = "install.sh: $project/sub is in the repository $project, and there agents share plans and locks, not here" ]
  [ "${stderr_lines[1]}" = "hint: bash install.sh '$project', or let CCPM_ROOT name the folder in every session" ]
  CCPM_ROOT=$project/sub run -0 --separate-stderr install sub
  [ "$stderr" = "" ]
  run -66 install nowhere
  [[ $output == *"hint: create the project first: git init 'nowhere'" ]]
}

@test "an upgrade replaces, adds and removes, and saves what the user edited" {
  install "$project"
  echo 'our own rule' >>.claude/rules/agent-coordination.md
  later_source
  run -0 install "$project"
  [[ $output == *"updated   .claude/rules/agent-coordination.md, which you had edited; yours is saved as .claude/.ccpm/edited/"* ]]
  [ "$(cat .claude/rules/agent-coordination.md)" = 'take the lock first, always' ]
  grep -rq 'our own rule' .claude/.ccpm/edited
  [ "$(cat .claude/commands/pm/next.md)" = 'show the next task, better' ]
  [ -x .claude/commands/pm/later.sh ]
  [ ! -e .claude/commands/pm/next.sh ]
}

@test "commands of the three old layouts reach the new scripts, and come back" {
  old_layouts=(.claude/scripts/pm ccpm/scripts/pm .claude/skills/ccpm/references/scripts)
  for folder in "${old_layouts[@]}"; do
    mkdir -p "$folder"
    printf 'echo old %s\n' "$folder" >"$folder/next.sh"
    printf 'echo other\n' >"$folder/other.sh"
  done
  before=$(snapshot .)
  run -0 install "$project"
  for folder in "${old_layouts[@]}"; do
    [[ $output == *"forwards  $folder/next.sh; yours is saved as .claude/.ccpm/originals/$folder/next.sh"* ]]
  done
  for folder in "${old_layouts[@]}"; do
    run -3 bash "$folder/next.sh" 'a b' ''
    [ "$output" = "new next in $project: <a b> <>" ]
    run -0 bash "$folder/other.sh"
    [ "$output" = other ]
  done
  run -0 install "$project"
  [[ $output == *"already up to date"* ]]
  install "$project" --uninstall
  [ "$(snapshot .)" = "$before" ]
}

@test "scripts that source an old library get the new functions" {
  mkdir -p ccpm/scripts/lib
  echo 'helper() { :; }' >ccpm/scripts/lib/own.sh
  echo 'acquire_lock() { echo new; }' >"$source/lib/a-library.sh"
  echo 'acquire_lock() { echo old; }' >ccpm/scripts/lib/a-library.sh
  install "$project"
  rm "$source/lib/a-library.sh"
  run -0 bash -c 'set -euo pipefail; source ccpm/scripts/lib/a-library.sh; acquire_lock'
  [ "$output" = new ]
  [ "$(cat ccpm/scripts/lib/own.sh)" = 'helper() { :; }' ]
}

@test "a .claude that is a symbolic link is followed" {
  rmdir .claude
  mkdir "$BATS_TEST_TMPDIR/elsewhere"
  ln -s "$BATS_TEST_TMPDIR/elsewhere" .claude
  before=$(snapshot "$BATS_TEST_TMPDIR/elsewhere")
  install "$project"
  [ -h .claude ]
  run -0 .claude/bin/ccpm-lock list
  install "$project" --uninstall
  [ -h .claude ]
  [ "$(snapshot "$BATS_TEST_TMPDIR/elsewhere")" = "$before" ]
}

@test "a project whose name has quotes, spaces and a newline" {
  make_project "$BATS_TEST_TMPDIR/it's \"my\"
project"
  run -0 install "$project"
  run -0 .claude/bin/ccpm-lock list
  run -0 install "$project" --uninstall
}

@test "a teammate who pulls it gets 69, and the command in the hint mends it" {
  install "$project"
  git add -A
  git commit -qm 'CCPM'
  git clone -q . "$BATS_TEST_TMPDIR/team mate"
  cd "$BATS_TEST_TMPDIR/team mate"
  run -69 --separate-stderr .claude/bin/ccpm-lock list
  [ "${#stderr_lines[@]}" -eq 2 ]
  [ -z "$output" ]
  [[ $stderr == *"hint: bash '$PWD/.claude/lib/setup.sh'" ]]
  need 'the package registry' 'connect to the network' "$REPOSITORY/.venv/bin/python" -m pip download -q --no-deps -d "$BATS_TEST_TMPDIR" mdurl==0.1.2
  eval "${stderr#*hint: }"
  run -0 .claude/bin/ccpm-lock list
  [ -z "$(git status --porcelain)" ]
  run -0 install "$PWD"
  [[ $output == *"already up to date"* ]]
}

@test "a run that is killed half-way is completed by the next one" {
  need strace "apt-get install strace, and allow ptrace" strace -f -o /dev/null true
  mkdir -p .claude/rules
  echo 'their rule' >.claude/rules/agent-coordination.md
  before=$(snapshot .)
  python=$(cat "$source/lib/.python")
  strace -f -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=40 \
    "$python" -S -E "$source/lib/main.py" install "$source" "$project" >/dev/null && false
  [ "$(snapshot .)" != "$before" ]
  run -0 install "$project"
  [[ $output != *"already up to date"* ]]
  run -0 .claude/bin/ccpm-lock list
  [ "$(find .claude -name '*.ccpm-tmp')" = "" ]
  install "$project" --uninstall
  [ "$(snapshot .)" = "$before" ]
}

@test "--python pins that interpreter" {
  python=$(cat "$source/lib/.python")
  ln -s "$python" "$BATS_TEST_TMPDIR/my-python3"
  run -0 install "$project" --python "$BATS_TEST_TMPDIR/my-python3"
  [ "$(cat .claude/lib/.python)" = "$BATS_TEST_TMPDIR/my-python3" ]
  run -0 .claude/bin/ccpm-lock list
  echo "$python" >"$source/lib/.python"
}

@test "a .gitignore that hides lib/ is pointed out" {
  echo 'lib/' >.gitignore
  run -0 install "$project"
  [[ $output == *"git ignores .claude/lib (.gitignore:1:lib/)"* ]]
}

@test "a .gitignore that hides .claude is meant so" {
  echo '.claude/' >.gitignore
  run -0 install "$project"
  [[ $output != *"git ignores"* ]]
}

@test "settings that are a link out of the project are refused, and nothing is changed" {
  mkdir -p .claude
  echo '{"model": "x"}' >"$BATS_TEST_TMPDIR/shared.json"
  ln -s "$BATS_TEST_TMPDIR/shared.json" .claude/settings.json
  run install "$project"
  status_is 77
  [[ $output == *"is a link to $BATS_TEST_TMPDIR/shared.json"* ]]
  [ "$(cat "$BATS_TEST_TMPDIR/shared.json")" = '{"model": "x"}' ]
  [ ! -e .claude/bin ]
  run -0 install --no-hooks "$project"
  [ "$(cat "$BATS_TEST_TMPDIR/shared.json")" = '{"model": "x"}' ]
}
