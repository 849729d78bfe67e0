# shellcheck shell=bash
# What this shell holds, in which project, and the fences that it hands down: the memory of locking.sh.
#
# $_CCPM_HELD lists what is held, the newest last: ` RESOURCE:PROJECT:TIMES:TOKEN:KIND RESOURCE:…:KIND `. PROJECT is the
# place of its root in $_CCPM_ROOTS, and of its fences in $_CCPM_FENCES. KIND is `own`, or `lent` where the lock is that of
# the process that started us, which gave us its fence. $_CCPM_HERE is the project around the directory $_CCPM_HERE_FOR.

# Finds what is held of resource $1, in project $2 if that is given, else the newest; 1 if there is nothing.
_ccpm_find() {
  local _ccpm_key=$1${2:+:$2} _ccpm_rest
  case $1 in *[:\ ]*) return 1 ;; esac
  case $_CCPM_HELD in *" $_ccpm_key:"*) ;; *) return 1 ;; esac
  _ccpm_rest=${_CCPM_HELD##*" $_ccpm_key:"}
  _ccpm_found "$_ccpm_key:${_ccpm_rest%%' '*}"
}

# Entry $1 is what was found last, with $_CCPM_PROJECT, $_CCPM_TIMES, $_CCPM_TOKEN and $_CCPM_KIND.
_ccpm_found() {
  local _ccpm_rest=${1#*:}
  _CCPM_ENTRY=$1 _CCPM_PROJECT=${_ccpm_rest%%:*} _ccpm_rest=${_ccpm_rest#*:}
  _CCPM_TIMES=${_ccpm_rest%%:*} _ccpm_rest=${_ccpm_rest#*:}
  _CCPM_TOKEN=${_ccpm_rest%:*} _CCPM_KIND=${_ccpm_rest#*:}
}

# Finds what a script means that names resource $1, wherever it is by now.
_ccpm_choose() {
  _ccpm_find "$1" || return
  case ${_CCPM_HELD#*" $1:"} in
    *" $1:"*) ! _ccpm_locate 2>/dev/null || _ccpm_find "$1" "$_CCPM_HERE" || : ;;
  esac
}

# What was found last is held $1 times; "": no more.
_ccpm_put() {
  local _ccpm_new=${1:+${_CCPM_ENTRY%%:*}:$_CCPM_PROJECT:$1:$_CCPM_TOKEN:$_CCPM_KIND }
  _CCPM_HELD=${_CCPM_HELD%%" $_CCPM_ENTRY "*}" $_ccpm_new"${_CCPM_HELD#*" $_CCPM_ENTRY "}
}

# _ccpm_there COMMAND…: runs it in the project of what was found last.
_ccpm_there() {
  # Where the script made a constant of it, that is the project.
  # shellcheck disable=SC2034 # the helper reads it
  local CCPM_ROOT=${_CCPM_ROOTS[_CCPM_PROJECT]} 2>/dev/null || :
  "$@"
}

# Notes that this shell holds resource $1 with token $2, in this project.
_ccpm_keep() {
  _CCPM_HELD="$_CCPM_HELD$1:$_CCPM_HERE:1:$2:own "
  _ccpm_save_fences "$_CCPM_HERE"
  _CCPM_FENCES[_CCPM_HERE]=${_CCPM_FENCES[_CCPM_HERE]:+${_CCPM_FENCES[_CCPM_HERE]},}$1:$2
  _ccpm_show_fences "$_CCPM_HERE"
}

# Forgets what was found last.
_ccpm_drop() {
  local _ccpm_fence=,${_CCPM_ENTRY%%:*}:$_CCPM_TOKEN, _ccpm_fences
  _ccpm_put ''
  _ccpm_save_fences "$_CCPM_PROJECT"
  _ccpm_fences=,${_CCPM_FENCES[_CCPM_PROJECT]-},
  case $_ccpm_fences in
    *"$_ccpm_fence"*) _ccpm_fences=${_ccpm_fences%%"$_ccpm_fence"*},${_ccpm_fences#*"$_ccpm_fence"} ;;
  esac
  _ccpm_fences=${_ccpm_fences#,}
  _CCPM_FENCES[_CCPM_PROJECT]=${_ccpm_fences%,}
  _ccpm_show_fences "$_CCPM_NUMBER"
}

# Takes $CCPM_FENCE into $_CCPM_FENCES; $_CCPM_NUMBER is its project then, $1 where that is not said.
_ccpm_save_fences() {
  case ${CCPM_FENCE_ROOT-} in
    '' | "${_CCPM_ROOTS[$1]}") _CCPM_NUMBER=$1 ;;
    *) _ccpm_number "$CCPM_FENCE_ROOT" ;;
  esac
  _CCPM_FENCES[_CCPM_NUMBER]=${CCPM_FENCE-}
}

# Hands the fences of project $1 down; where it has none, those of another.
_ccpm_show_fences() {
  local _ccpm_other
  for _ccpm_other in "${!_CCPM_FENCES[@]}"; do
    [ -n "${_CCPM_FENCES[$1]-}" ] || set -- "$_ccpm_other"
  done
  if [ -n "${_CCPM_FENCES[$1]}" ]; then
    export CCPM_FENCE="${_CCPM_FENCES[$1]}" CCPM_FENCE_ROOT="${_CCPM_ROOTS[$1]}"
  else
    unset CCPM_FENCE CCPM_FENCE_ROOT
  fi
}

# Whether resource $1 is held, or a fence of it is there, in whatever project: else nobody has to ask which one this is.
_ccpm_is_known() {
  local IFS=,
  case "$_CCPM_HELD,${CCPM_FENCE-},${_CCPM_FENCES[*]-}" in *[\ ,]"$1:"[0-9]*) ;; *) return 1 ;; esac
}

# Whether there is a fence of resource $1 in this project.
_ccpm_is_carried() {
  _ccpm_save_fences "$_CCPM_HERE"
  case ,${_CCPM_FENCES[_CCPM_HERE]-}, in *",$1:"[0-9]*) ;; *) return 1 ;; esac
}

# Sets $_CCPM_NUMBER to the place of root $1 in $_CCPM_ROOTS.
_ccpm_number() {
  _CCPM_NUMBER=0
  while [ "$_CCPM_NUMBER" -lt "${#_CCPM_ROOTS[@]}" ] && [ "${_CCPM_ROOTS[_CCPM_NUMBER]}" != "$1" ]; do
    _CCPM_NUMBER=$((_CCPM_NUMBER + 1))
  done
  _CCPM_ROOTS[_CCPM_NUMBER]=$1
}

# Sets $_CCPM_HERE.
_ccpm_locate() {
  [ "$_CCPM_HERE_FOR" != "$PWD:${CCPM_ROOT-}" ] || return 0
  _ccpm_capture ccpm-root || return
  _ccpm_note_root "${_CCPM_OUT%$'\n'}"
}

# What a helper printed ends with the path of a lock, if it was asked for it.
_ccpm_note_path() {
  case $_CCPM_OUT in
    *$'\n'?*) _ccpm_note_root "${_CCPM_OUT#*$'\n'}" ;;
  esac
}

# Notes that this is the project with the root $1, or what is in its folder of locks.
_ccpm_note_root() {
  _ccpm_number "${1%/.claude/locks/*}"
  _CCPM_HERE=$_CCPM_NUMBER _CCPM_HERE_FOR=$PWD:${CCPM_ROOT-}
}
