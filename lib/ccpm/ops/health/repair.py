"""Carry out a repair, and take it back: file after file as compare-and-swap, under the lock of its epic.

Contract: originals are saved before anything is written. `carry_out(actor, plan)` writes each file of the plan only if
it still holds the bytes that the plan was made from; `undo(actor)` puts an original back only while its file is what
repair made of it. One that changed in the meantime, or whose epic somebody else holds, is left alone and said. Each
write is that of every helper: the guard of the file, fenced by the epic's lease, atomic, logged.

Non-guarantee: the plan as a whole is not one step. A kill in between leaves some files mended and the backup whole.
"""

from __future__ import annotations

import os

from ccpm.errors import CcpmError
from ccpm.files import atomic, events, root
from ccpm.files.plain import Guarded
from ccpm.ops import plain_files
from ccpm.ops.health import backups, validation
from ccpm.ops.locking import locks
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.plain_files import Write
from ccpm.ops.plan import epics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ccpm.ops.actor import Actor
    from ccpm.ops.health.repair_plan import Plan, Repair

    Step = Callable[[dict[str, int]], None]

PATIENCE = 10.0
"""Seconds to wait for the lock of an epic; then its files are left for another run."""


class Outcome:
    """`backup`: its name, "" if nothing had to be saved. `done`: paths. `left`: (path, why). `locks`: the resources
    whose stale leases ended."""

    __slots__ = ("backup", "done", "left", "locks")

    def __init__(self) -> None:
        self.backup = ""
        self.done: list[str] = []
        self.left: list[tuple[str, str]] = []
        self.locks: list[str] = []


def carry_out(actor: Actor, plan: Plan) -> Outcome:
    outcome = Outcome()
    if plan.stale_locks:
        outcome.locks = [resource for resource, _, _ in locks.clean(actor.store)]
    if not plan.repairs:
        return outcome
    outcome.backup = backups.save(actor, plan.repairs)
    for epic in dict.fromkeys(repair.epic for repair in plan.repairs):
        steps = {repair.path: _writing(actor, repair) for repair in plan.repairs if repair.epic == epic}
        _run(actor, epic, steps, outcome)
    if not outcome.done:
        backups.mark_undone(actor.top, outcome.backup)
    _log(actor, "repair.done", outcome)
    return outcome


def undo(actor: Actor, name: str = "") -> Outcome:
    """Put the originals of the backup `name` back ("": the newest that was not undone). NotFound (66) without one."""
    outcome = Outcome()
    outcome.backup, entries = backups.load(actor.top, name)
    for epic in dict.fromkeys(str(entry["epic"]) for entry in entries):
        steps = {
            str(entry["path"]): backups.restoring(actor, outcome.backup, entry)
            for entry in entries
            if entry["epic"] == epic
        }
        _run(actor, epic, steps, outcome)
    if not outcome.left:
        backups.mark_undone(actor.top, outcome.backup)
    _log(actor, "repair.undone", outcome)
    return outcome


def _log(actor: Actor, event: str, outcome: Outcome) -> None:
    done, left = len(outcome.done), len(outcome.left)
    events.append(actor.top, event, agent=actor.agent, backup=outcome.backup, files=done, left=left)


def _run(actor: Actor, epic: str, steps: dict[str, Step], outcome: Outcome) -> None:
    """Take each step (path: what to do with the fences) under the lock of `epic`; "": no epic, no lock."""
    try:
        if epic:
            with actor.holding(epics.resource_of(epic), "repair", PATIENCE) as fences:
                _take(steps, fences, outcome)
        else:
            _take(steps, actor.fences, outcome)
    except CcpmError as error:  # the lock is not to be had: no step was taken
        outcome.left += [(path, error.message) for path in steps]


def _take(steps: dict[str, Step], fences: dict[str, int], outcome: Outcome) -> None:
    for path, step in steps.items():
        try:
            step(fences)
            outcome.done.append(path)
        except CcpmError as error:
            outcome.left.append((path, error.message))


def _writing(actor: Actor, repair: Repair) -> Step:
    return lambda fences: _write(actor, repair, fences)


def _write(actor: Actor, repair: Repair, fences: dict[str, int]) -> None:
    path = os.path.join(actor.top, repair.path)
    before = backups.sha256(repair.before)
    if repair.after is not None:
        plain_files.write(Write(path, repair.after, actor.agent, if_sha256=before, fences=fences))
        return
    folder, name = os.path.split(path)
    original = validation.original_of(name) if name.endswith(atomic.SUFFIX) else ""
    if original:
        # A temporary file of ours is swept by whoever takes the guard of its target: then no live writer owns it.
        with Guarded(root.resolve(os.path.join(folder, original))):
            return
    path = root.resolve(path)
    with Guarded(path) as file:
        plain_files.check_unchanged(path, file.read(), before)
        with Fenced(actor.store, fences):
            atomic.remove(path)
