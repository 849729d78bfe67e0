"""The quick reading of plain blocks says what the careful one says, or nothing."""

from __future__ import annotations

from random import Random

import pytest

from ccpm.errors import Malformed
from ccpm.files import frontmatter, plain_block
from model.frontmatter_documents import document

TASK = """\
name: Store hashes
status: open
created: 2026-01-12T10:00:00Z
github: https://github.com/o/r/issues/12
depends_on: [001, 002]
parallel: true
conflicts_with: []
empty:
quoted: "a: b"
commented: open # for now
"""


def test_a_block_as_the_commands_write_it_is_read_quickly() -> None:
    found = plain_block.read(TASK)
    assert found == frontmatter.parse(f"---\n{TASK}---\n".encode()).values()
    assert found is not None
    assert found["depends_on"] == ["001", "002"]
    assert found["empty"] == ""


@pytest.mark.parametrize(
    "line",
    [
        "depends_on:\n  - 001\n",
        "depends_on:\n- 001\n",
        "name: a\n  b\n",
        "name: |\n",
        "name: a: b\n",
        "name: 'a\n",
        "name: [a\n",
        "# comment\n",
        "\n",
        "no key\n",
        "name: a\rstatus: b\n",
        "name:open\n",
        "name: *x\n",
        "übung: 1\n",
    ],
)
def test_every_other_line_is_left_to_the_careful_reading(line: str) -> None:
    assert plain_block.read("status: open\n" + line) is None


def test_of_a_key_that_stands_twice_the_first_counts() -> None:
    assert plain_block.read("status: open\nstatus: closed\n") == {"status": "open"}


def test_both_readings_agree_on_generated_blocks() -> None:
    quick = 0
    for seed in range(3000):
        data = document(Random(seed))
        try:
            careful = frontmatter.parse(data)
        except Malformed:
            continue
        found = plain_block.read(careful.text)
        if found is not None:
            quick += 1
            assert found == careful.values(), f"seed {seed}: {data!r}"
    assert quick > 100, "hardly any block was read quickly"
