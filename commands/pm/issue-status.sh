#!/usr/bin/env bash
# Summary: Show how issues and their tasks stand
# Usage: issue-status.sh [issue,epic/task,…|epic] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" status "$@"
