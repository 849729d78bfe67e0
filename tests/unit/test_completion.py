"""What git says about a task, and when it says nothing."""

from __future__ import annotations

import pytest

from ccpm.core.completion import HIGH, LOW, MEDIUM, QUIET, Traces, judge
from ccpm.core.plan import CLOSED, IN_PROGRESS, Task
from ccpm.external.history import Branch, of_epic, of_issue

NOW = 1_800_000_000.0
DAY = 86400.0


def task(status: str = "open") -> Task:
    return Task("epic", "007", "007.md", "A task", status, [], [])


def verdict(traces: Traces, status: str = "open") -> tuple[str, str] | None:
    found = judge(task(status), traces, NOW)
    return (found.detected, found.confidence) if found else None


def test_no_commits_are_no_evidence() -> None:
    assert verdict(Traces([])) is None
    assert verdict(Traces([], merged="issue-7")) is None


def test_a_closed_task_stays_closed_whatever_is_committed() -> None:
    assert verdict(Traces([NOW]), "done") is None


def test_a_merged_branch_with_commits_means_closed() -> None:
    assert verdict(Traces([NOW], merged="issue-7")) == (CLOSED, HIGH)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(QUIET, (CLOSED, MEDIUM)), (QUIET - 1, (IN_PROGRESS, HIGH)), (0, (IN_PROGRESS, HIGH))],
)
def test_the_age_of_the_last_commit_decides(age: float, expected: tuple[str, str]) -> None:
    assert verdict(Traces([NOW - age, NOW - 99 * DAY])) == expected


def test_what_the_file_says_already_is_no_finding() -> None:
    assert verdict(Traces([NOW]), "in-progress") is None
    assert verdict(Traces([NOW - 8 * DAY]), "in-progress") == (CLOSED, MEDIUM)


def test_a_number_that_several_epics_use_proves_little() -> None:
    assert verdict(Traces([NOW], merged="issue-7", is_shared=True)) == (CLOSED, LOW)


@pytest.mark.parametrize(
    ("name", "is_its"),
    [
        ("issue-7", True),
        ("task-007", True),
        ("fix/issue-7-login", True),
        ("7-login", True),
        ("me/7-login", True),
        ("issue-71", False),
        ("issue-17", False),
        ("17-login", False),
        ("epic/auth", False),
        ("v7-login", False),
    ],
)
def test_a_branch_belongs_to_a_task_by_its_name(name: str, is_its: bool) -> None:
    assert bool(of_issue([Branch(name, False)], "7")) == is_its


def test_branches_of_an_epic_are_its_own_and_those_of_its_agents() -> None:
    names = ["epic/auth", "epic/auth--agent-1", "epic/authors", "epic/auth-2", "main"]
    assert [b.name for b in of_epic([Branch(name, False) for name in names], "auth")] == names[:2]
