"""Drafts of tasks as one text: what an epic is decomposed into, before the tasks have numbers. Pure.

    === Store password hashes
    parallel: true
    hours: 4

    ## Description
    …
    === Log in
    depends_on: @1, 001

    …

Contract: a draft begins with a line `=== TITLE`. Lines `key: value` follow, then a blank line, then the body up to the
next draft. Keys are those of `KEYS`. `@2` names the second draft of the same text, anything else a task that exists.
"""

from __future__ import annotations

import re

from ccpm.core import given_text
from ccpm.core.plan import hours_of, reference_of
from ccpm.errors import Malformed, UsageError

KEYS = ("depends_on", "conflicts_with", "parallel", "hours", "bug_for")
_SAYS_YES, _SAYS_NO = ("true", "yes", "1"), ("false", "no", "0", "")


class Draft:
    """A task to be: `line` is where it begins; references as written, `@N` for another draft of the same text."""

    __slots__ = ("body", "bug_for", "conflicts_with", "depends_on", "hours", "is_parallel", "line", "name")

    def __init__(
        self,
        name: str,
        body: str = "",
        depends_on: tuple[str, ...] = (),
        conflicts_with: tuple[str, ...] = (),
        is_parallel: bool = False,
        hours: str = "",
        bug_for: str = "",
        line: int = 1,
    ) -> None:
        self.name = name
        self.body = body
        self.depends_on = depends_on
        self.conflicts_with = conflicts_with
        self.is_parallel = is_parallel
        self.hours = hours
        self.bug_for = bug_for
        self.line = line

    def check(self) -> None:
        """UsageError (2) if this cannot become a task: no title, a text that begins with frontmatter, no effort."""
        given_text.title(" ".join(self.name.split()))
        given_text.without_frontmatter(self.body)
        if self.hours and not hours_of(self.hours):
            raise UsageError(f"{self.hours[:40]!r} is no effort", "write hours or days: 4, 4-6, 2d")


def parse(text: str) -> list[Draft]:
    """The drafts in `text`; Malformed (65) names the line that is none of a draft."""
    drafts: list[Draft] = []
    lines = text.replace("\r\n", "\n").split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("=== ")]
    if any(line.strip() for line in lines[: starts[0] if starts else len(lines)]):
        raise _malformed(1, "the text begins before the first `=== TITLE`")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        drafts.append(_draft(lines[start:end], start + 1))
    for draft in drafts:
        for reference in (*draft.depends_on, *draft.conflicts_with):
            if reference.startswith("@") and not 1 <= int(reference[1:]) <= len(drafts):
                raise _malformed(draft.line, f"{reference} names no draft: there are {len(drafts)}")
    return drafts


def references(text: str) -> tuple[str, ...]:
    """The entries of a list of tasks as people write it: `001, 002`, `[1 2]`, `#12`, `@1`."""
    found = []
    for part in text.strip().strip("[]").replace(",", " ").split():
        entry = part.strip("\"'")
        found.append(entry if re.fullmatch(r"@\d{1,9}", entry) else reference_of(entry))
    return tuple(found)


def _draft(lines: list[str], first: int) -> Draft:
    name = " ".join(lines[0][4:].split())
    if not name:
        raise _malformed(first, "the draft has no title")
    values: dict[str, str] = {}
    body = 1
    while body < len(lines) and lines[body].strip():
        key, colon, value = lines[body].partition(":")
        if key.strip() not in KEYS or not colon:
            known = ", ".join(KEYS)
            raise _malformed(first + body, f"{lines[body][:60]!r} is no `key: value` of {known}")
        values[key.strip()] = value.strip()
        body += 1
    parallel = values.get("parallel", "").lower()
    if parallel not in (*_SAYS_YES, *_SAYS_NO):
        raise _malformed(first, f"parallel is {parallel[:20]!r}, neither true nor false")
    return Draft(
        name,
        "\n".join(lines[body:]).strip("\n"),
        references(values.get("depends_on", "")),
        references(values.get("conflicts_with", "")),
        parallel in _SAYS_YES,
        values.get("hours", ""),
        values.get("bug_for", "").lstrip("#"),
        first,
    )


def _malformed(line: int, what: str) -> Malformed:
    return Malformed(
        f"line {line} of the drafts: {what}; nothing was written",
        "a draft is a line `=== TITLE`, lines `key: value`, a blank line, and the text of the task",
        line=line,
    )
