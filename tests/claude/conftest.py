"""The real Claude Code in a real project, with a scripted model. `make test-claude` gets it from npm and runs this folder.

Where it could not be got, the tests here skip and say why (a failure with CCPM_NO_SKIP=1). The version is the one in
package.json beside this file; its package is put into build/claude.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude.project import CLAUDE, REPOSITORY, Project
from fakes.model import Model


@functools.cache
def why_missing() -> str:
    """Why Claude Code cannot be run here, "" if it can."""
    if not CLAUDE:
        return f"Claude Code is not in {REPOSITORY / 'build/claude'}: make test-claude gets it (needs npm and its registry)"
    done = subprocess.run(
        [CLAUDE, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    return f"{CLAUDE} does not run here: {done.stderr[-200:]}" if done.returncode else ""


@pytest.fixture(autouse=True, scope="session")
def _claude() -> None:
    if reason := why_missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, _claude: None) -> Path:
    """A project as install.sh leaves it, with an epic `auth`; to be copied, not changed."""
    base = tmp_path_factory.mktemp("installed")
    Project(base).create()
    return base


@pytest.fixture
def project(installed: Path, tmp_path: Path) -> Project:
    shutil.copytree(installed, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Project(tmp_path)


@pytest.fixture
def model() -> Iterator[Model]:
    """The scripted model. Whatever Claude Code wanted from any other host is an error."""
    with Model() as model:
        yield model
    assert model.strays == []
