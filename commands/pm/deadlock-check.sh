#!/usr/bin/env bash
# Summary: Who waits for whom; 1 if some of it can never end
# Usage: deadlock-check.sh [--resolve] [--dot] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-watch" deadlocks "$@"
