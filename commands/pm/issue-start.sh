#!/usr/bin/env bash
# Summary: Take an issue: register, claim the task, and show its streams; or take one stream
# Usage: issue-start.sh <number|epic/task> [stream] [--agent ID]
#
# With a stream (A, B, …): claims it as the analysis describes it, begins it, and makes its progress file.
# 66: the issue has no analysis yet. 75: somebody else has the task or the stream, or it has to wait.
set -u
case ${BASH_SOURCE[0]} in */*) bin=${BASH_SOURCE[0]%/*}/../../bin ;; *) bin=./../../bin ;; esac

agent=()
words=()
while [ $# -gt 0 ]; do
  case $1 in
    --agent)
      agent=(--agent "${2-}")
      shift
      ;;
    --agent=*) agent=("$1") ;;
    *) words+=("$1") ;;
  esac
  [ $# -eq 0 ] || shift
done
if [ "${#words[@]}" -lt 1 ] || [ "${#words[@]}" -gt 2 ]; then
  printf 'usage: issue-start.sh <number|epic/task> [stream] [--agent ID]\n' >&2
  exit 2
fi
where=$("$bin/ccpm-agent" where "${words[0]}") || exit
IFS=$'\t' read -r epic task file name <<<"$where"

if [ "${#words[@]}" -eq 2 ]; then
  exec "$bin/ccpm-agent" take "$epic" "$task" "${words[1]}" ${agent[@]+"${agent[@]}"}
fi
status=0
streams=$("$bin/ccpm-agent" streams "$epic" "$task") || status=$?
[ "$status" -le 1 ] || exit "$status"
"$bin/ccpm-agent" register "$epic" "issue $task" ${agent[@]+"${agent[@]}"} >/dev/null || exit
"$bin/ccpm-work" start "$epic/$task" ${agent[@]+"${agent[@]}"} >/dev/null || exit
printf '%s is in progress (%s, epic %s). Its streams:\n\n%s\n' "$name" "$file" "$epic" "$streams"
