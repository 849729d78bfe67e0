#!/usr/bin/env bash
# Summary: Create the tasks of an epic and sync it, in one step
# Usage: epic-oneshot.sh [--check] <name>
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
for word in "$@"; do
  [ "$word" != --check ] || exec "$here/../../bin/ccpm-plan" decompose --fresh "$@"
done
"$here/../../bin/ccpm-plan" decompose --fresh "$@" || exit
exec bash "$here/epic-sync.sh" "$@"
