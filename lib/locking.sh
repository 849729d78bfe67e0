# shellcheck shell=bash
# Locks for shell scripts. Source it; see docs/CONCURRENCY.md.
#
#   acquire_lock RESOURCE [TIMEOUT]   wait up to TIMEOUT (30) seconds, 0: not at all; prints the path of the lock file
#   release_lock RESOURCE             0 also when it was free already; 11 when it was lost before
#   renew_lock RESOURCE               extend it by its length: 300 seconds, or TIMEOUT if that is longer
#   check_lock RESOURCE               prints the record and returns 0, or prints "unlocked" and returns 1
#   cleanup_stale_locks               removes what dead owners left, prints "Cleaned N stale locks"
#   setup_lock_cleanup [RESOURCE]     at exit, releases all that this shell holds; takes charge of `$(acquire_lock …)`
#   ccpm_session_open, …_close        keep one helper open: see session.sh
#
# Contract: a lock belongs to this shell's process ($$) and ends with it, however it ends: the next one to want it sees
# that the process is gone. acquire_lock also has it released at exit, after the EXIT trap that was there; a trap that is
# set later replaces ours, and nothing is lost. Acquired twice, it is released with the second release_lock.
# $CCPM_FENCE carries the fencing tokens to every helper below, which then refuses to write once a lock is lost, and lets
# `ccpm-lock run` and other scripts below pass through what is held here.
#
# Projects: a name means the lock of the project around the current directory. release_lock and renew_lock find what this
# shell took wherever it is by then: of two with one name the one of this project, else the newest. $CCPM_FENCE carries the
# fences of one project, which is $CCPM_FENCE_ROOT: the one that a lock was taken in last, and when nothing is held there
# any more, another that something is held in. Meanwhile nothing asks for the fences of the others.
#
# Subshells: `( acquire_lock x )` and `$(acquire_lock x)` take it for the main shell too, because it cannot be known how
# long the subshell lives; its end releases nothing. What a subshell took only it can release, or the main shell.
#
# Statuses are those of the helpers: 75 busy, 13 deadlock refused, 11 lost, 2 not a name. Read: AGENT_ID, OPERATION.

[ -n "${BASH_VERSION-}" ] || {
  printf 'locking.sh: this shell is not bash, which the library needs\nhint: run the script with bash\n' >&2
  return 69
}
# shellcheck source=lib/session.sh
case ${BASH_SOURCE[0]} in
  */*) . "${BASH_SOURCE[0]%/*}/session.sh" ;;
  *) . ./session.sh ;;
esac
# shellcheck source=lib/held.sh
. "$_CCPM_LIB/held.sh"

acquire_lock() {
  local _ccpm_name=${1-} _ccpm_timeout=${2:-30} _ccpm_ttl=300 _ccpm_for=${OPERATION:-${0##*/}}
  if _ccpm_is_known "$_ccpm_name"; then
    _ccpm_locate || return
    if _ccpm_find "$_ccpm_name" "$_CCPM_HERE"; then
      _ccpm_put "$((_CCPM_TIMES + 1))"
      _ccpm_print_path "$_ccpm_name"
      return
    fi
    if _ccpm_is_carried "$_ccpm_name"; then
      _ccpm_borrow "$_ccpm_name"
      return
    fi
  fi
  case $_ccpm_timeout in
    *[!0-9]* | ????????*) ;;
    *) [ "$_ccpm_timeout" -le "$_ccpm_ttl" ] || _ccpm_ttl=$_ccpm_timeout ;; # the old library: TIMEOUT was also the length
  esac
  set -- "--timeout=$_ccpm_timeout" "--ttl=$_ccpm_ttl" --pid "$$" "--operation=${_ccpm_for:0:500}"
  # Where the locks are is asked for once a directory, not each time.
  [ "$_CCPM_HERE_FOR" = "$PWD:${CCPM_ROOT-}" ] || set -- "$@" --path
  if [ "$BASH_SUBSHELL" -gt 0 ]; then
    # Its own process: the session is for calls that return soon. And the locks of other subshells have our pid too:
    # only those whose fence is carried here are kept from others by this wait.
    local _CCPM_SESSION=''
    set -- "$@" --fences-only
  fi
  _ccpm_capture ccpm-lock acquire "$@" -- "$_ccpm_name" || return
  _ccpm_note_path
  _ccpm_keep "$_ccpm_name" "${_CCPM_OUT%%$'\n'*}"
  _ccpm_watch_exit
  _ccpm_print_path "$_ccpm_name"
}

release_lock() {
  if _ccpm_choose "${1-}"; then
    _ccpm_give_back
  else
    _ccpm_release_unknown "${1-}"
  fi
}

