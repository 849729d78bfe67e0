"""Whose a file is: the one question that hooks, commits, worktrees and merges ask before they let a change pass.

Contract
    owner_of(top, path)                      the claim on a file, None if it is nobody's
    owner_of(top, path, asking="agent-b")    the claim that keeps agent-b from changing it, None if nothing does

A file is claimed by the stream of a living agent whose patterns mean it, and by whoever holds the lock
`file-<path, escaped>`. The lock counts first: it is about this one file. An agent that holds the lock passes the stream
of the agent that granted it (the operation of the lease says so, `granted by <agent>`), and no other.

`path` is absolute and free of symbolic links, or relative to the root `top`; in two worktrees it is one file.
Files outside the project are nobody's.

A registry that cannot be read hides no claim of another one. Where no claim is found, it is not certain that there is
none: then what is wrong with it is raised (`Malformed`, 65).

Read-only, without a guard: a snapshot. What is found dead here is buried by the next one who writes. Cheap where
nothing is claimed: one look into each epic's folder, no JSON, no pattern; pathspec is loaded only for a pattern that
could match.
"""

from __future__ import annotations

import os

from ccpm.core import patterns
from ccpm.core.names import unescape
from ccpm.core.registry import Registry, Stream, folded
from ccpm.errors import CcpmError
from ccpm.files import agent_records, checkout, clock, plain, root
from ccpm.files.store import Store
from ccpm.ops.locking import lock_state
from ccpm.ops.team import lives, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pathspec import PathSpec

STREAM, LOCK = "stream", "lock"
GRANTED = "granted by "

Loaded = tuple[list[Registry], list[CcpmError]]
"""The registries in which files are claimed, and what is wrong with those that cannot be read."""

_HAS_CLAIMS = b'"files"'
"""What every registry contains in which files are claimed."""

_specs: dict[tuple[str, ...], PathSpec[Any]] = {}


class Claim:
    """`agent` owns the file since `since` (UTC): through the stream `stream` of `epic` and its `patterns` (`via`
    STREAM), or by the lock on it (`via` LOCK; then `operation` says what for, and the others are empty)."""

    __slots__ = ("agent", "epic", "operation", "patterns", "since", "stream", "via")

    def __init__(
        self,
        agent: str,
        since: str,
        via: str,
        epic: str = "",
        stream: str = "",
        patterns: tuple[str, ...] = (),
        operation: str = "",
    ) -> None:
        self.agent = agent
        self.since = since
        self.via = via
        self.epic = epic
        self.stream = stream
        self.patterns = patterns
        self.operation = operation

    @property
    def what(self) -> str:
        """By what the file is claimed, as part of a sentence."""
        if self.via == LOCK:
            return f"its lock on the file ({self.operation})"
        return f"stream {self.stream} of {self.epic} ({', '.join(self.patterns)})"


def owner_of(top: str, path: str, asking: str = "") -> Claim | None:
    """The first claim on `path`, or, with `asking`, the first that stands against that agent."""
    return find(top, [path], asking).get(path)


def is_free(top: str, path: str, asking: str) -> bool:
    """Whether it is certain that nothing keeps `asking` from changing `path`."""
    try:
        return owner_of(top, path, asking) is None
    except CcpmError:
        return False


def find(top: str, paths: list[str], asking: str = "", loaded: Loaded | None = None) -> dict[str, Claim]:
    """{path: its claim} for those of `paths` that have one; the registries are read once (or are those `loaded`)."""
    registries, broken = loaded or load(top)
    looked = {path: next(iter(_claims(top, path, asking, registries)), None) for path in paths}
    found = {path: claim for path, claim in looked.items() if claim}
    if broken and not found and any(checkout.locate(top, path)[1] for path in paths):
        raise broken[0]
    return found


def first_below(top: str, folder: str, family: set[str]) -> Claim | None:
    """The first claim of an agent outside of `family` that may mean a file below `folder` ("": the whole project)."""
    store = Store(top)
    for resource in store.list_locks():
        path = unescape(resource[5:]) if resource.startswith("file-") else ""
        if path and (not folder or root.is_inside(path, folder)):
            for claim in _locks_on(top, path):
                if claim.agent not in family:
                    return claim
    fold = streams.is_case_blind(top)
    within = [patterns.quoted(folder)] if folder else []
    for registry in load(top)[0]:
        for stream in registry.streams.values():
            if not stream.is_live or stream.owner in family:
                continue
            files = folded(patterns.readable(stream.files), fold)
            meets = not within or patterns.meet(files, folded(within, fold))
            if meets and streams.is_owned(top, registry, stream):
                return _claim_of(registry, stream)
    return None


def load(top: str) -> Loaded:
    return agent_records.load(top, _HAS_CLAIMS)


def resource_of(top: str, file: str) -> str:
    """The name of the lock on `file`, a path below the root."""
    return plain.key_of(os.path.join(top, file), top)


def _claims(top: str, path: str, asking: str, registries: list[Registry]) -> list[Claim]:
    _, relative = checkout.locate(top, path)
    if not relative:
        return []
    locks = _locks_on(top, relative)
    mine = [claim for claim in locks if claim.agent == asking]
    granted = {claim.operation[len(GRANTED) :] for claim in mine if claim.operation.startswith(GRANTED)}
    found = [] if mine else locks
    fold = bool(registries) and streams.is_case_blind(top)
    for registry in registries:
        for stream in registry.streams.values():
            if not stream.is_live or stream.owner == asking or stream.owner in granted:
                continue
            if means(stream.files, relative, fold) and streams.is_owned(top, registry, stream):
                found.append(_claim_of(registry, stream))
    return found


def means(files: list[str], path: str, fold: bool = False) -> bool:
    """Whether the patterns `files` mean `path`, which is relative to the project's top."""
    found, path = folded(files, fold), path.lower() if fold else path
    return patterns.may_match(found, path) and _compiled(tuple(found)).match_file(path)


def _compiled(files: tuple[str, ...]) -> PathSpec[Any]:
    if files not in _specs:
        from pathspec import PathSpec
        from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

        # Not GitIgnoreSpec, which lets a pattern for a folder win over a later one for a file in it (core/patterns.py).
        _specs[files] = PathSpec.from_lines(GitIgnoreSpecPattern, patterns.readable(list(files)))
    return _specs[files]


def _locks_on(top: str, relative: str) -> list[Claim]:
    store = Store(top)
    resource = resource_of(top, relative)
    if store.read(store.lock_path(resource)) is None:
        return []
    return [
        Claim(lease.owner.agent, clock.to_iso(lease.acquired), LOCK, operation=lease.operation)
        for lease in lives.living(store, lock_state.look(store, resource).holders)
    ]


def _claim_of(registry: Registry, stream: Stream) -> Claim:
    since = clock.to_iso(stream.started)
    return Claim(stream.owner, since, STREAM, registry.epic, stream.name, tuple(stream.files))
