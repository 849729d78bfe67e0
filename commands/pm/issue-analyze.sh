#!/usr/bin/env bash
# Summary: Write the analysis of an issue from standard input, and check its streams
# Usage: issue-analyze.sh <number|epic/task> [--check] [--if-sha256 HASH | --replace] [--json]
#
# With --check nothing is written: it shows the task, and the analysis that there is. The script ends with 1 where a stream
# names no files, or where two streams could change one file at the same time: it tells which. 10: there is an analysis.
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-agent" analyze "$@"
