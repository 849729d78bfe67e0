#!/usr/bin/env bash
# Summary: Who holds one resource; all of them without a name
# Usage: lock-status.sh [RESOURCE]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
[ $# -gt 0 ] || exec bash "$here/locks.sh"
"$here/../../bin/ccpm-lock" check "$@" || {
  status=$?
  [ "$status" -eq 1 ] || exit "$status"
  printf 'unlocked\n'
}
