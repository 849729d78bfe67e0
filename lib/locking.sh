# shellcheck shell=bash
# Locks for shell scripts. Source it; see docs/CONCURRENCY.md.
#
#   acquire_lock RESOURCE [TIMEOUT]   wait up to TIMEOUT (30) seconds; prints the path of the lock file
#   release_lock RESOURCE             0 also when it was free already
#   check_lock RESOURCE               prints the record and returns 0, or prints "unlocked" and returns 1
#   cleanup_stale_locks               removes what dead owners left
#   setup_lock_cleanup [RESOURCE]     releases everything at exit (acquire_lock does that by itself)
#   ccpm_session_open, …_close        keep one helper open: see session.sh
#
# Contract: the lock belongs to this shell's process ($$) and ends with it, however it ends. It is released at exit,
# after which the EXIT trap that was there runs with the status it expects. If the script sets another EXIT trap later,
# nothing is lost: the next one to want the lock sees that this process is gone. Acquired twice, it is released with the
# second release_lock. $CCPM_FENCE carries the fencing tokens to every helper below, which then refuses to write once a
# lock is lost. In a subshell the lock belongs to the main shell too, and is not released when the subshell ends.
#
# Statuses are those of the helpers: 75 busy, 13 deadlock refused, 11 lost, 2 not a name. Sourcing has no side effect.

# shellcheck source=lib/session.sh
. "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}session.sh"

: "${_CCPM_HELD=}" "${_CCPM_EXIT_TRAP=}" "${_CCPM_AT_EXIT=}"

acquire_lock() {
  local resource=${1-} timeout=${2:-30} token
  if _ccpm_depth "$resource"; then
    _CCPM_HELD=${_CCPM_HELD/" $resource:$_CCPM_DEPTH "/" $resource:$((_CCPM_DEPTH + 1)) "}
    _ccpm_lock_file "$resource"
    return
  fi
  _ccpm_capture ccpm-lock acquire "$resource" --timeout "$timeout" --pid "$$" \
    --operation "${OPERATION:-${0##*/}}" || return
  token=${_CCPM_OUT%$'\n'}
  export CCPM_FENCE="${CCPM_FENCE:+$CCPM_FENCE,}$resource:$token"
  _CCPM_HELD="$_CCPM_HELD $resource:1 "
  [ "$BASH_SUBSHELL" -gt 0 ] || _ccpm_release_at_exit
  _ccpm_lock_file "$resource"
}

release_lock() {
  local resource=${1-} fences=,${CCPM_FENCE-}, before after
  if _ccpm_depth "$resource" && [ "$_CCPM_DEPTH" -gt 1 ]; then
    _CCPM_HELD=${_CCPM_HELD/" $resource:$_CCPM_DEPTH "/" $resource:$((_CCPM_DEPTH - 1)) "}
    return 0
  fi
  case $fences in
    *",$resource:"*)
      before=${fences%%",$resource:"*}
      after=${fences#*",$resource:"}
      fences=$before,${after#*,}
      ;;
  esac
  local status=0
  _ccpm_call ccpm-lock release "$resource" --pid "$$" || status=$?
  _CCPM_HELD=${_CCPM_HELD/" $resource:1 "/}
  fences=${fences#,}
  fences=${fences%,}
  if [ -n "$fences" ]; then export CCPM_FENCE=$fences; else unset CCPM_FENCE; fi
  return "$status"
}

check_lock() {
  local status=0
  _ccpm_call ccpm-lock check "${1-}" || status=$?
  [ "$status" -ne 1 ] || printf 'unlocked\n'
  return "$status"
}

cleanup_stale_locks() {
  local count=0 line
  _ccpm_capture ccpm-lock clean || return
  while IFS= read -r line; do
    [ -z "$line" ] || count=$((count + 1))
  done <<<"$_CCPM_OUT"
  printf 'Cleaned %d stale locks\n' "$count"
}

setup_lock_cleanup() { [ "$BASH_SUBSHELL" -gt 0 ] || _ccpm_release_at_exit; }

# Old scripts call it before they look into the folder; the helpers make it themselves.
init_locks() { :; }

# Whether this shell holds resource $1; how often, in $_CCPM_DEPTH.
_ccpm_depth() {
  case $_CCPM_HELD in
    *" $1:"*)
      _CCPM_DEPTH=${_CCPM_HELD#*" $1:"}
      _CCPM_DEPTH=${_CCPM_DEPTH%% *}
      ;;
    *) return 1 ;;
  esac
}

_ccpm_lock_file() { printf '.claude/locks/%s.lock\n' "$1"; }

# Put our release in front of the caller's EXIT trap, once.
_ccpm_release_at_exit() {
  [ -z "$_CCPM_AT_EXIT" ] || return 0
  local line
  line=$(trap -p EXIT)
  line=${line#trap -- }
  line=${line% EXIT}
  eval "_CCPM_EXIT_TRAP=$line"
  _CCPM_AT_EXIT=$$
  trap '_ccpm_at_exit "$?"' EXIT
}

_ccpm_at_exit() {
  local held resource
  for held in $_CCPM_HELD; do
    resource=${held%:*}
    _CCPM_HELD=${_CCPM_HELD/" $held "/" $resource:1 "}
    release_lock "$resource" || :
  done
  ccpm_session_close || :
  [ -n "$_CCPM_EXIT_TRAP" ] || return 0
  # The caller's trap sees the status with which the script ends in $?.
  if [ "$1" -eq 0 ]; then
    eval "$_CCPM_EXIT_TRAP"
  else
    _ccpm_status "$1" || eval "$_CCPM_EXIT_TRAP"
  fi
}

_ccpm_status() { return "$1"; }
