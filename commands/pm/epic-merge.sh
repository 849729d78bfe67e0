#!/usr/bin/env bash
# Summary: Merge an epic into the default branch, checked; archive it and close its issues
# Usage: epic-merge.sh <epic-name> [--check CMD] [--push] [--partial] [--rescue] [--json]
#
# With --json it prints one object: {"merged": …, "closed": …}, or the error of the step that failed. With --partial nothing
# is closed.
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
name='' partial='' json='' takes_value=''
for word in "$@"; do
  if [ -n "$takes_value" ]; then
    takes_value=''
    continue
  fi
  case $word in
    -h | --help) exec "$here/../../bin/ccpm-worktree" finish "$@" ;;
    --check | --check-limit | --ttl | --timeout | --agent) takes_value=yes ;;
    --partial) partial=yes ;;
    --json) json=yes ;;
    --*) ;;
    *) name=$name${name:+ }$word ;;
  esac
done

# step COMMAND…: with --json its object is in $object; ends with it where the command fails
step() {
  if [ -z "$json" ]; then
    "$@" || exit
    return
  fi
  object=$("$@") || {
    status=$?
    printf '%s\n' "$object"
    exit "$status"
  }
}

closed=null
step "$here/../../bin/ccpm-worktree" finish "$@"
merged=${object-}
if [ -n "$name" ] && [ -z "$partial" ]; then
  step "$here/../../bin/ccpm-sync" close-epic ${json:+--json} --archive -- "$name"
  closed=${object-}
fi
[ -z "$json" ] || printf '{"merged": %s, "closed": %s}\n' "$merged" "$closed"
