#!/usr/bin/env bats
# ccpm-gh and lib/github-rate-limit.sh: the real gh on the fake GitHub.

load helpers

setup() {
  need gh "apt-get install gh, or brew install gh" gh --version
  make_project
  hub=$(mktemp -d /tmp/hub.XXXXXX) # a socket's path has to be short
  mkdir "$hub/gh"
  printf 'http_unix_socket: %s/socket\n' "$hub" >"$hub/gh/config.yml"
  export GH_CONFIG_DIR=$hub/gh GH_TOKEN=any CCPM_AGENT_ID=agent-a
  unset GITHUB_TOKEN GH_HOST GH_ENTERPRISE_TOKEN
  start_hub
}

teardown() {
  [ -z "${pid-}" ] || kill "$pid" 2>/dev/null || :
  [ -z "${hub-}" ] || rm -rf "$hub"
}

start_hub() {
  [ -z "${pid-}" ] || { kill "$pid" && rm "$hub/socket" "$hub/log" "$hub/ready"; }
  "$(cat "$REPOSITORY/lib/.python")" -S "$REPOSITORY/tests/fakes/github.py" --socket "$hub/socket" --log "$hub/log" \
    --parent $$ "$@" </dev/null >"$hub/ready" 2>&1 3>&- &
  pid=$!
  until grep -q ready "$hub/ready" 2>/dev/null; do
    kill -0 "$pid" || return
    sleep 0.02
  done
}

fault() { gh api -X POST /_fake/faults --input - <<<"[$1]" >/dev/null; }

requests() { wc -l <"$hub/log"; }

@test "gh api is what it is without us: output, filters, standard input, statuses" {
  run ccpm-gh api user
  status_is 0
  [ "$output" = '{"login": "ada", "id": 1}' ]
  run ccpm-gh api repos/octo/shop/issues -f title=x -q .number
  [ "$output" = 1 ]
  run ccpm-gh api repos/octo/shop/issues --input - -q .title <<<'{"title": "from a pipe"}'
  [ "$output" = "from a pipe" ]
  for given in --input=- "--input /dev/stdin"; do
    # shellcheck disable=SC2086  # an option and its value
    run ccpm-gh api repos/octo/shop/issues/2 -X PATCH $given -q .title <<<"{\"title\": \"by $given\"}"
    [ "$output" = "by $given" ]
  done
  run ccpm-gh api repos/octo/shop/issues/2 -F title=@/dev/stdin -X PATCH -q .title <<<"by a field"
  [[ $output == "by a field"* ]]
  run ccpm-gh api
  status_is 1
  [[ $output == "accepts 1 arg(s)"* ]]
  run --separate-stderr ccpm-gh api repos/octo/shop/issues/99
  status_is 1
  [[ $output == '{"message": "Not Found"'* ]]
  [ "$stderr" = "gh: Not Found (HTTP 404)" ]
  run ccpm-gh api -i repos/octo/shop/issues/1
  [[ ${lines[0]} == "HTTP/1.1 200 OK"* ]]
  run ccpm-gh api --paginate repos/octo/shop/issues -q '.[].number'
  [ "$output" = $'2\n1' ]
  run ccpm-gh version
  [[ $output == "gh version "* ]]
}

@test "a read is answered from what another agent got a moment ago, and later by its etag" {
  ccpm-gh api repos/octo/shop/issues
  before=$(requests)
  run ccpm-gh --agent agent-b api repos/octo/shop/issues
  status_is 0
  [ "$output" = "[]" ]
  [ "$(requests)" -eq "$before" ]
  find .claude/locks/.state/github-cache -type f -exec touch -d '1 minute ago' {} +
  run ccpm-gh --agent agent-b api repos/octo/shop/issues
  [ "$output" = "[]" ]
  [[ $(tail -n 1 "$hub/log") == *'"status": 304'* ]]
  find .claude/locks/.state/github-cache -type f -exec touch -d '1 minute ago' {} +
  ccpm-gh api repos/octo/shop/issues -f title=new >/dev/null
  run ccpm-gh api repos/octo/shop/issues -X GET
  [[ $output == *'"title": "new"'* ]]
  run ccpm-gh limit --json
  [[ $output == *'"agent-b": {"cached": 2'* ]]
  [ -z "$(find .claude/locks/.state/github-cache -type f ! -perm 600)" ]
}

@test "limit shows what is left, who uses it and until when" {
  run ccpm-gh limit
  status_is 0
  [[ $output == *"nothing is known yet"* ]]
  ccpm-gh api user >/dev/null
  ccpm-gh --agent agent-b api repos/octo/shop/issues -f title=x >/dev/null
  run ccpm-gh limit --refresh
  [[ $output == *"requests   4998 of 5000 free until 20"* ]]
  [[ $output == *"GraphQL    5000 of 5000"* ]]
  [[ $output == *"creations  1 of 80 in 60 s"* ]]
  [[ $output == *"agent-b  0      1       1"* ]]
  grep -q '"remaining": 4998' .claude/locks/github-rate-limit.json
}

@test "requests that are set aside are kept from other agents" {
  start_hub --rules core=10
  ccpm-gh api user >/dev/null
  run ccpm-gh reserve 8
  [ "$output" = 1 ]
  run ccpm-gh --agent agent-b reserve 2
  status_is 75
  run ccpm-gh --agent agent-b wait 2 --timeout 0
  status_is 75
  [[ $output == *"in flight or set aside by others"* ]]
  run ccpm-gh wait 9 --timeout 0
  [ "$output" = 9 ]
  run ccpm-gh reserve 0
  [ "$output" = 9 ]
}

