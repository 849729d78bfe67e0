"""What changed since yesterday: from commits and from the timestamps that the files state, not from file times alone.

A checkout, a clone or a `touch` renews every file time; a commit's date and an `updated:` do not change with them.
File times only add files that git does not track and that state no timestamp.
"""

from __future__ import annotations

import time

from ccpm.core.plan import task_id_of
from ccpm.external import git
from ccpm.files import clock, plan_tree
from ccpm.ops import views
from ccpm.ops.views import Data

DAY = 86400.0


def report(top: str, now: float) -> Data:
    """Everything that happened since the start of yesterday (local time), and where the plan stands."""
    since = _midnight(now - DAY)
    changed = git.changes_since(top, clock.to_iso(since))
    committed = changed["files"]
    assert isinstance(committed, dict)
    touched = {path[path.index(".claude/") :] for path in committed}
    tree = plan_tree.load(top)
    files = [
        *tree.prds,
        *(epic.epic for epic in tree.epics if epic.epic),
        *(f for e in tree.epics for _, f in e.tasks),
    ]
    for file in files:
        stated = [_seconds(file.document.get(key)) for key in ("updated", "last_sync", "created")]
        if any(since <= when <= now + DAY for when in stated if when):
            touched.add(file.path)
    kinds = [_kind(path) for path in touched]
    ready = views.ready(top)["tasks"]
    running = views.in_progress(top)["tasks"]
    return {
        "date": time.strftime("%Y-%m-%d", time.localtime(now)),
        "since": clock.to_iso(since),
        "modified": {kind: kinds.count(kind) for kind in ("prd", "epic", "task", "update")},
        "files": sorted(touched),
        "commits": changed["subjects"],
        "in_progress": running,
        "next": ready,
        "tasks": views.status(top)["tasks"],
    }


def _midnight(moment: float) -> float:
    day = time.localtime(moment)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))


def _seconds(value: object) -> float:
    """Epoch seconds of a timestamp or date as people write it; 0.0 if it is none."""
    if not isinstance(value, str):
        return 0.0
    text = value.strip()[:19].replace(" ", "T")
    for form, length in (("%Y-%m-%dT%H:%M:%S", 19), ("%Y-%m-%d", 10)):
        try:
            from calendar import timegm

            return float(timegm(time.strptime(text[:length], form)))
        except ValueError:
            continue
    return 0.0


def _kind(path: str) -> str:
    name = path.rpartition("/")[2]
    if "/prds/" in path:
        return "prd"
    if "/updates/" in path:
        return "update"
    if name == "epic.md":
        return "epic"
    return "task" if task_id_of(name) else "other"
