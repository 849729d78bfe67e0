"""The tests catch what they are there for: each bug of the six lists, put into a copy of lib, makes its test fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crash import seeded_budget_bugs, seeded_unit_bugs
from crash.seeded_bugs import ORDER, SEEDED, Bug
from race import seeded_agent_bugs
from race import seeded_bugs as seeded_race_bugs
from worktrees import seeded_bugs as seeded_worktree_bugs

TOP = Path(__file__).parents[2]

BUGS = [pytest.param(bug, marks=pytest.mark.needs("strace"), id=bug["name"]) for bug in SEEDED]
PLAIN = [*seeded_unit_bugs.SEEDED, *seeded_race_bugs.SEEDED, *seeded_worktree_bugs.SEEDED]
PLAIN += seeded_agent_bugs.SEEDED
BUGS += [pytest.param(bug, id=bug["name"]) for bug in PLAIN]
BUGS += [
    pytest.param(bug, marks=pytest.mark.needs("gh"), id=bug["name"]) for bug in seeded_budget_bugs.SEEDED
]


def copy_of_tree(target: Path) -> Path:
    """A copy of lib with the launchers beside it; the packages are those of the repository, by a link."""
    real = TOP / "lib"
    ignored = shutil.ignore_patterns("vendor", ".vendor-*")
    shutil.copytree(real, target / "lib", symlinks=True, ignore=ignored)
    (target / "lib" / "vendor").symlink_to((real / "vendor").resolve())
    shutil.copytree(TOP / "bin", target / "bin", symlinks=True)
    return target / "lib"


def run_test(test: str, lib: Path) -> subprocess.CompletedProcess[str]:
    """`test` with the copy `lib` under test, both in the helpers that it starts and where it imports from ccpm."""
    path = f"pythonpath={lib} {lib / 'vendor'} {TOP / 'tests'}"
    options = [
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:hypothesispytest",
        "-o",
        path,
        "--rootdir",
        str(TOP),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"CCPM_LIB_UNDER_TEST": str(lib), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"TEST_ENOUGH": "1", "TEST_LIMIT": "5"}
    options += ["--basetemp", str(lib.parent / "basetemp")]
    command = [sys.executable, "-m", "pytest", *options, test]
    return subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_bug_is_caught(bug: Bug, tmp_path: Path) -> None:
    lib = copy_of_tree(tmp_path)
    source = (lib / bug["file"]).read_text()
    assert source.count(bug["old"]) == 1, "this bug does not fit the code any more: renew it"
    (lib / bug["file"]).write_text(source.replace(bug["old"], bug["new"]))
    done = run_test(bug["test"], lib)
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-1000:]
    assert bug["shows"] in done.stdout, done.stdout[-3000:]


@pytest.mark.needs("strace")
def test_an_unchanged_copy_passes(tmp_path: Path) -> None:
    """So that a copy that is merely broken does not look like a caught bug."""
    done = run_test(f"{ORDER}[AtomicWrite]", copy_of_tree(tmp_path))
    assert done.returncode == 0, done.stdout[-3000:]
