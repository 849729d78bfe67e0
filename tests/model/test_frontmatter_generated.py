"""Generated documents: what is read agrees with ruamel.yaml, and an edit changes nothing but its key.

CCPM_GENERATED says how many documents (default 2,000); a failure names the seed that reproduces it.
"""

from __future__ import annotations

import os
import re
from random import Random

import pytest

from ccpm.errors import CcpmError, Malformed, UsageError
from ccpm.files import frontmatter, frontmatter_edit, frontmatter_problems
from ccpm.files.yaml_inline import line_value
from model.frontmatter_documents import KEYS, VALUES, document, oracle

COUNT = int(os.environ.get("CCPM_GENERATED", "2000"))
CHUNK = 500
LONE_KEY = re.compile(r"([a-z_]+):(?: (.*))?")


def block_of(data: bytes) -> str:
    """The text between the markers, found without the code under test."""
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = text.split("\n")
    end = next(i for i, line in enumerate(lines) if i and line.rstrip(" \r\t") in ("---", "..."))
    return "".join(line + "\n" for line in lines[1:end])


def is_utf8(text: str) -> bool:
    return not any("\udc80" <= char <= "\udcff" for char in text)


@pytest.mark.parametrize("start", range(0, COUNT, CHUNK))
def test_reading_agrees_with_ruamel_and_editing_changes_only_its_key(start: int) -> None:
    for seed in range(start, min(COUNT, start + CHUNK)):
        random = Random(seed)
        data = document(random)
        try:
            check_one(data, random)
        except (AssertionError, CcpmError) as error:
            raise AssertionError(f"seed {seed}: {error}\n{data!r}") from error


def check_one(data: bytes, random: Random) -> None:
    block = block_of(data)
    meaning = oracle(block) if is_utf8(block) else None
    try:
        found = frontmatter.parse(data)
    except Malformed:
        has_alias = re.search(r"&([xy]).*\*\1|\*([xy]).*&\2", block, re.DOTALL)
        if not has_alias:
            raise
        return
    if meaning is not None:
        assert found.values() == meaning
        assert found.keys() == list(meaning)
        assert all(found.get(key) == value for key, value in meaning.items())
    else:
        check_lines(found, block)
    is_fine = not frontmatter_problems.diagnose(found)
    assert is_fine == (meaning is not None and found.is_editable)
    check_edit(data, block, meaning, random)


def check_lines(found: frontmatter.Document, block: str) -> None:
    """In a block that is no YAML, a key on one line says what that line says."""
    lines = [line.removesuffix("\r") for line in block.split("\n")[:-1]]
    seen = set()
    for line, following in zip(lines, [*lines[1:], "end:"], strict=True):
        match = LONE_KEY.fullmatch(line)
        if match and match[1] not in seen and following[:1] not in ("", " ", "\t", "-", "]", "}", "#"):
            alone = oracle(line + "\n") if is_utf8(line) else None
            expected = line_value(match[2] or "") if alone is None else alone[match[1]]
            assert found.get(match[1]) == expected, line
        seen.add(line.partition(":")[0].rstrip(" ").strip("'\""))


def check_edit(data: bytes, block: str, meaning: dict[str, object] | None, random: Random) -> None:
    found = frontmatter.parse(data)
    key = random.choice([*found.keys(), *KEYS]) if random.random() < 0.8 else "fresh"
    value = random.choice(VALUES)
    unset = [random.choice(found.keys())] if found.keys() and random.random() < 0.2 else []
    try:
        edited = frontmatter_edit.edit(found, {key: value}, unset)
    except Malformed:
        if meaning is not None and found.is_editable:
            raise
        return
    except UsageError:
        if found.find(key):
            raise
        return
    after = block_of(edited.data)
    if meaning is not None:
        expected = {k: v for k, v in meaning.items() if k not in unset or k == key}
        listed = value if value[:1] not in ("[", "{") else (oracle(f"k: {value}\n") or {"k": value})["k"]
        whole = value[:1] + value[-1:] in ("[]", "{}") and "\n" not in value
        expected[key] = listed if whole else value
        assert oracle(after) == expected
        assert list(oracle(after) or {}) == list(expected)
    else:
        assert edited.warnings
    check_bytes(data, edited.data, found, {key, *unset})


def check_bytes(old: bytes, new: bytes, found: frontmatter.Document, touched: set[str]) -> None:
    """All bytes outside the lines of the touched keys are there, in order, and nothing else but one line a key."""
    assert new[: found.begin] == old[: found.begin]
    kept = found.data[found.begin : found.end].split(b"\n")
    spans = {n for e in found.entries if e.key in touched for n in range(e.first, e.last)}
    kept = [line for number, line in enumerate(kept) if number not in spans]
    end = len(new) - (len(old) - found.end)
    assert new[end:] == old[found.end :]
    lines = new[found.begin : end].split(b"\n")
    assert len(lines) <= len(kept) + len(touched)
    remaining = iter(lines)
    assert all(any(line == other for other in remaining) for line in kept)
    crlf = old.count(b"\r\n") == old.count(b"\n")
    assert not crlf or all(line.endswith(b"\r") for line in lines[:-1])
