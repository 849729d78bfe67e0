"""Frontmatter under a version: read it, change it only if it is still what the caller saw, or change it regardless.

Every write is one guarded step: read the file, compare the version, splice the new text, publish, log. `update`
cannot conflict, because it decides inside the guard; `set` with an expected version is for callers that computed the
new value from what they read before (compare-and-swap).

Guarantee: each write sets `version` one higher and `updated` to now, and leaves every other byte (promise P10).
Who wrote a version, and when, is in the event log: the file itself carries no more than the two keys.
"""

from __future__ import annotations

import os
import time

from ccpm.core import versions
from ccpm.errors import Malformed, NotFound, UsageError
from ccpm.files import clock, events, frontmatter, plain, root
from ccpm.files.frontmatter import Document
from ccpm.files.plain import Guarded
from ccpm.files.store import Store
from ccpm.ops import plain_files
from ccpm.ops.locking.fences import Fenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ccpm.files.frontmatter_edit import Edited

MANAGED = (versions.KEY, versions.STAMP)
"""Keys that every write sets itself."""


class Change:
    """A change to the file `path` on behalf of `agent`: `values` to set, keys to `unset`, under `fences`. `create`:
    begin a block where the file has none. `body` makes the new text behind the block out of the old one; it is called
    under the guard."""

    __slots__ = ("agent", "body", "create", "fences", "path", "unset", "values")

    def __init__(
        self,
        path: str,
        agent: str,
        values: dict[str, str],
        unset: tuple[str, ...] = (),
        fences: dict[str, int] | None = None,
        create: bool = False,
        body: Callable[[str], str] | None = None,
    ) -> None:
        for key in (*values, *unset):
            if key in MANAGED:
                raise UsageError(f"{key} is set by every write itself", "leave it out of the arguments")
        self.path = path
        self.agent = agent
        self.values = values
        self.unset = unset
        self.fences = fences or {}
        self.create = create
        self.body = body


def read(path: str) -> Document:
    """The frontmatter of `path` as it is now. NotFound (66) if there is no such file."""
    real = root.resolve(path)
    try:
        return frontmatter.parse(_content(real))
    except Malformed as error:
        raise _named(real, error) from error


def apply(change: Change, expect: int | None = None) -> tuple[int, list[str]]:
    """Carry out `change`: (the new version, warnings about other lines of the block).

    `expect`: the version that the caller read; VersionConflict (10) if the file has another one by now.
    Malformed (65) if the block cannot take the change, LeaseLost (11) if a fence does not hold: nothing is written.
    """

    from ccpm.files import frontmatter_edit

    def edit(document: Document, version: int) -> Edited:
        if change.body:
            old = document.parts()[1]
            new = change.body(old.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            head = document.data[: len(document.data) - len(old)]
            gap = b"" if head.endswith(b"\n") or not new else b"\n"
            document = frontmatter.parse(head + gap + new)
        return frontmatter_edit.edit(
            document, {**change.values, **_stamp(version)}, change.unset, (versions.STAMP,), change.create
        )

    return _write(
        change.path, change.agent, change.fences, expect, edit, sorted({*change.values, *change.unset})
    )


def snapshot(path: str, expect: int | None = None) -> bytes:
    """The whole file `path` as it is now, for a caller that will `commit` an edited copy of it.

    VersionConflict (10) if it has another version than `expect`. NotFound (66) if there is no such file.
    """
    real = root.resolve(path)
    content = _content(real)
    if expect is not None:
        try:
            _version_of(root.of_file(real), real, frontmatter.parse(content), expect)
        except Malformed as error:
            raise _named(real, error) from error
    return content


def commit(
    path: str, agent: str, content: bytes, expect: int, fences: dict[str, int], if_sha256: str = ""
) -> int:
    """Replace the whole file by `content`, as version `expect` + 1, if its version is still `expect`.

    `if_sha256`: and only if the present content has this hash (hex). The version alone does not show what was changed
    without counting it up: a line appended to the body, an edit by hand.
    """

    from ccpm.files import frontmatter_edit

    def edit(_: Document, version: int) -> Edited:
        return frontmatter_edit.edit(frontmatter.parse(content), _stamp(version), (), (versions.STAMP,))

    return _write(path, agent, fences, expect, edit, [], if_sha256)[0]


def ensure_version(path: str, agent: str, fences: dict[str, int] | None = None) -> bool:
    """Add `version: 1` where a file has none; whether it was added. `updated` stays: nothing else has changed."""
    from ccpm.files import frontmatter_edit, yaml_authority

    real = root.resolve(path)
    store = Store(root.find()) if fences else None
    yaml_authority.prepare()
    with Guarded(real) as file:
        try:
            document = frontmatter.parse(_content(real))
            if document.get(versions.KEY) is not None:
                versions.of(document.get(versions.KEY))
                return False
            edited = frontmatter_edit.edit(document, {versions.KEY: "1"})
        except Malformed as error:
            raise _named(real, error) from error
        with Fenced(store, fences or {}):
            file.publish(edited.data)
        _log(file, real, agent, 1, [])
    return True


def _write(
    path: str,
    agent: str,
    fences: dict[str, int],
    expect: int | None,
    edit: Callable[[Document, int], Edited],
    keys: list[str],
    if_sha256: str = "",
) -> tuple[int, list[str]]:
    from ccpm.files import yaml_authority

    real = root.resolve(path)
    store = Store(root.find()) if fences else None
    yaml_authority.prepare()  # not under the guard: its import takes longer than all that follows
    with Guarded(real) as file:
        try:
            content = _content(real)
            document = frontmatter.parse(content)
            version = versions.next_version(_version_of(file.top, real, document, expect))
            if if_sha256:
                plain_files.check_unchanged(real, content, if_sha256)
            edited = edit(document, version)
        except Malformed as error:
            raise _named(real, error) from error
        with Fenced(store, fences):
            file.publish(edited.data)
        _log(file, real, agent, version, keys)
    return version, [f"{real}:{problem.line}: {problem.reason}" for problem in edited.warnings]


def _version_of(top: str, path: str, document: Document, expect: int | None) -> int:
    """The version of `document`; VersionConflict (10) if another one was expected."""
    found = versions.of(document.get(versions.KEY))
    if expect is not None and found != expect:
        writer, when = _last_writer(top, path, document, found)
        versions.check(expect, found, when, writer, path)
    return found


def _named(path: str, error: Malformed) -> Malformed:
    """`error`, which speaks of lines, with the file that they are in."""
    return Malformed(f"{path}: {error.message}", error.hint, **{**error.details, "path": path})


def _stamp(version: int) -> dict[str, str]:
    return {versions.KEY: str(version), versions.STAMP: clock.to_iso(time.time())}


def _content(path: str) -> bytes:
    data = plain.read(path)
    if data is None:
        raise NotFound(
            f"no such file: {path}", "check the path; ccpm-query epic-list shows what there is", path=path
        )
    return data


def _last_writer(top: str, path: str, document: Document, version: int) -> tuple[str, str]:
    """(agent, timestamp) of the write that made `version`; what the file says where the log has no such event."""
    name = os.path.relpath(path, top) if top else ""
    for event in reversed(events.read_tail(top) if top else []):
        if event.get("file") == name and event.get("version") == version:
            return str(event.get("agent")), str(event.get("ts"))
    return "", document.get_text(versions.STAMP) or ""


def _log(file: Guarded, path: str, agent: str, version: int, keys: list[str]) -> None:
    if file.top:
        name = os.path.relpath(path, file.top)
        events.append(file.top, "frontmatter.written", file=name, agent=agent, version=version, keys=keys)
