#!/usr/bin/env bats
# lib/setup.sh: finds Python and the packages, once; safe to repeat, to run twice at once and to kill.

load helpers

setup() {
  lib="$BATS_TEST_TMPDIR/my lib"
  mkdir -p "$lib/ccpm"
  cp "$REPOSITORY/lib/setup.sh" "$REPOSITORY/lib/requirements.txt" "$REPOSITORY/lib/main.py" "$lib"
  cp "$REPOSITORY/lib/ccpm/__init__.py" "$lib/ccpm"
  python=$(cat "$REPOSITORY/lib/.python")
  set_up=("$CCPM_TEST_BASH" "$lib/setup.sh" --from "$REPOSITORY/lib" --python "$python")
}

# A program that says it is a Python of that version.
pretend() {
  printf '#!/bin/sh\ncase "$*" in *version*) printf "%s\\n%s\\n";; *) exit 1;; esac\n' "$2" "$1" >"$1"
  chmod +x "$1"
}

@test "the packages that are installed are those that the helpers import" {
  run -0 "${set_up[@]}"
  [[ $output == *"ready: Python 3."* ]]
  [ "$(cat "$lib/.python")" = "$python" ]
  run -0 "$python" -S -E -c 'import sys; sys.path.insert(0, sys.argv[1]); import portalocker, ruamel.yaml, sh, rich, pathspec, rich.markdown, rich.syntax
import ruamel.yaml as y; print(portalocker.__version__, rich.__file__.startswith(sys.argv[1]), "_ruamel_yaml" in sys.modules)' "$lib/vendor"
  [ "$output" = '2.10.1 True False' ]
}

@test "a second run does nothing, and --quiet says nothing" {
  "${set_up[@]}"
  before=$(snapshot "$lib")
  run -0 "${set_up[@]}" --quiet
  [ -z "$output" ]
  [ "$(snapshot "$lib")" = "$before" ]
}

@test "--check tells and changes nothing" {
  before=$(snapshot "$lib")
  run -69 "${set_up[@]}" --check
  [[ $output == *"hint: bash $lib/setup.sh"* ]]
  [ "$(snapshot "$lib")" = "$before" ]
  "${set_up[@]}"
  run -0 "${set_up[@]}" --check
  [ -z "$output" ]
  echo '# later' >>"$lib/requirements.txt"
  run -69 "${set_up[@]}" --check
}

@test "two runs at once both succeed and leave one set of packages" {
  "${set_up[@]}" &
  first=$!
  "${set_up[@]}" &
  second=$!
  wait "$first"
  wait "$second"
  run -0 "${set_up[@]}" --quiet
  run -0 "$python" -S -E -c 'import sys; sys.path.insert(0, sys.argv[1]); import rich.table' "$lib/vendor"
  [ "$(find "$lib" -maxdepth 1 -name '.vendor-*' | wc -l)" -eq 1 ]
}

@test "what killed runs left is swept, what a live run fills is not" {
  true &
  dead=$!
  wait "$dead"
  mkdir "$lib/.vendor-1-2.$dead" "$lib/.vendor-1-2.$dead.pip" "$lib/.vendor-1-2.$BATS_ROOT_PID"
  : >"$lib/.python.$dead"
  run -0 "${set_up[@]}"
  [ ! -e "$lib/.vendor-1-2.$dead" ]
  [ ! -e "$lib/.vendor-1-2.$dead.pip" ]
  [ ! -e "$lib/.python.$dead" ]
  [ -d "$lib/.vendor-1-2.$BATS_ROOT_PID" ]
}

@test "new requirements replace the packages in one step" {
  "${set_up[@]}"
  old=$(readlink "$lib/vendor")
  cp -Rp "$REPOSITORY/lib/vendor/." "$BATS_TEST_TMPDIR/theirs"
  echo '# later' >>"$lib/requirements.txt"
  mkdir "$BATS_TEST_TMPDIR/from"
  ln -s ".vendor-$(cksum <"$lib/requirements.txt" | tr ' ' -).1" "$BATS_TEST_TMPDIR/from/vendor"
  mv "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/from/$(readlink "$BATS_TEST_TMPDIR/from/vendor")"
  run -0 "$CCPM_TEST_BASH" "$lib/setup.sh" --from "$BATS_TEST_TMPDIR/from"
  [ "$(readlink "$lib/vendor")" != "$old" ]
  [ ! -e "$lib/$old" ]
  [ -e "$lib/vendor/rich/table.py" ]
}