@test "more than GitHub ever allows is 2, also before it has told what it allows" {
  for arguments in "wait 99999 --timeout 0" "reserve 99999"; do
    # shellcheck disable=SC2086 # several words
    run ccpm-gh $arguments
    status_is 2
    [ "${lines[0]}" = "ccpm-gh: GitHub allows 5000 requests an hour: 99999 are never free at once" ]
    [ "${lines[1]}" = "hint: ask for 5000 at most; ccpm-gh limit --refresh asks GitHub what it allows" ]
  done
  run ccpm-gh wait 5000 --timeout 0
  [ "$output" = 5000 ]
  start_hub --rules core=10
  ccpm-gh api user >/dev/null
  run ccpm-gh reserve 11
  status_is 2
  [[ $output == *"allows 10 requests an hour: 11 are never free at once"* ]]
}

@test "a used-up limit is 75 at once, with the time, and nothing is sent" {
  start_hub --rules core=2
  ccpm-gh api user >/dev/null
  ccpm-gh api repos/octo/shop >/dev/null
  before=$(requests)
  run ccpm-gh --timeout 5 api repos/octo/shop/issues
  status_is 75
  [[ $output == *"no request to GitHub before 20"*"the limit of 2 requests an hour is used up"* ]]
  [[ $output == *"hint: run it again then, or wait with --timeout "* ]]
  [ "$(requests)" -eq "$before" ]
}

@test "a pause that GitHub asks one agent for holds all of them, and says so" {
  fault '{"do": "secondary", "retry_after": 5}'
  run ccpm-gh --timeout 1 api repos/octo/shop/issues -f title=x
  status_is 75
  [[ $output == *"GitHub asked for a pause"* ]]
  run ccpm-gh --agent agent-b --timeout 0 api user
  status_is 75
  run ccpm-gh --agent agent-b api user
  status_is 0
  [[ ${lines[0]} == "ccpm-gh: waiting "*" s, until 20"*"Z: GitHub asked for a pause" ]]
  [[ ${lines[1]} == "ccpm-gh: going on after "*" s" ]]
  [ "$(requests)" -eq 2 ]
}

@test "no gh, no login, no network: one clear message each" {
  PATH=$REPOSITORY/bin:$hub run "$REPOSITORY/bin/ccpm-gh" api user
  status_is 69
  [ "$output" = $'ccpm-gh: the GitHub CLI, gh, is not installed\nhint: install it from https://cli.github.com, then: gh auth login' ]
  for arguments in "api user" "api user -q .login"; do
    # shellcheck disable=SC2086 # two words or four
    GH_TOKEN='' run ccpm-gh $arguments
    status_is 69
    [ "$output" = $'ccpm-gh: gh is not logged in to GitHub\nhint: gh auth login (or set GH_TOKEN), then run it again' ]
  done
  kill "$pid"
  until [ -z "$(jobs -r)" ]; do sleep 0.02; done
  run ccpm-gh api user
  status_is 69
  [[ ${lines[0]} == "ccpm-gh: GitHub cannot be reached for GET user: "* ]]
  [ "${lines[1]}" = "hint: check the network, then run it again" ]
  pid=''
}

@test "a host of its own has a budget of its own" {
  ccpm-gh api user >/dev/null
  ccpm-gh api --hostname ghe.example.org user >/dev/null
  [ -f .claude/locks/github-rate-limit.json ]
  [ -f .claude/locks/github-rate-limit-ghe.example.org.json ]
  GH_HOST=ghe.example.org run ccpm-gh limit
  [[ ${lines[0]} == "GitHub budget of ghe.example.org" ]]
}

@test "wrong arguments are 2, --help tells what there is" {
  run ccpm-gh wait x
  status_is 2
  run ccpm-gh --timeout never api user
  status_is 2
  run ccpm-gh reserve 1 --pool coffee
  status_is 2
  run ccpm-gh --help
  status_is 0
  [[ $output == *"Anything else is run as"* ]]
}

@test "the functions for scripts" {
  start_hub --rules core=10
  script=$BATS_TEST_TMPDIR/script
  printf '%s\n' 'set -euo pipefail' "source $REPOSITORY/lib/github-rate-limit.sh" \
    'safe_gh_call api user -q .login' \
    'check_rate_limit 99999 || [ $? -eq 2 ]; check_rate_limit 9; check_rate_limit 10 || echo "status $?"' \
    'reserve_api_calls 9; reserve_api_calls 1 2>/dev/null || echo "status $?"' \
    'wait_for_rate_limit 9 1; update_rate_limit | head -n 1' \
    'safe_gh_call api repos/octo/shop/issues/7 2>/dev/null || echo "status $?"' >"$script"
  run "$CCPM_TEST_BASH" "$script"
  status_is 0
  [ "${lines[0]}" = ada ]
  [ "${lines[1]}" = 9 ]
  [ "${lines[2]}" = "status 1" ]
  [ "${lines[3]}" = "status 75" ]
  [ "${lines[4]}" = 9 ]
  [ "${lines[5]}" = "GitHub budget of github.com" ]
  [[ ${lines[6]} == '{"message": "Not Found"'*'status 1' ]]
}
