#!/usr/bin/env bash
# Summary: Tasks that wait for others, and for which
# Usage: blocked.sh [--all] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" blocked "$@"
