"""The views of large plans: 100, 1,000 and 10,000 tasks."""

from __future__ import annotations

import random
from pathlib import Path

from bench.report import Goal, Sample, Table, number
from bench.setting import BIN, PYTHON, Project, Scale, shuffled, spawn

SIZES = {100: 50, 1000: 100, 10000: 250}
"""Tasks in a plan, and the epics that they are spread over."""

LIMITS = {1000: 0.15, 10000: 1.0}
"""Seconds that a view of so many tasks may take."""

BEFORE = {
    "next": 13.0,
    "blocked": 15.0,
    "validate": 21.0,
    "standup": 3.8,
    "search auth": 4.2,
    "epic-list": 1.6,
}
"""Each view, and the seconds that the scripts of CCPM took for it at 1,000 tasks, where a bare Python starts in 15 ms."""

ENDS_WITH = {"validate": 1}
"""Views that exit with another status than 0: the progress that the epics of these plans state is wrong."""

EPIC = """\
---
name: epic {epic:03d}
status: in-progress
created: 2026-01-12T10:00:00Z
progress: 10%
prd: .claude/prds/epic-{epic:03d}.md
---

# Epic {epic}

{words}
"""
TASK = """\
---
name: Task {task} of epic {epic}
status: {status}
created: 2026-01-12T10:00:00Z
updated: 2026-01-12T10:00:00Z
depends_on: [{needs}]
parallel: true
conflicts_with: []
effort_hours: {hours}
---

# Task {task}

## Description

{words}

## Acceptance Criteria

- [ ] It works
"""
WORDS = "What has to be done, and why the log-in and its authentication need it.\n" * 12


def measure(scale: Scale) -> list[Table]:
    sizes = [100] if scale.is_quick else list(SIZES)
    found: dict[int, dict[str, Sample]] = {}
    bare: list[float] = []
    for size in sizes:
        with Project.create() as project:
            plant(project.top, size, SIZES[size])
            found[size] = _measure(project, scale.pick(7, 2), bare)
    rows = [["a bare Python", *([number(Sample(bare).median * 1e3)] * len(sizes)), "15", "—"]]
    for view, before in BEFORE.items():
        medians = [found[size][view].median for size in sizes]
        at_1000 = found[1000][view].median if 1000 in found else None
        times = f"{before / at_1000:.0f}×" if at_1000 else "—"
        rows.append([f"`{view}`", *(number(median * 1e3) for median in medians), number(before * 1e3), times])
    table = Table(
        "Views of large plans",
        "A view of a plan, from start to end, in a pipe: `bin/ccpm-query`, one process. The plans have 100 tasks in 50"
        " epics, 1,000 in 100 and 10,000 in 250, of about 1.2 KB each, with up to two dependencies. Medians in ms. Before:"
        " the bash scripts of CCPM on 1,000 tasks, on a machine where a bare Python starts in 15 ms.",
        ["view", *(f"{size:,} tasks" for size in sizes), "before, 1,000 tasks", "ratio"],
        rows,
        _goals(found),
        scene="trees",
    )
    return [table]


def _goals(found: dict[int, dict[str, Sample]]) -> list[Goal]:
    goals = []
    for size, limit in LIMITS.items():
        if size in found:
            view, worst = max(
                ((view, sample.median) for view, sample in found[size].items()), key=lambda one: one[1]
            )
            goals.append(
                Goal(
                    f"each view of {size:,} tasks ≤ {limit:g} s",
                    worst <= limit,
                    f"at most {worst:.2f} s, {view}",
                )
            )
    if len(found) == len(SIZES):
        growth = {view: _growth(found, view) for view in BEFORE}
        view = max(growth, key=lambda name: growth[name])
        goals.append(
            Goal(
                "growth is linear: a task more costs at 10,000 at most 1.5 times what it costs at 1,000",
                growth[view] <= 1.5,
                f"at most {growth[view]:.2f} times, {view}",
            )
        )
    return goals


def _growth(found: dict[int, dict[str, Sample]], view: str) -> float:
    small, middle, large = (found[size][view].median for size in SIZES)
    return ((large - middle) / 9000) / ((middle - small) / 900)


def _measure(project: Project, rounds: int, bare: list[float]) -> dict[str, Sample]:
    environment = project.environment()
    environment["CCPM_ROOT"] = str(project.top)
    took: dict[str, list[float]] = {view: [] for view in BEFORE}
    for index in range(rounds + 1):
        for view in shuffled(list(BEFORE), index):
            argv = [str(BIN / "ccpm-query"), *view.split()]
            seconds = spawn(argv, environment, expect=ENDS_WITH.get(view, 0))
            if index:  # the first round warms the caches
                took[view].append(seconds)
        bare.append(spawn([PYTHON, "-S", "-E", "-c", "pass"], environment))
    return {view: Sample(values) for view, values in took.items()}


def plant(top: Path, tasks: int, epics: int) -> None:
    """A plan of `tasks` tasks in `epics` epics below `top`."""
    rng = random.Random(tasks)
    (top / ".claude" / "prds").mkdir(parents=True)
    for epic in range(epics):
        folder = top / ".claude" / "epics" / f"epic-{epic:03d}"
        folder.mkdir(parents=True)
        (folder / "epic.md").write_text(EPIC.format(epic=epic, words=WORDS))
        (top / ".claude" / "prds" / f"epic-{epic:03d}.md").write_text(
            f"---\nname: epic-{epic:03d}\nstatus: backlog\n---\n{WORDS}"
        )
        for task in range(1, tasks // epics + 1):
            needs = sorted(rng.sample(range(1, task), min(task - 1, rng.choice([0, 0, 1, 1, 2]))))
            text = TASK.format(
                task=task,
                epic=epic,
                status=rng.choice(["open", "open", "closed", "closed", "in-progress"]),
                needs=", ".join(f"{other:03d}" for other in needs),
                hours=rng.randint(1, 16),
                words=WORDS,
            )
            (folder / f"{task:03d}.md").write_text(text)
