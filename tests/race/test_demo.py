"""The demo (`make demo`): it holds what it promises, and it notices when a promise is broken.

A verification that cannot fail proves nothing. So the result of one run is doctored in many ways, and whole runs are
made with tools that were broken on purpose: each must be found by the check that is meant to find it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo import demo as driver
from demo import screen, verify
from demo.checks import Check
from demo.doctors import DOCTORED, edit
from demo.project import Project

TESTS = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


def command(*options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "demo",
        "--act",
        "1",
        "--workers",
        "4",
        "--steps",
        "2",
        "--pace",
        "0",
        *options,
    ]


def environment(place: Path) -> dict[str, str]:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "lib" / "vendor")])
    return {**os.environ, "PYTHONPATH": path, "TMPDIR": str(place)}


def run_demo(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options),
        env=environment(place),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """The project of a quick run that held its promises, and what was printed."""
    place = tmp_path_factory.mktemp("demo")
    done = run_demo(place, "--keep")
    assert done.returncode == 0, done.stdout + done.stderr
    base = re.search(r"^kept: (.+)$", done.stdout, re.MULTILINE)
    assert base, done.stdout
    yield Project(Path(base[1])), done.stdout
    shutil.rmtree(place)


@pytest.fixture
def copy(kept: tuple[Project, str], tmp_path: Path) -> Project:
    """A copy of that project, to be doctored: all but the tools and git's objects, which are linked."""

    def link_or_copy(source: str, target: str) -> None:
        is_fixed = "/.claude/lib/" in source or "/.git/objects/" in source
        os.link(source, target) if is_fixed else shutil.copy2(source, target)

    shutil.copytree(kept[0].base, tmp_path / "copy", symlinks=True, copy_function=link_or_copy)
    return Project(tmp_path / "copy")


def broken(project: Project) -> list[str]:
    return [check.promise for check in verify.verify(project) if check.problems]


def test_a_run_shows_every_promise_as_held(kept: tuple[Project, str]) -> None:
    shown = re.findall(r"^(PASS|FAIL)  (.+?)  ", kept[1], re.MULTILINE)
    assert [verdict for verdict, _ in shown] == ["PASS"] * 14
    assert "killed with SIGKILL" in kept[1]
    assert "stopped just before it closes" in kept[1]


@pytest.mark.needs("gh")
def test_a_run_whose_epic_went_through_gh_leaves_nothing_behind_unless_it_is_kept(tmp_path: Path) -> None:
    done = run_demo(tmp_path, "--github", "fake")
    assert "10 issues in octo/reading-list" in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_untouched_copy_is_verified_again(copy: Project) -> None:
    assert broken(copy) == []


@pytest.mark.parametrize(
    ("promise", "doctor"),
    [(promise, doctor) for promise, doctors in DOCTORED.items() for doctor in doctors],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_doctored_result_is_found_out(
    promise: str, doctor: Callable[[Project], None], copy: Project
) -> None:
    doctor(copy)
    assert promise in broken(copy)


def test_every_promise_has_been_broken_once(copy: Project) -> None:
    assert [check.promise for check in verify.verify(copy)] == list(DOCTORED)


def test_a_kept_project_can_be_verified_again(kept: tuple[Project, str]) -> None:
    assert run_demo(kept[0].notes, "--verify", str(kept[0].base)).returncode == 0
    assert run_demo(kept[0].notes, "--verify", str(kept[0].top)).returncode == 2


def test_a_demo_that_is_stopped_ends_its_workers_and_removes_its_project(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("--steps", "1000"), env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        for line in running.stdout:
            if "in-progress" in line:
                break
        running.terminate()
        running.stdout.read()
    assert running.returncode == 128 + 15
    assert list(tmp_path.iterdir()) == []


def break_tools(file: str, old: str, new: str) -> Callable[[Project], None]:
    """A `prepare` for the driver: replaces a piece of the installed tools."""

    def prepare(project: Project) -> None:
        edit(project.claude / "lib" / "ccpm" / file, old, new)
        project.must("git", "commit", "-qam", "Break the tools")

    return prepare


@pytest.mark.parametrize(
    ("promise", "file", "old", "new"),
    [
        (
            "late write of the paused worker refused",
            "ops/locking/fences.py",
            "                    check(store, resource, token)\n",
            "                    pass\n",
        ),
        (
            "write of an outdated version refused, then repeated",
            "ops/frontmatter.py",
            "if expect is not None and found != expect:",
            "if False:",
        ),
    ],
    ids=["fences are not checked", "expected versions are not checked"],
)
def test_a_demo_with_broken_tools_fails(
    promise: str,
    file: str,
    old: str,
    new: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    status = driver.run(8, 4, prepare=break_tools(file, old, new))
    shown = capsys.readouterr().out
    assert status == 1, shown
    assert re.search(rf"^FAIL  {re.escape(promise)}  ", shown, re.MULTILINE), shown
    assert re.search(r"^kept: ", shown, re.MULTILINE), "a run that failed is kept, to be looked at"


def test_a_terminal_gets_a_table(kept: tuple[Project, str], capsys: pytest.CaptureFixture[str]) -> None:
    from demo import evidence

    live = screen.Live()
    tasks = list(evidence.tasks(kept[0]).values())
    live.show(tasks, evidence.epic(kept[0]), 2, {"worker-1": 0, "worker-2": None})
    live.say("something happened")
    live.table([Check("a promise", "3 figures"), Check("another", "", ["it was broken"])])
    shown = capsys.readouterr().out
    assert "Bookmark parser" in shown
    assert "1 of 2 workers running" in shown
    assert re.search(r"PASS +a promise +3 figures", shown)
    assert re.search(r"FAIL +another +it was broken", shown)
