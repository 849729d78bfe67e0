# shellcheck shell=bash
# Agents, streams of work and files for shell scripts. Source it; see docs/CONCURRENCY.md.
#
#   register_agent EPIC [STREAM]                     prints the id of the agent: yours, or a new one if you have none
#   heartbeat [EPIC] [AGENT]                         a sign of life: every 60 seconds
#   unregister_agent [EPIC] [AGENT]                  leaves: its streams and leases are free
#   get_active_agents [EPIC]                         prints `ID - STREAM - LAST HEARTBEAT` for each
#   cleanup_stale_agents [EPIC]                      removes dead agents and what they had
#   increment_commits [EPIC] [AGENT]                 counts its commits anew, with git
#   add_locked_file [EPIC] [AGENT] FILE              takes the lock on a file for it; 75 if that is another agent's
#   remove_locked_file [EPIC] [AGENT] FILE           gives it back
#   claim_work_stream [EPIC] [AGENT] STREAM FILES    claims a stream; FILES: patterns as in .gitignore, with commas between
#   release_work_stream [EPIC] [AGENT] STREAM        gives it back
#   complete_work_stream [EPIC] [AGENT] STREAM       its work is done: its files are free
#   get_stream_owner [EPIC] STREAM                   prints the owner, if there is one; 1 if not
#   list_work_streams [EPIC]                         prints `STREAM - Owner: AGENT - Status: STATUS` for each
#   check_file_conflicts [EPIC] FILES [STREAM]       1, naming them, if other agents own files that FILES could mean
#   init_coordination EPIC                           nothing is to be prepared; 0 if there is such an epic
#   generate_agent_id                                prints a new id
#
# Contract: EPIC and AGENT may be left out, and then mean the epic that the agent is registered in and $CCPM_AGENT_ID,
# $AGENT_ID, the Claude Code session or the login session. Of one word more than a function needs, `agent-…` is the
# agent and anything else the epic. Statuses are those of ccpm-agent.

