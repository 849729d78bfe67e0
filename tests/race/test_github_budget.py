"""One budget for all agents: the log of the fake GitHub is the witness."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from fakes.running import FakeGitHub
from race.tree import Project, play

WRITES = int(os.environ.get("CCPM_GITHUB_WRITES") or 4)
"""Of each of 8 agents; 40 for the whole exercise."""

MINUTE, PER_MINUTE = 2.5, 8
"""The minute of a strict GitHub, and what it allows in one: so much less than what gh can send that the rule counts."""

HUB = "retry_after=2,core=100000"
AGENTS = "spacing=0.01,backoff=2"
STRICT = f",minute={MINUTE},per_minute={PER_MINUTE}"

IN_FLIGHT = 1.0
"""Seconds within which a request arrives that was under way when another one was refused."""

pytestmark = [pytest.mark.needs("gh"), pytest.mark.timeout(200)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "p")


@pytest.fixture
def hub(tmp_path: Path) -> Generator[FakeGitHub, None, None]:
    with FakeGitHub(tmp_path / "hub", rules=HUB) as found:
        yield found


@pytest.fixture
def strict_hub(tmp_path: Path) -> Generator[FakeGitHub, None, None]:
    with FakeGitHub(tmp_path / "hub", rules=HUB + STRICT) as found:
        yield found


def variables(hub: FakeGitHub, rules: str = AGENTS) -> dict[str, str]:
    return {**hub.env, "CCPM_GITHUB_RULES": rules}


class Reader(threading.Thread):
    """Reads the shared file all the time, and keeps what is no whole record, or, once GitHub has told of its limit, not
    one of the specification's form."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.seen = 0
        self.told = False
        self.torn: list[str] = []
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.005):
            if not self.path.exists():
                continue
            text = self.path.read_text()
            self.seen += 1
            try:
                record = json.loads(text)
                whole = {"remaining", "limit", "reset", "last_updated"} <= set(record)
                if self.told and not whole:
                    self.torn.append(text)
                self.told = self.told or whole
            except ValueError:
                self.torn.append(text)

    def stop(self) -> None:
        self._done.set()
        self.join()


def record_of(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.locks / "github-rate-limit.json").read_text())
    return found


def most_in_a_window(times: list[float], length: float) -> int:
    return max(sum(start <= at < start + length for at in times) for start in times)


def most_in_flight(lines: list[dict[str, Any]]) -> int:
    changes = sorted([(line["at"], 1) for line in lines] + [(line["until"], -1) for line in lines])
    most = current = 0
    for _, step in changes:
        current += step
        most = max(most, current)
    return most


