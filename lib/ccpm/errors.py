"""Every error of CCPM: its exit code, its name, what it asks of the caller.

Contract: each class below is one row of the public exit-code table (docs/EXIT_CODES.md is generated from this
module). An error carries a `message` (what, who, since when), an optional `hint` (the next safe command) and
`details` (plain data, shown with --json). Codes 65..77 are those of sysexits.h; 10..13 are ours and lie outside
every range that shells, sysexits.h or signals use.

Non-guarantee: nothing here prints; only `ccpm.cli` does.
"""

from __future__ import annotations

OK = 0
NO = 1


class CcpmError(Exception):
    """Base of all expected failures. `code` is the process exit status, `name` the stable word in --json."""

    code = 70
    name = "internal-error"
    meaning = "a bug in CCPM"
    action = "report it with the command and the output of `CCPM_DEBUG=1`"

    def __init__(self, message: str, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(CcpmError):
    code = 2
    name = "usage"
    meaning = "the command line is wrong, or a name is not allowed"
    action = "correct the arguments; nothing was changed"


class VersionConflict(CcpmError):
    code = 10
    name = "version-conflict"
    meaning = "the file changed since it was read"
    action = "read it again and decide again; nothing was written"


class LeaseLost(CcpmError):
    code = 11
    name = "lease-lost"
    meaning = "the lease expired, was taken over, or its fencing token is no longer the current one"
    action = "stop writing; take the lock again and read everything anew"


class MergeConflict(CcpmError):
    code = 12
    name = "merge-conflict"
    meaning = "two sides changed the same thing"
    action = "resolve the named files; both versions are kept"


class DeadlockRefused(CcpmError):
    code = 13
    name = "deadlock-refused"
    meaning = "waiting would close a cycle of agents that wait for each other"
    action = "release what you hold, then try again"


class Malformed(CcpmError):
    code = 65
    name = "malformed"
    meaning = "a file is not what it should be (EX_DATAERR)"
    action = "look at the named line; nothing was written"


class NotFound(CcpmError):
    code = 66
    name = "not-found"
    meaning = "no such file, key or project (EX_NOINPUT)"
    action = "check the path; nothing was changed"


class Unavailable(CcpmError):
    code = 69
    name = "unavailable"
    meaning = "a needed tool or remote is missing (EX_UNAVAILABLE)"
    action = "install or configure what the message names"


class Bug(CcpmError):
    pass


class IOFailure(CcpmError):
    code = 74
    name = "io-error"
    meaning = "the file system refused or failed (EX_IOERR)"
    action = "free space or mend permissions; the old content is intact unless the message says otherwise"


class Busy(CcpmError):
    code = 75
    name = "busy"
    meaning = "held by someone else, timed out, or rate-limited (EX_TEMPFAIL)"
    action = "try again later; nothing was changed"


class NotYours(CcpmError):
    code = 77
    name = "not-yours"
    meaning = "it belongs to another owner (EX_NOPERM)"
    action = "ask its owner, or wait"


CATALOGUE: tuple[type[CcpmError], ...] = (
    UsageError,
    VersionConflict,
    LeaseLost,
    MergeConflict,
    DeadlockRefused,
    Malformed,
    NotFound,
    Unavailable,
    Bug,
    IOFailure,
    Busy,
    NotYours,
)


def io_failure(doing: str, error: OSError, hint: str = "") -> IOFailure:
    """An `IOFailure` for `error`, raised while `doing` something to a file.

    The hint follows from errno(3) unless one is given: it names a cause that a person can remove.
    """
    import errno

    known = {
        errno.EIO: "the disk or its connection fails: look at the system's log, then run the command again",
        errno.ENOSPC: "free some disk space and run the command again",
        errno.EDQUOT: "free some of your disk quota and run the command again",
        errno.EROFS: "the tree is read-only: work in a writable checkout, or set CCPM_ROOT to one",
        errno.EACCES: "check the permissions of that path (ls -ld)",
        errno.EISDIR: "that is a folder: name a file in it",
        errno.ENOTDIR: "a part of that path is a file, not a folder: check the path",
        errno.EINVAL: "that is a pipe or a device: name an ordinary file",
        errno.EPERM: "check the owner and permissions of that path (ls -ld)",
        errno.EXDEV: "the target is a mount point of its own: write the file it is mounted from",
        errno.EBUSY: "the target is a mount point of its own: write the file it is mounted from",
    }
    reason = error.strerror or str(error)
    hint = hint or known.get(
        error.errno or 0, "run the command again; if it fails again, check the file system"
    )
    return IOFailure(f"cannot {doing}: {reason}", hint, errno=error.errno)
