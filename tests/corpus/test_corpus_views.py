"""Every read-only command on every real project: it answers, and a second computation agrees with its numbers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from corpus import oracle

REPOSITORY = Path(__file__).parents[2]
PROJECTS = (
    sorted(path.name for path in Path(os.environ["CCPM_CORPUS"]).iterdir() if (path / ".claude").is_dir())
    if os.environ.get("CCPM_CORPUS")
    else ["(none)"]
)
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
def test_every_view_answers_on_a_real_project(project: Path) -> None:
    for verb in PLAIN:
        done = query(project, verb)
        assert (verb, done.returncode, done.stderr) == (verb, 0, "")
    assert query(project, "search", "auth").returncode == 0
    for epic in oracle.epics_of(project)[:3]:
        assert query(project, "epic-show", epic.name).returncode == 0
        assert query(project, "epic-status", epic.name).returncode == 0


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
