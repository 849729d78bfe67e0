#!/usr/bin/env bash
# Summary: Say which tools there are, and make the folders of the plan
# Usage: init.sh [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm" init "$@"
