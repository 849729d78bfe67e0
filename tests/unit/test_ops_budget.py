"""One budget: what a call does when it is refused, cut off, fenced, late; and gh commands under it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from ccpm.core import budget as decide
from ccpm.core.ledger import ANSWERED, Rules
from ccpm.errors import Busy, IOFailure, LeaseLost
from ccpm.external import gh
from ccpm.files import clock, process
from ccpm.ops.actor import Actor
from ccpm.ops.github import account, budget, gh_commands
from ccpm.ops.github.account import Account, rules_from
from ccpm.ops.github.turns import Turn
from ccpm.ops.locking import lock_state, locks
from ccpm.ops.locking.locks import Request
from fakes.running import FakeGitHub

pytestmark = pytest.mark.needs("gh")
ISSUES = "repos/octo/shop/issues"
SLOT = "github-api"


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "p" / ".claude").mkdir(parents=True)
    (tmp_path / "p" / ".git").mkdir()
    monkeypatch.setenv("CCPM_GITHUB_RULES", "spacing=0.01,backoff=1")
    monkeypatch.delenv("GH_HOST", raising=False)
    monkeypatch.setattr(account, "_warned", set())
    return str(tmp_path / "p")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[FakeGitHub, None, None]:
    with FakeGitHub(tmp_path / "hub") as found:
        for name, value in found.env.items():
            monkeypatch.setenv(name, value)
        yield found


class Heard(list[str]):
    """An agent's ear."""


def actor(top: str, agent: str = "ada", heard: Heard | None = None, **fences: int) -> Actor:
    say: Callable[[str], None] = heard.append if heard is not None else (lambda line: None)
    return Actor(agent, {name.replace("_", "-"): token for name, token in fences.items()}, say, top)


def record(top: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(top, ".claude/locks/github-rate-limit.json").read_text())
    return found


def test_a_write_without_a_clear_answer_is_not_repeated_and_counts_as_a_creation(
    top: str, hub: FakeGitHub
) -> None:
    hub.fault(do="status", status=502, when="after")
    with pytest.raises(gh.Unclear):
        budget.call(actor(top), "POST", ISSUES, {"title": "x"})
    assert len(hub.state()["issues"]) == 1
    assert len(record(top)["creations"]) == 1  # type: ignore[arg-type]


def test_a_read_without_a_clear_answer_is_repeated_twice(top: str, hub: FakeGitHub) -> None:
    hub.fault(do="cut", when="after", times=2)
    assert budget.call(actor(top), "GET", "user").status == 200
    hub.fault(do="status", status=502, times=3)
    with pytest.raises(gh.Unclear):
        budget.call(actor(top), "GET", "user")
    assert len(hub.log()) == 6


def test_what_was_never_sent_is_no_creation(top: str, hub: FakeGitHub, tmp_path: Path) -> None:
    (hub.config / "config.yml").write_text(f"http_unix_socket: {tmp_path}/nobody\n")
    with pytest.raises(gh.Offline):
        budget.call(actor(top), "POST", ISSUES, {"title": "x"})
    assert (record(top)["creations"], record(top)["reservations"]) == ([], {})


def test_a_refused_write_is_sent_again_when_the_pause_is_over(top: str, hub: FakeGitHub) -> None:
    hub.fault(do="secondary", retry_after=1)
    started = time.monotonic()
    assert budget.call(actor(top), "POST", ISSUES, {"title": "x"}).status == 201
    assert time.monotonic() - started >= 1.0
    assert [line["status"] for line in hub.log()] == [403, 201]
    assert record(top)["retry_at"] is None


def test_a_wait_that_is_known_to_be_too_long_ends_at_once_and_sends_nothing(
    top: str, hub: FakeGitHub
) -> None:
    hub.fault(do="secondary", retry_after=40)
    started = time.monotonic()
    with pytest.raises(Busy) as caught:
        budget.call(actor(top), "GET", "user", timeout=5)
    assert caught.value.code == 75
    for method in ("GET", "POST"):
        with pytest.raises(Busy, match="GitHub asked for a pause"):
            budget.call(actor(top, "bob"), method, "user", timeout=20)
    assert time.monotonic() - started < 4.0
    assert len(hub.log()) == 1
    assert str(record(top)["retry_at"]).startswith("20")


