"""Promise P1 where it is hardest: many processes meet a lock whose owner is gone, and one at a time gets it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from race.tree import Project, finish, play

WORKERS = 8


@pytest.mark.timeout(300)
def test_of_eight_that_meet_a_dead_owner_one_at_a_time_gets_the_lock(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rounds = 200
    storm = {"workers": WORKERS, "rounds": rounds, "fate": "killed"}
    report = play("takeover.storm", Project(tmp_path / "p"), limit=240, **storm)
    record_property("overlaps", report["overlaps"])
    assert report["overlaps"] == 0
    # each round: the victim takes a token, then each worker one; none is given out twice or out of order
    expected = [round * (WORKERS + 1) + n for round in range(rounds) for n in range(2, WORKERS + 2)]
    assert report["tokens"] == expected


@pytest.mark.parametrize("fate", ["expired", "pid reused", "rebooted", "unreadable", "old directory"])
def test_so_it_is_when_the_owner_is_gone_in_another_way(fate: str, tmp_path: Path) -> None:
    report = play("takeover.storm", Project(tmp_path / "p"), workers=WORKERS, rounds=15, fate=fate)
    assert report["overlaps"] == 0
    assert len(report["tokens"]) == WORKERS * 15
    assert report["tokens"] == sorted(set(report["tokens"]))
    assert report["longest"] < 10


def test_so_it_is_with_the_real_executable(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    enter = "mkdir inside || { echo overlap; exit 3; }; echo $CCPM_FENCE >> order; rmdir inside"
    for _ in range(4):
        victim = project.start("lock", "run", "epic-auth", "--", "sh", "-c", "echo in; exec sleep 60")
        assert victim.stdout
        assert victim.stdout.readline() == "in\n"
        victim.send_signal(signal.SIGKILL)
        crew = [project.start("lock", "run", "epic-auth", "--", "sh", "-c", enter) for _ in range(WORKERS)]
        for worker in crew:
            done = finish(worker)
            assert done.status == 0, done
        assert finish(victim).status == -signal.SIGKILL
    order = [int(line.partition(":")[2]) for line in (project.path / "order").read_text().split()]
    assert order == sorted(set(order))
    assert len(order) == 4 * WORKERS
    assert len(project.events("lock.takeover")) == 4
    assert os.listdir(project.locks) == [".state"], "a lock is left"
