#!/usr/bin/env bash
# Summary: Make files for issues that have none
# Usage: import.sh [issue …] [--epic NAME] [--label LABEL] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" import "$@"
