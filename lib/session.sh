# shellcheck shell=bash
# Calls the helpers of CCPM from shell functions: one process a call, or one helper kept open for many calls.
#
#   ccpm_session_open        keep one helper open until ccpm_session_close or the end of this shell
#   ccpm_session_close       end it
#   ccpm_call HELPER ARGS…   runs a helper either way: its output in $CCPM_OUT, its status
#
# Contract: sourcing defines functions and variables that begin with _CCPM_, and does nothing else. In a session a call
# costs a pipe round trip instead of the start of an interpreter, from the shell and from its subshells, `$( )` too: they
# take turns. A call whose turn does not come within a second, that is too long for a pipe, or that comes from a directory
# which is gone, is made the ordinary way, and so is every call once the helper is gone.
#
# Guarantees: no descriptor stays open between two calls, so no child inherits one; `wait` does not see the helper; it
# ends with this shell, at the latest a second after it; standard error is passed on while a call runs.
# Non-guarantees: a helper that is killed in the middle of a call answers nothing: the status is 74, and whether the call
# was carried out is unknown. `umask` counts as it was when the session was opened.
#
# The protocol is that of lib/ccpm/cli/session.py. FIFOs are opened for reading only while they are open for reading and
# writing, because nothing else never blocks (fifo(7)); after that, a dead helper shows as end of file.

[ -n "${BASH_VERSION-}" ] || {
  printf 'session.sh: this shell is not bash, which the library needs\nhint: run the script with bash\n' >&2
  return 69
}

# Variables of another shell come here through `set -a`: they are not ours.
if [ "${_CCPM_SHELL-}" != "$$" ]; then
  _CCPM_SHELL=$$ _CCPM_SESSION='' _CCPM_SESSION_PID='' _CCPM_ASKING='' _CCPM_OUT='' _CCPM_STATUS=0
  _CCPM_HELD=' ' _CCPM_ROOTS=() _CCPM_FENCES=() _CCPM_HERE='' _CCPM_HERE_FOR='' _CCPM_AT_EXIT='' _CCPM_EXIT_TRAP=''
