"""What requests and gh commands spend: reads, writes, content creations, and of which pool."""

from __future__ import annotations

import shlex

import pytest

from ccpm.core import requests
from ccpm.core.ledger import CORE, CREATE, GRAPHQL, READ, SEARCH, WRITE
from ccpm.core.requests import ApiCall

COMMANDS = {
    "issue list --json number,title -L 500": (READ, GRAPHQL),
    "issue view 12 -R octo/shop --comments": (READ, GRAPHQL),
    "issue create -t x -b y": (CREATE, GRAPHQL),
    "issue comment 12 --body-file -": (CREATE, GRAPHQL),
    "issue edit 12 --add-label bug": (WRITE, GRAPHQL),
    "-R octo/shop issue close 12": (WRITE, GRAPHQL),
    "pr checks 3": (READ, GRAPHQL),
    "pr review 3 --approve": (CREATE, GRAPHQL),
    "pr merge 3": (WRITE, GRAPHQL),
    "issue": (READ, GRAPHQL),
    "status": (READ, GRAPHQL),
    "search issues login": (READ, SEARCH),
    "label clone octo/other": (READ, GRAPHQL),
    "something-new frobnicate": (CREATE, GRAPHQL),
    "api user": (READ, CORE),
    "api /repos/o/r/issues?state=all": (READ, CORE),
    "api repos/o/r/issues -f title=x": (CREATE, CORE),
    "api repos/o/r/issues -ftitle=x": (CREATE, CORE),
    "api repos/o/r/issues --raw-field=title=x": (CREATE, CORE),
    "api repos/o/r/issues --method GET -f state=all": (READ, CORE),
    "api -X PATCH repos/o/r/issues/1 --input -": (WRITE, CORE),
    "api -XDELETE repos/o/r/issues/1/lock": (WRITE, CORE),
    "api -X=PUT repos/o/r/issues/1/lock": (WRITE, CORE),
    "api search/issues?q=login": (READ, SEARCH),
    "api graphql -f query='{viewer{login}}'": (READ, GRAPHQL),
    "api graphql -f query='mutation {addComment}'": (CREATE, GRAPHQL),
    "api graphql --input file.json": (CREATE, GRAPHQL),
    "api -H 'Accept: x' --hostname ghe.example.org user": (READ, CORE),
}
FREE = [
    "", "version", "--version", "auth status", "config get editor", "completion -s bash", "issue create --help",
    "extension list", "api rate_limit", "api -i /rate_limit",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_gh_spends_what_it_does(command: str) -> None:
    cost = requests.of_arguments(shlex.split(command))
    assert cost is not None
    assert (cost.kind, cost.pool) == COMMANDS[command]


@pytest.mark.parametrize("command", FREE)
def test_what_sends_nothing_that_counts_costs_nothing(command: str) -> None:
    assert requests.of_arguments(shlex.split(command)) is None


def test_a_plain_read_is_told_from_one_whose_output_gh_has_to_make() -> None:
    for plain in ("user", "-X GET user", "--hostname h user", "-H a:b user"):
        assert ApiCall(plain.split()).is_plain, plain
    for other in (
        "user -q .login",
        "user --jq=.login",
        "user -t {{.}}",
        "user -i",
        "--paginate user",
        "user --cache 1h",
    ):
        assert not ApiCall(other.split()).is_plain, other
    call = ApiCall(["--hostname", "h", "-H", "a: b", "--", "user"])
    assert (call.hostname, call.headers, call.path, call.method) == ("h", ["a: b"], "user", "GET")


@pytest.mark.parametrize("given", ["--input -", "--input=-", "-Fa=@-", "--field=a=@-", "--input /dev/stdin"])
def test_standard_input_is_seen_however_it_is_named(given: str) -> None:
    assert ApiCall(["x", *given.split()]).reads_stdin
    assert not ApiCall(["x", "--input", "file", "-f", "a=@-", "-F", "b=-"]).reads_stdin


@pytest.mark.parametrize(
    ("method", "path", "kind", "pool", "points"),
    [
        ("GET", "repos/o/r/issues", READ, CORE, 1),
        ("HEAD", "repos/o/r", READ, CORE, 1),
        ("POST", "repos/o/r/issues", CREATE, CORE, 5),
        ("PATCH", "repos/o/r/issues/1", WRITE, CORE, 5),
        ("DELETE", "repos/o/r/issues/1/lock", WRITE, CORE, 5),
        ("GET", "/search/issues?q=x", READ, SEARCH, 1),
    ],
)
def test_a_request_counts_as_github_counts_it(
    method: str, path: str, kind: str, pool: str, points: int
) -> None:
    cost = requests.of_rest(method, path)
    assert (cost.kind, cost.pool, cost.points) == (kind, pool, points)


def test_the_host_is_the_one_that_the_command_names() -> None:
    assert requests.hostname_of(["issue", "list", "-R", "ghe.example.org/o/r"]) == "ghe.example.org"
    assert requests.hostname_of(["issue", "list", "--repo=https://ghe.example.org/o/r"]) == "ghe.example.org"
    assert requests.hostname_of(["api", "--hostname", "ghe.example.org", "user"]) == "ghe.example.org"
    assert requests.hostname_of(["issue", "list", "-R", "o/r"]) == ""
