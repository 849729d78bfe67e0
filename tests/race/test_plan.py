"""One epic in many hands: what is decomposed, closed and recounted at once is all there, and counted right.

CCPM_PLAN_RUNS says how many runs (default 3; the promise was shown with 100).
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from race.tree import Project, finish

RUNS = int(os.environ.get("CCPM_PLAN_RUNS", "3"))
GROUPS, EACH, OLD = 8, 3, 4

DRAFTS = """\
=== Group {n}, one
parallel: true
hours: 1

words
=== Group {n}, two
depends_on: @1
=== Group {n}, three
depends_on: @1, 001
"""

HELD_BACK = 'read go && exec "$@" <"$INPUT"'
"""Starts a command the moment a line comes on standard input; the command reads a file, so that nobody waits for us."""


@pytest.mark.timeout(60 + 20 * RUNS)
@pytest.mark.parametrize("run", range(RUNS))
def test_eight_decompose_while_others_refresh_and_close(run: int, tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    project.ok("plan", "new-epic", "auth", stdin="# Epic\n\nWords.\n")
    project.ok("plan", "decompose", "auth", stdin="".join(f"=== Old {n}\n" for n in range(OLD)))
    crew = [
        *((["plan", "decompose", "auth", "--json"], DRAFTS.format(n=n)) for n in range(GROUPS)),
        *((["plan", "close-task", "auth", str(n + 1)], "") for n in range(OLD)),
        *((["plan", "refresh", "auth"], "") for _ in range(2)),
    ]
    crew = crew[run % len(crew) :] + crew[: run % len(crew)]  # another one is first in each run
    started = []
    for number, (command, text) in enumerate(crew):
        (tmp_path / str(number)).write_text(text)
        argv = ["sh", "-c", HELD_BACK, "sh", f"ccpm-{command[0]}", *command[1:]]
        started.append(
            project.spawn(argv, CCPM_AGENT_ID=f"agent-{number}", INPUT=str(tmp_path / str(number)))
        )
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [finish(process) for process in started]
    assert [done.status for done in ends] == [0] * len(crew), [done for done in ends if done.status]

    total = OLD + GROUPS * EACH
    epic = project.path / ".claude" / "epics" / "auth"
    files = sorted(path.name for path in epic.iterdir())
    assert files == [*(f"{n:03d}.md" for n in range(1, total + 1)), "epic.md"]
    created = [
        path
        for done, (command, _) in zip(ends, crew, strict=True)
        if "--json" in command
        for path in json.loads(done.out)["created"]
    ]
    assert sorted(created) == [f".claude/epics/auth/{n:03d}.md" for n in range(OLD + 1, total + 1)]
    names = {}
    for path in sorted(epic.glob("0*.md")):
        values = dict(re.findall(r"^(\w+): (.*)$", path.read_text().partition("\n---\n")[0], re.MULTILINE))
        names[values["name"]] = path.stem
        assert values["version"] == ("2" if values["status"] == "closed" else "1")
    assert len(names) == total
    for n in range(GROUPS):  # each draft knows its own first one
        text = (epic / f"{names[f'Group {n}, three']}.md").read_text()
        assert f"depends_on: [{names[f'Group {n}, one']}, 001]\n" in text
    head, _, body = (epic / "epic.md").read_text().partition("\n---\n")
    assert f"progress: {OLD * 100 // total}%" in head
    assert "status: in-progress" in head
    boxes = re.findall(r"^- \[([ x])\] #(\d+)", body, re.MULTILINE)
    assert sorted(boxes, key=lambda box: box[1]) == [
        ("x" if n <= OLD else " ", f"{n:03d}") for n in range(1, total + 1)
    ]
    assert f"Total tasks: {total}\nParallel tasks: {GROUPS}\n" in body
    locks = project.locks
    assert [path.name for path in locks.iterdir() if path.is_file()] == []
