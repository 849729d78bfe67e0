"""The other side of the question whether kernel locks exclude on a file system: a second process that takes one.

Contract: `serve(path)` obeys words on standard input, one a line, and answers each with one word:
    try     "free" if it could have the lock of `path` now (and lets it go again), else "held"
    hold    takes it and keeps it: "holding", or "held"
It ends when its input does. external/lock_check.py asks; the lock is the one that guards take (files/guard.py).
"""

from __future__ import annotations

import os
import sys

from ccpm.files import guard


def serve(path: str) -> None:
    kept: list[int] = []
    for word in sys.stdin:
        descriptor = take(path)
        if descriptor < 0:
            answer = "held"
        elif word.strip() == "hold":
            kept.append(descriptor)
            answer = "holding"
        else:
            os.close(descriptor)
            answer = "free"
        os.write(1, answer.encode() + b"\n")


def take(path: str) -> int:
    """A descriptor that holds the lock of `path`, or -1 if somebody else has it. IOFailure (74) if locking fails."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    if guard.try_lock(descriptor, path):
        return descriptor
    os.close(descriptor)
    return -1
