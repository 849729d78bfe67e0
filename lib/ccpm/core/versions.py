"""Optimistic versions: a file says how often it was written, and a writer says which of these it has read.

Contract: pure. The version of a file is its `version:` key; a file without one, or with an empty one, has version 0.
Each write makes it one more, also a write that changes nothing else: version = first version + number of writes.
"""

from __future__ import annotations

from ccpm.errors import Malformed, VersionConflict

KEY = "version"
STAMP = "updated"

LONGEST = 15
"""Digits of a version: what every reader's integers hold, 2^53 included (ECMA-262, 6.1.6.1)."""


def of(value: object) -> int:
    """The version in `value`, what the frontmatter says for `version` (None: no such key); Malformed (65) for what is
    no whole number from 0."""
    if value is None or value == "":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= LONGEST:
        return int(value)
    raise Malformed(
        f"version is {str(value)[:60]!r}, not a whole number from 0",
        "correct the line `version:`, a number of writes (a product's version belongs into another key)",
        version=str(value)[:60],
    )


def parse(text: str) -> int:
    """An expected version from a command line; ValueError if it is none."""
    if text.isascii() and text.isdigit() and len(text) <= LONGEST:
        return int(text)
    raise ValueError(f"{text[:40]!r} is not a version: a whole number from 0")


def next_version(current: int) -> int:
    return current + 1


def check(expected: int, found: int, updated_at: str = "", by: str = "", what: str = "the file") -> None:
    """VersionConflict (10) unless the version `found` is the one `expected`.

    `updated_at`: when it was last written (an ISO timestamp), `by`: the agent that did, each "" if unknown. `what`: the
    file as the message names it.
    """
    if found == expected:
        return
    who = f" by {by}" if by else ""
    when = f" at {updated_at}" if updated_at else ""
    last = f"; last written{who}{when}" if who or when else ""
    raise VersionConflict(
        f"{what} changed since you read it: expected version {expected}, found {found}{last}; nothing was written",
        "read it again and decide again; an independent change goes in with: ccpm-fm-cas update FILE KEY=VALUE",
        expected=expected,
        found=found,
        by=by or None,
        updated=updated_at or None,
    )
