"""The record store: every piece of shared state is read and changed through it, one key at a time.

Contract
    store.read(place)              the record now, without a guard: it is always whole
    with store.transact(key) as t: guard of `key` held: t.read, t.put, t.remove, t.next_token, then let go
    store.list_locks() …           which records there are
    store.bell(resource, ticket)   sleep until another process says that something changed (files/bell.py)

Files are the first implementation. A networked engine needs the same five operations (compare-and-swap on a revision
in place of the guard, a watch in place of the bell), so no layer above opens a record file itself.

Guarantees: what `put` publishes is atomic and durable (files/atomic.py); `next_token` is strictly increasing per key,
for ever, whatever is killed and whenever the power fails; a missed ring only costs a waiter one polling interval.

Non-guarantee: one transaction changes several records of its key one after the other, not as one; callers order
them so that each prefix is a valid state.
"""

from __future__ import annotations

import errno
import os
import time

from ccpm.errors import io_failure
from ccpm.files import atomic, process, root
from ccpm.files.guard import PATIENCE, Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.bell import Bell

LOCK = ".lock"
QUEUE = ".queue"
GUARD = ".guard"
BELL = ".bell"

_DIGITS = 20

BATCH = 100
"""Tokens that a power cut may make the counter forget, and that are skipped for it in another boot."""

# The counter is overwritten in place: its data has to reach the disk, its times need not (fdatasync(2)).
_sync_data = getattr(os, "fdatasync", os.fsync)


class Record:
    """Content of a record and the seconds since it was written (by the wall clock; negative after a step back)."""

    __slots__ = ("age", "data")

    def __init__(self, data: bytes, age: float) -> None:
        self.data = data
        self.age = age


class Transaction:
    """The guard of one key, and what may be done under it. See the module's contract."""

    __slots__ = ("_guard", "store")

    def __init__(self, store: Store, key: str, patience: float) -> None:
        self.store = store
        self._guard = Guard(store.guard_path(key), patience)

    def __enter__(self) -> Transaction:
        self.store.prepare()
        self._guard.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.__exit__()

    def read(self, path: str) -> Record | None:
        return self.store.read(path)

    def put(self, path: str, data: bytes, durable: bool = True) -> None:
        """Publish `data` at `path`; see atomic.replace."""
        _retire_directory(path)
        atomic.replace(path, data, durable=durable)

    def remove(self, path: str, durable: bool = True) -> None:
        atomic.sweep(path)
        _retire_directory(path)
        atomic.remove(path, durable)

    def sweep(self, path: str) -> None:
        atomic.sweep(path)

    def next_token(self, at_least: int = 0) -> int:
        """The next fencing token of this key, greater than `at_least` and than every token given before, also across
        a power cut.

        The counter is the guard file's content: 20 decimal digits and the id of the boot, overwritten in place.
        Overwriting a fixed-width number with a larger one from the left gives, torn after any digit, a number that is
        no smaller than the old one; and all of it lies within one disk sector: no second file, no rename.

        It is synced when it passes a multiple of `BATCH`. So after a power cut it may have forgotten fewer than `BATCH`
        tokens, and in another boot counting goes on that much higher (as PostgreSQL's sequences do, SEQ_LOG_VALS).
        """
        descriptor, boot = self._guard.descriptor, process.boot_id()
        try:
            text = os.pread(descriptor, _DIGITS + 64, 0)
            counted = _counted(text[:_DIGITS])
            is_synced = bool(boot) and text[_DIGITS + 1 : -1] == boot.encode()
            token = max(counted, at_least) + (1 if is_synced or not boot or not counted else BATCH)
            data = b"%020d %s\n" % (token, boot.encode())
            at = 0
            while at < len(data):
                at += os.pwrite(descriptor, data[at:], at)
            if not is_synced or token // BATCH > counted // BATCH:
                _sync_data(descriptor)
        except OSError as error:
            raise io_failure(f"count up the fencing token in {self._guard.path}", error) from error
        if not text:  # a new file: a power cut may not take its name away either
            atomic.sync_directory(os.path.dirname(self._guard.path), f"token {token} is counted, but")
        return token


