#!/usr/bin/env bash
# Summary: Replace the text of an epic by standard input
# Usage: epic-edit.sh [--check] <name> [--expect-version N] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-plan" edit-epic "$@"
