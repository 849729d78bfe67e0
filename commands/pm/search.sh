#!/usr/bin/env bash
# Summary: Files of the plan that contain a text
# Usage: search.sh <text> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" search "$@"
