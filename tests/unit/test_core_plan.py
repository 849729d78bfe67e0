"""The rules of a plan: what a status means, which file is a task, what is ready, what is circular, what comes first."""

from __future__ import annotations

import itertools
import random

import pytest

from ccpm.core import plan
from ccpm.core.plan import EpicPlan, Task


def task(key: str, status: str = "open", needs: str = "", hours: float = 0.0) -> Task:
    return Task(
        "epic", key, f".claude/epics/epic/{key}.md", f"task {key}", status, needs.split(), [], hours=hours
    )


@pytest.mark.parametrize(
    "word", ["closed", "completed", "complete", "done", "DONE", "'closed'", '"Completed"', " done\r"]
)
def test_every_word_for_closed_means_closed(word: str) -> None:
    assert plan.status_of(word) == plan.CLOSED


@pytest.mark.parametrize("word", ["in-progress", "in_progress", "In Progress", "active", "started"])
def test_every_word_for_running_means_in_progress(word: str) -> None:
    assert plan.status_of(word) == plan.IN_PROGRESS


@pytest.mark.parametrize(
    "word", ["open", "", "pending", "ready", "backlog", "todo", "not-started", "whatever"]
)
def test_everything_else_is_open(word: str) -> None:
    assert plan.status_of(word) == plan.OPEN


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("001.md", "001"),
        ("12.md", "12"),
        ("007-login-form.md", "007"),
        ("task-12.md", "12"),
        ("issue-003.md", "003"),
        ("000.1.md", "000.1"),
        ("12a-pragmas.md", "12a"),
        ("003-核心架构.md", "003"),
        ("12-analysis.md", ""),
        ("12-plan.md", ""),
        ("8-testing-summary.md", ""),
        ("epic.md", ""),
        ("github-mapping.md", ""),
        ("001.md.bak", ""),
        ("notes-12.md", ""),
    ],
)
def test_a_file_is_a_task_by_its_name(name: str, identifier: str) -> None:
    assert plan.task_id_of(name) == identifier


@pytest.mark.parametrize(
    "written", ["2", "002", "#2", "2.md", "task-002", "Task 2", "'002'", '"2"', "2-login"]
)
def test_every_way_to_write_a_reference_finds_the_task(written: str) -> None:
    found = EpicPlan([task("001"), task("002")]).find(written)
    assert found is not None
    assert found.id == "002"


def test_2_and_002_are_two_tasks_when_both_files_exist() -> None:
    epic = EpicPlan([task("2"), task("002")])
    assert [getattr(epic.find(name), "key", None) for name in ("2", "002")] == ["2", "002"]


def test_a_reference_prefers_the_task_in_the_same_folder() -> None:
    inner = task("tasks/018/002-file", needs="001")
    epic = EpicPlan([task("tasks/001-setup", "closed"), task("tasks/018/001-memory"), inner])
    assert [blocker.task.key for blocker in epic.blockers(inner) if blocker.task] == ["tasks/018/001-memory"]


def test_a_task_whose_dependencies_are_all_closed_is_ready() -> None:
    epic = EpicPlan([task("1", "completed"), task("2", "done"), task("3", needs="1 2")])
    assert [found.id for found in epic.ready()] == ["3"]
    assert epic.blocked() == []


def test_a_task_with_an_open_dependency_is_blocked_by_that_one_alone() -> None:
    epic = EpicPlan([task("1", "closed"), task("2"), task("3", needs="1 2")])
    assert [[b.reference for b in epic.blockers(found)] for found in epic.blocked()] == [["2"]]


def test_a_dependency_that_names_no_task_blocks_and_says_so() -> None:
    epic = EpicPlan([task("41", needs="001")])
    (blocker,) = epic.blockers(epic.tasks[0])
    assert (blocker.reference, blocker.task, epic.is_ready(epic.tasks[0])) == ("001", None, False)


def test_a_task_that_says_blocked_is_blocked_although_nothing_it_depends_on_is_open() -> None:
    epic = EpicPlan([task("1", "blocked")])
    assert (epic.is_ready(epic.tasks[0]), epic.is_blocked(epic.tasks[0])) == (False, True)


def test_progress_is_rounded_down_and_an_epic_without_tasks_has_none() -> None:
    assert EpicPlan([task("1", "closed"), task("2"), task("3")]).progress == 33
    assert EpicPlan([]).progress == 0


def test_the_task_that_holds_up_the_longest_chain_comes_first() -> None:
    epic = EpicPlan([task("1"), task("2"), task("3", needs="2"), task("4", needs="3")])
    assert [found.id for found in epic.ready()] == ["2", "1"]
    heavy = EpicPlan([task("1", hours=10), task("2"), task("3", needs="2")])
    assert [found.id for found in heavy.ready()] == ["1", "2"]


def test_ids_are_ordered_as_numbers() -> None:
    epic = EpicPlan([task(key) for key in ("10", "9", "000.1", "2", "12a", "12")])
    assert [found.id for found in epic.tasks] == ["000.1", "2", "9", "10", "12", "12a"]


def test_circular_and_self_dependencies_are_named() -> None:
    epic = EpicPlan([task("1", needs="2"), task("2", needs="1"), task("3", needs="3"), task("4", needs="1")])
    assert sorted([found.id for found in cycle] for cycle in epic.cycles()) == [["1", "2"], ["3"]]
    assert epic.ready() == []


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("4", 4),
        ("4-6", 5),
        ("4–6 hours", 5),
        ("2d", 16),
        ("M", 8),
        ("XL (30h)", 30),
        ("~3", 3),
        ("", 0),
        ("soon", 0),
    ],
)
def test_effort_is_read_in_hours(text: str, hours: float) -> None:
    assert plan.hours_of(text) == hours


def test_chains_and_cycles_agree_with_brute_force_on_random_plans() -> None:
    chance = random.Random(7)
    for _ in range(300):
        size = chance.randint(1, 6)
        needs = {n: [m for m in range(1, size + 1) if chance.random() < 0.25] for n in range(1, size + 1)}
        epic = EpicPlan([task(str(n), needs=" ".join(map(str, needs[n]))) for n in needs])
        reach = {n: set(needs[n]) for n in needs}
        for middle, start in itertools.product(needs, needs):
            if middle in reach[start]:
                reach[start] |= reach[middle]
        circular = {n for n in needs if n in reach[n]}
        assert {int(found.id) for cycle in epic.cycles() for found in cycle} == circular
        if not circular:
            longest = dict.fromkeys(needs, 0.0)

            def chain(
                n: int, longest: dict[int, float] = longest, needs: dict[int, list[int]] = needs
            ) -> float:
                longest[n] = longest[n] or 1.0 + max((chain(m) for m in needs if n in needs[m]), default=0.0)
                return longest[n]

            assert {n: epic.chain(found) for n in needs if (found := epic.find(str(n)))} == {
                n: chain(n) for n in needs
            }
