#!/usr/bin/env bash
# Summary: Who holds one resource; all of them without a name
# Usage: lock-status.sh [RESOURCE] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
name='' json=''
for word in "$@"; do
  case $word in
    --json) json=yes ;;
    -h | --*) ;;
    *) name=$word ;;
  esac
done
[ -n "$name" ] || exec bash "$here/locks.sh" "$@"
"$here/../../bin/ccpm-lock" check "$@" || {
  status=$?
  [ "$status" -eq 1 ] || exit "$status"
  [ -n "$json" ] || printf 'unlocked\n'
}
