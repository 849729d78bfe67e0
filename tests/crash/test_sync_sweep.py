"""Promise P7 on the local tracker: `ccpm-sync epic`, killed anywhere and run again, makes every issue once and loses
none.

The epic has what makes it hard: a file whose name is the number of another one's issue, `2.md` beside `002.md`, a
circle of names, references in every form, the same numbers in the prose. strace kills the real helper in front of
each call that changes something (a kill in front of any other call leaves the same files as one of these).
CCPM_SWEEP=full tries all of them; otherwise they are thinned out to about `POINTS`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crash.harness import IS_FULL, WORKERS, Call, Command, Project, each, kill_at, trace

pytestmark = [pytest.mark.needs("strace"), pytest.mark.timeout(3600 if IS_FULL else 300)]

POINTS = 16
MORE = max(0, int(os.environ.get("TEST_TASKS") or 0) - 4)
"""Plain tasks besides the four."""

EPIC = ".claude/epics/auth"
TASKS = {
    "1": "depends_on: []\nconflicts_with: [2, 002]",
    "002": "depends_on:\n  - 1\n  - 003\nconflicts_with: 2",
    "2": 'depends_on: ["#1", task-002, nothing]\nconflicts_with: []',
    "003": "depends_on: [001]\nconflicts_with: []",
}
"""Task files in the order in which their issues are made: the epic gets #1, these #2 to #5."""

EXPECTED = {
    "2": ("1", "[]", "[4, 3]"),
    "3": ("002", "[2, 5]", "[4]"),
    "4": ("2", "[2, 3, nothing]", "[]"),
    "5": ("003", "[2]", "[]"),
}
"""Each file afterwards: the one that it was, its depends_on and conflicts_with."""

for _number in range(4, 4 + MORE):
    TASKS[f"{_number:03d}"] = "depends_on: [003, 2]\nconflicts_with: []"
    EXPECTED[str(_number + 2)] = (f"{_number:03d}", "[5, 4]", "[]")

ISSUES = [*range(1, len(TASKS) + 2)]

COMMAND = Command(("sync", "epic", "auth", "--tracker", "local", "--agent", "a"))
CHANGES = re.compile(
    r"write|pwrite64|rename|renameat2?|unlink|unlinkat|mkdir|mkdirat|ftruncate|truncate|link"
)
LEFT = {
    "epic.md",
    "github-mapping.md",
    "sync-state.json",
    "5-analysis.md",
    *(f"{name}.md" for name in EXPECTED),
}
TRACKER = {"labels.json", *(f"{number}.json" for number in ISSUES)}


def body_of(name: str) -> str:
    return (
        f"# Task {name}\n\nAfter 001 and 002 comes 003; see 2.md, #2 and [002].\n\n---\n\ndepends_on: [001]\n"
    )


def prepare(path: Path) -> Project:
    project = Project.create(path)
    folder = path / EPIC
    folder.mkdir(parents=True)
    (folder / "epic.md").write_text("---\nname: auth\nstatus: backlog\n---\n\n# Epic: auth\n\nSee 001.md.\n")
    for name, lists in TASKS.items():
        status = "closed" if name == "1" else "open"
        (folder / f"{name}.md").write_text(
            f"---\nname: Task {name}\nstatus: {status}\n{lists}\nversion: 1\n---\n\n{body_of(name)}"
        )
    (folder / "003-analysis.md").write_text("About task 003.\n")
    return project


def check_interrupted(project: Project) -> None:
    """Killed: each task is there once, whole; no issue is there twice; no text below a frontmatter has changed."""
    texts = []
    for path in (project.path / EPIC).iterdir():
        if re.fullmatch(r"\.?\d+\.md(\.renaming)?", path.name):
            text = path.read_text()
            assert text.startswith("---\n"), f"torn: {path.name}"
            texts.append(text.split("\n---\n", 1)[1].strip("\n"))
    assert sorted(texts) == sorted(body_of(name).strip("\n") for name in TASKS)
    titles = [str(issue["title"]) for issue in issues(project)]
    assert len(titles) == len(set(titles)), f"made twice: {titles}"


def check_done(project: Project) -> None:
    found = {int(str(issue["number"])): issue for issue in issues(project)}
    assert sorted(found) == ISSUES, f"made twice or lost: {[i['title'] for i in found.values()]}"
    assert found[1]["title"] == "Epic: auth"
    assert found[1]["sub_issues"] == ISSUES[1:]
    for number, (name, depends, conflicts) in EXPECTED.items():
        issue = found[int(number)]
        assert issue["title"] == f"Task {name}"
        assert str(issue["body"]).startswith(body_of(name).strip("\n") + "\n\n<!-- ccpm:")
        assert issue["state"] == ("closed" if name == "1" else "open")
        block, body = (project.path / EPIC / f"{number}.md").read_text().split("\n---\n", 1)
        assert body == "\n" + body_of(name), "the text was touched"
        assert f"\ndepends_on: {depends}\n" in block, block
        assert f"\nconflicts_with: {conflicts}\n" in block, block
        assert f"\ngithub: local://issues/{number}" in block, block
        assert "\nversion: 2\n" in block, f"written more than once: {block}"
    epic = (project.path / EPIC / "epic.md").read_text()
    assert "github: local://issues/1\n" in epic
    assert "- [ ] #3 - Task 002 (parallel: false)" in epic
    assert "See 001.md." in epic
    state = json.loads((project.path / EPIC / "sync-state.json").read_text())
    assert [*state["issues"]] == [str(number) for number in ISSUES]
    assert {path.name for path in (project.path / EPIC).iterdir()} == LEFT
    assert {path.name for path in (project.path / ".claude/tracker").iterdir()} == TRACKER


def issues(project: Project) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in (project.path / ".claude/tracker").glob("[0-9]*.json")]


def points_of(project: Project) -> list[Call]:
    """The calls of a clean run that change something, all or evenly thinned out."""
    done, calls = trace(project, COMMAND)
    assert done.status == 0, done.err
    check_done(project)
    points = [
        call
        for call in calls
        if call.is_ours
        and call.result != "-1"
        and (CHANGES.fullmatch(call.name) or (call.name == "openat" and "O_CREAT" in call.arguments))
    ]
    if IS_FULL:
        return points
    return [
        point
        for index, point in enumerate(points)
        if index * POINTS // len(points) != (index - 1) * POINTS // len(points)
    ]


def test_a_sync_that_is_killed_anywhere_and_run_again_makes_every_issue_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    project = prepare(tmp_path / "project")

    def check(index: int, call: Call) -> None:
        victim = project.copy(tmp_path / f"p{index:04d}")
        kill_at(victim, COMMAND, call)
        check_interrupted(victim)
        victim.ok(*COMMAND.arguments)
        check_done(victim)
        shutil.rmtree(victim.path)

    swept = each(points_of(project.copy(tmp_path / "clean")), check, WORKERS)
    record_property("kill_points", swept)
    assert swept >= POINTS - 2
