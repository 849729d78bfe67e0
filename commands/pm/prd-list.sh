#!/usr/bin/env bash
# Summary: All PRDs by state
# Usage: prd-list.sh [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" prd-list "$@"
