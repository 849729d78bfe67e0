#!/usr/bin/env bash
# Summary: Create the tasks of an epic and sync it, in one step
# Usage: epic-oneshot.sh [--check] <name> [--json]
#
# With --json it prints one object: {"decomposed": …, "synced": …}, or the error of the step that failed.
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
json=''
for word in "$@"; do
  case $word in
    --check | -h | --help) exec "$here/../../bin/ccpm-plan" decompose --fresh "$@" ;;
    --json) json=yes ;;
  esac
done

if [ -z "$json" ]; then
  "$here/../../bin/ccpm-plan" decompose --fresh "$@" || exit
  exec bash "$here/epic-sync.sh" "$@"
fi

# step COMMAND…: its object in $object; ends with it where the command fails
step() {
  object=$("$@") || {
    status=$?
    printf '%s\n' "$object"
    exit "$status"
  }
}

step "$here/../../bin/ccpm-plan" decompose --fresh "$@"
decomposed=$object
step bash "$here/epic-sync.sh" "$@"
printf '{"decomposed": %s, "synced": %s}\n' "$decomposed" "$object"
