"""Distribution of work: one agent a task, no two tasks that conflict, one thief wins, every task done exactly once."""

from __future__ import annotations

from pathlib import Path

from race.tree import Project, play


def test_agents_that_ask_at_once_get_different_tasks_and_never_two_that_conflict(tmp_path: Path) -> None:
    report = play("work.claim_at_once", Project(tmp_path / "p"), rounds=25, agents=6)
    assert len(report["rounds"]) == 25
    for got in report["rounds"]:
        assert len(got) == len(set(got)) == 2
        assert "003" in got


def test_of_two_tasks_that_conflict_only_one_is_given_out(tmp_path: Path) -> None:
    report = play("work.claim_rivals_at_once", Project(tmp_path / "p"), rounds=40)
    assert [len(got) for got in report["rounds"]] == [1] * 40


def test_of_thieves_that_come_at_once_exactly_one_wins_and_the_victim_is_told(tmp_path: Path) -> None:
    report = play("work.steal_at_once", Project(tmp_path / "p"), rounds=25, thieves=6)
    assert [len(winners) for winners in report["winners"]] == [1] * 25
    assert report["victim"] == ["Busy"] * 25


def test_a_task_that_is_begun_and_stolen_at_the_same_moment_ends_in_one_hand(tmp_path: Path) -> None:
    report = play("work.start_or_steal", Project(tmp_path / "p"), rounds=40)
    for begun, stolen in zip(report["begun"], report["stolen"], strict=True):
        assert begun or stolen
        assert begun != stolen


def test_who_is_robbed_while_beginning_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    report = play("work.stolen_while_beginning", Project(tmp_path / "p"))
    assert report == {"fate": "refused", "agent": "thief", "begun": False}


def test_every_task_is_done_exactly_once_though_agents_are_killed_in_the_middle(tmp_path: Path) -> None:
    report = play("work.work_off", Project(tmp_path / "p"), tasks=24, agents=6, kills=2, seed=11)
    assert report["finished"] == report["names"]
    assert report["left_by"] == ["agent-0", "agent-1"], "who went on was told whose work it was"
