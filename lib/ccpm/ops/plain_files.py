"""Replace or append to a file as one step, optionally only if it is still what the caller has seen."""

from __future__ import annotations

import os

from ccpm.errors import VersionConflict
from ccpm.files import events, root
from ccpm.files.plain import Guarded
from ccpm.files.store import Store
from ccpm.ops.locking.fences import Fenced


class Write:
    """What to write: `content` to `path` (as the user named it). `append`: behind the old content.

    `if_sha256`: only if the present content has this hash (hex). `if_absent`: only if there is no such file.
    `mode`: permission bits. `fences`: {resource: token} that must still hold.
    """

    __slots__ = ("agent", "append", "content", "fences", "if_absent", "if_sha256", "mode", "path")

    def __init__(
        self,
        path: str,
        content: bytes,
        agent: str,
        append: bool = False,
        if_sha256: str = "",
        if_absent: bool = False,
        mode: int | None = None,
        fences: dict[str, int] | None = None,
    ) -> None:
        self.path = path
        self.content = content
        self.agent = agent
        self.append = append
        self.if_sha256 = if_sha256
        self.if_absent = if_absent
        self.mode = mode
        self.fences = fences or {}


def write(request: Write) -> tuple[str, bytes]:
    """Carry out `request`: (the real path, its new content). VersionConflict (10) if a condition fails, LeaseLost (11)
    if a fence does, IOFailure (74); in each case the old content stands."""
    path = root.resolve(request.path)
    store = Store(root.find()) if request.fences else None
    with Guarded(path) as file:
        old = file.read() if request.append or request.if_sha256 or request.if_absent else None
        _check(request, path, old)
        content = (old or b"") + request.content if request.append else request.content
        with Fenced(store, request.fences):
            file.publish(content, request.mode)
        if file.top:
            events.append(
                file.top,
                "file.written",
                file=os.path.relpath(path, file.top),
                agent=request.agent,
                bytes=len(content),
            )
    return path, content


def describe(path: str, content: bytes) -> dict[str, object]:
    """What was written as plain data for --json; the hash is what --if-sha256 takes."""
    return {"path": path, "bytes": len(content), "sha256": hash_of(content)}


def _check(request: Write, path: str, old: bytes | None) -> None:
    if request.if_absent and old is not None:
        raise VersionConflict(
            f"{path} exists already ({len(old)} bytes); nothing was written", "read it first", path=path
        )
    if request.if_sha256:
        check_unchanged(path, old, request.if_sha256)


def check_unchanged(path: str, content: bytes | None, expected: str) -> None:
    """VersionConflict (10) unless `content`, that of `path` (None: no such file), has the hash `expected` (hex)."""
    found = hash_of(content) if content is not None else "absent"
    if found != expected.lower():
        raise VersionConflict(
            f"{path} changed since you read it: expected sha256 {expected}, found {found}; nothing was written",
            "read it again and decide again",
            path=path,
            expected=expected,
            found=found,
        )


def hash_of(data: bytes) -> str:
    """The sha256 of a content, as `--if-sha256` takes it."""
    from hashlib import sha256

    return sha256(data).hexdigest()
