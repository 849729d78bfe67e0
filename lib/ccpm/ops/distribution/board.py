"""The board of an epic: what was decided about its tasks, and one look at everything that bears on who does what.

Contract: `.claude/epics/<epic>/work.json` (docs/FORMATS.md) holds the last plan, and for each task who claimed,
started and finished it when, and with which evidence. It is changed inside its guard (files/json_record.py). Who has
a task now is not on it: that is the lease (ops/distribution/claims.py).

Non-guarantee: a `Look` is a snapshot. Whoever acts on it looks again inside the guard.
"""

from __future__ import annotations

import os

from ccpm.core import patterns, work
from ccpm.core.plan import IN_PROGRESS, EpicPlan
from ccpm.core.work import Board
from ccpm.errors import Malformed
from ccpm.files import agent_records
from ccpm.files.json_record import Changing, read
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.plan import plans
from ccpm.ops.team import ownership, registries, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


NAME = "work.json"
_RENAMING = "{} syncs its epic, and it is about to be named after its issue"


class Look:
    """One look at an epic: its tasks, the claims on tasks of all epics, the entries of its board."""

    def __init__(self, actor: Actor, epic: str, entries: dict[str, Any] | None = None) -> None:
        self.epic = plans.load_epic(actor.top, epic)
        path = board_path(actor.top, self.epic)
        record = load(path) if entries is None else _checked(path, entries)
        self.tasks: dict[str, Any] = record.get("tasks") or {}
        plan = record.get("plan") or {}
        hours = work.typical_hours([e["seconds"] / 3600 for e in self.tasks.values() if e.get("seconds")])
        self.plan = EpicPlan(self.epic.plan.tasks, hours)
        every = claims.every(actor.store)
        found = {task.key: c for task in self.plan.tasks if (c := claims.find(task, every))}
        self.held = {key: claim for key, claim in found.items() if not claim.is_renaming}
        self.renaming = {key: _RENAMING.format(c.agent) for key, c in found.items() if c.is_renaming}
        begun = {key for key, entry in self.tasks.items() if entry.get("started") and not entry.get("done")}
        by_key = {task.key: task for task in self.plan.tasks}
        abandoned = {
            key: str(entry.get("agent", ""))
            for key, entry in self.tasks.items()
            if entry.get("agent")
            and not entry.get("done")
            and key not in self.held
            and key in by_key
            and by_key[key].status == IN_PROGRESS
        }
        self.board = Board(
            self.plan,
            {key: claim.agent for key, claim in self.held.items()},
            {key: str(agent) for key, agent in (plan.get("assignments") or {}).items()},
            abandoned,
            self.renaming | _barred(actor, self.plan),
            frozenset(begun),
        )


def _barred(actor: Actor, plan: EpicPlan) -> dict[str, str]:
    """{task: why} of the tasks whose `files` another living agent's stream claims."""
    wanted = [task for task in plan.tasks if task.files and not task.is_closed]
    found: dict[str, str] = {}
    for registry in ownership.load(actor.top)[0] if wanted else []:
        for stream in registry.streams.values():
            if (
                not stream.is_live
                or stream.owner == actor.agent
                or not streams.is_owned(actor.top, registry, stream)
            ):
                continue
            for task in wanted:
                path = patterns.meet(patterns.readable(task.files), patterns.readable(stream.files))
                if path:
                    found.setdefault(
                        task.key, f"{stream.owner} owns {path} (stream {stream.name} of {registry.epic})"
                    )
    return found


def board_path(top: str, epic: plans.Epic) -> str:
    return os.path.realpath(os.path.join(top, epic.folder.path, NAME))


def load(path: str) -> dict[str, Any]:
    """The board in `path`, {} if there is none. Malformed (65) if it is not what we write."""
    return _checked(path, read(path))


def _checked(path: str, record: dict[str, Any]) -> dict[str, Any]:
    flaw = work.flaw_of(record)
    if flaw:
        raise Malformed(f"{path}: {flaw}", "mend it by hand or restore it from a backup; nothing was written")
    return record


def bury_dead(actor: Actor, epic: str) -> None:
    """What agents of `epic` that are dead by now had claimed becomes free, before it is decided who gets what."""
    if epic in agent_records.epics_with_registry(actor.top):
        registries.bury_in(actor.store, [epic])


def live_agents(actor: Actor, epic: str) -> list[str]:
    """The agents registered for `epic` that are not dead."""
    if epic not in agent_records.epics_with_registry(actor.top):
        return []
    return [agent.id for agent in registries.living(actor.top, epic)]


def entry_of(data: dict[str, Any], key: str) -> dict[str, Any]:
    """What the board `data` says of the task `key`, made if it says nothing yet."""
    tasks: dict[str, Any] = data.setdefault("tasks", {})
    entry: dict[str, Any] = tasks.setdefault(key, {})
    return entry


def renumber(path: str, names: dict[str, str], mark: str, store: Store, fences: dict[str, int]) -> None:
    """Let the board in `path`, if there is one, call tasks by new names {old: new}, all at once. `mark` stands for
    this renaming: with the one that the board has already, nothing is done. Whoever decides on the board meanwhile is
    waited for, also where there is none yet: what they saw was named by the old names."""
    if not names:
        return
    with Changing(path) as board:
        _checked(path, board.data)
        if board.is_new or board.data.get("renumbered") == mark:
            return
        board.data["renumbered"] = mark
        for holder, key in ((board.data, "tasks"), (board.data.get("plan") or {}, "assignments")):
            if isinstance(holder.get(key), dict):
                holder[key] = {names.get(task, task): entry for task, entry in holder[key].items()}
        with Fenced(store, fences):
            board.save()


def unassign(data: dict[str, Any], key: str) -> None:
    """Take the task `key` out of the plan on the board `data`."""
    assignments = (data.get("plan") or {}).get("assignments") or {}
    assignments.pop(key, None)
