"""The second act of the demo: it holds what it promises, and a result that is doctored is found out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.project import Project
from demo.team import act, verify
from demo.team.doctors import DOCTORED, Doctor
from demo.team.team import EPIC
from race.test_demo import environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    place = tmp_path_factory.mktemp("team")
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--act", "2", "--pace", "0", "--keep"],
        env=environment(place), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    base = re.search(r"^kept: (.+)$", done.stdout, re.MULTILINE)
    assert base, done.stdout
    yield Project(Path(base[1])), done.stdout
    shutil.rmtree(place)


def test_a_run_shows_every_promise_as_held_and_where_its_pictures_are(kept: tuple[Project, str]) -> None:
    shown = re.findall(r"^(PASS|FAIL)  (.+?)  ", kept[1], re.MULTILINE)
    assert [verdict for verdict, _ in shown] == ["PASS"] * len(verify.PROMISES)
    assert "breaks the check: ['agent-hal']" in kept[1]
    picture = re.search(r"^timeline and metrics: (.+)$", kept[1], re.MULTILINE)
    assert picture
    assert "agent-coordinator" in Path(picture[1]).read_text()


@pytest.fixture
def facts(kept: tuple[Project, str]) -> Iterator[dict[str, Any]]:
    """What the run noted. Afterwards its project is as it was: git's worktrees cannot be copied, so it is doctored itself."""
    project = kept[0]
    found = json.loads((project.notes / act.FACTS).read_text())
    board = project.claude / "epics" / EPIC / "work.json"
    files = [project.claude / "metrics" / "events.jsonl", board, Path(found["outputs"]) / "timeline.svg"]
    before = {path: path.read_bytes() for path in files}
    branch = f"refs/heads/epic/{EPIC}"
    head = project.must("git", "rev-parse", branch).strip()
    yield found
    for path, content in before.items():
        path.write_bytes(content)
    project.must("git", "update-ref", branch, head)


def problems(promise: str, project: Project, facts: dict[str, Any]) -> list[str]:
    check = next(one for one in verify.PROMISES if one.__name__ == promise)
    return check(verify.Act(project, facts)).problems


@pytest.mark.parametrize(
    ("promise", "doctor"), [(promise, doctor) for promise, doctors in DOCTORED.items() for doctor in doctors]
)
def test_a_doctored_result_is_found_out(
    promise: str, doctor: Doctor, kept: tuple[Project, str], facts: dict[str, Any]
) -> None:
    doctor(facts, kept[0])
    assert problems(promise, kept[0], facts)


@pytest.mark.parametrize("promise", list(DOCTORED))
def test_an_untouched_result_is_verified_again(
    promise: str, kept: tuple[Project, str], facts: dict[str, Any]
) -> None:
    assert problems(promise, kept[0], facts) == []


def test_every_promise_has_been_broken_once() -> None:
    assert [promise.__name__ for promise in verify.PROMISES] == list(DOCTORED)
