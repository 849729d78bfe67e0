#!/usr/bin/env bash
# Summary: Create a PRD from standard input
# Usage: prd-new.sh [--check] <name> [--description TEXT] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" new-prd "$@"
