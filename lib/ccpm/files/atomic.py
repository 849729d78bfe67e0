"""Atomic replacement of a file, after the pattern of git's lockfile.h and SQLite's "atomic commit" notes.

Contract: `replace` publishes new content by: temporary file in the same directory → write all → fsync → rename →
fsync of the directory. The caller holds the guard of the target (files/store.py), so one fixed temporary name per
target is enough, and what a killed predecessor left there is swept by the next one.

Guarantees
- A reader, and a crash or kill at any instruction, sees the old content or the new one.
- Mode, owner, group and extended attributes of an existing target are kept; a new file gets 0666 less the umask.
- On failure the temporary file is removed, the old content stands, and `IOFailure` names the cause. A failure
  of the last step alone (fsync of the directory) says that the new content is visible but may not survive a power cut.

Non-guarantees: hard links to the old file keep the old content; an owner that the system does not let us set is
replaced by the writer's.
"""

from __future__ import annotations

import errno
import os
import stat

from ccpm.errors import IOFailure, io_failure

SUFFIX = ".ccpm-tmp"


def temporary_of(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    if len(name) > 60 and len(os.fsencode(name)) > 240:  # NAME_MAX is 255 bytes nearly everywhere
        from zlib import crc32

        name = f"{name[:40]}-{crc32(os.fsencode(name)):08x}"
    return f"{folder}{slash}.{name}{SUFFIX}"


def sweep(path: str) -> None:
    """Remove what a killed writer of `path` left. Only under the guard of `path`: then no live writer can own it."""
    try:
        os.unlink(temporary_of(path))
    except OSError:
        pass  # not there (the usual case), or not removable: the next replace will say so


def replace(path: str, data: bytes, mode: int | None = None, durable: bool = True) -> None:
    """Publish `data` as the content of `path` (a real path, not a symbolic link).

    `mode`: permission bits to set; None keeps those of the target. `durable=False` skips both fsyncs, for what
    means nothing after a reboot and may be torn by it. IOFailure (74) on any failure.
    """
    temporary = temporary_of(path)
    try:
        before = _stat(path)
        descriptor = _create(temporary)
        try:
            _keep_attributes(descriptor, path, before, mode)
            write_all(descriptor, data)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError as error:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise io_failure(f"write {path}", error) from error
    if durable:
        sync_directory(os.path.dirname(path), f"{path} has its new content, but")


def _create(temporary: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(temporary, flags, 0o666)
    except FileExistsError:  # a killed writer left it
        os.unlink(temporary)
        return os.open(temporary, flags, 0o666)


def remove(path: str, durable: bool = True) -> bool:
    """Unlink `path`; whether it was there. IOFailure (74) on any failure."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise io_failure(f"remove {path}", error) from error
    if durable:
        sync_directory(os.path.dirname(path), f"{path} is removed, but")
    return True


def write_all(descriptor: int, data: bytes) -> None:
    """write(2) until everything is written: it may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_directory(folder: str, done: str) -> None:
    """fsync(2) of a directory: "Calling fsync() does not necessarily ensure that the entry in the directory
    containing the file has also reached disk. For that an explicit fsync() on a file descriptor for the directory
    is also needed." File systems that cannot do it answer EINVAL or ENOTSUP; there is nothing more to do then."""
    try:
        descriptor = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTSUP):
            return
        failure = io_failure(f"sync {folder}", error)
        raise IOFailure(
            f"{done} it may not survive a power cut: {failure.message}", failure.hint, errno=error.errno
        ) from error


def _stat(path: str) -> os.stat_result | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL, "not a regular file")
    return found


def _keep_attributes(descriptor: int, path: str, before: os.stat_result | None, mode: int | None) -> None:
    if before is None:
        if mode is not None:
            os.fchmod(descriptor, mode)
        return
    if (before.st_uid, before.st_gid) != (os.geteuid(), os.fstat(descriptor).st_gid):
        for owner, group in ((before.st_uid, before.st_gid), (-1, before.st_gid)):
            try:
                os.fchown(descriptor, owner, group)
                break
            except PermissionError:
                continue
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode) if mode is None else mode)
    if hasattr(os, "listxattr"):
        _copy_xattrs(descriptor, path)


def _copy_xattrs(descriptor: int, path: str) -> None:
    try:
        names = os.listxattr(path)
    except OSError:
        return  # not supported here
    for name in names:
        try:
            os.setxattr(descriptor, name, os.getxattr(path, name))
        except OSError:
            pass  # a namespace that only the system sets: the others still count
