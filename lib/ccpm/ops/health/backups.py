"""Originals of files that repair changed: `.claude/backups/<time>/`, with a manifest, and the way back.

    manifest.json   "time", "agent", "undone", "files": {"path", "epic", "saved", "before", "after", "mode", "mended"} …
    files/…         the originals, byte for byte

`before` and `after` are SHA-256 (hex); `after` is null for a file that was moved here. All of it is written and synced
before the first file is changed, so that a kill at any moment leaves something to go back to.

Guarantee: `restoring` restores a file to the byte, with its mode, only while it is what repair made of it (compared
under the file's guard). A file that somebody changed since is left alone and said.
"""

from __future__ import annotations

import os
import stat
import time

from ccpm.errors import Malformed, NotFound, VersionConflict, io_failure
from ccpm.files import atomic, clock, json_record, plain, root
from ccpm.files.plain import Guarded
from ccpm.ops.locking.fences import Fenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ccpm.ops.actor import Actor
    from ccpm.ops.health.repair_plan import Repair

FOLDER = ".claude/backups"
MANIFEST = "manifest.json"


def save(actor: Actor, repairs: list[Repair]) -> str:
    """Keep the originals of `repairs`; the name of the backup, a time. IOFailure (74) before anything was changed."""
    name = _claim(actor.top)
    folder = os.path.join(actor.top, FOLDER, name)
    entries: list[dict[str, Any]] = []
    for repair in repairs:
        saved = _saved_name(repair.path)
        copy = os.path.join(folder, saved)
        root.make_dir(os.path.dirname(copy))
        atomic.replace(copy, repair.before)
        entries.append(
            {
                "path": repair.path,
                "epic": repair.epic,
                "saved": saved,
                "before": sha256(repair.before),
                "after": None if repair.after is None else sha256(repair.after),
                "mode": _mode(os.path.join(actor.top, repair.path)),
                "mended": repair.mended,
            }
        )
    with json_record.Changing(_manifest(actor.top, name)) as record:
        record.data.update(time=name, agent=actor.agent, files=entries, undone=None)
        record.save()
    return name


def names(top: str) -> list[str]:
    """The backups that there are, the oldest first."""
    try:
        found = os.listdir(os.path.join(top, FOLDER))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise io_failure(f"list {FOLDER}", error) from error
    return sorted(name for name in found if os.path.isfile(os.path.join(top, FOLDER, name, MANIFEST)))


def load(top: str, name: str = "") -> tuple[str, list[dict[str, Any]]]:
    """(name, entries of its manifest) of a backup, "": the newest that was not undone. NotFound (66) without it."""
    name = name or _newest(top)
    there = names(top)
    if name not in there:
        raise NotFound(f"no backup {name!r}; there are: {', '.join(there) or 'none'}", f"ls {FOLDER}")
    return name, list(json_record.read(_manifest(top, name))["files"])


def restoring(actor: Actor, name: str, entry: dict[str, Any]) -> Callable[[dict[str, int]], None]:
    """The step that puts the original of `entry` back; VersionConflict (10) if its file changed since."""
    return lambda fences: _restore(actor, os.path.join(actor.top, FOLDER, name), entry, fences)


def mark_undone(top: str, name: str) -> None:
    with json_record.Changing(_manifest(top, name)) as record:
        record.data["undone"] = clock.to_iso(time.time())
        record.save()


def sha256(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


def _restore(actor: Actor, folder: str, entry: dict[str, Any], fences: dict[str, int]) -> None:
    original = plain.read(os.path.join(folder, entry["saved"]))
    if original is None or sha256(original) != entry["before"]:
        raise Malformed("its saved copy is damaged", "restore it from git")
    with Guarded(root.resolve(os.path.join(actor.top, entry["path"]))) as file:
        current = file.read()
        found = None if current is None else sha256(current)
        if found == entry["before"]:
            return
        if found != entry["after"]:
            why = "it was removed" if current is None else "it changed"
            raise VersionConflict(
                f"{why} since it was mended; nothing was written", "compare it with the saved copy"
            )
        with Fenced(actor.store, fences):
            file.publish(original, entry["mode"] if current is None else None)


def _saved_name(path: str) -> str:
    """Where the original of `path` is kept, below the backup. A temporary file gets another ending: under its own name
    the next copy beside it would take it for its own litter and sweep it."""
    return f"files/{path.removeprefix('.claude/')}" + (".kept" if path.endswith(atomic.SUFFIX) else "")


def _manifest(top: str, name: str) -> str:
    return os.path.join(top, FOLDER, name, MANIFEST)


def _claim(top: str) -> str:
    """A folder that nobody else has, named by the time."""
    base = os.path.join(top, FOLDER)
    root.make_dir(base)
    stamp = clock.to_iso(time.time()).replace("-", "").replace(":", "")
    for number in range(1, 1000):
        name = stamp if number == 1 else f"{stamp}-{number}"
        try:
            os.mkdir(os.path.join(base, name))
        except FileExistsError:
            continue
        except OSError as error:
            raise io_failure(f"create {FOLDER}/{name}", error) from error
        atomic.sync_directory(base, f"{FOLDER}/{name} is created, but")
        return name
    raise NotFound(f"no free name for a backup at {stamp}", "run it again")


def _newest(top: str) -> str:
    for name in reversed(names(top)):
        if not json_record.read(_manifest(top, name)).get("undone"):
            return name
    raise NotFound(
        "there is no backup to go back to", "ccpm-query validate --fix makes one when it mends something"
    )


def _mode(path: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None
