#!/usr/bin/env bash
# Summary: Create the epic of a PRD from standard input
# Usage: prd-parse.sh [--check] <name> [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" new-epic --from-prd "$@"
