#!/usr/bin/env bash
# Summary: Every slash command, by subject
# Usage: help.sh [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" commands "$@"
