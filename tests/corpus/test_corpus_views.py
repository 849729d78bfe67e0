"""Every read-only command on every real project: it answers, and a second computation agrees with its numbers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from corpus import oracle

REPOSITORY = Path(__file__).parents[2]
PROJECTS = (
    sorted(path.name for path in Path(os.environ["CCPM_CORPUS"]).iterdir() if (path / ".claude").is_dir())
    if os.environ.get("CCPM_CORPUS")
    else ["(none)"]
)
LONGEST = 1.0
"""Seconds that a view may take. One that took longer gets a second chance: the machine may have been busy."""
PLAIN = ["status", "next", "blocked", "in-progress", "epic-list", "prd-list", "prd-status", "standup"]


@pytest.fixture
def project(corpus: Path, name: str, tmp_path: Path) -> Path:
    return checkout(corpus / name, tmp_path / name)


def checkout(source: Path, target: Path) -> Path:
    """`source` as git would check it out: a file of `.claude` that is the text of a link becomes that link."""
    links = [path for path in (source / ".claude").iterdir() if path.is_file()]
    if not links:
        return source
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for folder in (target, *target.iterdir()):
        folder.chmod(0o755)
    for link in links:
        copy = target / ".claude" / link.name
        copy.unlink()
        copy.symlink_to(link.read_text().strip())
    return target


def query(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(REPOSITORY / "bin" / "ccpm-query"), *arguments],
        env={**os.environ, "CCPM_ROOT": str(project)},
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
    )


def load(project: Path, *arguments: str) -> dict[str, object]:
    done = query(project, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", PROJECTS)
def test_every_view_answers_within_a_second(project: Path) -> None:
    commands = [*([verb] for verb in PLAIN), ["search", "auth"], ["commands"]]
    for epic in oracle.epics_of(project)[:3]:
        commands += [["epic-show", epic.name], ["epic-status", epic.name]]
    for command in commands:
        took = seconds(project, command)
        assert min(took, seconds(project, command) if took > LONGEST else took) < LONGEST, command


def seconds(project: Path, command: list[str]) -> float:
    started = time.monotonic()
    done = query(project, *command)
    took = time.monotonic() - started
    assert (command, done.returncode, done.stderr) == (command, 0, "")
    assert done.stdout.strip()
    return took


@pytest.mark.parametrize("name", PROJECTS)
def test_the_oracle_agrees_on_counts_ready_blocked_and_progress(project: Path) -> None:
    expected = {epic.name: oracle.summarise(epic) for epic in oracle.epics_of(project)}
    ready, blocked = load(project, "next")["tasks"], load(project, "blocked")["tasks"]
    epics = load(project, "epic-list")["epics"]
    assert isinstance(ready, list)
    assert isinstance(blocked, list)
    assert isinstance(epics, list)
    found = {
        epic["name"]: {
            "total": epic["tasks"]["total"],
            "closed": epic["tasks"]["closed"],
            "in_progress": epic["tasks"]["in_progress"],
            "ready": sorted(task["id"] for task in ready if task["epic"] == epic["name"]),
            "blocked": sorted(task["id"] for task in blocked if task["epic"] == epic["name"]),
            "progress": epic["progress"],
        }
        for epic in epics
    }
    assert found == expected
    sums = {
        key: sum(int(str(one[key])) for one in expected.values())
        for key in ("total", "closed", "in_progress")
    }
    sums |= {key: sum(len(one[key]) for one in expected.values()) for key in ("ready", "blocked")}
    tasks = load(project, "status")["tasks"]
    assert isinstance(tasks, dict)
    assert {key: tasks[key] for key in sums} == sums
