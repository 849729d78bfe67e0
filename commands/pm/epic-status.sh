#!/usr/bin/env bash
# Summary: Progress of one epic, with the evidence of git
# Usage: epic-status.sh <epic-name> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" epic-status "$@"
