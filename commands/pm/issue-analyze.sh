#!/usr/bin/env bash
# Summary: Write the analysis of an issue from standard input, and check its streams
# Usage: issue-analyze.sh [--check] <number|epic/task>
#
# With --check nothing is written: it shows the task, and the analysis that there is. The script ends with 1 where a stream
# names no files, or where two streams could change one file: it tells which.
set -u
case ${BASH_SOURCE[0]} in */*) bin=${BASH_SOURCE[0]%/*}/../../bin ;; *) bin=./../../bin ;; esac

check=''
if [ "${1-}" = --check ]; then
  check=yes
  shift
fi
if [ $# -ne 1 ]; then
  printf 'usage: issue-analyze.sh [--check] <number|epic/task>\n' >&2
  exit 2
fi
where=$("$bin/ccpm-agent" where "$1") || exit
IFS=$'\t' read -r epic task file name <<<"$where"
analysis=.claude/epics/$epic/$task-analysis.md

if [ -n "$check" ]; then
  printf 'Task: %s (%s), of epic %s\nAnalysis: %s\n' "$file" "$name" "$epic" "$analysis"
  status=0
  "$bin/ccpm-agent" streams "$epic" "$task" 2>&1 || status=$?
  case $status in
    0 | 1) exit 0 ;;
    66) printf 'There is none yet.\n' && exit 0 ;;
    *) exit "$status" ;;
  esac
fi

now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
{
  printf -- '---\nissue: %s\nanalyzed: %s\n---\n\n' "$task" "$now"
  cat
} | "$bin/ccpm-atomic-write" "$analysis" >/dev/null || exit
printf 'Analysis: %s\n' "$analysis"
exec "$bin/ccpm-agent" streams "$epic" "$task"
