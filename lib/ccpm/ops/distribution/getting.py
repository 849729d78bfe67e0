"""Get a task of an epic: the next one, a named one, or one of somebody else's. The first half of ccpm-work.

Contract: every decision looks without a guard, then looks again inside the guard of the epic's board
(ops/distribution/board.py), and takes the claim there (ops/distribution/claims.py).

Guarantees
- Two agents never get one task, nor two tasks that conflict; of several thieves one wins.
- What an agent that died had begun stays where it is; whoever gets the task is told where.

Non-guarantee: a status that is changed without these helpers between two looks shows at the next one.
"""

from __future__ import annotations

from ccpm.core import work
from ccpm.core.plan import Task
from ccpm.errors import Busy
from ccpm.files import clock, events
from ccpm.files.json_record import Changing
from ccpm.ops import wording
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
from ccpm.ops.distribution.board import Look, board_path, bury_dead, entry_of, unassign
from ccpm.ops.distribution.claims import Claim
from ccpm.ops.plan import epics, naming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TRIES = 64
"""How often a choice that somebody else was faster for is made anew. Each round somebody got a task, so it ends."""


class Given:
    """A task that an agent got: its `claim`, what an earlier agent left of it (`left_by`: agent, worktree, branch), and
    the `victim` that it was stolen from."""

    __slots__ = ("claim", "left_by", "task", "victim")

    def __init__(self, task: Task, claim: Claim, left_by: dict[str, str], victim: str = "") -> None:
        self.task = task
        self.claim = claim
        self.left_by = left_by
        self.victim = victim


def next_task(actor: Actor, epic: str, pid: int = 0, may_steal: bool = False) -> Given | None:
    """Claim the best task that can be started now: own assignments, then what nobody was assigned, then (`may_steal`)
    that of others. None if there is none. Busy (75) while a sync keeps some back."""
    bury_dead(actor, epic)
    for _ in range(_TRIES):
        look = Look(actor, epic)
        offers = work.available(look.board, actor.agent)
        if not offers:
            if may_steal:
                return steal(actor, epic, pid)
            return _no_task(look)
        given = _claim(actor, look, offers[0], pid)
        if given:
            return given
    raise _too_busy(epic)


def claim(actor: Actor, reference: str, pid: int = 0) -> Given:
    """Claim the named task. Busy (75) if it cannot be worked on now, and why. One's own claim is simply confirmed."""
    for _ in range(_TRIES):
        look, task = look_at(actor, reference)
        epic, key = task.epic, task.key
        holder = look.held.get(key)
        if holder and holder.agent == actor.agent:
            return Given(task, holder, {})
        why = work.why_not(look.board, task)
        if why:
            why = f"it is in the hands of {wording.lease(holder.lease)}" if holder else why
            raise Busy(
                f"#{task.id} of epic {epic!r} cannot be claimed: {why}",
                f"take another: ccpm-work next {epic}",
                task=task.id,
                why=why,
            )
        given = _claim(actor, look, task, pid)
        if given:
            return given
    raise _too_busy(reference)


def steal(actor: Actor, epic: str, pid: int = 0) -> Given | None:
    """Claim a task for an idle agent: what a dead one left, what nobody has, else unstarted work of the most loaded
    agent. None if nobody has anything to give. Busy (75) while a sync keeps some back."""
    bury_dead(actor, epic)
    for _ in range(_TRIES):
        look = Look(actor, epic)
        offers = work.available(look.board, actor.agent)
        found = None if offers else work.find_steal(look.board, actor.agent)
        if not offers and not found:
            return _no_task(look)
        if offers:
            given = _claim(actor, look, offers[0], pid)
        else:
            assert found
            given = _seize(actor, look, found, pid) if found.is_held else _claim(actor, look, found.task, pid)
            if given:
                given.victim = found.victim
        if given:
            return given
    raise _too_busy(epic)


def look_at(actor: Actor, reference: str) -> tuple[Look, Task]:
    """A look at the epic of the task that `reference` names, and that task."""
    named = naming.task(actor.top, reference)
    look = Look(actor, named.epic)
    task = next((task for task in look.plan.tasks if task.key == named.key), None)
    if task is None:
        raise Busy(f"{named.file} gets another name at this moment", "run the same command again")
    return look, task


def _no_task(look: Look) -> Given | None:
    """None: there is no task. Busy (75) while a sync has some back until they are named after their issues."""
    if look.renaming:
        key, why = next(iter(look.renaming.items()))
        raise Busy(
            f"no task of epic {look.epic.name!r} can be claimed yet: {why} ({key}.md)",
            f"run it again when the sync is done: ccpm-lock check {epics.resource_of(look.epic.name)}",
        )
    return None


def _claim(actor: Actor, look: Look, task: Task, pid: int) -> Given | None:
    """Take the claim on `task`, if what `look` saw is still so; None if somebody was faster."""
    with Changing(board_path(actor.top, look.epic)) as board:
        fresh, again = _look_again(actor, look, task, board.data)
        if work.why_not(fresh.board, again):
            return None
        claim = claims.take(actor.store, again, actor.agent, pid)
        return _settle(actor, board, again, claim)


def _seize(actor: Actor, look: Look, found: work.Steal, pid: int) -> Given | None:
    with Changing(board_path(actor.top, look.epic)) as board:
        fresh, again = _look_again(actor, look, found.task, board.data)
        still = work.find_steal(fresh.board, actor.agent)
        if not still or not still.is_held or still.task.key != again.key:
            return None
        claim = claims.seize(actor.store, again, fresh.held[again.key], actor.agent, pid)
        return _settle(actor, board, again, claim)


def _look_again(actor: Actor, look: Look, task: Task, data: dict[str, Any]) -> tuple[Look, Task]:
    """A second look, inside the guard of the board."""
    fresh = Look(actor, look.epic.name, data)
    return fresh, next((other for other in fresh.plan.tasks if other.key == task.key), task)


def _settle(actor: Actor, board: Changing, task: Task, claim: Claim | None) -> Given | None:
    if claim is None:
        return None
    entry = entry_of(board.data, task.key)
    left_by = _left_by(actor, entry)
    for key in ("started", "done", "left", "left_by", "seconds", "evidence", "worktree", "branch"):
        entry.pop(key, None)
    entry.update(agent=actor.agent, claimed=clock.to_iso(clock.now().wall))
    if left_by:
        entry["left_by"] = left_by
    unassign(board.data, task.key)
    try:
        board.save()
    except BaseException:
        claims.drop(actor.store, claim)
        raise
    events.append(actor.top, "work.claimed", epic=task.epic, task=task.id, agent=actor.agent)
    return Given(task, claim, left_by)


def _left_by(actor: Actor, entry: dict[str, Any]) -> dict[str, str]:
    """Where the work of an earlier agent on this task is; {} if nobody had begun it."""
    if entry.get("left"):
        return dict(entry["left"])
    if entry.get("started") and not entry.get("done") and entry.get("agent") not in ("", None, actor.agent):
        place = {key: str(entry[key]) for key in ("worktree", "branch") if entry.get(key)}
        return {"agent": str(entry["agent"]), **place}
    return {} if entry.get("done") else dict(entry.get("left_by") or {})


def _too_busy(what: str) -> Busy:
    return Busy(f"others were faster {_TRIES} times in a row: {what}", "run it again")
