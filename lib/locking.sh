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
# Subshells: `( acquire_lock x )` and `$(acquire_lock x)` take it for the main shell too, because it cannot be known how
# long the subshell lives; its end releases nothing. What a subshell took only it can release, or the main shell.
#
# Statuses are those of the helpers: 75 busy, 13 deadlock refused, 11 lost, 2 not a name. Read: AGENT_ID, OPERATION.

# shellcheck source=lib/session.sh
case ${BASH_SOURCE[0]} in
  */*) . "${BASH_SOURCE[0]%/*}/session.sh" ;;
  *) . ./session.sh ;;
esac

# $_CCPM_HELD lists what is held: ` RESOURCE:TIMES:TOKEN:KIND RESOURCE:…:KIND `. KIND is `own`, or `lent` where the lock
# is that of the process that started us, which gave us its fence.

acquire_lock() {
  local resource=${1-} timeout=${2:-30} ttl=300
  if _ccpm_find "$resource"; then
    _ccpm_put "$resource:$((_CCPM_TIMES + 1)):$_CCPM_TOKEN:$_CCPM_KIND"
    _ccpm_print_path "$resource"
    return
  fi
  case ,${CCPM_FENCE-}, in
    *",$resource:"[0-9]*)
      _ccpm_borrow "$resource"
      return
      ;;
  esac
  case $timeout in
    *[!0-9]* | ????????*) ;;
    *) [ "$timeout" -le "$ttl" ] || ttl=$timeout ;; # the old library: TIMEOUT was also the length
  esac
  set -- acquire "$resource" "--timeout=$timeout" "--ttl=$ttl" --pid "$$" "--operation=${OPERATION:-${0##*/}}"
  # The folder of the locks is asked for once, not each time.
  [ "$_CCPM_LOCKS_FOR" = "$PWD:${CCPM_ROOT-}" ] || set -- "$@" --path
  if [ "$BASH_SUBSHELL" -gt 0 ]; then
    # Its own process: the session is for calls that return soon. And the locks of other subshells have our pid too:
    # only those whose fence is carried here are kept from others by this wait.
    local _CCPM_SESSION=''
    set -- "$@" --fences-only
  fi
  _ccpm_capture ccpm-lock "$@" || return
  _ccpm_note_locks
  _ccpm_keep "$resource" "${_CCPM_OUT%%$'\n'*}"
  _ccpm_watch_exit
  _ccpm_print_path "$resource"
}

release_lock() {
  local resource=${1-} status=0
  if ! _ccpm_find "$resource"; then
    _ccpm_release_unknown "$resource"
    return
  fi
  if [ "$_CCPM_TIMES" -gt 1 ]; then
    _ccpm_put "$resource:$((_CCPM_TIMES - 1)):$_CCPM_TOKEN:$_CCPM_KIND"
    return 0
  fi
  if [ "$_CCPM_KIND" = lent ]; then
    _ccpm_put
    return 0
  fi
  _ccpm_call ccpm-lock release "$resource" --token "$_CCPM_TOKEN" || status=$?
  case $status in
    0 | 11) _ccpm_drop "$resource" ;; # else it could not be done now: it can be tried again
  esac
  return "$status"
}

renew_lock() {
  local resource=${1-}
  if _ccpm_find "$resource"; then
    _ccpm_capture ccpm-lock renew "$resource" --token "$_CCPM_TOKEN"
  else
    _ccpm_capture ccpm-lock renew "$resource" --pid "$$"
  fi
}

check_lock() {
  local status=0
  _ccpm_call ccpm-lock check "${1-}" || status=$?
  [ "$status" -ne 1 ] || printf 'unlocked\n'
  return "$status"
}

cleanup_stale_locks() {
  local rest count=0
  _ccpm_capture ccpm-lock clean || return
  rest=$_CCPM_OUT
  while [ -n "$rest" ]; do
    rest=${rest#*$'\n'} count=$((count + 1))
  done
  printf 'Cleaned %d stale locks\n' "$count"
}

setup_lock_cleanup() {
  case ,${CCPM_FENCE-}, in
    *",${1-}:"[0-9]*) ;;
    *) [ -z "${1-}" ] || _ccpm_adopt "$1" ;;
  esac
  _ccpm_watch_exit
}

# Old scripts call it before they look into the folder; the helpers make it themselves.
init_locks() { :; }

