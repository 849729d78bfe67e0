#!/usr/bin/env bash
# Summary: Create the tasks of an epic that standard input describes
# Usage: epic-decompose.sh [--check] <name> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" decompose "$@"
