#!/usr/bin/env bash
# Summary: Tasks that can be started now, the most urgent first
# Usage: next.sh [--all] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" next "$@"
