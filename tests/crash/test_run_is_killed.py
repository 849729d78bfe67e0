"""`ccpm-lock run` is killed at any call: the lock is free at once, and the command does not run on without it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from ccpm.files import process
from crash import cases
from crash.harness import IS_FULL, PROMPT, SLEEPY, Call, Command, Project, each, kill_at, trace

pytestmark = [pytest.mark.needs("strace"), pytest.mark.timeout(1800 if IS_FULL else 300)]

SHORT = "sleep 0.3"
LONG = "sleep 60"
SCRIPT = "echo $$ > pid.new; mv pid.new pid; exec {}"


def prepare(project: Project, command: str) -> None:
    (project.path / "command.sh").write_text(SCRIPT.format(command))


def is_gone(project: Project) -> bool:
    """Whether the command has ended, or was never started, within the time that takes."""
    end = time.monotonic() + PROMPT
    while time.monotonic() < end:
        pid = (project.read("pid") or b"").decode().strip()
        if not pid or not process.start_of(int(pid)):
            return True
        time.sleep(0.005)
    return False


def test_a_killed_run_frees_the_lock_and_stops_its_command(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    command = Command(("lock", "run", "task-1", "--agent", "a", "--", "sh", "command.sh"), has_children=True)
    prepare(project, SHORT)
    clean = project.copy(tmp_path / "clean")
    done, calls = trace(clean, command)
    assert done.status == 0, done.err
    sleeping = next(index for index, call in enumerate(calls) if call.name in ("pselect6", "select", "poll"))
    points = (
        calls if IS_FULL else [call for call in calls if call.is_ours or calls.index(call) > sleeping - 40]
    )

    def check(index: int, call: Call) -> None:
        victim = project.copy(tmp_path / f"p{index:04d}")
        prepare(victim, LONG if calls.index(call) <= sleeping else SHORT)
        kill_at(victim, command, call)
        free = victim.run("lock", "acquire", "task-1", "--agent", "next", "--timeout", "0")
        assert free.status == 0, free.err
        assert is_gone(victim), "the command runs on"
        victim.ok("lock", "release", "task-1", "--agent", "next")
        tree = victim.tree() - {"command.sh", "pid", "pid.new"} - cases.PERHAPS
        assert tree == {cases.GUARD}, f"litter: {sorted(tree)}"
        shutil.rmtree(victim.path)

    assert each(points, check, SLEEPY) >= 30
