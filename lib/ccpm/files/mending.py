"""All that is wrong with the frontmatter of one file, and the file mended as far as that is certain.

Contract: `find(data)` lists the flaws of a file that should have frontmatter (core.findings tells the kinds).
`mend(data)` mends one flaw after the other, looking anew each time, until none is left that has one safe answer. Pure
text: guards and files are the business of ops/repair.

Guarantees: mending twice changes nothing more; files/flaw.py refuses what would lose text.
"""

from __future__ import annotations

import re

from ccpm.core import versions
from ccpm.errors import Malformed
from ccpm.files import block_flaws, frontmatter, outer_flaws, plain_block
from ccpm.files.flaw import Flaw, apply

_LONGEST_KEY = 1000
_STEPS = 64
"""Mends of one file in one run; a file with more is mended further by the next."""


class Mended:
    """`data`: the new content. `mends`: what was mended, in order. `left`: the flaws that are still there."""

    __slots__ = ("data", "left", "mends")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.mends: list[Flaw] = []
        self.left: list[Flaw] = []


def find(data: bytes) -> list[Flaw]:
    """Every flaw of `data`. Malformed blocks are flaws too; nothing is raised for them."""
    injected = outer_flaws.injected(data)
    if injected:
        return [injected]
    try:
        if _is_plainly_sound(data):
            return []
        document = frontmatter.parse(data)
    except Malformed as error:
        return [outer_flaws.unclosed(data, error)]
    if not document.has_block:
        return [outer_flaws.unopened(data)]
    return [*block_flaws.find(document), *outer_flaws.behind(document)]


def _is_plainly_sound(data: bytes) -> bool:
    """Whether `data` is without any flaw, judged at a glance: nearly every file is."""
    begin, end, has_block = frontmatter.locate(data)
    text = data[begin:end].decode("utf-8", "surrogateescape")
    if not has_block or " #" in text:
        return False
    values = plain_block.read(text)
    if values is None or len(values) < text.count("\n") or max(map(len, values), default=0) > _LONGEST_KEY:
        return False
    version = values.get(versions.KEY, "0")
    is_version = version == "" or (
        isinstance(version, str) and version.isdigit() and len(version) <= versions.LONGEST
    )
    return is_version and not outer_flaws.starts_with_key(data, end)


def mend(data: bytes) -> Mended:
    """`data` with every flaw mended that has one safe answer."""
    result = Mended(data)
    refused: set[tuple[str, str]] = set()
    for _ in range(_STEPS):
        result.left = find(result.data)
        step = next((f for f in result.left if f.is_mendable and (f.kind, f.what) not in refused), None)
        if step is None:
            return result
        try:
            result.data = apply(result.data, step)
        except ValueError:
            refused.add((step.kind, step.what))
            continue
        result.mends.append(step)
    result.left = find(result.data)
    return result


def replace_items(document: frontmatter.Document, key: str, names: dict[str, str]) -> bytes:
    """The file with entries of the list `key` renamed as `names` says; quotes, layout and comments stay.

    ValueError if the list does not read as expected afterwards.
    """
    before = document.get(key)
    entry = document.find(key)[0]
    at = block_flaws.offsets(document)
    start = at[entry.first] + len(
        document.lines[entry.first][: entry.colon + 1].encode("utf-8", "surrogateescape")
    )
    old = document.data[start : at[entry.last]]
    pattern = b"|".join(re.escape(name.encode()) for name in sorted(names, key=len, reverse=True))
    whole = re.compile(rb"(?<![\w.-])(?:" + pattern + rb")(?![\w.-])")
    new = b""
    for line in old.splitlines(keepends=True):
        value, hash_sign, comment = line.partition(b" #")
        new += whole.sub(lambda match: names[match[0].decode()].encode(), value) + hash_sign + comment
    data = document.data[:start] + new + document.data[at[entry.last] :]
    items = before if isinstance(before, list) else [part.strip() for part in str(before).split(",")]
    expected = [names.get(str(item), item) for item in items]
    after = frontmatter.parse(data).get(key)
    found = after if isinstance(after, list) else [part.strip() for part in str(after).split(",")]
    if found != expected:
        raise ValueError(f"{key} would read as {found}")
    return data
