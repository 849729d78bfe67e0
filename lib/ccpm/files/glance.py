"""Records as they are written, for those that only look: without loading what decides and writes.

What a record means is said by files/agent_records.py and core/registry.py; here it is only asked whether one may
matter.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def registries(top: str, mark: bytes) -> Iterator[tuple[str, bytes]]:
    """(epic, its agents.json) for each one in which the text `mark` stands."""
    folder = os.path.join(top, ".claude", "epics")
    for epic in listing(folder):
        data = read(f"{folder}/{epic}/agents.json")
        if mark in data:
            yield epic, data


def listing(folder: str) -> list[str]:
    """The names in a folder, [] if it is not there."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def age(path: str) -> float:
    """Seconds since a file was written; negative if it is not there, or if the clock was set back."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return -1.0


def read(path: str) -> bytes:
    """The content of a file, b"" if it cannot be read: whoever has to use it says why."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        chunks = []
        while chunk := os.read(descriptor, 1 << 20):
            chunks.append(chunk)
        return b"".join(chunks)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
