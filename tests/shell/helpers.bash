# Loaded by every bats file:  load helpers
#
#   make_project [FOLDER]   a throw-away git repository with .claude/, made the current directory; sets $project
#   need TOOL HOW CMD…      skips the test with a reason where CMD does not succeed (a failure with CCPM_NO_SKIP=1)
#   status_is N             the status of the last `run` is N; shows the output if not
#   copy_source FOLDER      CCPM in FOLDER as a clone that is set up would have it, with two commands of its own
#   snapshot FOLDER         every path below FOLDER with type, mode, link target and content, to compare trees
#
# The tests find the executables through PATH, as users do, and run without the developer's own agents and settings.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

REPOSITORY=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export REPOSITORY

# The shell that runs scripts under test; the macOS job sets it to /bin/bash, which is 3.2.
: "${CCPM_TEST_BASH:=bash}"

for name in $(compgen -e); do
  case $name in
    CCPM_NO_SKIP | CCPM_CORPUS | CCPM_TEST_BASH) ;;
    CCPM_* | CLAUDE* | AGENT_ID | AI_AGENT | CDPATH | GIT_DIR | GIT_WORK_TREE | GIT_INDEX_FILE) unset "$name" ;;
  esac
done
unset name

export PATH="$REPOSITORY/bin:$PATH"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.org
export NO_COLOR=1 LC_ALL=C.UTF-8
[ "$(uname)" != Darwin ] || export LC_ALL=en_US.UTF-8

make_project() {
  project=${1:-$BATS_TEST_TMPDIR/project}
  mkdir -p "$project"
  cd -P "$project" || return
  project=$PWD
  git init -q -b main .
  mkdir -p .claude
}

copy_source() {
  mkdir -p "$1/commands/pm" "$1/rules"
  cp -Rp "$REPOSITORY/bin" "$REPOSITORY/lib" "$REPOSITORY/install.sh" "$REPOSITORY/LICENSE" "$1"
  printf '#!/usr/bin/env bash\nprintf "new next in %%s:" "$PWD"\nprintf " <%%s>" "$@"\nexit 3\n' >"$1/commands/pm/next.sh"
  printf 'show the next task\n' >"$1/commands/pm/next.md"
  printf 'take the lock first\n' >"$1/rules/agent-coordination.md"
  chmod +x "$1/commands/pm/next.sh"
}

need() {
  local tool=$1 how=$2
  shift 2
  "$@" >/dev/null 2>&1 </dev/null && return
  if [ "${CCPM_NO_SKIP-}" = 1 ]; then
    printf 'CCPM_NO_SKIP=1 forbids to skip a test: %s is missing or does not work: %s\n' "$tool" "$how" >&2
    return 1
  fi
  skip "$tool is missing or does not work here: $how"
}

status_is() {
  [ "$status" -eq "$1" ] || {
    printf 'status %s, expected %s; output:\n%s\n' "$status" "$1" "$output" >&2
    return 1
  }
}

snapshot() {
  "$(cat "$REPOSITORY/lib/.python")" -S -E - "$1" <<'PYTHON'
import os, sys, zlib
os.chdir(sys.argv[1])
for where, folders, names in os.walk("."):
    folders.sort()
    for name in sorted(folders + names):
        path = os.path.join(where, name)
        if os.path.islink(path):
            what = "-> " + os.readlink(path)
        elif os.path.isdir(path):
            what = "folder"
        elif os.path.isfile(path):
            with open(path, "rb") as file:
                what = f"{os.stat(path).st_mode & 0o777:o} {zlib.crc32(file.read()):08x}"
        else:
            what = "special"
        print(ascii(path), ascii(what))
PYTHON
}
