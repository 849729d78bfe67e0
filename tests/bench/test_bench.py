"""The benchmarks still run: the quick mode fills every table. What they measure is never asserted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TABLES = [
    "One command, from start to end",
    "Where the time of an acquire goes",
    "Session mode",
    "Hand-over between waiting processes",
    "Contention",
    "Updates of one file by many writers",
    "The same by commands",
    "A dead owner is replaced",
    "Deadlocks",
    "Views of large plans",
    "Hooks of Claude Code",
    "Agents: one operation",
    "Agents: signs of life at once",
    "Metrics of a long log",
    "What the event log costs a lock cycle",
    "A team on one epic",
]
ROWS = 2
"""Fewest rows of a table; each scene has more."""


@pytest.mark.slow
def test_the_quick_benchmarks_fill_every_table(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "quick", "--output", str(report)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{root / 'tests'}:{root / 'lib'}:{root / 'lib/vendor'}"},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    parts = report.read_text().split("\n## ")
    assert [part.partition("\n")[0] for part in parts[1:]] == TABLES
    for part in parts[1:]:
        rows = [line for line in part.splitlines() if line.startswith("| ")]
        assert len(rows) >= 2 + ROWS, part
    assert "QUICK" in parts[0]
