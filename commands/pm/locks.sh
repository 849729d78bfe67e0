#!/usr/bin/env bash
# Summary: All locks: who holds what, since when, for how long
# Usage: locks.sh [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
for word in "$@"; do
  [ "$word" != --json ] || exec "$here/../../bin/ccpm-lock" list "$@"
done
printf '🔒 Active Locks Status\n======================\n\n'
exec "$here/../../bin/ccpm-lock" list --summary "$@"
