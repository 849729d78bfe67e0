"""Who lives and who is dead, and what stands in the way of a claim; decided without a clock or a file."""

from __future__ import annotations

import pytest

from ccpm.core import registry as rules
from ccpm.core.leases import SKEW, Now, Owner
from ccpm.core.registry import ACTIVE, CLAIMED, COMPLETED, GONE, STALE_, Agent, Registry, Stream

HOST, BOOT = "here", "boot-1"
START = Now(1_000_000.0, 500.0, BOOT)


def agent(name: str = "agent-a", pid: int = 0, host: str = HOST, boot: str = BOOT) -> Agent:
    return rules.new_agent(Owner(name, pid, "7", boot, "space", host), START)


def later(seconds: float, wall: float | None = None, boot_id: str = BOOT) -> Now:
    """`seconds` on the boot clock after START; the wall clock went with it, or by `wall` seconds."""
    return Now(
        START.wall + (seconds if wall is None else wall),
        START.boot + seconds if boot_id == BOOT else seconds,
        boot_id,
    )


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, ACTIVE), (299, ACTIVE), (300, STALE_), (899, STALE_), (900, GONE)]
)
def test_silence_makes_stale_and_then_dead(seconds: float, status: str) -> None:
    assert rules.judge(agent(), later(seconds), None, HOST)[0] == status


@pytest.mark.parametrize("step", [-1e9, -3600, 3600, 1e9])
def test_a_step_of_the_wall_clock_kills_and_saves_nobody(step: float) -> None:
    assert rules.judge(agent(), later(10, wall=10 + step), None, HOST)[0] == ACTIVE
    assert rules.judge(agent(), later(901, wall=901 + step), None, HOST)[0] == GONE


def test_an_agent_whose_process_is_gone_is_dead_at_once_and_says_why() -> None:
    assert rules.judge(agent(pid=4711), later(0), False, HOST) == (GONE, "its process is gone")


def test_an_agent_that_is_only_stopped_stays_until_its_time_is_up() -> None:
    assert rules.judge(agent(pid=4711), later(600), True, HOST)[0] == STALE_
    assert rules.judge(agent(pid=4711), later(900), True, HOST)[0] == GONE


def test_a_reboot_ends_those_who_named_a_process_on_this_host() -> None:
    after = later(5, wall=60, boot_id="boot-2")
    assert rules.judge(agent(pid=4711), after, None, HOST)[0] == GONE
    assert rules.judge(agent(pid=4711, host="elsewhere", boot="x"), after, None, HOST)[0] == ACTIVE
    assert rules.judge(agent(), after, None, HOST)[0] == ACTIVE


def test_who_cannot_tell_its_boot_calls_nobody_dead_for_that() -> None:
    assert rules.judge(agent(pid=4711), later(5, boot_id=""), None, HOST)[0] == ACTIVE


def test_on_another_host_silence_is_measured_by_the_wall_clock_with_an_allowance() -> None:
    other = agent(host="elsewhere", boot="boot-9")
    assert rules.judge(other, later(0, wall=900 + SKEW - 1), None, HOST)[0] == STALE_
    assert rules.judge(other, later(0, wall=900 + SKEW), None, HOST)[0] == GONE


def test_a_lease_that_was_taken_lately_is_a_sign_of_life() -> None:
    assert rules.judge(agent(), later(1000), None, HOST, seen_boot=START.boot + 990)[0] == ACTIVE


def test_death_is_final() -> None:
    registry = filled()
    dead = registry.agents["agent-a"]
    lost = rules.bury(registry, dead, "its process is gone", later(5))
    assert [stream.name for stream in lost] == ["db"]
    assert "db" not in registry.streams
    rules.beat(dead, dead.owner, later(6))
    assert rules.judge(dead, later(6), True, HOST) == (GONE, "its process is gone")


def filled() -> Registry:
    registry = Registry("auth")
    registry.agents["agent-a"] = agent("agent-a")
    registry.streams["db"] = Stream("db", "agent-a", CLAIMED, ["src/db/*"], "12", START.wall)
    return registry


def test_what_is_completed_stays_when_its_agent_goes() -> None:
    registry = filled()
    registry.streams["db"].status = COMPLETED
    assert rules.give_up(registry, "agent-a") == []
    assert "db" in registry.streams


def obstacle_to(name: str, files: list[str], agent_id: str = "agent-b", epic: str = "auth") -> str | None:
    registry, others = filled(), []
    if epic != "auth":
        registry, others = Registry(epic), [registry]
    found = rules.find_obstacle(registry, others, agent_id, name, files)
    return None if found is None else found.path


@pytest.mark.parametrize("epic", ["auth", "pay"])
def test_claims_that_overlap_are_refused_in_every_epic(epic: str) -> None:
    assert obstacle_to("users", ["src/**/user.ts"], epic=epic) == "src/db/user.ts"
    assert obstacle_to("api", ["src/api/*"], epic=epic) is None
    assert obstacle_to("users", ["src/**/user.ts"], "agent-a", epic) is None


def test_a_stream_of_another_agent_is_refused_by_its_name_alone() -> None:
    assert obstacle_to("db", []) == ""
    assert obstacle_to("db", [], "agent-a") is None
    assert obstacle_to("db", [], epic="pay") is None


def test_a_completed_stream_claims_nothing() -> None:
    registry = filled()
    registry.streams["db"].status = COMPLETED
    assert rules.find_obstacle(registry, [], "agent-b", "db", ["src/db/*"]) is None


def test_case_counts_only_where_the_file_system_tells_it_apart() -> None:
    assert rules.find_obstacle(filled(), [], "agent-b", "x", ["SRC/DB/a"]) is None
    assert rules.find_obstacle(filled(), [], "agent-b", "x", ["SRC/DB/a"], fold=True)