def test_limits_are_not_looked_up_during_a_pause(top: str, hub: FakeGitHub) -> None:
    hub.fault(do="secondary", retry_after=40)
    with pytest.raises(Busy):
        budget.call(actor(top), "GET", "user", timeout=0)
    before = record(top)
    budget.refresh(actor(top), Account(actor(top)))
    assert (len(hub.log()), record(top)) == (1, before)


def test_little_that_is_left_is_said_once(top: str, hub: FakeGitHub) -> None:
    hub.ask("POST", "/_fake/pool", {"name": "core", "used": 4900})
    heard = Heard()
    for _ in range(3):
        budget.call(actor(top, heard=heard), "GET", "user")
    assert len(heard) == 1
    assert heard[0].startswith("GitHub (core): 99 of 5000 requests are left until 20")


def test_a_write_that_runs_under_the_turn_of_its_caller_takes_no_other(top: str, hub: FakeGitHub) -> None:
    ada = actor(top)
    lease = locks.try_acquire(ada.store, Request(SLOT, process.owner("ada")))
    assert not isinstance(lease, lock_state.State)
    inside = actor(top, github_api=lease.token)
    assert budget.call(inside, "POST", ISSUES, {"title": "x"}, timeout=0.5).status == 201
    with pytest.raises(Busy, match="github-api is held by ada"):
        budget.call(actor(top, "bob"), "POST", ISSUES, {"title": "x"}, timeout=0.5)
    locks.release(ada.store, SLOT, lease.owner, lease.token)
    with pytest.raises(LeaseLost):
        budget.call(inside, "POST", ISSUES, {"title": "x"})
    assert len(hub.log()) == 1


def test_a_turn_that_has_ended_meanwhile_is_noticed_before_anything_is_sent(top: str) -> None:
    ada = actor(top)
    turn = Turn(ada, SLOT, time.monotonic() + 1e9, 1.0)
    turn.take()
    turn.check()
    assert turn.is_mine
    locks.release(ada.store, SLOT, process.owner("bob"), force=True)
    turn.check()
    assert not turn.is_mine
    turn.end()


