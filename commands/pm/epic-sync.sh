#!/usr/bin/env bash
# Summary: Make the issues of an epic and its tasks, exactly once; then its worktree
# Usage: epic-sync.sh <name> [--dry-run] [--no-worktree] [--repo OWNER/NAME] [--tracker T] [--relink] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
name='' before='' worktree=yes
words=()
for word in "$@"; do
  case $word in
    --no-worktree) worktree='' && continue ;;
    --dry-run | --json | -h | --help) worktree='' ;;
    --*) ;;
    *) case $before in --agent | --fence | --repo | --tracker | --timeout) ;; *) name=$name${name:+ }$word ;; esac ;;
  esac
  before=$word
  words+=("$word")
done
"$here/../../bin/ccpm-sync" epic ${words[@]+"${words[@]}"} || exit
# A project without git, or without a commit, has nothing that a worktree could be made of.
if [ -n "$worktree" ] && git rev-parse --quiet --verify HEAD >/dev/null 2>&1; then
  path=$("$here/../../bin/ccpm-worktree" add --shared -- "$name") || exit
  echo "  Worktree: $path"
fi
