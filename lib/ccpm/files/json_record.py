"""Shared state that is one JSON object a file: agents.json, github-rate-limit.json, the issues of the local tracker.

Contract
    json_record.read(path)                 the object as it is now, {} if there is none; takes no guard
    with json_record.Changing(path) as record:
        record.data["key"] = …             decide on the state that the guard protects
        record.save()                      publish it; without this call nothing is written

Guarantees: those of files/plain.py (all writers of one path meet at one guard, readers see a whole object), and keys
that this version does not know are kept, because the object itself is changed.
Non-guarantee: the guard is held for the whole block. Nothing in it may wait, run a command or talk to a network.
"""

from __future__ import annotations

import os

from ccpm.core import quick_json
from ccpm.errors import Malformed
from ccpm.files import atomic, plain, root
from ccpm.files.plain import Guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Changing:
    """One guarded change of the object in `path` (absolute, free of symbolic links). Makes the folder.

    Entering raises Malformed (65) if the file holds anything but a JSON object: what cannot be read is not overwritten.
    """

    __slots__ = ("_file", "_found", "data", "path")

    def __init__(self, path: str) -> None:
        root.make_dir(os.path.dirname(path))
        self.path = path
        self._file = Guarded(path)
        self._found: bytes | None = None
        self.data: dict[str, Any] = {}

    def __enter__(self) -> Changing:
        self._file.__enter__()
        try:
            self._found = self._file.read()
            self.data = parse(self.path, self._found)
        except BaseException:
            self._file.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.__exit__()

    @property
    def is_new(self) -> bool:
        """Whether there was no file when the block began."""
        return self._found is None

    def save(self) -> None:
        """Publish `data`, unless the file says exactly that already. IOFailure (74) leaves the old content."""
        text = encode(self.data)
        if text != self._found:
            self._file.publish(text)
            self._found = text


def set_aside(path: str) -> bool:
    """Where `path` holds no JSON object, keep what it holds in `path`.damaged and begin anew: for records that may be
    lost. Whether that was so."""
    with Guarded(path) as file:
        found = file.read()
        try:
            parse(path, found)
        except Malformed:
            atomic.replace(path + ".damaged", found or b"")
            file.publish(encode({}))
            return True
    return False


def read(path: str) -> dict[str, Any]:
    """The object in `path` now, {} if there is no such file; Malformed (65) if it is none."""
    return parse(path, plain.read(path))


def parse(path: str, data: bytes | None) -> dict[str, Any]:
    if data is None or not data.strip():
        return {}
    try:
        found = quick_json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(
            f"{path} is not JSON: {error}", "mend it by hand or restore it from a backup; nothing was written"
        ) from error
    if not isinstance(found, dict):
        raise Malformed(f"{path} holds no JSON object", "mend it by hand or restore it from a backup")
    return found


def encode(data: dict[str, Any]) -> bytes:
    """As people read it: two blanks of indentation, no escapes but those that JSON needs, a final newline. A byte of a
    file name that is no UTF-8 (a surrogate in Python) becomes the escape `\\udcXX`, which every reader takes."""
    import json

    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