def test_nothing_is_sent_by_one_whose_turn_ended_while_it_waited(
    top: str, hub: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a long sleep of the machine: the lease has gone to somebody else."""
    monkeypatch.setenv("CCPM_GITHUB_RULES", "spacing=0.5")
    ada, bob = actor(top), process.owner("bob")
    budget.call(ada, "POST", ISSUES, {"title": "first"})

    def sleep(seconds: float) -> None:
        locks.release(ada.store, SLOT, bob, force=True)
        assert not isinstance(locks.try_acquire(ada.store, Request(SLOT, bob)), lock_state.State)
        real_sleep(seconds)

    real_sleep = time.sleep
    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(Busy, match="github-api is held by bob"):
        budget.call(ada, "POST", ISSUES, {"title": "second"}, timeout=1.0)
    assert len(hub.log()) == 1


def test_what_github_refuses_counts_too(top: str, hub: FakeGitHub) -> None:
    with pytest.raises(gh.Refused):
        budget.call(actor(top), "GET", f"{ISSUES}/7")
    assert (record(top)["remaining"], record(top)["reservations"]) == (4999, {})


def test_the_event_log_tells_of_requests_without_what_may_be_private(top: str, hub: FakeGitHub) -> None:
    budget.call(actor(top), "GET", ISSUES, {"labels": "secret"})
    lines = Path(top, ".claude/metrics/events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if "github.request" in line]
    assert len(events) == 1
    wanted = {
        "agent": "ada",
        "method": "GET",
        "path": ISSUES,
        "outcome": ANSWERED,
        "status": 200,
        "remaining": 4999,
    }
    assert wanted.items() <= events[0].items()
    assert "secret" not in "".join(lines)


def test_a_damaged_record_is_kept_and_begun_anew(top: str, hub: FakeGitHub) -> None:
    path = Path(top, ".claude/locks/github-rate-limit.json")
    path.parent.mkdir(parents=True)
    path.write_text('{"remaining": 45')
    heard = Heard()
    assert budget.call(actor(top, heard=heard), "GET", "user").status == 200
    assert record(top)["remaining"] == 4999
    assert path.with_name("github-rate-limit.json.damaged").read_text() == '{"remaining": 45'
    assert len(heard) == 1 and "begun anew" in heard[0]


def test_an_answer_is_not_lost_because_it_cannot_be_noted(
    top: str, hub: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise IOFailure("write …: No space left on device")

    monkeypatch.setattr(decide, "settle", full)
    heard = Heard()
    assert budget.call(actor(top, heard=heard), "POST", ISSUES, {"title": "x"}).json()["number"] == 1
    assert heard == ["the budget could not be brought up to date: write …: No space left on device"]


def test_an_answer_is_not_lost_because_the_turn_cannot_be_given_back(
    top: str, hub: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object) -> None:
        raise Busy("somebody has held a guard for 20 s")

    heard = Heard()
    with monkeypatch.context() as patch:
        patch.setattr(locks, "release", hang)
        assert budget.call(actor(top, heard=heard), "POST", ISSUES, {"title": "x"}).json()["number"] == 1
    assert heard == [
        "the turn to write to GitHub could not be given back: somebody has held a guard for 20 s"
    ]
    assert budget.call(actor(top), "POST", ISSUES, {"title": "y"}, timeout=1.0).json()["number"] == 2


def test_a_limit_that_is_used_up_shows_in_retry_at(top: str, hub: FakeGitHub) -> None:
    hub.ask("POST", "/_fake/pool", {"name": "core", "used": 4999})
    budget.call(actor(top), "GET", "user")
    assert record(top)["retry_at"] == record(top)["reset"]


@pytest.mark.parametrize("hours", [-2, 2])
def test_times_that_are_told_are_those_of_our_clock(top: str, hub: FakeGitHub, hours: int) -> None:
    hub.advance(hours * 3600)
    hub.ask("POST", "/_fake/pool", {"name": "core", "used": 4999})
    heard = Heard()
    budget.call(actor(top, heard=heard), "GET", "user")
    reset = budget.overview(actor(top))["pools"]["core"]["reset"]
    assert 3590 < clock.from_iso(reset) - time.time() < 3610
    assert abs(clock.from_iso(str(record(top)["retry_at"])) - clock.from_iso(reset)) < 2
    told = heard[0].rpartition("until ")[2][:20]
    assert abs(clock.from_iso(told) - clock.from_iso(reset)) < 2


def test_a_server_without_limits_is_only_paced() -> None:
    answer = gh.Answer(200, {"date": "Thu, 26 Nov 2026 17:17:38 GMT"}, b"{}")
    facts = budget.facts_of(answer, ANSWERED)
    assert facts.pool is None and facts.date == 1795713458.0
    assert budget.facts_of(gh.Answer(200, {"date": "yesterday"}, b""), ANSWERED).date == 0.0


def test_other_rules_are_taken_where_they_are_numbers() -> None:
    rules, plain = rules_from("spacing=0.5, per_minute=40,points=x,minute=-1,nonsense=3,,hour"), Rules()
    assert (rules.spacing, rules.per_minute) == (0.5, 40)
    assert (rules.points, rules.minute, rules.hour) == (plain.points, plain.minute, plain.hour)


@pytest.fixture
def strict_gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gh that is refused by the secondary limit the first time, and writes down each call."""
    folder = tmp_path / "bin"
    folder.mkdir()
    calls = folder / "calls"
    (folder / "gh").write_text(
        f'#!/bin/sh\necho "$*" >>{calls}\n[ "$(wc -l <{calls})" -gt 1 ] && echo done && exit 0\n'
        'echo "HTTP 403: You have exceeded a secondary rate limit" >&2\nexit 1\n'
    )
    (folder / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return calls


def test_a_command_that_reads_is_repeated_after_a_refusal(
    top: str, strict_gh: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    assert gh_commands.run(actor(top), ["issue", "list"], 30.0, lambda output: None) == 0
    assert time.monotonic() - started >= 1.0
    assert strict_gh.read_text() == "issue list\nissue list\napi -i -X GET rate_limit\n"
    assert capfd.readouterr().out == "done\n"


def test_a_command_that_changes_something_is_not_repeated_but_stops_everybody(
    top: str, strict_gh: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Busy, match="a rate limit of GitHub stopped gh issue create"):
        gh_commands.run(actor(top), ["issue", "create", "-t", "x"], 30.0, lambda output: None)
    assert "exceeded a secondary rate limit" in capfd.readouterr().err
    with pytest.raises(Busy, match="GitHub asked for a pause"):
        gh_commands.run(actor(top, "bob"), ["issue", "list"], 0.0, lambda output: None)
    assert strict_gh.read_text() == "issue create -t x\n"
