# shellcheck shell=bash
# Calls the helpers of CCPM from shell functions: one process a call, or one helper kept open for many calls.
#
#   ccpm_session_open    keep one helper open until ccpm_session_close or the end of this shell
#   ccpm_session_close
#   ccpm_call HELPER ARGS…    runs a helper either way: its output in $CCPM_OUT, its status
#   _ccpm_call HELPER ARGS…   runs a helper either way: its output, its status
#
# Contract: sourcing does nothing but define functions. In a session a call costs two pipe transfers instead of the
# start of an interpreter. The protocol is that of lib/ccpm/cli/session.py. The two FIFOs are opened anew for each
# request, so no descriptor stays open in this shell or goes to its children; they are opened for reading and writing,
# so that nothing hangs if the helper is gone: then the call is made the ordinary way.
#
# Subshells do not share the session (two requests at once would mix): they call the ordinary way.

_CCPM_LIB=${BASH_SOURCE[0]%/*}
[ "$_CCPM_LIB" != "${BASH_SOURCE[0]}" ] || _CCPM_LIB=.
case $_CCPM_LIB in /*) ;; *) _CCPM_LIB=$PWD/$_CCPM_LIB ;; esac
: "${_CCPM_SESSION=}" "${_CCPM_SESSION_PID=}" "${_CCPM_SESSION_LEVEL=}"

ccpm_session_open() {
  [ -z "$_CCPM_SESSION" ] || return 0
  local folder=${TMPDIR:-/tmp}/ccpm-session-$$-$RANDOM
  (umask 077 && mkdir "$folder" && mkfifo "$folder/request" "$folder/reply") || return 74
  # Started by a subshell that ends at once: `wait` of this shell does not see it, and no job is reported.
  _CCPM_SESSION_PID=$(
    "$_CCPM_LIB/../bin/ccpm" session "$folder" "$$" </dev/null >/dev/null 2>&1 &
    printf '%s' "$!"
  )
  # A FIFO that nobody has open forgets what was written to it: wait until the helper has opened both.
  local line=''
  {
    until IFS= read -r -t 1 line; do
      kill -0 "$_CCPM_SESSION_PID" 2>/dev/null || break
    done
  } <>"$folder/reply"
  if [ "$line" != ready ]; then
    rm -rf -- "$folder"
    printf 'ccpm_session_open: the helper did not start; each call starts its own\n' >&2
    return 70
  fi
  _CCPM_SESSION=$folder
  _CCPM_SESSION_LEVEL=$BASH_SUBSHELL
}

ccpm_session_close() {
  [ -n "$_CCPM_SESSION" ] || return 0
  if [ "$BASH_SUBSHELL" = "$_CCPM_SESSION_LEVEL" ] && kill -0 "$_CCPM_SESSION_PID" 2>/dev/null; then
    _ccpm_send quit 1<>"$_CCPM_SESSION/request"
  fi
  _CCPM_SESSION='' _CCPM_SESSION_PID=''
}

_ccpm_call() {
  if [ -n "$_CCPM_SESSION" ] && [ "$BASH_SUBSHELL" = "$_CCPM_SESSION_LEVEL" ]; then
    _ccpm_ask "$@" || return
    [ -z "$_CCPM_OUT" ] || printf '%s' "$_CCPM_OUT"
    return "$_CCPM_STATUS"
  fi
  "$_CCPM_LIB/../bin/$1" "${@:2}"
}

# _ccpm_capture HELPER ARGS…: like _ccpm_call, with the output in $_CCPM_OUT instead of standard output.
_ccpm_capture() {
  if [ -n "$_CCPM_SESSION" ] && [ "$BASH_SUBSHELL" = "$_CCPM_SESSION_LEVEL" ]; then
    _ccpm_ask "$@" || return
    return "$_CCPM_STATUS"
  fi
  _CCPM_OUT=$("$_CCPM_LIB/../bin/$1" "${@:2}") || return
  [ -z "$_CCPM_OUT" ] || _CCPM_OUT+=$'\n'
}

# ccpm_call HELPER ARGS…: runs a helper; its output without the last line end in $CCPM_OUT, its status. For scripts that
# want a value without `$( )`, in which there is no session.
ccpm_call() {
  local status=0
  _ccpm_capture "$@" || status=$?
  # shellcheck disable=SC2034 # for the caller
  CCPM_OUT=${_CCPM_OUT%$'\n'}
  return "$status"
}

# One request and its reply: $_CCPM_STATUS and $_CCPM_OUT (each line with its end); standard error is passed on.
_ccpm_ask() {
  local head='' line='' status=0 out=0 err=0
  _CCPM_OUT='' _CCPM_STATUS=70
  # Held open from before the request is written until its reply is there: what is written to a FIFO that nobody has
  # open any more is lost (pipe(7)), and a helper that is still starting has not opened it yet.
  {
    _ccpm_send "$@" >&3 || return 74
    # One character with a time limit, which costs four system calls a character. The rest came with it.
    until IFS= read -r -t 1 -n 1 head; do
      if ! kill -0 "$_CCPM_SESSION_PID" 2>/dev/null; then
        _ccpm_session_lost
        _CCPM_STATUS=0
        _ccpm_capture "$@" || _CCPM_STATUS=$?
        return 0
      fi
    done
    IFS= read -r line
    line=$head$line
    status=${line%% *} err=${line##* } out=${line#* }
    out=${out% *}
    while [ "$out" -gt 0 ]; do
      IFS= read -r line
      _CCPM_OUT+=$line$'\n'
      out=$((out - 1))
    done
    while [ "$err" -gt 0 ]; do
      IFS= read -r line
      printf '%s\n' "$line" >&2
      err=$((err - 1))
    done
  } <>"$_CCPM_SESSION/reply" 3<>"$_CCPM_SESSION/request"
  _CCPM_STATUS=$status
}

_ccpm_send() {
  # In one write: the helper is woken once.
  printf '%s\0' "$(($# + 5))"$'\n'"$PWD" "${CCPM_ROOT-}" "${CCPM_FENCE-}" "${CCPM_AGENT_ID-}" "${AGENT_ID-}" "$@"
}

_ccpm_session_lost() {
  rm -rf -- "$_CCPM_SESSION"
  _CCPM_SESSION='' _CCPM_SESSION_PID=''
}
