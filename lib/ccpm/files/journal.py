"""A write-ahead journal: JSON lines, each durable before `append` returns.

Contract: one writer at a time (the caller holds a lock, and passes a fence that is checked before each write).
`append` writes one line with one write(2) and fsyncs it; what is decided is in the journal before it is done. `keep`
replaces the journal by what is still needed of it, as one step; an empty journal is no file.

Guarantees: a kill leaves whole lines and at most one torn one at the end, which `open` cuts off: it was not
acknowledged, so nothing was done because of it. Lines of other versions are kept.
"""

from __future__ import annotations

import os

from ccpm.errors import Malformed, io_failure
from ccpm.files import atomic, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

    Entry = dict[str, Any]


class Journal:
    """The journal in `path` (absolute); `fence()` is entered around every write."""

    __slots__ = ("_fence", "entries", "path")

    def __init__(self, path: str, fence: Callable[[], AbstractContextManager[object]]) -> None:
        self.path = path
        self._fence = fence
        self.entries: list[Entry] = []

    def open(self) -> Journal:
        """Read what a predecessor left, and cut off what it did not finish writing. Malformed (65) for a line, other
        than the last, that is no JSON object: then somebody edited it, and guessing could make things twice."""
        with self._fence():
            atomic.sweep(self.path)
            data = plain.read(self.path) or b""
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                self._truncate(len(whole))
        self.entries = parse(self.path, whole)
        return self

    def append(self, entry: Entry) -> None:
        """Make `entry` durable. IOFailure (74): then it must not be acted on."""
        import json

        line = (
            json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
            + b"\n"
        )
        with self._fence():
            try:
                is_new = not os.path.exists(self.path)
                descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
                try:
                    size = os.fstat(descriptor).st_size
                    try:
                        atomic.write_all(descriptor, line)
                        os.fsync(descriptor)
                    except OSError:
                        os.ftruncate(descriptor, size)  # half a line would swallow the next one
                        raise
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise io_failure(f"write {self.path}", error) from error
            if is_new:
                atomic.sync_directory(os.path.dirname(self.path), f"{self.path} is written, but")
        self.entries.append(entry)

    def keep(self, entries: list[Entry]) -> None:
        """Replace the journal by `entries`; without any, remove it."""
        import json

        if entries == self.entries:
            return
        lines = [json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries]
        with self._fence():
            if lines:
                atomic.replace(self.path, ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"))
            else:
                atomic.remove(self.path)
        self.entries = entries

    def _truncate(self, size: int) -> None:
        try:
            os.truncate(self.path, size)
        except OSError as error:
            raise io_failure(f"mend {self.path}", error) from error


def parse(path: str, data: bytes) -> list[Entry]:
    """The entries in `data`; a torn last line is no entry."""
    import json

    entries = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            entry = json.loads(line.decode("utf-8", "surrogatepass"))
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise Malformed(
                f"{path}: line {number} is no JSON object",
                "restore the file from a backup, or mend the line: it says what was sent to the tracker",
                path=path,
                line=number,
            )
        entries.append(entry)
    return entries