class Store:
    """The records of the project whose coordination root is `top`."""

    __slots__ = ("_locks", "_prepared", "_state", "top")

    def __init__(self, top: str) -> None:
        self.top = top
        self._locks = root.locks_dir(top)
        self._state = root.state_dir(top)
        self._prepared = False

    def lock_path(self, resource: str) -> str:
        return f"{self._locks}/{resource}{LOCK}"

    def queue_path(self, resource: str) -> str:
        return f"{self._state}/{resource}{QUEUE}"

    def guard_path(self, key: str) -> str:
        return f"{self._state}/{key}{GUARD}"

    def prepare(self) -> None:
        """Make the folders; IOFailure (74) when the root cannot be written."""
        if not self._prepared:
            if not os.path.isdir(self._state):
                is_bare = not os.path.isdir(os.path.dirname(self._locks))
                root.make_dir(self._state)
                if is_bare:
                    self._hide_from_git()
                for folder in (self._locks, os.path.dirname(self._locks)):
                    atomic.sync_directory(folder, f"{self._state} is created, but")
            self._prepared = True

    def _hide_from_git(self) -> None:
        """In a repository that has no `.claude/`, and in which only a file is guarded, no commit shall take in what we
        make for that."""
        try:
            with open(f"{self._locks}/.gitignore", "x") as file:
                file.write("*\n")
        except OSError:
            pass

    def transact(self, key: str, patience: float = PATIENCE) -> Transaction:
        """A transaction on `key`; Busy (75) if its guard is not had within `patience` seconds."""
        return Transaction(self, key, patience)

    def read(self, path: str) -> Record | None:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise io_failure(f"read {path}", error) from error
        try:
            age = time.time() - os.fstat(descriptor).st_mtime
            chunks = []
            while chunk := os.read(descriptor, 1 << 16):
                chunks.append(chunk)
            return Record(b"".join(chunks), age)
        except IsADirectoryError:  # the lock of the mkdir-based implementation that this one replaces
            return Record(b"", age)
        except OSError as error:
            raise io_failure(f"read {path}", error) from error
        finally:
            os.close(descriptor)

    def list_locks(self) -> list[str]:
        return _names_in(self._locks, LOCK)

    def list_queues(self) -> list[str]:
        return _names_in(self._state, QUEUE)

    def list_leftovers(self) -> list[str]:
        """Resources for which a killed process left a temporary file."""
        found = set()
        for folder, suffix in ((self._locks, LOCK), (self._state, QUEUE)):
            names = _names_in(folder, suffix + atomic.SUFFIX, hidden=True)
            found |= {name[1:] for name in names if name.startswith(".")}
        return sorted(found)

    def open_bell(self, resource: str, ticket: int) -> Bell:
        """The bell of a new waiter, who listens from now on."""
        self.prepare()
        bell = self.bell(resource, ticket)
        bell.open()
        return bell

    def bell(self, resource: str, ticket: int) -> Bell:
        """The bell of the waiter with that ticket, to ring it or to ask how long ago it was heard of."""
        from ccpm.files.bell import Bell

        return Bell(f"{self._state}/{resource}.{ticket}{BELL}")


def _counted(text: bytes) -> int:
    """The newest token according to a counter. One that somebody else wrote into says nothing: the seconds of the
    epoch are more than were ever counted. (NULs: a power cut during the very first token, which nobody got.)"""
    if text.isdigit():
        return int(text)
    return int(time.time()) if text.strip(b"\0") else 0


def _names_in(folder: str, suffix: str, hidden: bool = False) -> list[str]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise io_failure(f"list {folder}", error) from error
    return sorted(
        name[: -len(suffix)] for name in names if name.endswith(suffix) and (hidden or name[0] != ".")
    )


def _retire_directory(path: str) -> None:
    """Make way where the implementation that this one replaces left its lock: a directory with metadata.yaml. What else
    somebody has put into it stays, in a hidden directory beside it."""
    if os.path.isdir(path):
        folder, name = os.path.split(path)
        aside = f"{folder}/.{name}.old-{time.time_ns()}"
        try:
            os.rename(path, aside)
            atomic.remove(f"{aside}/metadata.yaml", durable=False)
            os.rmdir(aside)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise io_failure(f"remove the old lock directory {path}", error) from error
