#!/usr/bin/env bash
# Summary: All locks: who holds what, since when, for how long, who waits
# Usage: locks.sh [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-watch" locks "$@"
