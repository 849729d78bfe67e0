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
  local source=${1-} target=${2-}
  if [ ! -f "$source" ]; then
    printf 'atomic_write_file: no such file: %s\n' "$source" >&2
    return 66
  fi
  # A new file that is a program stays one, as with cp.
  set --
  if [ -x "$source" ] && [ ! -e "$target" ]; then
    set -- "--mode=$(printf '%o' "$((0777 & ~$(umask)))")"
  fi
  _ccpm_call ccpm-atomic-write "$@" "--from=$source" -- "$target"
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
  local _ccpm_words _ccpm_copy _ccpm_hash _ccpm_said _ccpm_status=0
  _CCPM_CONFLICT=''
  IFS=$' \t' read -r -a _ccpm_words <<<"$3"
  if [ "${#_ccpm_words[@]}" -eq 0 ]; then
    printf 'no function given to edit %s\n' "$2" >&2
    return 2
  fi
  _ccpm_copy=$(mktemp "${TMPDIR:-/tmp}/ccpm-copy-$$-XXXXXX") || return 74
  _ccpm_said=$(_ccpm_call ccpm-copy ${1:+"--expect-version=$1"} -- "$2" "$_ccpm_copy" 2>&1) || _ccpm_status=$?
  if [ "$_ccpm_status" -eq 0 ]; then
    _ccpm_hash=$_ccpm_said _ccpm_said=''
    ${_ccpm_words[@]+"${_ccpm_words[@]}"} "$_ccpm_copy" || _ccpm_status=$?
    if [ "$_ccpm_status" -ne 0 ]; then
      rm -f -- "$_ccpm_copy"
      _CCPM_CONFLICT=''
      return "$_ccpm_status"
    fi
    _ccpm_said=$(_ccpm_publish "$1" "$2" "$_ccpm_copy" "$_ccpm_hash" 2>&1 >/dev/null) || _ccpm_status=$?
  fi
  rm -f -- "$_ccpm_copy"
  _CCPM_CONFLICT=''
  [ "$_ccpm_status" -ne 10 ] || _CCPM_CONFLICT=yes
  if [ -n "$_CCPM_CONFLICT" ] && [ "$4" -gt 1 ]; then
    sleep "0.0$((RANDOM % 9 + 1))" # so that several writers do not run in step
  elif [ -n "$_ccpm_said" ]; then
    printf '%s\n' "$_ccpm_said" >&2
  fi
  return "$_ccpm_status"
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
