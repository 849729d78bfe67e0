"""Answers of GitHub that several agents may share for a moment: one file each in .claude/locks/.state/github-cache/.

Contract: `read(top, key)` gives (etag, age in seconds, body) or None; `write` replaces it. An entry is whole or not
there, readable by its owner alone (it may be of a private repository), and goes when it has not been written for a day.
Non-guarantee: a cache may lose what it was given.
"""

from __future__ import annotations

import os
import time

from ccpm.files import root

KEPT = 86_400.0
"""Seconds that an unused answer is kept."""


def key_of(*parts: str) -> str:
    from hashlib import sha256

    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:40]


def read(top: str, key: str) -> tuple[str, float, bytes] | None:
    try:
        with open(os.path.join(_folder(top), key), "rb") as file:
            age = time.time() - os.fstat(file.fileno()).st_mtime
            etag, newline, body = file.read().partition(b"\n")
    except OSError:
        return None
    return (etag.decode("latin-1"), age, body) if newline else None


def write(top: str, key: str, etag: str, body: bytes) -> None:
    folder = _folder(top)
    path = os.path.join(folder, key)
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(etag.encode("latin-1", "replace") + b"\n" + body)
        os.rename(temporary, path)
        _sweep(folder)
    except OSError:
        pass  # it is asked for again next time


def _sweep(folder: str) -> None:
    oldest = time.time() - KEPT
    for entry in os.scandir(folder):
        if entry.stat(follow_symlinks=False).st_mtime < oldest:
            os.unlink(entry.path)


def _folder(top: str) -> str:
    return os.path.join(root.state_dir(top), "github-cache")
