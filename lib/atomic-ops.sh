# shellcheck shell=bash
# Atomic changes of files for shell scripts. Source it; see docs/CONCURRENCY.md.
#
#   atomic_write FILE CONTENT                 CONTENT and a line end become the file
#   atomic_write_file SOURCE TARGET           the content of SOURCE becomes that of TARGET
#   atomic_append FILE CONTENT                CONTENT and a line end are added
#   atomic_update FILE FUNCTION               FUNCTION edits a copy (its path is $1), which then becomes the file
#   atomic_update_frontmatter FILE KEY VALUE
#
# Contract: readers see the old file or the new one. atomic_update publishes only if nobody else changed the file
# meanwhile; else FUNCTION is called again on the new content, up to ten times (then 10). If FUNCTION fails, nothing is
# written and its status is returned. With $CCPM_FENCE set, nothing is written once that lock is lost (11).

# shellcheck source=lib/session.sh
. "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}session.sh"

atomic_write() { printf '%s\n' "${2-}" | "$_CCPM_LIB/../bin/ccpm-atomic-write" -- "${1-}"; }

atomic_write_file() {
  [ -f "${1-}" ] || {
    printf 'atomic_write_file: no such file: %s\n' "${1-}" >&2
    return 66
  }
  "$_CCPM_LIB/../bin/ccpm-atomic-write" -- "${2-}" <"$1"
}

atomic_append() { printf '%s\n' "${2-}" | "$_CCPM_LIB/../bin/ccpm-atomic-write" --append -- "${1-}"; }

atomic_update() {
  local file=${1-} function=${2-} tries=10 status=0 copy hash
  [ -f "$file" ] || {
    printf 'atomic_update: no such file: %s\n' "$file" >&2
    return 66
  }
  copy=$(mktemp "${TMPDIR:-/tmp}/ccpm-update.XXXXXX") || return 74
  while :; do
    if ! cat -- "$file" >"$copy" || ! hash=$(_ccpm_sha256 "$copy"); then
      status=74
      break
    fi
    status=0
    "$function" "$copy" || status=$?
    [ "$status" -eq 0 ] || break
    "$_CCPM_LIB/../bin/ccpm-atomic-write" --if-sha256 "$hash" -- "$file" <"$copy" 2>/dev/null || status=$?
    [ "$status" -ne 0 ] || break
    tries=$((tries - 1))
    if [ "$status" -ne 10 ] || [ "$tries" -eq 0 ]; then
      printf 'atomic_update: %s was not written (status %d)\n' "$file" "$status" >&2
      break
    fi
  done
  rm -f -- "$copy"
  return "$status"
}

atomic_update_frontmatter() { _ccpm_capture ccpm-fm-cas update "${1-}" "${2-}=${3-}"; }

_ccpm_sha256() {
  local line
  line=$(sha256sum <"$1" 2>/dev/null) || line=$(shasum -a 256 <"$1") || return
  printf '%s' "${line%% *}"
}
