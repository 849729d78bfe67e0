#!/usr/bin/env bash
# Summary: What changed since yesterday, what runs, what is next
# Usage: standup.sh [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" standup "$@"
