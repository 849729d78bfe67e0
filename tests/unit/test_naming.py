"""What a reference names, among epics with and without issues."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccpm.errors import NotFound, UsageError
from ccpm.ops.plan import naming


@pytest.fixture
def top(tmp_path: Path) -> str:
    files = {
        "auth": {"epic": "", "001": "", "002": "", "2b-login": "", "tasks/007": ""},
        "billing": {"epic": "1", "2": "2", "3": "3"},
        "pay": {"epic": "", "001": "", "004": "12"},
        ".archived/old": {"epic": "", "050": ""},
    }
    for epic, tasks in files.items():
        for name, issue in tasks.items():
            path = tmp_path / ".claude" / "epics" / epic / f"{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            link = f"github: https://github.com/o/r/issues/{issue}\n" if issue else ""
            path.write_text(f"---\nname: {name}\nstatus: open\n{link}---\n")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("002", "auth/002"),
        ("#002", "auth/002"),
        ("2", "billing/2"),
        ("#2", "billing/2"),
        ("003", "billing/3"),
        ("auth/2", "auth/002"),
        ("auth/#2", "auth/002"),
        ("billing/002", "billing/2"),
        ("12", "pay/004"),
        ("4", "pay/004"),
        ("pay/12", "pay/004"),
        ("1", "billing"),
        ("7", "auth/tasks/007"),
        ("auth/tasks/007", "auth/tasks/007"),
        ("2b-login", "auth/2b-login"),
        ("issue-3", "billing/3"),
        ("old/50", "old/050"),
    ],
)
def test_a_reference_names_one_thing(top: str, reference: str, expected: str) -> None:
    assert str(naming.find(top, reference)) == expected


def test_what_several_are_called_is_refused_with_all_of_them(top: str) -> None:
    with pytest.raises(UsageError) as refused:
        naming.find(top, "001")
    assert refused.value.details["candidates"] == ["auth/001", "pay/001"]


@pytest.mark.parametrize("reference", ["", "#", "0", "x", "auth", "."])
def test_what_can_be_no_name_is_a_mistake_of_usage(top: str, reference: str) -> None:
    with pytest.raises(UsageError, match="names no task"):
        naming.find(top, reference)


@pytest.mark.parametrize("reference", ["99", "50", "auth/99", "nowhere/1", "auth/", "auth/x"])
def test_what_there_is_not_is_not_found(top: str, reference: str) -> None:
    with pytest.raises(NotFound):
        naming.find(top, reference)


def test_an_epic_is_no_task(top: str) -> None:
    with pytest.raises(UsageError, match="is the epic 'billing' itself"):
        naming.task(top, "1")


def test_the_numbers_of_issues_are_those_of_the_tracker_in_use(top: str) -> None:
    with pytest.raises(NotFound):
        naming.find(top, "12", lambda link: "")
    assert naming.of_issue(top, 12, lambda link: "") is None


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("#12", 12), ("012", 0), ("0", 0), ("a/12", 0), ("x", 0), ("²", 0)]
)
def test_only_a_bare_number_may_be_an_issue_outside_the_plan(text: str, number: int) -> None:
    assert naming.issue_number(text) == number