fi
case ${BASH_SOURCE[0]} in
  /*/*) _CCPM_LIB=${BASH_SOURCE[0]%/*} ;;
  */*) _CCPM_LIB=$PWD/${BASH_SOURCE[0]%/*} ;;
  *) _CCPM_LIB=$PWD ;;
esac

ccpm_session_open() {
  [ -z "$_CCPM_SESSION" ] || return 0
  local _ccpm_folder=${TMPDIR:-/tmp} _ccpm_word='' _ccpm_pid
  case $_ccpm_folder in /*) ;; *) _ccpm_folder=$PWD/$_ccpm_folder ;; esac
  _ccpm_folder=${_ccpm_folder%/}/ccpm-session-$$-$RANDOM$RANDOM
  if ! { mkdir -m 700 "$_ccpm_folder" && mkfifo -m 600 "$_ccpm_folder"/{turn,request,reply}; }; then
    printf 'ccpm_session_open: cannot make %s; each call starts its own helper\n' "$_ccpm_folder" >&2
    return 74
  fi
  # Started by a subshell that ends at once: `wait` of this shell does not see it, and no job is reported.
  _ccpm_pid=$(
    "$_CCPM_LIB/../bin/ccpm" session "$_ccpm_folder" "$$" </dev/null >/dev/null 2>&1 &
    printf '%s' "$!"
  )
  # The helper lays the first turn when it has opened everything: what is written to a FIFO before that is lost.
  {
    until IFS= read -r -n 1 -t 1 _ccpm_word <&7 || ! kill -0 "$_ccpm_pid" 2>/dev/null; do :; done
    [ -z "$_ccpm_word" ] || printf . >&7
  } 7<>"$_ccpm_folder/turn"
  if [ -z "$_ccpm_word" ]; then
    rm -rf -- "$_ccpm_folder"
    printf 'ccpm_session_open: the helper did not start; each call starts its own\nhint: %s tells why\n' \
      "$_CCPM_LIB/../bin/ccpm-lock list" >&2
    return 69
  fi
  _CCPM_SESSION=$_ccpm_folder _CCPM_SESSION_PID=$_ccpm_pid
  _ccpm_watch_exit
}

ccpm_session_close() {
  [ -n "$_CCPM_SESSION" ] && [ "$BASH_SUBSHELL" -eq 0 ] || return 0
  _ccpm_ask quit || :
  _CCPM_SESSION=''
}

ccpm_call() {
  local _ccpm_status=0
  _ccpm_capture "$@" || _ccpm_status=$?
  # shellcheck disable=SC2034 # for the caller
  CCPM_OUT=${_CCPM_OUT%$'\n'}
  return "$_ccpm_status"
}

# _ccpm_call HELPER ARGS…: its output and its status. $_CCPM_IN, if set, is its standard input.
_ccpm_call() {
  if _ccpm_ask "$@"; then
    [ -z "$_CCPM_OUT" ] || printf '%s' "$_CCPM_OUT"
    return "$_CCPM_STATUS"
  fi
  _ccpm_start "$@"
}

# The same with the output, byte for byte, in $_CCPM_OUT.
_ccpm_capture() {
  if _ccpm_ask "$@"; then
    return "$_CCPM_STATUS"
  fi
  local _ccpm_status=0
  _CCPM_OUT=$(
    _ccpm_start "$@" || _ccpm_status=$?
    printf x # keeps the line ends
    exit "$_ccpm_status"
  ) || _ccpm_status=$?
  _CCPM_OUT=${_CCPM_OUT%x}
  return "$_ccpm_status"
}

_ccpm_start() {
  local _ccpm_helper=${1#ccpm-}
  shift
  # Who we are counts even where the script did not export it.
  [ -z "${CCPM_ROOT-}" ] || export CCPM_ROOT
  [ -z "${CCPM_AGENT_ID-}" ] || export CCPM_AGENT_ID
  [ -z "${AGENT_ID-}" ] || export AGENT_ID
  if [ -n "${_CCPM_IN+set}" ]; then
    printf '%s' "$_CCPM_IN" | "$_CCPM_LIB/../bin/ccpm" "$_ccpm_helper" "$@"
  else
    "$_CCPM_LIB/../bin/ccpm" "$_ccpm_helper" "$@"
  fi
}

# One request and its reply, in $_CCPM_STATUS and $_CCPM_OUT. 1: it was not made, call the ordinary way.
_ccpm_ask() {
  [ -n "$_CCPM_SESSION" ] && [ -z "$_CCPM_ASKING" ] && [ -d "$PWD" ] || return 1
  local _ccpm_text="$PWD$*${_CCPM_IN-}${CCPM_FENCE-}" _ccpm_status=0
  [ "${#_ccpm_text}" -le 4000 ] || return 1 # at most 16,000 bytes: they fit into the smallest pipe
  if [ -p "$_CCPM_SESSION/turn" ]; then
    # Seen by a trap that interrupts us, and for good by a shell that a trap took out of here with the turn.
    _CCPM_ASKING=yes
    _ccpm_exchange "$@" \
      7<>"$_CCPM_SESSION/turn" 8<>"$_CCPM_SESSION/reply" 9<>"$_CCPM_SESSION/request" || _ccpm_status=$?
    _CCPM_ASKING=''
    [ "$_ccpm_status" -ne 0 ] || return 0
  fi
  kill -0 "$_CCPM_SESSION_PID" 2>/dev/null || rm -rf -- "$_CCPM_SESSION"
  _CCPM_SESSION=''
  [ "$_ccpm_status" -eq 74 ] || return 1
  printf '%s: the helper of this session died meanwhile: it is not known whether this was done: %s\n' \
    "$1" "${*:2}" >&2
  _CCPM_STATUS=74 _CCPM_OUT=''
}

# With `turn` at 7, `reply` at 8, `request` at 9. 1: not asked; 74: asked, and no reply came.
_ccpm_exchange() {
  local _ccpm_part=''
  exec 7<"$_CCPM_SESSION/turn" 8<"$_CCPM_SESSION/reply"
  IFS= read -r -n 1 -t 1 _ccpm_part <&7 || return 1
  # In one write: the helper is woken once.
  printf '%s\0' "$(($# + 7))"$'\n'"$PWD" "${CCPM_ROOT-}" "${CCPM_FENCE-}" "${CCPM_FENCE_ROOT-}" "${CCPM_AGENT_ID-}" \
    "${AGENT_ID-}" "${_CCPM_IN-}" "$@" >&9
  while :; do
    IFS= read -r -d '' _ccpm_part <&8 || {
      [ "$?" -le 128 ] || continue # a trap of the script was run (POSIX mode)
      # The helper is dead. A request that still lies there was not read.
      IFS= read -r -n 1 -t 1 _ccpm_part <&9 && return 1
      return 74
    }
    case $_ccpm_part in
      '!'*) printf '%s' "${_ccpm_part#?}" >&2 ;;
      '='*)
        _CCPM_OUT=${_ccpm_part#* } _ccpm_part=${_ccpm_part%% *} _CCPM_STATUS=${_ccpm_part#=}
        break
        ;;
      *)
        _CCPM_STATUS=${_ccpm_part#?}
        IFS= read -r -d '' _CCPM_OUT <"$_CCPM_SESSION/out" || :
        break
        ;;
    esac
  done
  [ "$1" = quit ] || printf . >"$_CCPM_SESSION/turn"
}

# Has _ccpm_at_exit run at the exit of this shell, behind the EXIT trap that is there now.
_ccpm_watch_exit() {
  [ -z "$_CCPM_AT_EXIT" ] && [ "$BASH_SUBSHELL" -eq 0 ] || return 0
  local _ccpm_line
  _ccpm_line=$(trap -p EXIT)
  [ -z "$_ccpm_line" ] || eval "_ccpm_keep_trap ${_ccpm_line#trap }"
  _CCPM_AT_EXIT=yes
  # The first thing that is evaluated sees the exit status in $?, as it would without us.
  trap 'eval "$_CCPM_EXIT_TRAP"; _ccpm_at_exit' EXIT
}

# Takes the words of `trap -- 'COMMANDS' EXIT` behind the first.
_ccpm_keep_trap() { _CCPM_EXIT_TRAP=$2; }

_ccpm_at_exit() {
  [ "$_CCPM_HELD" = ' ' ] || _ccpm_release_all || :
  ccpm_session_close || :
}
