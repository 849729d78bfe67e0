"""The skip policy of tests/conftest.py, tried on a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
TOOL = 'import pytest\n@pytest.mark.needs("absent")\ndef test_it(): pass\n'
MODULE = 'import pytest\npytest.skip("no reason", allow_module_level=True)\n'
CORPUS = "def test_it(corpus): pass\n"


def run(folder: Path, test: str, **environment: str) -> tuple[int, str]:
    source = CONFTEST.read_text().replace(
        "TOOLS = {", 'TOOLS = {\n    "absent": (["/nonexistent"], "get it there"),'
    )
    (folder / "conftest.py").write_text(source)
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = needs(tool): x\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CCPM_", "PYTEST"))}
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist", str(folder)]
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True, cwd=folder)
    return done.returncode, done.stdout


def test_a_missing_tool_skips_with_the_way_to_get_it(tmp_path: Path) -> None:
    status, output = run(tmp_path, TOOL)
    assert status == 0
    assert "absent is not installed: get it there" in output


@pytest.mark.parametrize("test", [TOOL, MODULE], ids=["test", "module"])
def test_ci_turns_a_skip_into_a_failure(tmp_path: Path, test: str) -> None:
    status, output = run(tmp_path, test, CCPM_NO_SKIP="1")
    assert status in (1, 2)  # a failed test, or an interrupted collection
    assert "CCPM_NO_SKIP=1 forbids to skip a test" in output


def test_ci_lets_corpus_tests_skip_only_where_there_is_no_corpus(tmp_path: Path) -> None:
    assert run(tmp_path, CORPUS, CCPM_NO_SKIP="1")[0] == 0
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    lying = 'import pytest\ndef test_it(): pytest.skip("CCPM_CORPUS is not set")\n'
    assert run(tmp_path, lying, CCPM_NO_SKIP="1", CCPM_CORPUS="/somewhere")[0] == 1
