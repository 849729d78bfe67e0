"""Registries with many writers of which some are killed; claims that overlap; agents that are dead, stopped, or
slow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from race.crew import until
from race.tree import Project, finish, play

RACES = int(os.environ.get("CCPM_CLAIM_RACES", "100"))


@pytest.mark.timeout(180)
def test_thirty_two_agents_at_once_and_some_killed_leave_whole_registries_and_nobody_behind(
    tmp_path: Path,
) -> None:
    report = play("agents.crowd", Project(tmp_path / "p"), limit=150, workers=32, rounds=2, killed=8)
    assert report["broken"] == []
    assert report["looks"] > 50
    assert report["lost"] == [], "an agent, or its claim, was not there after it had been written"
    assert report["claims"] == 24 * 2
    killed = {f"agent-{n}" for n in range(24, 32)}
    assert set(report["gone"]) | set().union(*report["before"].values()) <= killed, "a survivor had left"
    assert report["left"] == {"auth": [], "pay": []}
    assert report["streams"] == {"auth": [], "pay": []}
    assert report["locks"] == [], "a dead agent kept a lock"


@pytest.mark.timeout(300)
def test_of_claims_that_overlap_exactly_one_wins_in_each_race(tmp_path: Path) -> None:
    """CCPM_CLAIM_RACES=1000 for the long run."""
    report = play("agents.claims", Project(tmp_path / "p"), limit=280, workers=4, rounds=RACES)
    assert report["odd"] == []
    assert report["winners"] == [1] * RACES
    assert all(report["each"]), f"one agent never wins: {report['each']}"


def agent(project: Project, name: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    started = project.start("agent", *words, CCPM_AGENT_ID=name, **variables)
    done = finish(started)
    return subprocess.CompletedProcess(words, done.status, done.out, done.err)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "p")
    for epic in ("auth", "pay"):
        (made.path / ".claude" / "epics" / epic).mkdir(parents=True)
    return made


def row(project: Project, name: str) -> dict[str, object]:
    found = json.loads(agent(project, "reader", "list", "--json").stdout)
    return next(one for one in found if one["agent_id"] == name)


def test_an_agent_whose_process_is_killed_loses_streams_leases_and_claims_in_one_step(
    project: Project,
) -> None:
    victim = project.spawn(["sleep", "60"])
    agent(project, "a", "claim", "auth", "db", "src/db/**", "--pid", str(victim.pid))
    assert finish(project.start("lock", "acquire", "task-1", "--agent", "a")).status == 0
    assert agent(project, "b", "claim", "pay", "x", "src/db/user.ts").returncode == 75
    victim.send_signal(signal.SIGKILL)
    assert finish(victim).status == -signal.SIGKILL
    assert row(project, "a")["status"] == "dead"
    assert agent(project, "b", "check", "src/db/user.ts").returncode == 0
    assert agent(project, "b", "claim", "pay", "x", "src/db/user.ts").returncode == 0
    assert not project.record("task-1").exists()
    (event,) = project.events("agent.dead")
    assert (event["agent"], event["why"]) == ("a", "its process is gone")
    assert (event["streams"], event["leases"]) == (["db"], ["task-1"])
    late = agent(project, "a", "heartbeat")
    assert late.returncode == 11
    assert "register again (ccpm-agent register auth)" in late.stderr
    assert agent(project, "a", "register", "auth").returncode == 0
    assert agent(project, "a", "heartbeat").returncode == 0


def test_a_lock_that_a_dead_agent_held_is_to_be_had_at_once(project: Project) -> None:
    victim = project.spawn(["sleep", "60"])
    agent(project, "a", "register", "auth", "--pid", str(victim.pid))
    for resource in ("task-1", "task-2"):
        assert finish(project.start("lock", "acquire", resource, "--agent", "a")).status == 0
    busy = finish(project.start("lock", "acquire", "task-1", "--agent", "b", "--timeout", "0"))
    assert busy.status == 75
    waiter = project.start("lock", "acquire", "task-2", "--agent", "b", "--timeout", "30")
    until((project.locks / ".state" / "task-2.queue").exists)
    victim.kill()
    finish(victim)
    began = time.monotonic()
    assert finish(project.start("lock", "acquire", "task-1", "--agent", "b", "--timeout", "0")).status == 0
    assert finish(waiter).status == 0
    assert time.monotonic() - began < 10, "the waiter waited for the lease to expire"


def test_an_agent_that_is_stopped_keeps_what_it_has_until_it_counts_as_dead(project: Project) -> None:
    sleeper = project.spawn(["sleep", "60"])
    agent(project, "a", "claim", "auth", "db", "src/db/**", "--pid", str(sleeper.pid))
    sleeper.send_signal(signal.SIGSTOP)
    for silent, status in ((10, "active"), (310, "stale"), (890, "stale")):
        rewind(project, "auth", "a", silent)
        assert row(project, "a")["status"] == status
        assert agent(project, "b", "claim", "pay", "x", "src/db/user.ts").returncode == 75
    sleeper.send_signal(signal.SIGCONT)
    assert agent(project, "a", "heartbeat").returncode == 0
    assert row(project, "a")["status"] == "active"
    rewind(project, "auth", "a", 901)
    assert row(project, "a")["status"] == "dead"
    assert agent(project, "b", "claim", "pay", "x", "src/db/user.ts").returncode == 0
    assert agent(project, "a", "heartbeat").returncode == 11, "death is final"
    sleeper.kill()
    finish(sleeper)


def test_an_agent_that_renews_a_lease_gives_a_sign_of_life(project: Project) -> None:
    agent(project, "a", "claim", "auth", "db", "src/db/**")
    assert finish(project.start("lock", "acquire", "task-1", "--agent", "a", "--ttl", "3000")).status == 0
    lock = project.record("task-1")
    old = next(line for line in lock.read_text().splitlines() if line.startswith("expires_boot"))
    lock.write_text(lock.read_text().replace(old, f"expires_boot: {float(old.split()[1]) - 2000:.6f}"))
    rewind(project, "auth", "a", 2000)
    assert row(project, "a")["status"] == "dead", "neither has been heard of for long"
    assert finish(project.start("lock", "renew", "task-1", "--agent", "a")).status == 0
    assert row(project, "a")["status"] == "active"
    assert agent(project, "b", "check", "src/db/x").returncode == 1


@pytest.mark.needs("faketime")
@pytest.mark.parametrize("step", ["-400d", "+400d"])
def test_a_step_of_the_wall_clock_kills_no_agent_and_saves_none(project: Project, step: str) -> None:
    agent(project, "a", "claim", "auth", "db", "src/db/**")
    wrapped = ["faketime", "-f", step, str(project_bin("ccpm-agent"))]
    env = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "CCPM_AGENT_ID": "b"}
    assert finish(project.spawn([*wrapped, "claim", "pay", "x", "src/db/user.ts"], **env)).status == 75
    found = json.loads(finish(project.spawn([*wrapped, "list", "--json"], **env)).out)
    assert [one["status"] for one in found if one["agent_id"] == "a"] == ["active"]
    rewind(project, "auth", "a", 901)
    assert finish(project.spawn([*wrapped, "claim", "pay", "x", "src/db/user.ts"], **env)).status == 0


def project_bin(name: str) -> Path:
    from race.tree import BIN

    return BIN / name


def rewind(project: Project, epic: str, name: str, seconds: float) -> None:
    """As if the agent had been silent for `seconds`, on both clocks."""
    from ccpm.files import clock

    path = project.path / ".claude" / "epics" / epic / "agents.json"
    data = json.loads(path.read_text())
    now = clock.now()
    data["agents"][name] |= {
        "heartbeat_boot": now.boot - seconds,
        "last_heartbeat": clock.to_iso(now.wall - seconds),
    }
    path.write_text(json.dumps(data))
