"""Ordinary files of a project, changed under a guard of their own: read, decide, replace.

Contract: `with Guarded(path) as file: file.read(); file.publish(data)`. `path` is real (ccpm.files.root.resolve).
All writers of one file meet at one guard, whatever their environment, current directory, worktree or spelling of the
path. It follows from the file's place alone: a sidecar at the top of the repository that the file is in, or of the
folder whose `.claude/` holds it; a file elsewhere is guarded by a kernel lock on its directory. Names that only differ
in case, or in how they compose their letters, share a guard: on some file systems they are one file.

The sidecar's name starts with a dot, as no resource's does: the guard of a file is never that of the resource
`file-<path>`. So a write may be fenced by a lease on that very file, and all writers take guards in one order: the
file's first, then those of the resources.

Non-guarantee: programs that do not use these helpers are not held back; what they wrote since `read` shows in the next
read, or in the version or hash that the caller compares.
"""

from __future__ import annotations

import errno
import os
import stat

from ccpm.core.names import escape
from ccpm.errors import NotFound, io_failure
from ccpm.files import atomic, root
from ccpm.files.guard import Guard
from ccpm.files.store import Store

_LONGEST_KEY = 180


class Guarded:
    __slots__ = ("_guard", "path", "top")

    def __init__(self, path: str) -> None:
        self.path = path
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            raise NotFound(f"no such folder: {folder}", f"create it first: mkdir -p '{folder}'")
        self.top = root.of_file(path)
        guarded_at = root.guarded_at(path)
        if guarded_at:
            store = Store(guarded_at)
            store.prepare()
            self._guard = Guard(store.guard_path("." + key_of(_folded(path), _folded(guarded_at))))
        else:
            self._guard = Guard(folder)

    def __enter__(self) -> Guarded:
        self._guard.__enter__()
        atomic.sweep(self.path)
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.__exit__()

    def read(self) -> bytes | None:
        return read(self.path)

    def publish(self, data: bytes, mode: int | None = None) -> None:
        atomic.replace(self.path, data, mode)


def read(path: str) -> bytes | None:
    """The content of `path`, None if there is no such file; IOFailure (74) for what is no regular file."""
    try:
        # O_NONBLOCK: to open a FIFO would wait for its writer (fifo(7)). It means nothing to a regular file.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            return file.readall()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise io_failure(f"read {path}", error) from error


def key_of(path: str, top: str) -> str:
    """The resource name of a file: `file-<path below the root, escaped>`, cut to fit a file name with its checksum."""
    key = "file-" + escape(os.path.relpath(path, top))
    if len(key) <= _LONGEST_KEY:
        return key
    from zlib import crc32

    return f"{key[: _LONGEST_KEY - 9]}-{crc32(key.encode()):08x}"


def _folded(path: str) -> str:
    """`path` as file systems compare names that take no notice of case and composition."""
    if not path.isascii():
        from unicodedata import normalize

        path = normalize("NFC", path)
    return path.casefold()
