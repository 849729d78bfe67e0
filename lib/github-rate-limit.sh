# shellcheck shell=bash
# GitHub's limits for shell scripts: one budget for all agents. Source it; see docs/CONCURRENCY.md.
#
#   check_rate_limit [N]               0 if N (1) requests may be sent now, 1 if not; prints how many may
#   update_rate_limit                  asks GitHub what is left, which costs nothing; prints the table of ccpm-gh limit
#   wait_for_rate_limit [N] [TIMEOUT]  wait up to TIMEOUT (3600) seconds until N (1) requests may be sent; prints how many
#   reserve_api_calls N                sets N requests aside for this agent, for five minutes; 0 gives them back; 75 if
#                                      there are not so many
#   safe_gh_call ARGS…                 gh ARGS… when its turn has come and the limits allow it
#
# Contract: the budget is .claude/locks/github-rate-limit.json of the project, kept by ccpm-gh; these functions are that
# helper under the names that scripts use. What an agent has set aside is used up by its own calls, whichever way it makes
# them. Statuses are those of the helper: 75 later, 69 no gh or no login, 2 not a number or more than GitHub ever allows;
# safe_gh_call gives that of gh.

[ -n "${BASH_VERSION-}" ] || {
  printf 'github-rate-limit.sh: this shell is not bash, which the library needs\nhint: run the script with bash\n' >&2
  return 69
}
# shellcheck source=lib/session.sh
case ${BASH_SOURCE[0]} in
  */*) . "${BASH_SOURCE[0]%/*}/session.sh" ;;
  *) . ./session.sh ;;
esac

check_rate_limit() {
  local _ccpm_status=0
  _ccpm_call ccpm-gh wait "${1:-1}" --timeout 0 2>/dev/null || _ccpm_status=$?
  [ "$_ccpm_status" -ne 75 ] || _ccpm_status=1
  return "$_ccpm_status"
}

update_rate_limit() { _ccpm_start ccpm-gh limit --refresh; }

wait_for_rate_limit() { _ccpm_start ccpm-gh wait "${1:-1}" "--timeout=${2:-3600}"; }

reserve_api_calls() { _ccpm_call ccpm-gh reserve "${1-}" >/dev/null; }

# gh gets the script's own streams, and may take long: its own process, no session.
safe_gh_call() { _ccpm_start ccpm-gh "$@"; }
