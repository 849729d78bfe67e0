#!/usr/bin/env bash
# Summary: Merge the synced epics, or one, with their issues, both ways
# Usage: sync.sh [epic] [--keep local|remote] [--close-from-git] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-sync" sync "$@"
