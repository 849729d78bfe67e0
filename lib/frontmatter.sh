# shellcheck shell=bash
# Frontmatter for shell scripts. Source it; see docs/CONCURRENCY.md.
#
#   extract_frontmatter FILE · extract_content FILE      the text between the markers · the text behind them
#   get_frontmatter_field FILE KEY                       prints the value; 1 if there is no such key
#   update_frontmatter_field FILE KEY VALUE              sets it, whatever the version is
#   validate_frontmatter FILE                            0 sound; 65, naming the lines, if not
#   get_version FILE                                     prints it; 0 where there is none
#   ensure_version FILE                                  adds `version: 1` where there is none
#   optimistic_update FILE EXPECTED FUNCTION             FUNCTION edits a copy; written as version EXPECTED + 1,
#                                                        or 10 if the file has another version by then
#   optimistic_update_frontmatter FILE KEY VALUE         the same as update_frontmatter_field
#   retry_optimistic_update TRIES FILE FUNCTION          the same, on the new content, until it fits
#   create_with_frontmatter FILE FRONTMATTER BODY        a new file (10 if it exists)
#
# Contract: FILE below `.claude/epics` or `.claude/prds` means the one copy of the project, from every worktree. Every
# write counts `version` up and leaves every other byte as it was. FUNCTION is called as by atomic_update.

[ -n "${BASH_VERSION-}" ] || {
  printf 'frontmatter.sh: this shell is not bash, which the library needs\nhint: run the script with bash\n' >&2
  return 69
}
# shellcheck source=lib/atomic-ops.sh
case ${BASH_SOURCE[0]} in
  */*) . "${BASH_SOURCE[0]%/*}/atomic-ops.sh" ;;
  *) . ./atomic-ops.sh ;;
esac

extract_frontmatter() { _ccpm_fm extract "${1-}"; }

extract_content() { _ccpm_fm extract "${1-}" --body; }

get_frontmatter_field() {
  case ${2-} in
    '' | -*)
      printf 'get_frontmatter_field: not a key: %s\n' "${2-}" >&2
      return 2
      ;;
  esac
  _ccpm_fm get "${1-}" "$2"
}

update_frontmatter_field() { _ccpm_set_key "${1-}" "${2-}" "${3-}"; }

optimistic_update_frontmatter() { _ccpm_set_key "${1-}" "${2-}" "${3-}"; }

validate_frontmatter() {
  _ccpm_fm validate "${1-}" || return
  printf '✓ Frontmatter valid\n'
}

get_version() {
  _ccpm_version "${1-}" || return
  printf '%s\n' "$_CCPM_VERSION"
}

ensure_version() {
  local _ccpm_status=0
  _ccpm_fm ensure "${1-}" || _ccpm_status=$?
  [ "$_ccpm_status" -ne 1 ] || _ccpm_status=0 # it has one
  return "$_ccpm_status"
}

optimistic_update() { _ccpm_edit "${2:-missing}" "${1-}" "${3-}" 1; }

retry_optimistic_update() {
  local _ccpm_left=${1-} _ccpm_code
  case $_ccpm_left in
    '' | *[!0-9]* | 0)
      printf 'retry_optimistic_update: not a number of tries: %s\n' "$_ccpm_left" >&2
      return 2
      ;;
  esac
  while :; do
    _ccpm_version "${2-}" || return
    _ccpm_code=0
    _ccpm_edit "$_CCPM_VERSION" "${2-}" "${3-}" "$_ccpm_left" || _ccpm_code=$?
    [ -n "$_CCPM_CONFLICT" ] && [ "$_ccpm_left" -gt 1 ] || return "$_ccpm_code"
    _ccpm_left=$((_ccpm_left - 1))
  done
}

create_with_frontmatter() {
  local _CCPM_IN="---"$'\n'${2-}$'\n'"---"$'\n\n'${3-}$'\n'
  _ccpm_call ccpm-atomic-write --if-absent -- "${1-}"
}

# _ccpm_fm VERB FILE ARGS…
_ccpm_fm() {
  local _ccpm_verb=$1
  _ccpm_file "$2"
  shift 2
  _ccpm_call ccpm-fm-cas "$_ccpm_verb" "$_CCPM_FILE" "$@"
}

# The version of file $1, in $_CCPM_VERSION; 0 where it has none.
_ccpm_version() {
  local _ccpm_status=0
  _ccpm_file "$1"
  _ccpm_capture ccpm-fm-cas get "$_CCPM_FILE" version || _ccpm_status=$?
  _CCPM_VERSION=${_CCPM_OUT%$'\n'}
  case $_ccpm_status in
    0 | 1) _CCPM_VERSION=${_CCPM_VERSION:-0} ;;
    *) return "$_ccpm_status" ;;
  esac
}
