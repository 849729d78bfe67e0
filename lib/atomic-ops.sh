# shellcheck shell=bash
# Atomic changes of files for shell scripts. Source it; see docs/CONCURRENCY.md.
#
#   atomic_write FILE CONTENT                  CONTENT and a line end become the file
#   atomic_write_file SOURCE TARGET            the content of SOURCE becomes that of TARGET
#   atomic_append FILE CONTENT                 CONTENT and a line end are added
#   atomic_update FILE FUNCTION                FUNCTION edits a copy (its path is the last argument), which becomes the file
#   atomic_update_frontmatter FILE KEY VALUE   sets KEY, whatever the version is
#
# Contract: readers see the old file or the new one. atomic_update publishes only if nobody else changed the file
# meanwhile; else FUNCTION is called again on the new content, up to 20 times (then 10). If FUNCTION fails, nothing is
# written and its status is returned. FUNCTION may be several words; as in every tested command, `set -e` does not count
# in it. With $CCPM_FENCE set (acquire_lock does it), nothing is written once that lock is lost (11).

[ -n "${BASH_VERSION-}" ] || {
  printf 'atomic-ops.sh: this shell is not bash, which the library needs\nhint: run the script with bash\n' >&2
  return 69
}
# shellcheck source=lib/session.sh
case ${BASH_SOURCE[0]} in
  */*) . "${BASH_SOURCE[0]%/*}/session.sh" ;;
  *) . ./session.sh ;;
esac

atomic_write() {
  local _CCPM_IN=${2-}$'\n'
  _ccpm_call ccpm-atomic-write -- "${1-}"
}

atomic_append() {
  local _CCPM_IN=${2-}$'\n'
  _ccpm_call ccpm-atomic-write --append -- "${1-}"
}

atomic_write_file() {
  local _ccpm_source=${1-} _ccpm_target=${2-}
  if [ ! -f "$_ccpm_source" ]; then
    printf 'atomic_write_file: no such file: %s\n' "$_ccpm_source" >&2
    return 66
  fi
  # A new file that is a program stays one, as with cp.
  set --
  if [ -x "$_ccpm_source" ] && [ ! -e "$_ccpm_target" ]; then
    set -- "--mode=$(printf '%o' "$((0777 & ~$(umask)))")"
  fi
  _ccpm_call ccpm-atomic-write "$@" "--from=$_ccpm_source" -- "$_ccpm_target"
}

atomic_update() {
  local _ccpm_tries=20 _ccpm_code=0
  while :; do
    _ccpm_edit '' "${1-}" "${2-}" "$_ccpm_tries" || _ccpm_code=$?
    [ -n "$_CCPM_CONFLICT" ] && [ "$_ccpm_tries" -gt 1 ] || return "$_ccpm_code"
    _ccpm_tries=$((_ccpm_tries - 1)) _ccpm_code=0
  done
}

atomic_update_frontmatter() { _ccpm_set_key "${1-}" "${2-}" "${3-}"; }

_ccpm_set_key() {
  case $2 in
    '' | -* | *=*)
      printf 'not a key: %s\nhint: letters, digits, _ and - are usual\n' "$2" >&2
      return 2
      ;;
  esac
  _ccpm_file "$1"
  _ccpm_capture ccpm-fm-cas update "$_CCPM_FILE" "$2=$3"
}

# $1 as an argument that is no option, in $_CCPM_FILE.
_ccpm_file() { case $1 in -*) _CCPM_FILE=./$1 ;; *) _CCPM_FILE=$1 ;; esac }

# _ccpm_edit VERSION FILE FUNCTION TRIES: one attempt to let FUNCTION edit a copy of FILE and publish it, if FILE still has
# VERSION ('': any). $_CCPM_CONFLICT tells whether it failed because somebody else changed FILE; if another attempt follows
# (TRIES above 1), that is not reported. FUNCTION sees the variables of its callers: ours have names of their own.
_ccpm_edit() {
  local _ccpm_words _ccpm_folder _ccpm_hash _ccpm_conflict='' _ccpm_status=0
  _CCPM_CONFLICT=''
  IFS=$' \t' read -r -a _ccpm_words <<<"$3"
  if [ "${#_ccpm_words[@]}" -eq 0 ]; then
    printf 'no function given to edit %s\n' "$2" >&2
    return 2
  fi
  _ccpm_folder=$(mktemp -d "${TMPDIR:-/tmp}/ccpm-copy-$$-XXXXXX") || return 74
  if _ccpm_held_back _ccpm_capture ccpm-copy ${1:+"--expect-version=$1"} -- "$2" "$_ccpm_folder/copy"; then
    _ccpm_hash=${_CCPM_OUT%$'\n'}
    ${_ccpm_words[@]+"${_ccpm_words[@]}"} "$_ccpm_folder/copy" &&
      _ccpm_held_back _ccpm_publish "$1" "$2" "$_ccpm_folder/copy" "$_ccpm_hash" || _ccpm_status=$?
  else
    _ccpm_status=$?
  fi
  if [ -n "$_ccpm_conflict" ] && [ "$4" -gt 1 ]; then
    sleep "0.0$((RANDOM % 9 + 1))" # so that several writers do not run in step
  elif [ -s "$_ccpm_folder/words" ]; then
    cat "$_ccpm_folder/words" >&2
  fi
  rm -rf -- "$_ccpm_folder"
  _CCPM_CONFLICT=$_ccpm_conflict
  return "$_ccpm_status"
}

# A step of _ccpm_edit: what it says waits until it is known whether anybody has to read it.
_ccpm_held_back() {
  local _ccpm_code=0
  "$@" >/dev/null 2>>"$_ccpm_folder/words" || _ccpm_code=$?
  [ "$_ccpm_code" -ne 10 ] || _ccpm_conflict=yes
  return "$_ccpm_code"
}

# _ccpm_publish VERSION FILE COPY SHA256
_ccpm_publish() {
  if [ -z "$1" ]; then
    _ccpm_call ccpm-atomic-write "--if-sha256=$4" "--from=$3" -- "$2"
  else
    _ccpm_file "$2"
    _ccpm_call ccpm-fm-cas commit "$_CCPM_FILE" "--expect-version=$1" "--if-sha256=$4" "--from=$3"
  fi
}
