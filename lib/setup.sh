#!/usr/bin/env bash
# setup.sh [--python P] [--from LIB] [--quiet] [--force | --check | --find]: makes this copy of CCPM ready to run here.
#
# Finds a Python >= 3.10, installs lib/requirements.txt into lib/vendor and writes the interpreter's path to
# lib/.python, where bin/ccpm reads it.
#
#   --python P   use this interpreter (also: CCPM_PYTHON=P), else the one of the last run, else the first that is found
#   --from LIB   copy the packages from another copy of CCPM if they are the same; no network needed then
#   --quiet      say nothing when nothing had to be done
#   --force      install the packages anew
#   --check      change nothing, tell: 0 ready, 69 not
#   --find       change nothing, print the interpreter that would be used
#
# Guarantees: lib/vendor is a link that is switched in one step to a complete folder beside it, lib/.python is
# renamed into place: a helper that starts meanwhile sees the old state or the new one, a killed run leaves the old
# one, and two runs at once both succeed. A second run with nothing to do changes nothing.
# Refuses with 69 (no Python, no pip, no network), 74 (the tree cannot be written) and 2 (usage).
set -u
unset CDPATH PYTHONHOME PYTHONPATH PYTHONSTARTUP
lib=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 74
new='' # the folder being filled, ours to remove

say() { printf 'ccpm setup: %s\n' "$1" >&2; }

# refuse STATUS WHAT HINT
refuse() {
  say "$2"
  printf 'hint: %s\n' "$3" >&2
  exit "$1"
}

cleanup() { [ -z "$new" ] || rm -rf "$new" "$new.pip" "$new.link"; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Prints the version of the interpreter that runs it and the path to pin. A virtualenv may vanish and starts slower,
# so its base is pinned. The path is not resolved through links: package managers keep the link stable and the
# folder behind it moves with each patch release. Runs on any Python, to be able to say what was found.
probe='
import os, sys
version = "%d.%d.%d" % sys.version_info[:3]
real = sys.executable
base = getattr(sys, "base_prefix", sys.prefix)
if base != sys.prefix:
    folder = os.path.join(base, "bin")
    names = [os.path.join(folder, "python%d.%d" % sys.version_info[:2]), os.path.join(folder, "python3")]
    for path in [getattr(sys, "_base_executable", None)] + names + [os.path.realpath(real)]:
        if path and os.access(path, os.X_OK) and not path.startswith(sys.prefix + os.sep):
            real = path
            break
sys.stdout.write("%s\n%s\n" % (version, real))
'

# try_python COMMAND: sets $python, $version and $asked when it is usable; else returns 1 and leaves the reason in $why.
try_python() {
  local answer
  why="not found"
  command -v "$1" >/dev/null 2>&1 || return 1
  why="does not run"
  answer=$("$1" -E -c "$probe" 2>/dev/null) || return 1
  version=${answer%%$'\n'*}
  why="version $version"
  case $version in
    3.[0-9].* | [!3].*) return 1 ;;
  esac
  python=${answer#*$'\n'}
  why="its path is not usable"
  case $python in
    *$'\n'*) return 1 ;;
    /*) ;;
    *) return 1 ;;
  esac
  why="cannot load its own standard library"
  "$python" -S -E -c 'import ctypes, fcntl, json, sys, zlib; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || return 1
  asked=$1
}

find_python() {
  local candidate pinned='' found=''
  if [ -n "$wanted" ]; then
    try_python "$wanted" && return
    refuse 69 "$wanted is no Python >= 3.10 ($why)" "name another one: bash $lib/setup.sh --python /path/to/python3"
  fi
  [ ! -r "$lib/.python" ] || IFS= read -r pinned <"$lib/.python" || :
  for candidate in ${pinned:+"$pinned"} python3.13 python3.12 python3.11 python3.10 python3; do
    try_python "$candidate" && return
    [ "$why" = "not found" ] || found="$found${found:+, }$candidate: $why"
  done
  refuse 69 "needs Python 3.10 or newer, found ${found:-no Python at all}" \
    "install one (apt-get install python3, brew install python) or name it: bash $lib/setup.sh --python /path/to/python3"
}

# vendor_is_current LIB: whether the packages there are those of our requirements.
vendor_is_current() {
  local target
  target=$(readlink "$1/vendor" 2>/dev/null) || return 1
  case $target in
    ".vendor-$key."*) [ -d "$1/$target" ] ;;
    *) return 1 ;;
  esac
}

# Packages are compiled without a check against their sources: they never change in place, and copies stay valid.
compile_vendor() {
  local mark
  mark=.compiled-$("$python" -S -E -c 'import sys; print(sys.implementation.cache_tag)')
  [ ! -e "$1/$mark" ] || return 0
  "$python" -S -E -m compileall -q -j 0 --invalidation-mode unchecked-hash -x '/pygments/(lexers|styles|formatters)/' "$1" \
    >/dev/null 2>&1 || :
  : 2>/dev/null >"$1/$mark" || : # a read-only tree works as well, and starts slower
}

# with_pip ARGS…: runs pip, whichever is at hand. Settings that would send the packages elsewhere are overruled.
with_pip() {
  local candidate
  export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
  for candidate in "$python" "$asked" "$new.pip/bin/python"; do
    if [ "$candidate" = "$new.pip/bin/python" ]; then
      "$python" -E -m venv "$new.pip" >/dev/null 2>&1 || break
    fi
    if "$candidate" -E -m pip --version >/dev/null 2>&1; then
      "$candidate" -E -m pip "$@"
      return
    fi
  done
  refuse 69 "$python has no pip, which installs the packages" \
    "install it (apt-get install python3-pip python3-venv, or $python -m ensurepip), then run this again"
}

install_vendor() {
  if [ -e "$lib/vendor" ] && [ ! -h "$lib/vendor" ]; then
    refuse 74 "$lib/vendor is in the way: CCPM did not make it" "rename it, then run this again"
  fi
  new=$lib/.vendor-$key.$$
  rm -rf "$new"
  mkdir "$new" 2>/dev/null || refuse 74 "cannot write in $lib" "check its permissions (ls -ld), or use a writable checkout"
  if [ -z "$force" ] && [ -n "$from" ] && vendor_is_current "$from"; then
    cp -Rp "$from/$(readlink "$from/vendor")/." "$new/" || refuse 74 "cannot copy the packages to $lib" "free some disk space"
  else
    download_vendor
  fi
  compile_vendor "$new"
}

download_vendor() {
  local log
  log=$(with_pip install --quiet --no-deps --only-binary :all: --require-hashes --no-compile --timeout 20 --retries 2 \
    --target "$new" -r "$lib/requirements.txt" 2>&1)
  case $? in
    0) ;;
    69)
      printf '%s\n' "$log" >&2
      exit 69
      ;;
    *)
      printf '%s\n' "$log" | grep -v '^ *WARNING: Retrying' | tail -n 4 >&2
      refuse 69 "cannot install the packages of lib/requirements.txt" \
        "check the network and proxy settings (or put the wheels into a folder and set PIP_FIND_LINKS), then run this again"
      ;;
  esac
  rm -rf "${new:?}/bin" "$new.pip"
}

# rename(2): mv would move a name into the folder that a link of that name points to.
rename() { "$python" -S -E -c 'import os, sys; os.replace(*sys.argv[1:])' "$1" "$2"; }

# Puts $new in the place of lib/vendor. Whoever comes second finds the work done and drops its own.
switch_vendor() {
  if [ -z "$force" ] && vendor_is_current "$lib"; then
    return
  fi
  if ! { ln -s "${new##*/}" "$new.link" && rename "$new.link" "$lib/vendor"; }; then
    refuse 74 "cannot write $lib/vendor" "check its permissions (ls -ld)"
  fi
  new=''
}