renew_lock() {
  if _ccpm_choose "${1-}"; then
    _ccpm_there _ccpm_capture ccpm-lock renew --token "$_CCPM_TOKEN" -- "$1"
  else
    _ccpm_capture ccpm-lock renew --pid "$$" -- "${1-}"
  fi
}

check_lock() {
  local _ccpm_status=0
  _ccpm_call ccpm-lock check -- "${1-}" || _ccpm_status=$?
  [ "$_ccpm_status" -ne 1 ] || printf 'unlocked\n'
  return "$_ccpm_status"
}

cleanup_stale_locks() {
  local _ccpm_rest _ccpm_count=0
  _ccpm_capture ccpm-lock clean || return
  _ccpm_rest=$_CCPM_OUT
  while [ -n "$_ccpm_rest" ]; do
    _ccpm_rest=${_ccpm_rest#*$'\n'} _ccpm_count=$((_ccpm_count + 1))
  done
  printf 'Cleaned %d stale locks\n' "$_ccpm_count"
}

setup_lock_cleanup() {
  [ -z "${1-}" ] || _ccpm_adopt "$1"
  _ccpm_watch_exit
}

# Old scripts call it before they look into the folder; the helpers make it themselves.
init_locks() { :; }

# Gives back what was found last.
_ccpm_give_back() {
  local _ccpm_status=0
  case $_CCPM_TIMES:$_CCPM_KIND in
    1:own) ;;
    1:lent)
      _ccpm_put ''
      return
      ;;
    *)
      _ccpm_put "$((_CCPM_TIMES - 1))"
      return
      ;;
  esac
  _ccpm_there _ccpm_call ccpm-lock release --token "$_CCPM_TOKEN" -- "${_CCPM_ENTRY%%:*}" || _ccpm_status=$?
  case $_ccpm_status in
    0 | 11) _ccpm_drop ;; # else it could not be done now: it can be tried again
  esac
  return "$_ccpm_status"
}

# The process that started us holds resource $1 and gave us its fence: pass through if that still holds.
_ccpm_borrow() {
  local _ccpm_token=,${_CCPM_FENCES[_CCPM_HERE]},
  _ccpm_token=${_ccpm_token##*",$1:"}
  _ccpm_token=${_ccpm_token%%,*}
  _ccpm_capture ccpm-lock renew --token "$_ccpm_token" -- "$1" || return
  _CCPM_HELD="$_CCPM_HELD$1:$_CCPM_HERE:1:$_ccpm_token:lent "
  _ccpm_print_path "$1"
}

# Takes charge of resource $1 if a subshell of ours took it. In a subshell it may be another one's: see below.
_ccpm_adopt() {
  [ "$BASH_SUBSHELL" -eq 0 ] || return 0
  _ccpm_locate 2>/dev/null || return 0
  if _ccpm_find "$1" "$_CCPM_HERE" || _ccpm_is_carried "$1"; then
    return
  fi
  _ccpm_capture ccpm-lock check -- "$1" 2>/dev/null || return 0
  case $'\n'$_CCPM_OUT in
    *$'\n'"pid: $$"$'\n'*) ;;
    *) return 0 ;;
  esac
  # A pid is no proof: another host may have it too. The renewal knows.
  _ccpm_capture ccpm-lock renew --pid "$$" -- "$1" 2>/dev/null || return 0
  _ccpm_keep "$1" "${_CCPM_OUT%%$'\n'*}"
}

# Resource $1, which this shell did not take. The main shell may have taken it by `$(acquire_lock …)`. In a subshell it
# may be another subshell's, and that looks the same from outside: hands off.
_ccpm_release_unknown() {
  if [ "$BASH_SUBSHELL" -eq 0 ]; then
    _ccpm_call ccpm-lock release --pid "$$" -- "$1"
    return
  fi
  local _ccpm_status=0
  _ccpm_capture ccpm-lock check -- "$1" || _ccpm_status=$?
  [ "$_ccpm_status" -eq 0 ] || return "$((_ccpm_status == 1 ? 0 : _ccpm_status))"
  printf 'release_lock: %s was not taken in this subshell\nhint: release it where it was taken; %s\n' \
    "$1" "ccpm-lock check $1 shows its owner" >&2
  return 77
}

_ccpm_release_all() {
  local _ccpm_rest=${_CCPM_HELD# } _ccpm_status=0
  while [ -n "$_ccpm_rest" ]; do
    _ccpm_found "${_ccpm_rest%%' '*}"
    _CCPM_TIMES=1 _ccpm_rest=${_ccpm_rest#*' '}
    _ccpm_give_back || _ccpm_status=$?
  done
  return "$_ccpm_status"
}

# Relative to the current directory where that is shorter, as the old library had it.
_ccpm_print_path() {
  local _ccpm_path=${_CCPM_ROOTS[_CCPM_HERE]}/.claude/locks/$1.lock
  printf '%s\n' "${_ccpm_path#"$PWD/"}"
}
