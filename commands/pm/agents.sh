#!/usr/bin/env bash
# Summary: The agents: who works on what, since when, last seen, commits, locks, and what they wait for
# Usage: agents.sh [epic] [--json]
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
exec "$here/../../bin/ccpm-agent" list "$@"
