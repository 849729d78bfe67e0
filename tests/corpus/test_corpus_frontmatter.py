"""Every frontmatter of the real projects: reading agrees with ruamel.yaml, one edit changes one key."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccpm.files import frontmatter, frontmatter_edit, frontmatter_problems
from ccpm.files.yaml_inline import line_value
from model.frontmatter_documents import oracle

STAMP = "2030-01-02T03:04:05Z"


class File:
    """A file with frontmatter: its `block` as text, found without the code under test, and what ruamel.yaml says."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        lines = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").split("\n")
        self.end = next(number for number, line in enumerate(lines) if number and line.rstrip() == "---")
        self.lines = lines[1 : self.end]
        self.meaning = oracle("".join(line + "\n" for line in self.lines))


@pytest.fixture(scope="module")
def files(corpus: Path) -> list[File]:
    found = []
    for path in sorted(corpus.rglob("*.md")):
        data = path.read_bytes()
        if data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[0].rstrip() == b"---":
            found.append(File(path, data))
    assert len(found) > 1500
    return found


def test_every_value_agrees_with_ruamel_where_the_block_is_yaml(files: list[File]) -> None:
    sound = [file for file in files if file.meaning is not None]
    assert len(sound) > 1500
    for file in sound:
        assert frontmatter.parse(file.data).values() == file.meaning, file.path


def test_every_key_gives_the_value_of_its_line_where_the_block_is_not_yaml(files: list[File]) -> None:
    broken = [file for file in files if file.meaning is None]
    assert len(broken) > 20
    for file in broken:
        found = frontmatter.parse(file.data)
        assert found.get("status"), file.path
        first: dict[str, str] = {}
        for line in file.lines:
            key, colon, text = line.partition(":")
            if colon and key.isidentifier() and not text.startswith("//"):
                first.setdefault(key, line_value(text))
        for key, text in first.items():
            assert found.get_text(key) == text, (file.path, key)


def test_setting_one_key_changes_that_key_the_version_and_the_time(files: list[File]) -> None:
    for file in files:
        found = frontmatter.parse(file.data)
        changes = {"status": "a: new one", "version": "1", "updated": STAMP}
        edited = frontmatter_edit.edit(found, changes, soft=("updated",))
        before, after = file.data.split(b"\n"), edited.data.split(b"\n")
        body = len(before) - file.end
        assert after[-body:] == before[-body:], file.path
        assert _others(after[:-body]) == _others(before[:-body]), file.path
        assert len(after) - len(before) in (1, 2, 3), file.path  # version is new everywhere
        assert bool(edited.warnings) == (file.meaning is None), file.path
        again = frontmatter.parse(edited.data)
        assert again.get("status") == "a: new one"
        assert again.get("version") == "1"
        if file.meaning is not None:
            assert again.get("updated") == STAMP
            block = again.text.replace("\r\n", "\n")
            assert oracle(block) == {**file.meaning, **changes}, file.path


def _others(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if line.partition(b":")[0] not in (b"status", b"version", b"updated")]


def test_a_block_is_diagnosed_exactly_where_ruamel_refuses_it(files: list[File]) -> None:
    for file in files:
        problems = frontmatter_problems.diagnose(frontmatter.parse(file.data))
        assert bool(problems) == (file.meaning is None), file.path
        assert all(2 <= problem.line <= file.end for problem in problems), file.path
