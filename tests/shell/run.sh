#!/usr/bin/env bash
# run.sh [FILE…]: runs the shell tests with the system's bats, or with the one that npm installs into node_modules.
# With CCPM_NO_SKIP=1 a skipped test is a failure. Several files run at once where GNU parallel is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usable() {
  local version
  version=$("$1" --version 2>/dev/null) || return 1
  case ${version#Bats } in
    0.* | 1.[0-4] | 1.[0-4].*) return 1 ;;
  esac
}

find_bats() {
  bats=node_modules/bats/bin/bats
  if usable bats; then
    bats=bats
  elif ! usable "$bats"; then
    command -v npm >/dev/null || {
      printf 'needs bats 1.5 or newer, or npm to get it: apt-get install bats, or brew install bats-core\n' >&2
      exit 69
    }
    npm ci --silent --no-audit --no-fund
  fi
}

find_bats
mkdir -p build
[ $# -gt 0 ] || set -- tests/shell/*.bats
status=0
"$bats" --timing --report-formatter tap --output build "$@" || status=$?
if [ "${CCPM_NO_SKIP-}" = 1 ] && skipped=$(grep -i '^ok .*# skip' build/report.tap); then
  printf 'CCPM_NO_SKIP=1 forbids to skip a test:\n%s\n' "$skipped" >&2
  exit 1
fi
exit "$status"