# Removes what earlier and killed runs left: every folder that is not in use and whose maker is not running.
sweep() {
  local folder current maker
  current=$(readlink "$lib/vendor" 2>/dev/null)
  for folder in "$lib"/.vendor-* "$lib"/.python.*; do
    [ -e "$folder" ] || [ -h "$folder" ] || continue
    maker=${folder##*/}
    maker=${maker#.*.}
    maker=${maker%%.*}
    [ "${folder##*/}" != "$current" ] || continue
    [ "$maker" != "$$" ] && kill -0 "$maker" 2>/dev/null && continue
    rm -rf "$folder"
  done
}

wanted=${CCPM_PYTHON-}
from=''
mode=''
force=''
quiet=''
while [ $# -gt 0 ]; do
  case $1 in
    --python | --from)
      [ $# -gt 1 ] || refuse 2 "$1 needs a path" "bash $lib/setup.sh --help"
      if [ "$1" = --python ]; then wanted=$2; else from=$2; fi
      shift
      ;;
    --python=*) wanted=${1#*=} ;;
    --from=*) from=${1#*=} ;;
    --check | --find) mode=$1 ;;
    --force) force=yes ;;
    --quiet) quiet=yes ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) refuse 2 "unknown argument: $1" "bash $lib/setup.sh --help" ;;
  esac
  shift
done

find_python
if [ "$mode" = --find ]; then
  printf '%s\n' "$python"
  exit 0
fi
key=$(cksum <"$lib/requirements.txt") || refuse 66 "cannot read $lib/requirements.txt" "install CCPM again"
key=${key// /-}
before=''
[ ! -r "$lib/.python" ] || IFS= read -r before <"$lib/.python" || :

if [ "$mode" = --check ]; then
  vendor_is_current "$lib" ||
    refuse 69 "the packages in lib/vendor are missing or not those of lib/requirements.txt" "bash $lib/setup.sh"
  [ "$before" = "$python" ] || refuse 69 "lib/.python does not name $python" "bash $lib/setup.sh"
  exit 0
fi

if [ -n "$force" ] || ! vendor_is_current "$lib"; then
  install_vendor
  switch_vendor
  quiet=''
fi
compile_vendor "$lib/$(readlink "$lib/vendor")"
"$python" -S -E -m compileall -q "$lib/ccpm" "$lib/main.py" >/dev/null 2>&1 || :
if [ "$before" != "$python" ]; then
  if ! { printf '%s\n' "$python" >"$lib/.python.$$" && rename "$lib/.python.$$" "$lib/.python"; } 2>/dev/null; then
    refuse 74 "cannot write $lib/.python" "check its permissions (ls -ld)"
  fi
  quiet=''
fi
sweep
[ -n "$quiet" ] || say "ready: Python $version ($python), packages in $lib/vendor"
