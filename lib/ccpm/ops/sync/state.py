"""The last common state of an epic's files and their issues: `sync-state.json` beside them.

It is the base of every three-way merge, so it belongs to the plan: it is kept in git with the files that it speaks
of. Of a body it keeps a hash, which is enough to tell whether a side has changed.
"""

from __future__ import annotations

import os
import time

from ccpm.core import issue_text
from ccpm.files import clock, json_record
from ccpm.ops.actor import Actor
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.trackers import CLOSED, OPEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.core.merge_fields import Record

NAME = "sync-state.json"
JOURNAL = "sync-journal.jsonl"


def path_of(top: str, epic_folder: str) -> str:
    return os.path.realpath(os.path.join(top, epic_folder, NAME))


def journal_of(top: str, epic_folder: str) -> str:
    return os.path.realpath(os.path.join(top, epic_folder, JOURNAL))


def read(top: str, epic_folder: str, place: str) -> dict[int, Record]:
    """{number: the common state of that issue} for the tracker `place`; {} where it was never synced there."""
    data = json_record.read(path_of(top, epic_folder))
    if data.get("tracker") != place or not isinstance(data.get("issues"), dict):
        return {}
    return {int(number): dict(issue) for number, issue in data["issues"].items() if isinstance(issue, dict)}


def write(actor: Actor, epic_folder: str, place: str, issues: dict[int, Record]) -> None:
    """Record `issues` {number: common state}; those that are not named stay, unless they are of another tracker."""
    with json_record.Changing(path_of(actor.top, epic_folder)) as record:
        if record.data.get("tracker") != place:
            record.data["issues"] = {}
        record.data["tracker"] = place
        kept: dict[str, Any] = record.data.setdefault("issues", {})
        for number, issue in issues.items():
            before = kept.get(str(number), {})
            kept[str(number)] = {**before, **issue}
            if before.get("state") == CLOSED and issue.get("state") == OPEN:
                kept[str(number)]["reopened"] = clock.to_iso(time.time())
        record.data["issues"] = dict(sorted(kept.items(), key=lambda pair: int(pair[0])))
        with Fenced(actor.store, actor.fences):
            record.save()


def base(title: str, text: str, state: str) -> Record:
    """The common state of a file and an issue that say the same."""
    return {"title": title, "body": digest(text), "state": state}


def opened(record: Record) -> float:
    """When the issue of `record`, whose file says now that it is open, was opened again; 0.0 if it never was closed."""
    if record.get("state") == CLOSED:
        return time.time()  # since they last said the same: the sync that asks will note it
    return clock.from_any(record.get("reopened"))


def digest(text: str) -> str:
    """What stands for a body: equal for texts that say the same (core.issue_text.same)."""
    from hashlib import sha256

    return sha256(issue_text.unified(issue_text.strip(text)).encode("utf-8", "replace")).hexdigest()
