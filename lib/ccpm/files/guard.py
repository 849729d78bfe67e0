"""The guard: a kernel lock around the microseconds in which one key is read, decided on and published.

Contract
    with Guard(path): …        # exclusive among all processes that use the same path
    with Guard(path, 0.5): …   # the same, for somebody who has only so many seconds

`path` is a sidecar that is created once and never renamed or unlinked: locking the data file itself excludes nobody,
because after a rename two processes hold locks on two inodes. It may also be an existing directory (for a file
outside every project, which has no sidecar).

Guarantees
- The kernel drops the lock when its holder dies, at any instruction (flock(2)).
- Children never inherit it: Python opens with O_CLOEXEC (PEP 446), and a forked child that keeps the descriptor
  would have to outlive its own exec.
- A guard that was deleted by hand while somebody waited for it is noticed and opened again: after locking, the path
  must still lead to the locked inode.
- Waiting ends: a holder that was stopped (SIGSTOP) in its few microseconds makes others give up with `Busy` after
  `PATIENCE` seconds instead of hanging.

Non-guarantees: not re-entrant; fair only as far as flock(2) is (fairness lives in the queue of
ops/locking/locks.py); on a network file system it excludes only as far as that one implements flock across hosts.
"""

from __future__ import annotations

import _thread
import errno
import os
import sys
import time

from ccpm.errors import Busy, io_failure

PATIENCE = 20.0
"""Seconds to wait for a guard. A holder needs about a millisecond; more means that it is stopped or its disk hangs."""

PAUSES = (0.00005, 0.0001, 0.0002)
"""Seconds between the first looks at a guard that is held: most holds are over by then."""

_HELD = (errno.EAGAIN, errno.EACCES)
"""What flock(2) and fcntl(2) answer where somebody else holds the lock."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_portalocker: ModuleType | None = None


class Guard:
    __slots__ = ("_patience", "descriptor", "path")

    def __init__(self, path: str, patience: float = PATIENCE) -> None:
        self.path = path
        self.descriptor = -1
        self._patience = max(0.0, min(patience, PATIENCE))

    def __enter__(self) -> Guard:
        deadline = time.monotonic() + self._patience
        while self.descriptor < 0:
            descriptor = _open(self.path)
            try:
                _lock(descriptor, self.path, deadline, self._patience)
                if _is_same_inode(descriptor, self.path):
                    self.descriptor, descriptor = descriptor, -1
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        os.close(descriptor)  # closing the only descriptor of this open file drops its flock


def _open(path: str) -> int:
    try:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except IsADirectoryError:
            return os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # somebody deleted the whole folder under a process that had made it
            os.makedirs(os.path.dirname(path), exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise io_failure(f"open the guard {path}", error) from error


def _lock(descriptor: int, path: str, deadline: float, patience: float) -> None:
    """Take the lock; Busy (75) when `deadline` passes first. Short holds are waited for with open eyes, longer ones in
    the kernel's line: one that polls comes too late again and again while others let go and take it anew at once."""
    for pause in PAUSES:
        if try_lock(descriptor, path):
            return
        time.sleep(pause)
    answer: list[bool | BaseException] = []
    ended = _thread.allocate_lock()
    ended.acquire()

    def wait_in_line() -> None:
        try:
            answer.append(try_lock(descriptor, path, is_patient=True))
        except BaseException as error:
            answer.append(error)
        ended.release()

    # Nothing else ends a call that blocks. If we give up, our caller closes the descriptor; then the kernel drops, with
    # the end of the call, what the call got.
    try:
        _thread.start_new_thread(wait_in_line, ())
    except RuntimeError:  # no thread is left to this user
        while not try_lock(descriptor, path):
            if time.monotonic() >= deadline:
                raise _busy(path, patience) from None
            time.sleep(PAUSES[-1])
        return
    if not ended.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise _busy(path, patience)
    if isinstance(answer[0], BaseException):
        raise answer[0]


def _busy(path: str, patience: float) -> Busy:
    return Busy(
        f"guard {os.path.basename(path)} has been held for more than {patience:.3g} s: "
        "its holder is stopped or its disk hangs",
        "look for a stopped process (ps -eo pid,stat,args, state T) and continue it: kill -CONT PID",
    )


def try_lock(descriptor: int, path: str, is_patient: bool = False) -> bool:
    """Lock the open file `descriptor` (of `path`) if nobody else has, or, `is_patient`, when nobody else has any more;
    whether it is ours now. IOFailure (74) where the file system cannot lock."""
    locker = _load_portalocker()
    constants = locker.constants
    flags = constants.LOCK_EX if is_patient else constants.LOCK_EX | constants.LOCK_NB
    try:
        locker.lock(_Descriptor(descriptor), flags)
    except locker.exceptions.BaseLockException as error:
        cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else OSError(0, str(error))
        if cause.errno not in _HELD:
            raise io_failure(
                f"lock {path}", cause, "run ccpm-doctor: this file system may not support flock"
            ) from error
        return False
    return True


def _is_same_inode(descriptor: int, path: str) -> bool:
    try:
        ours, theirs = os.fstat(descriptor), os.stat(path)
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)


class _Descriptor:
    """What portalocker.lock wants of a file."""

    __slots__ = ("_fileno",)

    def __init__(self, fileno: int) -> None:
        self._fileno = fileno

    def fileno(self) -> int:
        return self._fileno


def _load_portalocker() -> ModuleType:
    """`portalocker.portalocker`, without the package around it.

    portalocker/__init__.py also imports its Redis lock, tempfile, logging and json: 30 ms of the 45 that an import
    costs, at every start of a helper. The submodule that does the locking needs none of it, so it is imported under
    a bare parent package. It annotates its functions with `typing`, which would be half of what is left (`re`,
    `collections`, `contextlib`): where nobody has loaded that, a stand-in is there for the moment.
    """
    global _portalocker
    if _portalocker is None:
        if "portalocker" not in sys.modules:
            package = type(sys)("portalocker")
            package.__path__ = [os.path.join(folder, "portalocker") for folder in sys.path]
            sys.modules["portalocker"] = package
        stand_in = _Annotations("typing")
        is_there = sys.modules.setdefault("typing", stand_in) is not stand_in
        try:
            import portalocker.portalocker as module  # type: ignore[import-not-found,unused-ignore]
        finally:
            if not is_there:
                del sys.modules["typing"]
        _portalocker = module
    return _portalocker


class _Annotation:
    """Any name of `typing`, with or without brackets, also as a base class."""

    def __class_getitem__(cls, _: object) -> type[_Annotation]:
        return cls


class _Annotations(type(sys)):  # type: ignore[misc]
    def __getattr__(self, name: str) -> type[_Annotation]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Annotation