[ -n "${BASH_VERSION-}" ] || {
  printf 'agent-registry.sh: this shell is not bash, which the library needs\nhint: run the script with bash\n' >&2
  return 69
}
# shellcheck source=lib/session.sh
case ${BASH_SOURCE[0]} in
  */*) . "${BASH_SOURCE[0]%/*}/session.sh" ;;
  *) . ./session.sh ;;
esac

register_agent() {
  set -- register "${1-}" ${2:+"$2"}
  if [ -z "${CCPM_AGENT_ID-}${AGENT_ID-}${CLAUDE_CODE_SESSION_ID-}" ]; then
    set -- "$@" --new
  fi
  _ccpm_call ccpm-agent "$@"
}

heartbeat() {
  _ccpm_who "$@"
  _ccpm_agent heartbeat ${_CCPM_EPIC:+"$_CCPM_EPIC"}
}

unregister_agent() {
  _ccpm_who "$@"
  _ccpm_agent unregister ${_CCPM_EPIC:+"$_CCPM_EPIC"}
}

get_active_agents() { _ccpm_call ccpm-agent list ${1:+"$1"} --brief; }

cleanup_stale_agents() {
  local _ccpm_rest _ccpm_count=0
  _ccpm_capture ccpm-agent clean ${1:+"$1"} || return
  _ccpm_rest=$_CCPM_OUT
  while [ -n "$_ccpm_rest" ]; do
    _ccpm_rest=${_ccpm_rest#*$'\n'} _ccpm_count=$((_ccpm_count + 1))
  done
  [ "$_ccpm_count" -eq 0 ] || printf 'Removed %d dead agents\n' "$_ccpm_count"
}

increment_commits() { heartbeat "$@"; }

add_locked_file() {
  _ccpm_who_with 1 "$@"
  _ccpm_agent request "$_CCPM_WORD" >/dev/null
}

remove_locked_file() {
  _ccpm_who_with 1 "$@"
  _ccpm_agent return "$_CCPM_WORD"
}

claim_work_stream() {
  local _ccpm_files _ccpm_line=${*: -1} _ccpm_pattern
  _ccpm_who_with 2 "$@"
  _ccpm_files=()
  while [ -n "$_ccpm_line" ]; do
    _ccpm_pattern=${_ccpm_line%%,*}
    case $_ccpm_line in *,*) _ccpm_line=${_ccpm_line#*,} ;; *) _ccpm_line='' ;; esac
    while [ "${_ccpm_pattern# }" != "$_ccpm_pattern" ]; do _ccpm_pattern=${_ccpm_pattern# }; done
    [ -z "$_ccpm_pattern" ] || _ccpm_files+=("$_ccpm_pattern")
  done
  _ccpm_agent claim "${_CCPM_EPIC:-.}" "$_CCPM_WORD" ${_ccpm_files[@]+"${_ccpm_files[@]}"} || return
  printf '✓ Claimed work stream: %s\n' "$_CCPM_WORD"
}

release_work_stream() {
  _ccpm_who_with 1 "$@"
  _ccpm_agent release "${_CCPM_EPIC:-.}" "$_CCPM_WORD"
}

complete_work_stream() {
  _ccpm_who_with 1 "$@"
  _ccpm_agent complete "${_CCPM_EPIC:-.}" "$_CCPM_WORD"
}

get_stream_owner() {
  _ccpm_who_with 1 "$@"
  _ccpm_agent owner "${_CCPM_EPIC:-.}" "$_CCPM_WORD"
}

list_work_streams() {
  local _ccpm_name _ccpm_status _ccpm_owner _ccpm_rest
  _ccpm_capture ccpm-agent streams "${1:-.}" || return
  printf 'Work Streams:\n'
  _ccpm_rest=$_CCPM_OUT
  while [ -n "$_ccpm_rest" ]; do
    IFS=$'\t' read -r _ccpm_name _ccpm_status _ccpm_owner _ <<<"${_ccpm_rest%%$'\n'*}"
    _ccpm_rest=${_ccpm_rest#*$'\n'}
    printf '%s - Owner: %s - Status: %s\n' "$_ccpm_name" "$_ccpm_owner" "$_ccpm_status"
  done
}

check_file_conflicts() {
  local _ccpm_epic=. _ccpm_stream _ccpm_line _ccpm_status=0
  if [ $# -gt 1 ]; then
    _ccpm_epic=$1
    shift
  fi
  _ccpm_line=${1-} _ccpm_stream=${2-}
  set --
  while [ -n "$_ccpm_line" ]; do
    set -- "$@" "${_ccpm_line%%,*}"
    case $_ccpm_line in *,*) _ccpm_line=${_ccpm_line#*,} ;; *) _ccpm_line='' ;; esac
    while [ "${_ccpm_line# }" != "$_ccpm_line" ]; do _ccpm_line=${_ccpm_line# }; done
  done
  _ccpm_capture ccpm-agent conflicts "$_ccpm_epic" "$@" "--stream=$_ccpm_stream" || _ccpm_status=$?
  [ -z "$_CCPM_OUT" ] || printf '%s' "$_CCPM_OUT" >&2
  return "$_ccpm_status"
}

init_coordination() { _ccpm_call ccpm-agent streams "${1-}" >/dev/null; }

generate_agent_id() {
  printf 'agent-%s\n' "$(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid)"
}

# Sets $_CCPM_EPIC and $_CCPM_AGENT to what is named in [EPIC] [AGENT].
_ccpm_who() {
  _CCPM_EPIC='' _CCPM_AGENT=''
  if [ $# -gt 1 ]; then
    _CCPM_EPIC=$1 _CCPM_AGENT=$2
    case $1 in agent-*) _CCPM_EPIC=$2 _CCPM_AGENT=$1 ;; esac
    return
  fi
  case ${1-} in
    agent-*) _CCPM_AGENT=$1 ;;
    *) _CCPM_EPIC=${1-} ;;
  esac
}

# _ccpm_who_with N ARGS…: the last N of ARGS belong to the function; the first of these in $_CCPM_WORD.
_ccpm_who_with() {
  local _ccpm_more=$(($# - 1 - $1)) _ccpm_last=$1
  shift
  if [ "$_ccpm_more" -lt 0 ]; then
    _ccpm_who
    _CCPM_WORD=''
    return
  fi
  _CCPM_WORD=${*:$((_ccpm_more + 1)):1}
  [ "$_ccpm_last" -gt 0 ] || return 0
  _ccpm_who "${@:1:$_ccpm_more}"
}

# _ccpm_agent VERB ARGS…: on behalf of $_CCPM_AGENT, if somebody is named.
_ccpm_agent() {
  if [ -n "$_CCPM_AGENT" ]; then
    set -- "$@" "--agent=$_CCPM_AGENT"
  fi
  _ccpm_call ccpm-agent "$@"
}
