#!/usr/bin/env bash
# Summary: One epic with its tasks
# Usage: epic-show.sh <epic-name> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" epic-show "$@"