def test_eight_agents_that_write_as_fast_as_they_can_keep_every_rule(
    project: Project, strict_hub: FakeGitHub
) -> None:
    reader = Reader(project.locks / "github-rate-limit.json")
    reader.start()
    try:
        report = play(
            "github.busy_agents",
            project,
            180,
            variables=variables(strict_hub, AGENTS + STRICT),
            workers=8,
            writes=WRITES,
        )
    finally:
        reader.stop()
    assert report["errors"] == []
    assert sorted(report["numbers"]) == list(range(1, 8 * WRITES + 1))
    log = strict_hub.log()
    writes = [line for line in log if line["kind"] != "read"]
    assert [line for line in log if "refused" in line] == []
    assert len(writes) == 8 * WRITES
    assert most_in_flight(writes) == 1
    assert most_in_a_window([line["at"] for line in writes], MINUTE) <= PER_MINUTE
    assert reader.told and reader.torn == []
    truth = strict_hub.ask("GET", "/rate_limit")["rate"]
    record = record_of(project)
    assert (record["remaining"], record["limit"]) == (truth["remaining"], truth["limit"])
    assert record["reservations"] == {}
    assert {name: (one["creations"], one["reads"]) for name, one in record["agents"].items()} == {
        f"agent-{n}": (WRITES, WRITES // 4) for n in range(8)
    }


def test_a_write_that_takes_long_keeps_others_from_writing(project: Project, hub: FakeGitHub) -> None:
    hub.fault(do="delay", when="after", seconds=0.15, method="POST", times=0)
    report = play("github.busy_agents", project, 60, variables=variables(hub), workers=4, writes=2)
    assert report["errors"] == []
    assert most_in_flight([line for line in hub.log() if line["kind"] != "read"]) == 1


def test_agents_write_in_turn(project: Project, hub: FakeGitHub) -> None:
    play("github.busy_agents", project, 60, variables=variables(hub), workers=4, writes=4)
    order = [line["title"].split()[0] for line in hub.log() if line["kind"] == "create"]
    for place in range(4, len(order) - 8):
        assert len(set(order[place : place + 5])) >= 3, order


@pytest.mark.parametrize("told", [2, None], ids=["retry-after is given", "no time is given"])
def test_after_a_refusal_nobody_asks_before_the_time(
    project: Project, hub: FakeGitHub, told: int | None
) -> None:
    hub.fault(do="secondary", retry_after=told, method="POST", skip=3)
    report = play(
        "github.busy_agents", project, 60, variables=variables(hub), workers=5, writes=2, reads_each=1
    )
    assert report["errors"] == []
    assert len(report["numbers"]) == 10
    log = hub.log()
    refused = next(line for line in log if "refused" in line)
    later = [line for line in log if line["at"] > refused["until"] + IN_FLIGHT]
    assert [line for line in later if "refused" in line] == [], "a request was sent during the pause"
    assert later[0]["at"] >= refused["at"] + 2.0
    assert report["lines"] == [], "2 s are not worth a word"


def test_readers_that_are_refused_stop_together_and_go_on_behind_one_that_tries(
    project: Project, hub: FakeGitHub
) -> None:
    hub.fault(do="too-many", retry_after=2, method="GET", skip=5)
    hub.fault(do="delay", when="after", seconds=0.3, times=0)
    report = play("github.deaf_agents", project, 60, variables=variables(hub), workers=4)
    assert report["statuses"] == [200] * 16
    log = hub.log()
    refused = [line for line in log if "refused" in line]
    assert len(refused) <= 4, "only what was in flight"
    first, *others = (line for line in log if line["at"] > refused[0]["at"] + 2.0)
    assert [line for line in others if line["at"] < first["until"]] == [], "not one alone"
    assert most_in_flight(others) > 1, "the rest go beside each other"


def test_agents_that_are_killed_at_any_moment_leave_nothing_in_the_way(
    project: Project, hub: FakeGitHub
) -> None:
    report = play("github.mortal_agents", project, 60, variables=variables(hub), workers=6, writes=4, seed=1)
    assert report["errors"] == []
    assert len(set(report["numbers"])) == 12
    log = hub.log()
    assert [line for line in log if "refused" in line] == []
    assert most_in_flight([line for line in log if line["kind"] != "read"]) == 1
    record = record_of(project)
    assert record["remaining"] == hub.ask("GET", "/rate_limit")["rate"]["remaining"]
    assert not project.record("github-api").exists()
    assert [path.name for path in project.locks.iterdir() if path.name.endswith("tmp")] == []


SILENT = """\
#!/bin/sh
case "$* $(cat)" in
  *victim*) echo $$ >"$READY"; exec sleep 30 ;;
esac
echo 'HTTP/1.1 201 Created'; printf 'Date: x\\r\\n\\r\\n{}'
"""
"""A gh that never answers the victim and answers everybody else at once."""


def test_a_writer_that_is_killed_is_replaced_within_a_second_and_its_gh_ends(project: Project) -> None:
    fake = project.path / "fake"
    fake.mkdir()
    (fake / "gh").write_text(SILENT)
    (fake / "gh").chmod(0o755)
    ready = project.path / "ready"
    setting = {"PATH": f"{fake}:{os.defpath}", "READY": str(ready), "CCPM_GITHUB_RULES": "spacing=0.01"}
    report = play("github.killed_writer", project, variables=setting, ready=str(ready))
    assert report["status"] == 201
    assert report["seconds"] < 1.0
    assert report["gh runs on"] is False
    assert record_of(project)["reservations"] == {}
    assert len(record_of(project)["creations"]) == 2, "what the killed one sent may have been carried out"
