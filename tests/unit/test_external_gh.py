"""The way to GitHub: what each answer and each failure of the real gh becomes (against the fake GitHub)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from ccpm.errors import CcpmError, Unavailable
from ccpm.external import gh
from ccpm.files import process
from fakes.running import FakeGitHub
from unit.interpreter import LIMIT, start

pytestmark = pytest.mark.needs("gh")
ISSUES = "repos/octo/shop/issues"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[FakeGitHub, None, None]:
    with FakeGitHub(tmp_path / "hub") as found:
        for name, value in found.env.items():
            monkeypatch.setenv(name, value)
        yield found


def failure(kind: type[CcpmError], method: str, path: str, **rest: object) -> CcpmError:
    with pytest.raises(kind) as caught:
        gh.api(method, path, **rest)  # type: ignore[arg-type]
    assert type(caught.value) is kind
    return caught.value


def test_fields_are_the_body_of_a_post_and_the_query_of_a_get(hub: FakeGitHub) -> None:
    made = gh.api("POST", ISSUES, {"title": "Grüße", "body": "a\n---\nb"})
    assert (made.status, made.json()["number"], made.json()["title"]) == (201, 1, "Grüße")
    assert made.headers["x-ratelimit-remaining"] == "4999"
    found = gh.api("GET", ISSUES, {"state": "all", "labels": "a b"})
    assert (found.status, found.json()) == (200, [])
    assert hub.log()[-1]["query"] == {"state": "all", "labels": "a b"}


def test_an_etag_that_still_holds_gives_304_which_costs_nothing(hub: FakeGitHub) -> None:
    first = gh.api("GET", ISSUES)
    again = gh.api("GET", ISSUES, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]


def test_a_refusal_carries_the_status_and_the_words_of_github(hub: FakeGitHub) -> None:
    error = failure(gh.Refused, "POST", ISSUES, fields={"body": "no title"})
    assert isinstance(error, gh.Refused)
    assert (error.code, error.status) == (69, 422)
    assert error.reason == "Validation Failed: Issue title missing_field"
    hub.set(repo="octo/shop", has_issues=False)
    error = failure(gh.Refused, "POST", ISSUES, fields={"title": "x"})
    assert "Issues has been disabled in this repository. (HTTP 410)" in error.message
    error = failure(gh.Refused, "GET", "repos/octo/nothing")
    assert "Not Found (HTTP 404)" in error.message


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_server_error_leaves_it_open_whether_the_request_was_carried_out(
    hub: FakeGitHub, status: int, when: str
) -> None:
    hub.fault(do="status", status=status, when=when)
    error = failure(gh.Unclear, "POST", ISSUES, fields={"title": "x"})
    assert error.code == 75 and f"HTTP {status}" in error.message
    assert len(hub.state()["issues"]) == (when == "after")


@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_a_connection_that_is_cut_leaves_it_open_too(hub: FakeGitHub, when: str) -> None:
    hub.fault(do="cut", when=when)
    assert failure(gh.Unclear, "POST", ISSUES, fields={"title": "x"}).code == 75
    assert len(hub.state()["issues"]) == (when != "before")


def test_silence_is_ended_after_the_time_that_was_given(hub: FakeGitHub) -> None:
    hub.fault(do="delay", when="after", seconds=20)
    started = time.monotonic()
    assert "within 1 s" in failure(gh.Unclear, "POST", ISSUES, fields={"title": "x"}, seconds=1).message
    assert time.monotonic() - started < 10


def test_a_rate_limit_is_told_from_a_missing_permission(hub: FakeGitHub) -> None:
    hub.fault(do="secondary", retry_after=7)
    error = failure(gh.RateLimited, "POST", ISSUES, fields={"title": "x"})
    assert isinstance(error, gh.RateLimited)
    assert (error.code, error.retry_after) == (75, 7.0)
    hub.advance(100)
    hub.fault(do="too-many", retry_after=None)
    error = failure(gh.RateLimited, "GET", "user")
    assert isinstance(error, gh.RateLimited) and error.retry_after is None
    hub.advance(100)
    hub.fault(do="exhausted")
    assert failure(gh.RateLimited, "GET", "user").code == 75
    hub.ask("POST", "/_fake/pool", {"name": "core", "used": 0})
    gh.api("POST", ISSUES, {"title": "x"})
    hub.set(repo="octo/shop", issue=1, locked=True)
    locked = failure(gh.Refused, "POST", f"{ISSUES}/1/comments", fields={"body": "x"})
    assert "issue is locked. (HTTP 403)" in locked.message


def test_a_login_that_ended_and_one_that_never_was(hub: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.set(auth=False)
    error = failure(gh.Refused, "GET", "user")
    assert "Bad credentials (HTTP 401)" in error.message and "gh auth login" in error.hint
    monkeypatch.delenv("GH_TOKEN")
    error = failure(Unavailable, "GET", "user")
    assert error.code == 69
    assert error.message == "gh is not logged in to GitHub"
    assert error.hint == "gh auth login (or set GH_TOKEN), then run it again"


def test_no_gh_and_no_network(hub: FakeGitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (hub.config / "config.yml").write_text(f"http_unix_socket: {tmp_path}/nobody\n")
    error = failure(gh.Offline, "POST", ISSUES, fields={"title": "x"})
    assert error.code == 69 and error.hint == "check the network, then run it again"
    monkeypatch.setenv("PATH", str(tmp_path))
    error = failure(Unavailable, "GET", "user")
    assert (error.code, error.message) == (69, "the GitHub CLI, gh, is not installed")


def test_words_that_the_environment_asks_gh_for_do_not_disturb(
    hub: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GH_DEBUG": "api",
        "GH_FORCE_TTY": "80",
        "CLICOLOR_FORCE": "1",
        "PAGER": "false",
    }.items():
        monkeypatch.setenv(name, value)
    assert gh.api("GET", "user").json() == {"login": "ada", "id": 1}


PROBE = """
from ccpm.external import gh
def run(argv, stdin, seconds, run=gh.run):
    return run(["sh", "-c", 'echo $$ > "$0"; ls /proc/self/fd | wc -l > "$0.fds"; exec sleep 60', sys.argv[1]], b"", 30)
gh.run = run
os.set_inheritable(os.open(os.devnull, os.O_RDONLY), False)
gh.api("GET", "user")
"""
"""Sends a request through a gh that writes down its pid and then is silent."""


def pid_in(path: Path) -> int:
    end = time.monotonic() + LIMIT
    while not path.exists() or not path.read_text().endswith("\n"):
        assert time.monotonic() < end
        time.sleep(0.002)
    return int(path.read_text())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_gh_ends_with_the_process_that_sent_the_request(tmp_path: Path, number: int) -> None:
    with start(PROBE, tmp_path / "pid") as sender:
        pid = pid_in(tmp_path / "pid")
        sender.send_signal(number)
        assert sender.wait(LIMIT) == -number
        end = time.monotonic() + LIMIT
        while process.start_of(pid):
            assert time.monotonic() < end, "gh runs on"
            time.sleep(0.002)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc: it is a test for Linux")
def test_gh_inherits_its_three_streams_and_nothing_else(tmp_path: Path) -> None:
    with start(PROBE, tmp_path / "pid"):
        pid_in(tmp_path / "pid")
        pid_in(tmp_path / "pid.fds")
        assert (tmp_path / "pid.fds").read_text().strip() == "4", "the fourth is that of ls itself"
