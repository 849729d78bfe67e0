"""Waiting: first come, first served; the dead, the stopped and the hasty are in nobody's way."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from race.crew import until
from race.tree import Project, finish, play


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "p")


def test_who_comes_first_is_served_first(project: Project) -> None:
    report = play("queue.in_order", project, modes="x" * 10)
    assert report["line"] == [f"agent-{n}" for n in range(10)]
    assert report["order"] == list(range(10))
    assert report["left"] == []


def test_who_comes_when_it_is_free_but_awaited_does_not_push_in(project: Project) -> None:
    report = play("queue.free_but_awaited", project)
    assert report == {"hasty": "is free, but it is not your turn", "first": 2}


def test_a_shared_request_does_not_overtake_an_exclusive_one(project: Project) -> None:
    report = play("queue.in_order", project, modes="xsxsx")
    assert report["order"] == [0, 1, 2, 3, 4]


def test_shared_requests_that_wait_side_by_side_may_enter_in_any_order_before_the_next_exclusive_one(
    project: Project,
) -> None:
    report = play("queue.in_order", project, modes="xsssx")
    assert report["order"][0] == 0
    assert sorted(report["order"][1:4]) == [1, 2, 3]
    assert report["order"][4] == 4


def test_a_waiter_that_was_killed_holds_nobody_up(project: Project) -> None:
    report = play("queue.dead_in_line", project)
    assert report["seconds"] < 1.5  # it is passed over at once: no need to wait for any sign of life
    assert report["left"] == []


def test_a_waiter_that_is_stopped_loses_its_turn_and_nothing_else(project: Project) -> None:
    report = play("queue.stopped_in_line", project)
    assert report["seconds"] < 10
    assert report["more"] < 10  # it delayed one hand-over; those after it pass it by, and ring the next
    assert report["token"] == 7
    assert report["left"] == []


def test_a_stopped_waiter_holds_nobody_up_although_the_clock_was_set_back(project: Project) -> None:
    assert play("queue.clock_set_back", project) == {"may take": True}


def test_the_lock_is_handed_over_by_ringing_and_not_found_by_polling(project: Project) -> None:
    report = play("queue.hand_over", project, waiters=6)
    assert report["order"] == list(range(6))
    assert report["seconds"] < 10


def test_a_request_that_must_not_wait_takes_no_ticket_and_does_not_sleep(project: Project) -> None:
    report = play("queue.try_only", project)
    assert "is held by holder" in report["said"]
    assert report["left"] == []


def test_a_wait_that_times_out_leaves_no_ticket(project: Project) -> None:
    report = play("queue.time_out", project)
    assert "is held by holder" in report["said"]
    assert report["left"] == []


def test_the_executable_says_75_at_once_when_it_may_not_wait(project: Project) -> None:
    project.ok("lock", "acquire", "task-7", "--agent", "a")
    done = project.run("lock", "acquire", "task-7", "--agent", "b", "--timeout", "0")
    assert done.status == 75
    assert "is held by a" in done.err
    assert "hint:" in done.err
    assert done.out == ""
    assert sorted(os.listdir(project.locks / ".state")) == ["task-7.guard"]


def test_executables_that_wait_are_served_in_order_past_a_killed_and_a_terminated_one(
    project: Project,
) -> None:
    token = project.ok("lock", "acquire", "task-7", "--agent", "holder")
    crew = []
    for number in range(5):
        crew.append(project.start("lock", "run", "task-7", "--agent", f"agent-{number}", "--", "true"))
        wanted = [f"agent-{n}" for n in range(number + 1)]
        until(lambda wanted=wanted: waiting_for(project) == wanted)  # type: ignore[misc]
    crew[0].send_signal(signal.SIGKILL)
    crew[2].send_signal(signal.SIGTERM)
    assert finish(crew[0]).status == -signal.SIGKILL
    assert finish(crew[2]).status == 128 + signal.SIGTERM
    project.ok("lock", "release", "task-7", "--agent", "holder", "--token", token)
    assert [finish(crew[n]).status for n in (1, 3, 4)] == [0, 0, 0]
    served = [event["agent"] for event in project.events("lock.acquired")]
    assert served == ["holder", "agent-1", "agent-3", "agent-4"]
    assert sorted(os.listdir(project.locks / ".state")) == [".waits.guard", "task-7.guard"]


def waiting_for(project: Project) -> list[str]:
    queue = project.locks / ".state" / "task-7.queue"
    return list(project.check("task-7")["waiting"]) if queue.exists() else []
