#!/usr/bin/env bash
# Summary: How the project stands: PRDs, epics, tasks
# Usage: status.sh [--all] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" status "$@"
