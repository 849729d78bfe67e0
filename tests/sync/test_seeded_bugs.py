"""The tests of the sync catch what they are there for: each bug of the list, put into a copy of lib, makes its test
fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from crash.seeded_bugs import Bug
from crash.test_seeded_bugs import copy_of_tree, run_test
from sync.seeded_bugs import SEEDED


@pytest.mark.needs("strace")
@pytest.mark.parametrize("bug", SEEDED, ids=lambda bug: bug["name"])
def test_a_seeded_bug_is_caught(bug: Bug, tmp_path: Path) -> None:
    lib = copy_of_tree(tmp_path)
    source = (lib / bug["file"]).read_text()
    assert source.count(bug["old"]) == 1, "this bug does not fit the code any more: renew it"
    (lib / bug["file"]).write_text(source.replace(bug["old"], bug["new"]))
    done = run_test(bug["test"], lib)
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-1000:]
    assert bug["shows"] in done.stdout, done.stdout[-3000:]
