"""What is wrong with a block of frontmatter, by line, and which keys may therefore not be written.

Contract: `diagnose` is empty exactly if the block is a YAML mapping (to ruamel.yaml) in which each key has its own
lines. `ambiguity` says why a key must not be written: it stands there twice, its line swallowed another key, or its
lines are no YAML and more than one.

A swallowed key: old sync scripts lost line ends and left `updated: …Zgithub: https://…depends_on: […]`. Whoever
replaces the value of `updated` there destroys two others. A name like `Rename: the plan` swallows nothing.
"""

from __future__ import annotations

import re

from ccpm.files import yaml_authority, yaml_inline
from ccpm.files.frontmatter import Document
from ccpm.files.frontmatter_lines import bare, split_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.frontmatter_lines import Entry

SWALLOWED = re.compile(
    r"(?:(?<=[0-9]Z)|(?<=[0-9]Z )|(?<=\S)(?=(?:github|depends_on|conflicts_with|last_sync|created|updated):)"
    r"|(?<=[0-9%\])\"'/])(?=(?:name|title|status|closed|parallel|progress|prd|epic|version|issue|priority):))"
    r"([a-z_]+):(?=\s|\Z)"
)
"""A key right behind another value: behind a timestamp any, else one that CCPM's scripts write. Words that also end
ordinary ones (`rename:`) count only behind a digit, a quote or a bracket."""


class Problem:
    """`line` is that of the file, from 1. `key` is the one whose line it is, or ""."""

    __slots__ = ("key", "line", "reason")

    def __init__(self, line: int, reason: str, key: str = "") -> None:
        self.line = line
        self.reason = reason
        self.key = key

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


_LONGEST_KEY = 1000
"""Characters: YAML wants the colon of a key within 1024 (YAML 1.2.2, 7.4.2)."""


def is_simple(document: Document) -> bool:
    """Whether the block is sound beyond doubt, judged without ruamel.yaml (which takes a hundred times longer): if so,
    `diagnose` is empty. What this says no to may still be sound."""
    if not document.has_block or document.junk or not document.is_editable:
        return False
    text = document.text.replace("\r\n", "").replace("\n", "")
    if yaml_inline.is_odd(text):
        return False
    keys = [entry.key for entry in document.entries]
    return (
        len(set(keys)) == len(keys)
        and max(map(len, keys), default=0) < _LONGEST_KEY
        and all(
            split_key(bare(document.lines[entry.first])) is not None
            and document.read_simple(entry) is not None
            for entry in document.entries
        )
    )


def diagnose(document: Document) -> list[Problem]:
    """Everything that is wrong, in the order of the lines."""
    if not document.has_block:
        return [Problem(1, "there is no frontmatter: the first line is not ---")]
    meaning = yaml_authority.load(document.text)
    if meaning.is_valid:
        if document.is_editable:
            return []
        return [Problem(2, "the keys do not stand on lines of their own, so they can be read but not edited")]
    found = [Problem(number + 2, "neither `key: value` nor a continuation of it") for number in document.junk]
    seen: dict[str, int] = {}
    for entry in document.entries:
        line = entry.first + 2
        if entry.key in seen:
            found.append(
                Problem(line, f"the key {entry.key!r} stands on line {seen[entry.key]} already", entry.key)
            )
        seen.setdefault(entry.key, line)
        found += _problem_of(document, entry)
    if not found:
        found.append(Problem(meaning.line + 2, meaning.reason))
    return sorted(found, key=lambda problem: problem.line)


def _problem_of(document: Document, entry: Entry) -> list[Problem]:
    swallowed = _swallowed_by(document, entry)
    if swallowed:
        names = ", ".join([entry.key, *swallowed])
        return [Problem(entry.first + 2, f"several keys are glued into one line: {names}", entry.key)]
    if document.read_simple(entry) is not None:
        return []
    meaning = document.meaning_of(entry)
    if meaning.is_valid:
        return []
    return [Problem(entry.first + meaning.line + 2, f"not valid YAML: {meaning.reason}", entry.key)]


def _swallowed_by(document: Document, entry: Entry) -> list[str]:
    """The keys without a line of their own that stand in the value of `entry`, where that is no YAML."""
    text = document.inline_text(entry)
    if ":" not in text or document.read_simple(entry) is not None:
        return []
    own = {other.key for other in document.entries}
    names = [match[1] for match in SWALLOWED.finditer(text)]
    names = [name for name in names if name not in own]
    return names if names and not document.meaning_of(entry).is_valid else []


def ambiguity(document: Document, key: str) -> Problem | None:
    """Why `key` must not be written, None if it may."""
    found = document.find(key)
    if len(found) > 1:
        lines = " and ".join(str(entry.first + 2) for entry in found)
        return Problem(found[0].first + 2, f"the key {key!r} stands on lines {lines}", key)
    for entry in document.entries:
        swallowed = _swallowed_by(document, entry)
        if key in swallowed or (swallowed and entry.key == key):
            names = ", ".join([entry.key, *swallowed])
            return Problem(entry.first + 2, f"several keys are glued into one line: {names}", entry.key)
    if found and found[0].last - found[0].first > 1 and document.read_simple(found[0]) is None:
        meaning = document.meaning_of(found[0])
        if not meaning.is_valid:
            line = found[0].first + meaning.line + 2
            return Problem(line, f"the lines of {key!r} are not valid YAML: {meaning.reason}", key)
    return None