@test "a folder named vendor that is not ours is not touched" {
  mkdir "$lib/vendor"
  echo mine >"$lib/vendor/file"
  run -74 "${set_up[@]}"
  [[ $output == *"CCPM did not make it"* ]]
  [ "$(cat "$lib/vendor/file")" = mine ]
}

@test "a virtualenv is seen through: its base is pinned" {
  need 'the venv module' 'apt-get install python3-venv' "$python" -m venv --without-pip "$BATS_TEST_TMPDIR/env"
  run -0 "$CCPM_TEST_BASH" "$lib/setup.sh" --python "$BATS_TEST_TMPDIR/env/bin/python" --find
  [[ $output != "$BATS_TEST_TMPDIR"* ]]
  run -0 "$output" -S -E -c 'import sys; assert sys.prefix == sys.base_prefix'
}

@test "a shim is seen through: the program behind it is pinned" {
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$BATS_TEST_TMPDIR/python3"
  chmod +x "$BATS_TEST_TMPDIR/python3"
  run -0 "$CCPM_TEST_BASH" "$lib/setup.sh" --python "$BATS_TEST_TMPDIR/python3" --find
  [ "$output" = "$python" ]
}

@test "Pythons that are too old are named" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  for tool in bash dirname cksum readlink; do
    ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/$tool"
  done
  pretend "$BATS_TEST_TMPDIR/bin/python3" 3.9.18
  PATH=$BATS_TEST_TMPDIR/bin run -69 bash "$lib/setup.sh"
  [[ $output == *"needs Python 3.10 or newer, found python3: version 3.9.18"* ]]
  pretend "$BATS_TEST_TMPDIR/bin/python2" 2.7.18
  PATH=$BATS_TEST_TMPDIR/bin run -69 bash "$lib/setup.sh" --python python2
  [[ $output == *"python2 is no Python >= 3.10 (version 2.7.18)"* ]]
  [ ! -e "$lib/.python" ]
}

@test "the interpreter of the last run is kept as long as it works" {
  echo "$python" >"$lib/.python"
  PATH="$BATS_TEST_TMPDIR/bin:$PATH" run -0 "$CCPM_TEST_BASH" "$lib/setup.sh" --find
  [ "$output" = "$python" ]
  echo /nowhere/python3 >"$lib/.python"
  run -0 "$CCPM_TEST_BASH" "$lib/setup.sh" --find
  [ "$output" != /nowhere/python3 ]
}

@test "without network it refuses with 69, says so, and leaves nothing behind" {
  run -69 env PIP_CONFIG_FILE=/dev/null PIP_INDEX_URL=http://127.0.0.1:9/simple PIP_EXTRA_INDEX_URL= PIP_FIND_LINKS= PIP_RETRIES=0 \
    "$CCPM_TEST_BASH" "$lib/setup.sh" --python "$python"
  [[ $output == *"cannot install the packages of lib/requirements.txt"* ]]
  [[ $output == *"hint: check the network"* ]]
  [ ! -e "$lib/vendor" ]
  [ "$(find "$lib" -name '.vendor-*')" = "" ]
}

@test "a package whose hash differs is refused" {
  need 'the package registry' 'connect to the network' "$REPOSITORY/.venv/bin/python" -m pip download -q --no-deps -d "$BATS_TEST_TMPDIR" mdurl==0.1.2
  sed -i.bak 's/\(mdurl.*sha256:\)..../\10000/' "$lib/requirements.txt"
  run -69 "$CCPM_TEST_BASH" "$lib/setup.sh" --python "$python"
  [[ $output == *"0000"* ]]
  [ ! -e "$lib/vendor" ]
}

@test "bad arguments are usage errors" {
  run -2 "$CCPM_TEST_BASH" "$lib/setup.sh" --nope
  run -2 "$CCPM_TEST_BASH" "$lib/setup.sh" --python
}