# Sets $_CCPM_TIMES, $_CCPM_TOKEN and $_CCPM_KIND to what is known of resource $1; 1 if nothing is.
_ccpm_find() {
  case $1 in *[:\ ]*) return 1 ;; esac
  case $_CCPM_HELD in *" $1:"*) ;; *) return 1 ;; esac
  _CCPM_ENTRY=${_CCPM_HELD#*" $1:"}
  _CCPM_ENTRY=${_CCPM_ENTRY%%' '*}
  _CCPM_TIMES=${_CCPM_ENTRY%%:*} _CCPM_KIND=${_CCPM_ENTRY##*:} _CCPM_TOKEN=${_CCPM_ENTRY#*:}
  _CCPM_TOKEN=${_CCPM_TOKEN%:*} _CCPM_ENTRY=$1:$_CCPM_ENTRY
}

# Puts entry $1 in the place of the one that was found last; without $1, removes that.
_ccpm_put() { _CCPM_HELD=${_CCPM_HELD%%" $_CCPM_ENTRY "*}" ${1:+$1 }"${_CCPM_HELD#*" $_CCPM_ENTRY "}; }

# Notes that this shell holds resource $1 with token $2.
_ccpm_keep() {
  _CCPM_HELD="$_CCPM_HELD$1:1:$2:own "
  export CCPM_FENCE="${CCPM_FENCE:+$CCPM_FENCE,}$1:$2"
}

# Forgets resource $1, which was found last.
_ccpm_drop() {
  local fences=,${CCPM_FENCE-},
  _ccpm_put
  case $fences in
    *",$1:$_CCPM_TOKEN,"*) fences=${fences%%",$1:$_CCPM_TOKEN,"*},${fences#*",$1:$_CCPM_TOKEN,"} ;;
  esac
  fences=${fences#,}
  fences=${fences%,}
  if [ -n "$fences" ]; then export CCPM_FENCE=$fences; else unset CCPM_FENCE; fi
}

# The process that started us holds resource $1 and gave us its fence: pass through if that still holds.
_ccpm_borrow() {
  local fences=,$CCPM_FENCE, token
  token=${fences##*",$1:"}
  token=${token%%,*}
  _ccpm_capture ccpm-lock renew "$1" --path --token "$token" || return
  _ccpm_note_locks
  _CCPM_HELD="$_CCPM_HELD$1:1:$token:lent "
  _ccpm_print_path "$1"
}

# What a helper printed ends with the path of a lock, if it was asked for it: remembers the folder, in $_CCPM_LOCKS.
_ccpm_note_locks() {
  case $_CCPM_OUT in
    *$'\n'?*)
      _CCPM_LOCKS=${_CCPM_OUT#*$'\n'}
      _CCPM_LOCKS=${_CCPM_LOCKS%/*} _CCPM_LOCKS_FOR=$PWD:${CCPM_ROOT-}
      ;;
  esac
}

# Takes charge of resource $1 if a subshell of ours took it.
_ccpm_adopt() {
  local rest
  _ccpm_find "$1" && return
  _ccpm_capture ccpm-lock check "$1" 2>/dev/null || return 0
  rest=$'\n'$_CCPM_OUT
  case $rest in
    *$'\n'"pid: $$"$'\n'*) ;;
    *) return 0 ;;
  esac
  # A pid is no proof: another host may have it too. The renewal knows.
  _ccpm_capture ccpm-lock renew "$1" --pid "$$" 2>/dev/null || return 0
  _ccpm_keep "$1" "${_CCPM_OUT%%$'\n'*}"
}

# Resource $1, which this shell did not take. The main shell may have taken it by `$(acquire_lock …)`. In a subshell it
# may be another subshell's, and that looks the same from outside: hands off.
_ccpm_release_unknown() {
  if [ "$BASH_SUBSHELL" -eq 0 ]; then
    _ccpm_call ccpm-lock release "$1" --pid "$$"
    return
  fi
  local status=0
  _ccpm_capture ccpm-lock check "$1" || status=$?
  [ "$status" -eq 0 ] || return "$((status == 1 ? 0 : status))"
  printf 'release_lock: %s was not taken in this subshell\nhint: release it where it was taken; %s\n' \
    "$1" "ccpm-lock check $1 shows its owner" >&2
  return 77
}

_ccpm_release_all() {
  local rest=${_CCPM_HELD# } status=0 resource
  while [ -n "$rest" ]; do
    resource=${rest%%:*} rest=${rest#* }
    if _ccpm_find "$resource"; then
      _ccpm_put "$resource:1:$_CCPM_TOKEN:$_CCPM_KIND"
      release_lock "$resource" || status=$?
    fi
  done
  return "$status"
}

# Relative to the current directory where that is shorter, as the old library had it.
_ccpm_print_path() {
  local path=$_CCPM_LOCKS/$1.lock
  printf '%s\n' "${path#"$PWD/"}"
}
