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
#   optimistic_update_frontmatter FILE KEY VALUE
#   retry_optimistic_update TRIES FILE FUNCTION          the same, on the new content, until it fits
#   create_with_frontmatter FILE FRONTMATTER BODY        a new file (10 if it exists)

# shellcheck source=lib/session.sh
. "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}session.sh"

extract_frontmatter() { _ccpm_part "${1-}" block; }

extract_content() { _ccpm_part "${1-}" body; }

get_frontmatter_field() { _ccpm_call ccpm-fm-cas get "${1-}" "${2-}"; }

update_frontmatter_field() { _ccpm_capture ccpm-fm-cas update "${1-}" "${2-}=${3-}"; }

validate_frontmatter() {
  _ccpm_call ccpm-fm-cas validate "${1-}" || return
  printf '✓ Frontmatter valid\n'
}

get_version() {
  local status=0
  _ccpm_capture ccpm-fm-cas get "${1-}" version || status=$?
  case $status in
    0) printf '%s' "${_CCPM_OUT:-0$'\n'}" ;;
    1) printf '0\n' ;;
    *) return "$status" ;;
  esac
}

ensure_version() {
  local status=0
  _ccpm_call ccpm-fm-cas ensure "${1-}" || status=$?
  [ "$status" -le 1 ] || return "$status"
}

optimistic_update() {
  local file=${1-} expected=${2-} function=${3-} status=0 copy
  [ -f "$file" ] || {
    printf 'optimistic_update: no such file: %s\n' "$file" >&2
    return 66
  }
  copy=$(mktemp "${TMPDIR:-/tmp}/ccpm-update.XXXXXX") || return 74
  if cat -- "$file" >"$copy"; then
    "$function" "$copy" || status=$?
    [ "$status" -ne 0 ] ||
      _ccpm_capture ccpm-fm-cas commit "$file" --expect-version "$expected" --from "$copy" || status=$?
  else
    status=74
  fi
  rm -f -- "$copy"
  return "$status"
}

optimistic_update_frontmatter() { _ccpm_capture ccpm-fm-cas update "${1-}" "${2-}=${3-}"; }

retry_optimistic_update() {
  local tries=${1-} file=${2-} function=${3-} status=10 version
  while [ "$tries" -gt 0 ]; do
    version=$(get_version "$file") || return
    status=0
    optimistic_update "$file" "$version" "$function" || status=$?
    [ "$status" -eq 10 ] || return "$status"
    tries=$((tries - 1))
  done
  return "$status"
}

create_with_frontmatter() {
  printf -- '---\n%s\n---\n\n%s\n' "${2-}" "${3-}" | "$_CCPM_LIB/../bin/ccpm-atomic-write" --if-absent -- "${1-}"
}

# _ccpm_part FILE block|body: what stands between the two markers, or behind the second.
_ccpm_part() {
  [ -f "$1" ] || {
    printf '%s: no such file\n' "$1" >&2
    return 66
  }
  awk -v part="$2" '
    NR == 1 { sub(/^\357\273\277/, "") }
    !closed && /^---[ \t]*\r?$/ && (NR == 1 || opened) { if (opened) closed = 1; opened = 1; next }
    NR == 1 { exit }
    part == "block" ? !closed : closed' "$1"
}
