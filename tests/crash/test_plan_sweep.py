"""A decomposition that is killed anywhere is completed by the same command: no task twice, none lost, no litter."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from crash.harness import WORKERS, Call, Command, Project, each, kill_at, trace

pytestmark = [pytest.mark.needs("strace"), pytest.mark.timeout(300)]

DRAFTS = b"=== One\n\nwords\n=== Two\ndepends_on: @1\n\nwords\n=== Three\ndepends_on: @2\n\nwords\n"
COMMAND = Command(("plan", "decompose", "auth", "--agent", "a", "--json"), DRAFTS)
FEWEST = 20


def test_a_decomposition_that_is_killed_is_completed_by_the_same_command(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.ok("plan", "new-epic", "auth", "--agent", "a", stdin=b"# Epic\n")
    clean = project.copy(tmp_path / "clean")
    done, calls = trace(clean, COMMAND, is_warm=True)
    assert done.status == 0, done.err
    expected = clean.tree()
    points = [
        call
        for call in calls
        if call.name.startswith("rename") or call.name in ("unlink", "fsync", "exit_group")
    ]

    def check(index: int, call: Call) -> None:
        victim = project.copy(tmp_path / f"p{index:04d}")
        assert kill_at(victim, COMMAND, call, True), call
        again = json.loads(victim.ok(*COMMAND.arguments, stdin=DRAFTS))
        assert len(again["created"]) + len(again["existed"]) == 3, call
        epic = victim.path / ".claude" / "epics" / "auth"
        tasks = {path.name: path.read_text() for path in sorted(epic.glob("0*.md"))}
        names = [re.findall(r"^name: (.*)$", text, re.MULTILINE) for text in tasks.values()]
        assert (list(tasks), names) == (["001.md", "002.md", "003.md"], [["One"], ["Two"], ["Three"]]), call
        assert "depends_on: [002]" in tasks["003.md"]
        text = (epic / "epic.md").read_text()
        assert re.findall(r"^- \[ \] #(\d+)", text, re.MULTILINE) == ["001", "002", "003"], call
        assert victim.tree() == expected, call
        shutil.rmtree(victim.path)

    assert each(points, check, WORKERS) >= FEWEST
