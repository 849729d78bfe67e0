"""Put away what is done: the use case of clean. Everything is moved, nothing deleted; only empty folders go.

Contract: `look` says what would be done, `clean` does it. An epic is put away when its file says completed, all its
tasks are closed, and nothing in it says that it changed within `days`. Progress files of closed tasks of that age move
to `updates/.archived/` of their epic. How old something is follows from the times that files state. File times count
where a file states none; a fresh checkout makes those young, so that rather too little is put away than too much.
"""

from __future__ import annotations

import os
import time

from ccpm.core.plan import CLOSED
from ccpm.errors import Busy
from ccpm.files import clock, root
from ccpm.files.plan_tree import ARCHIVES, PlanFile
from ccpm.ops.actor import Actor
from ccpm.ops.plan import epics, plans, views
from ccpm.ops.plan.plans import Epic

DAYS = 30.0
_STAMPS = ("completed", "updated", "last_sync", "created")
_ARCHIVED = ".archived"


class Cleanup:
    """`epics`: (name, days since the last change) to put away. `updates`: (epic, task folder, days). `empty`: folders
    without anything in them. `skipped`: (what, why) of things that were left alone after all. `moved`: where to."""

    __slots__ = ("empty", "epics", "moved", "skipped", "updates")

    def __init__(self) -> None:
        self.epics: list[tuple[str, int]] = []
        self.updates: list[tuple[str, str, int]] = []
        self.empty: list[str] = []
        self.skipped: list[tuple[str, str]] = []
        self.moved: list[str] = []

    @property
    def is_empty(self) -> bool:
        return not (self.epics or self.updates or self.empty)


def look(top: str, days: float = DAYS) -> Cleanup:
    """What is to be put away after `days` without a change."""
    found = Cleanup()
    now = time.time()
    for epic in plans.load(top)[0]:
        age = _age(epic, now)
        if is_finished(epic) and age >= days:
            found.epics.append((epic.name, int(age)))
            continue
        found.updates += [(epic.name, name, int(old)) for name, old in _stale(top, epic, now) if old >= days]
        found.empty += _empty_folders(top, epic.folder.path)
    return found


def clean(actor: Actor, days: float = DAYS) -> Cleanup:
    """Put it away, each epic under its lock. An epic that somebody works on is skipped."""
    done = look(actor.top, days)
    for name, _ in done.epics:
        try:
            with actor.holding(epics.resource_of(name), "clean"):
                if is_finished(plans.load_epic(actor.top, name)):
                    done.moved.append(epics.archive_held(actor, name))
        except Busy as error:
            done.skipped.append((name, error.message))
    for name, task, _ in done.updates:
        with actor.holding(epics.resource_of(name), "clean"):
            done.moved += _move_updates(actor, name, task)
    for folder in done.empty:
        try:
            os.rmdir(os.path.join(actor.top, folder))
        except OSError as error:  # somebody has put something in
            done.skipped.append((folder, error.strerror or str(error)))
    return done


def is_finished(epic: Epic) -> bool:
    """Whether `epic` says that it is completed, and all its tasks are closed."""
    return epic.status == CLOSED and all(task.is_closed for task in epic.plan.tasks)


def _move_updates(actor: Actor, name: str, task: str) -> list[str]:
    epic = plans.load_epic(actor.top, name)
    source = f"{epic.folder.path}/updates/{task}"
    target = f"{epic.folder.path}/updates/{_ARCHIVED}/{task}"
    if not os.path.isdir(os.path.join(actor.top, source)):
        return []
    if os.path.lexists(os.path.join(actor.top, target)):
        target += "-" + clock.to_iso(time.time()).replace(":", "").replace("-", "")
    root.make_dir(os.path.join(actor.top, os.path.dirname(target)))
    os.rename(os.path.join(actor.top, source), os.path.join(actor.top, target))
    epics.log(actor, f"- {clock.to_iso(time.time())}: progress of #{task} in {name} → {target}")
    return [target]


def _age(epic: Epic, now: float) -> float:
    """Days since the last change that a file of `epic` states."""
    files = [file for _, file in epic.folder.tasks] + ([epic.folder.epic] if epic.folder.epic else [])
    return (now - max((_changed(file) for file in files), default=now)) / 86400


def _stale(top: str, epic: Epic, now: float) -> list[tuple[str, float]]:
    """(folder below updates/, days since its progress changed) for tasks that are closed."""
    found = []
    for name, file in views.progress_files(top, epic.folder).items():
        task = views.task_of_update(epic, name)
        if task and task.is_closed:
            found.append((name, (now - _changed(file)) / 86400))
    return found


def _changed(file: PlanFile) -> float:
    stated = [when for key in _STAMPS if (when := clock.from_any(file.get(key)))]
    return max(stated, default=file.modified)


def _empty_folders(top: str, folder: str) -> list[str]:
    """Folders in `folder` that hold nothing, or only such folders; the innermost first."""
    found: list[str] = []
    for where, folders, files in os.walk(os.path.join(top, folder), topdown=False):
        path = os.path.relpath(where, top)
        inside = [f"{path}/{name}" for name in folders]
        is_empty = not files and all(name in found for name in inside)
        if is_empty and path != folder and os.path.basename(path) not in ARCHIVES:
            found.append(path)
    return found
