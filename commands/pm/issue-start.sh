#!/usr/bin/env bash
# Summary: Take an issue: claim the task, register, and show its streams; or take one stream
# Usage: issue-start.sh <number|epic/task> [stream] [--agent ID] [--json]
#
# With a stream (A, B, …): claims it as the analysis describes it, begins it, and makes its progress file.
# 66: the issue has no analysis yet. 75: somebody else has the task or the stream, or it has to wait.
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-agent" begin "$@"
