"""Judgements on the plan of an epic: references that name nothing, circles, numbers twice, progress that is wrong."""

from __future__ import annotations

import pytest

from ccpm.core import plan_findings
from ccpm.core.findings import KINDS, Finding, in_order
from ccpm.core.plan import EpicPlan, Task


def plan(*tasks: tuple[str, list[str]], conflicts: list[str] | None = None) -> EpicPlan:
    return EpicPlan(
        [
            Task("auth", key, f".claude/epics/auth/{key}.md", key, "open", depends_on, conflicts or [])
            for key, depends_on in tasks
        ]
    )


def judged(found: EpicPlan) -> list[tuple[str, str]]:
    return [(one.kind, one.file.rpartition("/")[2]) for one in plan_findings.judge(found, "'a folder'")]


def test_a_reference_that_names_no_task_dangles_or_is_an_old_number() -> None:
    assert judged(plan(("001", ["002"]), ("002", ["2", "#1", "task-001"]))) == [
        ("self-dependency", "002.md"),
        ("circular", "001.md"),
    ]
    assert judged(plan(("001", ["007", "T1"]))) == [("dangling", "001.md")] * 2
    assert judged(plan(("46", ["001", "99"]))) == [("renamed", "46.md"), ("dangling", "46.md")]
    assert judged(plan(("46", ["0"]))) == [("renamed", "46.md")]
    found = plan_findings.judge(plan(("46", []), conflicts=["012"]), "'a folder'")
    assert [(one.kind, one.key) for one in found] == [("renamed", "conflicts_with")]
    assert "git log --diff-filter=R --name-status -- 'a folder'" in found[0].hint


def test_a_circle_is_reported_once_with_its_members() -> None:
    found = plan_findings.judge(plan(("1", ["3"]), ("2", ["1"]), ("3", ["2"]), ("4", ["3"])), "x")
    assert [(one.kind, one.what) for one in found] == [
        ("circular", "Tasks depend on each other in a circle: 1, 2, 3")
    ]


def test_numbers_collide_within_a_folder_only() -> None:
    assert judged(plan(("2", []), ("002", []), ("002-again", []))) == [
        ("id-collision", "002-again.md"),
        ("id-collision", "2.md"),
    ]
    assert judged(plan(("2", []), ("tasks/002", []), ("2.1", []), ("2a", []))) == []


@pytest.mark.parametrize(
    ("stated", "closed", "is_wrong"),
    [
        ("0%", 0, False), ("33%", 1, False), ("34%", 1, False), ("33.3%", 1, False), ("35%", 1, True),
        ("32%", 1, True), ("66", 2, False), ("67 %", 2, False), ("100%", 2, True), ("'100%'", 3, False),
        ("", 1, False), ("about half", 1, False), ("33% done", 2, False),
    ],
)  # fmt: skip
def test_progress_is_wrong_when_no_rounding_explains_it(stated: str, closed: int, is_wrong: bool) -> None:
    tasks = [
        Task("auth", str(n), f"{n}.md", "x", "closed" if n < closed else "open", [], []) for n in range(3)
    ]
    assert plan_findings.is_progress_wrong(stated, EpicPlan(tasks)) is is_wrong
    assert plan_findings.is_progress_wrong(stated, EpicPlan([])) is False


HERE = ".claude/epics/auth"


@pytest.mark.parametrize(
    ("renames", "new"),
    [
        ([(f"{HERE}/001.md", f"{HERE}/46.md")], "46"),
        ([(f"{HERE}/001-login.md", f"{HERE}/46.md")], "46"),
        ([(f"{HERE}/46-x.md", f"{HERE}/46.md"), (f"{HERE}/001.md", f"{HERE}/46-x.md")], "46"),
        ([(f"{HERE}/tasks/001.md", f"{HERE}/tasks/46.md")], "46"),
        ([(f"{HERE}/001.md", f"{HERE}/46.md"), (f"{HERE}/001.md", f"{HERE}/47.md")], ""),
        ([(f"{HERE}/001.md", f"{HERE}/48.md")], ""),
        ([(f"{HERE}/001.md", f"{HERE}/notes.md")], ""),
        ([(f"{HERE}/001.md", ".claude/epics/other/46.md")], ""),
        ([(".claude/epics/other/001.md", ".claude/epics/other/46.md")], ""),
        ([(f"{HERE}/001.md", f"{HERE}/002.md"), (f"{HERE}/002.md", f"{HERE}/001.md")], ""),
        ([], ""),
    ],
)
def test_an_old_number_has_a_new_one_only_if_all_renames_lead_to_one_task(
    renames: list[tuple[str, str]], new: str
) -> None:
    found = plan(("46", []), ("47", ["001"]))
    assert plan_findings.new_reference(found, "auth", "001", renames) == new
    assert plan_findings.new_reference(found, "auth", "#001", renames) == (f"#{new}" if new else "")


def test_findings_are_ordered_by_kind_then_place() -> None:
    findings = [
        Finding("cut", "b", "x", ""), Finding("stray", "b", "x", ""), Finding("cut", "a", "x", "", 3),
        Finding("cut", "a", "x", "", 2),
    ]  # fmt: skip
    assert [(one.kind, one.file, one.line) for one in in_order(findings)] == [
        ("stray", "b", 1), ("cut", "a", 2), ("cut", "a", 3), ("cut", "b", 1),
    ]  # fmt: skip
    assert all(kind.meaning for kind in KINDS.values())
