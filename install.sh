#!/usr/bin/env bash
# install.sh [TARGET] [--python P] [--no-hooks] [--dry-run] [--uninstall] [--yes]: CCPM into a project's .claude/ folder.
#
#   TARGET       the project; by default the repository around the current directory
#   --python P   the Python >= 3.10 that the helpers shall use
#   --no-hooks   leave Claude Code's settings and the git hooks alone (--hooks: put our hooks in again)
#   --dry-run    say what would be done, change nothing
#   --uninstall  take CCPM out again and give back what it replaced
#   --yes        do not ask at a terminal
#
# Run it again to upgrade in place. What it replaces is saved in .claude/.ccpm and restored by --uninstall, to the byte;
# what you edited since is never overwritten without a copy. Scripts of older CCPM layouts become forwarders.
# A run that was interrupted is completed by the next one. The decisions are in lib/ccpm/core/installation.py.
set -u
unset CDPATH
here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 74

# refuse STATUS WHAT HINT
refuse() {
  printf 'install.sh: %s\nhint: %s\n' "$2" "$3" >&2
  exit "$1"
}

# Prints the top of the repository around the current directory.
repository_here() {
  local folder=$PWD
  while [ ! -e "$folder/.git" ]; do
    [ -n "$folder" ] || refuse 66 "no git repository around $PWD" "name the project: bash install.sh /path/to/project"
    folder=${folder%/*}
  done
  [ ! "$folder/install.sh" -ef "$here/install.sh" ] ||
    refuse 2 "this is CCPM's own repository" "name your project: bash install.sh /path/to/project"
  printf '%sx' "$folder"
}

# Rules that hide our files from git leave teammates with half an installation.
warn_if_ignored() {
  local rule
  rule=$(git -C "$target" check-ignore -v .claude/lib/main.py 2>/dev/null) || return 0
  case $rule in
    *.claude*$'\t'*) return 0 ;; # a rule about .claude is meant
  esac
  printf '\nNote: git ignores .claude/lib (%s).\n' "${rule%%$'\t'*}"
  printf 'Teammates will not get it, unless you add this line at the end of .gitignore:  !/.claude/lib/\n'
}

# In a subfolder of a repository the commands would be found, but not what agents share: that is at the repository's top.
warn_if_below_top() {
  local top
  top=$(git -C "$target" rev-parse --show-toplevel 2>/dev/null) || return 0
  [ "$top" -ef "$target" ] || [ "${CCPM_ROOT-}" -ef "$target" ] || {
    printf 'install.sh: %s is in the repository %s, and there agents share plans and locks, not here\n' "$target" "$top"
    printf "hint: bash install.sh '%s', or let CCPM_ROOT name the folder in every session\n" "$top"
  } >&2
}

# git_hooks install|remove: our lines in the hooks of the project's repository, beside those that are there. Where that is
# not possible the words of the helper tell why, and the rest of the installation stands.
git_hooks() {
  git -C "$target" rev-parse --git-common-dir >/dev/null 2>&1 || return 0
  "$real" -S -E "$here/lib/main.py" agent hooks "$1" --project "$target" >/dev/null || :
}

next_steps() {
  cat <<TEXT

Next:
  export PATH="\$PWD/.claude/bin:\$PATH"         in the project's folder, or call .claude/bin/ccpm
  ccpm-lock list                               who holds what (nobody, yet)
  git add .claude .gitignore                   share it; teammates then run: bash .claude/lib/setup.sh
TEXT
}

target=''
python=''
mode=''
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --python)
      [ $# -gt 1 ] || refuse 2 "--python needs a path" "bash install.sh --python /path/to/python3"
      python=$2
      shift
      ;;
    --python=*) python=${1#*=} ;;
    --dry-run | --uninstall)
      mode=$1
      options+=("$1")
      ;;
    --yes | --json | --hooks | --no-hooks) options+=("$1") ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) refuse 2 "unknown option: $1" "bash install.sh --help" ;;
    *)
      [ -z "$target" ] || refuse 2 "one project at a time: $target, $1" "bash install.sh --help"
      [ -n "$1" ] || refuse 2 "the project's name is empty" "bash install.sh --help"
      target=$1
      ;;
  esac
  shift
done

if [ -z "$target" ]; then
  target=$(repository_here) || exit
  target=${target%x}
fi
[ -e "$target" ] || refuse 66 "there is no $target" "create the project first: git init '$target'"
[ -d "$target" ] || refuse 66 "$target is not a folder" "name the project's top folder"
target=$(cd -P -- "$target" && printf '%sx' "$PWD") || exit 74
target=${target%x}
[ "$mode" = --uninstall ] || warn_if_below_top
[ -z "$python" ] || export CCPM_PYTHON=$python
real=$(bash "$here/lib/setup.sh" --find) || exit

# The packages first: without network, nothing of the project is touched.
if [ -z "$mode" ] && [ -w "$here/lib" ]; then
  bash "$here/lib/setup.sh" --quiet || exit
fi
manifest=$(cksum "$target/.claude/.ccpm/manifest.json" 2>/dev/null)
"$real" -S -E "$here/lib/main.py" install ${options[@]+"${options[@]}"} -- "$here" "$target" || exit
case " ${options[*]-} " in
  *' --dry-run '*) exit 0 ;;
  *' --uninstall '*)
    git_hooks remove
    exit 0
    ;;
esac
# The manifest remembers --no-hooks, for this run and for upgrades.
if grep -q '^ *"hooks": false' "$target/.claude/.ccpm/manifest.json"; then git_hooks remove; else git_hooks install; fi
bash "$target/.claude/lib/setup.sh" --quiet --from "$here/lib" || exit
if [ "$manifest" != "$(cksum "$target/.claude/.ccpm/manifest.json")" ]; then
  warn_if_ignored
  next_steps
fi
