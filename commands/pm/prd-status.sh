#!/usr/bin/env bash
# Summary: How the PRDs are distributed
# Usage: prd-status.sh [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-query" prd-status "$@"
