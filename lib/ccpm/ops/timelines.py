"""The timeline of an epic out of the event log."""

from __future__ import annotations

import time

from ccpm.core import timeline
from ccpm.core.timeline import Timeline
from ccpm.files import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_CONTENDED, _CYCLE = b'"contended":true', (b'"event":"lock.', b'"event":"frontmatter.', b'"event":"file.')
_TIMEOUT = b'"event":"lock.timeout"'


def of_epic(top: str, epic: str, age: float = 0.0) -> Timeline:
    """The timeline of `epic`, of the last `age` seconds (0: of all that the log has)."""
    now = time.time()
    return timeline.build(_events(top, now - age if age else 0.0), epic, now)


def _events(top: str, since: float) -> Iterator[dict[str, Any]]:
    """The events that a timeline is made of; most lines are about locks that nobody waited for."""
    import json

    for piece in events.read_since(top, since):
        for line in piece.split(b"\n"):
            is_wait = _CONTENDED in line or _TIMEOUT in line
            if not line or (not is_wait and any(mark in line for mark in _CYCLE)):
                continue
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                yield event
