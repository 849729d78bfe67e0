#!/usr/bin/env bash
# Summary: Merge an epic into the default branch, checked; archive it and close its issues
# Usage: epic-merge.sh <epic-name> [--check CMD] [--push] [--partial] [--rescue]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
name='' partial='' takes_value=''
for word in "$@"; do
  if [ -n "$takes_value" ]; then
    takes_value=''
    continue
  fi
  case $word in
    -h | --help) exec "$here/../../bin/ccpm-worktree" finish "$@" ;;
    --check | --check-limit | --ttl | --timeout | --agent) takes_value=yes ;;
    --partial) partial=yes ;;
    --*) ;;
    *) name=$name${name:+ }$word ;;
  esac
done
"$here/../../bin/ccpm-worktree" finish "$@" || exit
[ -n "$name" ] && [ -z "$partial" ] || exit 0
exec "$here/../../bin/ccpm-sync" close-epic "$name" --archive
