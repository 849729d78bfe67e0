#!/usr/bin/env bash
# Summary: Try out, on a throw-away plan, how a sync rewrites references between tasks
# Usage: test-reference-update.sh
set -u
case ${BASH_SOURCE[0]} in */*) here=${BASH_SOURCE[0]%/*} ;; *) here=. ;; esac
here=$(cd "$here" && pwd)

case ${1-} in
  '') ;;
  -h | --help)
    printf 'usage: test-reference-update.sh\n\nTry out, on a throw-away plan, how a sync rewrites references between tasks.\n'
    exit 0
    ;;
  *)
    printf 'test-reference-update.sh: it takes no arguments, not %s\nhint: test-reference-update.sh --help\n' "$1" >&2
    exit 2
    ;;
esac

scratch=$(mktemp -d) || exit 74
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/.claude/epics/refs"
cd "$scratch/.claude/epics/refs" || exit 74

# task FILE DEPENDS_ON CONFLICTS_WITH
task() {
  printf -- '---\nname: Task %s\nstatus: open\ndepends_on: [%s]\nparallel: false\nconflicts_with: [%s]\n---\n# Task\nThis is 001, not 002.\n' \
    "$1" "$2" "$3" >"$1.md"
}

# expect FILE KEY VALUE
expect() {
  local found
  found=$(grep "^$2:" "$1" 2>/dev/null)
  if [ "$found" = "$2: $3" ]; then
    printf '✅ %s %s\n' "$1" "$found"
  else
    printf '❌ %s should have %s: %s, and has: %s\n' "$1" "$2" "$3" "$found"
    status=1
  fi
}

printf -- '---\nname: refs\nstatus: backlog\nprogress: 0%%\n---\n# Epic\n' >epic.md
task 001 '' '002, 003'
task 002 '001' '003'
task 003 '001, 002' ''

# The local tracker gives the epic issue 1 and the tasks 2, 3 and 4: each number was another task's name before.
CCPM_ROOT=$scratch CCPM_AGENT_ID=test-reference-update "$here/../../bin/ccpm-sync" epic refs >sync.log 2>&1 || {
  status=$?
  cat sync.log
  exit "$status"
}

printf '001 → 2, 002 → 3, 003 → 4\n\n'
status=0
expect 2.md conflicts_with '[3, 4]'
expect 3.md depends_on '[2]'
expect 3.md conflicts_with '[4]'
expect 4.md depends_on '[2, 3]'
if [ "$(grep -c '^This is 001, not 002\.$' 2.md 3.md 4.md | cut -d: -f2 | tr -d '\n')" = 111 ]; then
  printf '✅ The texts below are as they were\n'
else
  printf '❌ A text below was changed\n'
  status=1
fi
[ ! -e 001.md ] || status=1
exit "$status"
