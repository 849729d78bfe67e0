"""How far a sync is: lines for a pipe, a bar for a terminal, nothing with --json; the time is said in advance."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from pathlib import Path

import pytest

from ccpm.cli import sync_progress
from fakes.running import FakeGitHub
from sync.project import LIB, PYTHON, Project, check_synced


def test_lines_tell_the_time_in_advance_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    lines = sync_progress.Lines("ccpm-sync")
    lines.begin(3, 64.0)
    for step in ("one", "two", "three"):
        now[0] += sync_progress.WORTH_SAYING / 2
        lines.step(step)
    assert capsys.readouterr().err.splitlines() == [
        "ccpm-sync: 3 steps, which take about 64 s under GitHub's limits",
        "ccpm-sync: 2 of 3: two",
    ]


def test_a_short_sync_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    lines = sync_progress.Lines("ccpm-sync")
    lines.begin(3, 0.5)
    lines.step("one")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (89, "89 s"), (120, "2 min"), (5399, "90 min"), (7200, "2.0 h")]
)
def test_durations(seconds: float, said: str) -> None:
    assert sync_progress.duration(seconds) == said


def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", remote="")
    project.make_epic(3)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PYTHON, "-S", "-E", str(LIB / "main.py"), "sync", "epic", "auth"],
        cwd=project.path,
        env=project.environment(TERM="xterm", COLUMNS="100"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:  # Linux says EIO when the other side is gone
                break
            if not data:
                break
            shown += data
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    assert re.search(rb"\d/7", shown), shown
    assert "✅ Synced epic auth".encode() in shown


@pytest.mark.needs("gh")
def test_a_paced_sync_takes_the_time_that_the_rules_impose_and_says_it_before(tmp_path: Path) -> None:
    """Nine things to make, half a second apart. The 5 % are those of the promise; the seconds are for a busy machine,
    on which each gh takes its time to start."""
    with FakeGitHub(tmp_path / "fake") as hub:
        project = Project(tmp_path / "p", hub)
        project.make_epic(2)
        rules = {"CCPM_GITHUB_RULES": "spacing=0.5"}
        said = project.ok("sync", "epic", "auth", "--dry-run", **rules)["seconds"]
        began = time.monotonic()
        project.ok("sync", "epic", "auth", **rules)
        took = time.monotonic() - began
        made = [line for line in hub.log() if line["method"] != "GET"]
        check_synced(project, 2)
    imposed = 0.5 * (len(made) - 1)
    assert imposed <= said <= imposed * 1.05 + 0.5
    assert imposed * 0.95 <= took <= said * 1.05 + 5.0
