"""Promise P3, P5: a helper that is killed at any system call leaves the old state or the new one, and nothing in the way.

For each command: kill it in front of every call that touches the project, look at what is there, run the next command,
and compare the files of the project with the ones it should have.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crash import cases
from crash.harness import IS_FULL, SLEEPY, WORKERS, Call, Command, Project, each, kill_at, trace

pytestmark = [pytest.mark.needs("strace"), pytest.mark.timeout(1800 if IS_FULL else 300)]

FEWEST = 12
"""Kill points below which a sweep has not seen what it is for."""


def points_of(case: cases.Case, project: Project, command: Command) -> list[Call]:
    """The calls of a clean run to kill at: from the first that touches the project to the end."""
    warm = project.copy(project.path.with_name("warm"))
    case.start(warm)
    warm.start(command.argv, command.stdin)  # compiles what a seeded bug changed
    case.check_interrupted(warm)
    clean = project.copy(project.path.with_name("clean"))
    case.start(clean)
    done, calls = trace(clean, command, is_warm=True)
    assert done.status == case.status, done.err
    case.check_interrupted(clean)
    case.recover(clean)
    case.check_tidy(clean)
    if IS_FULL:
        return calls
    first = max(
        (i for i, call in enumerate(calls) if call.name == "flock" and case.starts_at in call.paths),
        default=0,
    )
    return [call for call in calls[first:] if call.is_ours]


@pytest.mark.parametrize("kind", [*cases.ALL, *cases.AND_KILLED], ids=lambda kind: kind.__name__)
def test_a_kill_at_any_call_leaves_old_or_new_and_nothing_in_the_way(
    kind: type[cases.Case], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    case = kind()
    project = Project.create(tmp_path / "project")
    command = case.prepare(project)
    missed = []

    def check(index: int, call: Call) -> None:
        victim = project.copy(tmp_path / f"p{index:04d}")
        case.start(victim)
        if not kill_at(victim, command, call, case.is_exact):
            missed.append(call)
        case.check_interrupted(victim)
        case.recover(victim)
        case.check_tidy(victim)
        shutil.rmtree(victim.path)

    workers = WORKERS if case.is_exact else SLEEPY
    swept = each(points_of(case, project, command), check, workers)
    record_property("kill_points", swept - len(missed))
    assert swept >= FEWEST
    assert len(missed) <= (0 if case.is_exact else swept // 4), f"never reached: {missed}"


def test_strace_kills_before_the_call_takes_effect(tmp_path: Path) -> None:
    """What the sweep rests on: killed at its rename, a writer has not renamed."""
    case = cases.AtomicWrite()
    project = Project.create(tmp_path / "project")
    command = case.prepare(project)
    rename = next(call for call in points_of(case, project, command) if call.name.startswith("rename"))
    assert rename.paths == (".notes.txt.ccpm-tmp", "notes.txt")
    kill_at(project, command, rename)
    assert project.read("notes.txt") == case.old
    assert project.read(".notes.txt.ccpm-tmp") == case.new
