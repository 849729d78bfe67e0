"""What changed since yesterday: from commits and from the timestamps that the files state, not from file times alone.

A checkout, a clone or a `touch` renews every file time; a commit's date and an `updated:` do not change with them.
File times only add files that git does not track and that state no timestamp.
"""

from __future__ import annotations

import time

from ccpm.core.plan import task_id_of
from ccpm.external import history
from ccpm.files import clock, plan_tree
from ccpm.files.plan_tree import PlanFile
from ccpm.ops.plan import plans, views
from ccpm.ops.plan.views import Data

DAY = 86400.0
_PLAN = (".claude/prds/", ".claude/epics/")
_STAMPS = ("updated", "last_sync", "created")


def report(top: str, now: float) -> Data:
    """Everything that happened since the start of yesterday (local time), and where the plan stands."""
    since = _midnight(now - DAY)
    changed = history.changes_since(top, clock.to_iso(since))
    tree = plan_tree.load(top)
    epics = [plans.Epic(folder) for folder in tree.epics]
    progress = views.all_progress(top, epics)
    files = [*tree.prds, *(epic.epic for epic in tree.epics if epic.epic)]
    files += [file for epic in tree.epics for _, file in epic.tasks]
    files += [file for updates in progress.values() for file in updates.values()]
    touched = {path[path.index(".claude/") :] for path in changed.files}
    touched = {path for path in touched if path.startswith(_PLAN)}
    touched |= _recent(top, files, since, now + DAY)
    kinds = [_kind(path) for path in touched]
    return {
        "date": time.strftime("%Y-%m-%d", time.localtime(now)),
        "since": clock.to_iso(since),
        "modified": {kind: kinds.count(kind) for kind in ("prd", "epic", "task", "update")},
        "files": sorted(touched),
        "commits": changed.subjects,
        "in_progress": views.running(top, epics, progress),
        "next": views.urgent(top, epics),
        "tasks": views.sum_counts(epics),
    }


def _recent(top: str, files: list[PlanFile], since: float, until: float) -> set[str]:
    """Paths of `files` that state a time between `since` and `until`, and of those that state none and that git does
    not track, the ones with such a file time."""
    found: set[str] = set()
    silent: set[str] = set()
    for file in files:
        stated = [when for when in (clock.from_any(file.get(key)) for key in _STAMPS) if when]
        if any(since <= when <= until for when in stated):
            found.add(file.path)
        elif not stated and since <= file.modified <= until:
            silent.add(file.path)
    return found | (silent - history.tracked(top) if silent else silent)


def _midnight(moment: float) -> float:
    day = time.localtime(moment)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))


def _kind(path: str) -> str:
    name = path.rpartition("/")[2]
    if "/prds/" in path:
        return "prd"
    if "/updates/" in path:
        return "update"
    if name == "epic.md":
        return "epic"
    return "task" if task_id_of(name) else "other"
