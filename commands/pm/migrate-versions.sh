#!/usr/bin/env bash
# Summary: Add `version: 1` to every PRD, epic and task without a version
# Usage: migrate-versions.sh [--dry-run] [EPIC …]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm" migrate "$@"
