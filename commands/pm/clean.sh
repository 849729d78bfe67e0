#!/usr/bin/env bash
# Summary: Archive epics and progress files that were completed a while ago
# Usage: clean.sh [--dry-run] [--days 30] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" clean "$@"
