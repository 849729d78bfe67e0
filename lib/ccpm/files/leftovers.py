"""What removing CCPM clears away besides the files it installed: what setup and the helpers made, and saved copies.

Everything here can be made anew (packages, caches) or says nothing any more once nobody holds a lock (guards, counters,
the event log). Plans, tracker state and backups are the user's and are never touched.
"""

from __future__ import annotations

import os

from ccpm.errors import io_failure
from ccpm.files import atomic, installed

_GENERATED = (
    (".claude/lib", ("vendor",), (".vendor-", ".python")),
    (".claude/lib/__pycache__", (), ("main.",)),
    (".claude/locks", (".state", "github-rate-limit.json"), ()),
    (".claude/metrics", (), ("events",)),
)
"""Folder, names in it, beginnings of names in it."""


def remove_generated(project: str) -> None:
    """Remove packages, byte code, lock state and the event log. IOFailure (74) if the system refuses."""
    for folder, names, beginnings in _GENERATED:
        for name in _names(os.path.join(project, folder)):
            lock = folder == ".claude/locks" and (name.endswith((".lock", atomic.SUFFIX)))
            if name in names or (beginnings and name.startswith(beginnings)) or lock:
                _remove_tree(os.path.join(project, folder, name))
        if folder != ".claude/lib":
            installed.remove_empty(project, folder)
    for where, folders, _ in os.walk(os.path.join(project, installed.LIBRARIES, "ccpm")):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            _remove_tree(os.path.join(where, "__pycache__"))


def remove_saved(project: str, path: str) -> None:
    """Drop the saved original of `path`, which is in its place again."""
    atomic.remove(os.path.join(project, installed.ORIGINALS, path), durable=False)


def sweep_saved(project: str) -> list[str]:
    """Remove the empty folders of our own folder, and it too; the saved copies that are still in it."""
    kept = []
    for where, _, names in os.walk(os.path.join(project, installed.OURS), topdown=False):
        kept += [os.path.relpath(os.path.join(where, name), project) for name in names]
        installed.remove_empty(project, os.path.relpath(where, project))
    return sorted(kept)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise io_failure(f"list {folder}", error) from error


def _remove_tree(path: str) -> None:
    import shutil

    try:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except OSError as error:
        raise io_failure(f"remove {path}", error) from error
