#!/usr/bin/env bash
# Summary: Compare the status of tasks with what git shows
# Usage: detect-completion.sh [epic-name] [--apply] [--task ID] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" detect "$@"
