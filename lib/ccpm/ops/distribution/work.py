"""Work on a task of an epic: start it, note, finish, give it back. Behind ccpm-work, with ops/distribution/getting.py.

Contract: a claim on a task is a lease (ops/distribution/claims.py); what happened to tasks is on the epic's board
(ops/distribution/board.py), and is changed inside its guard.

Guarantees
- Every write to a task file carries the fence of the claim (P4): whoever lost it meanwhile gets exit 11.
- A task is closed only with evidence, and exactly once.

Non-guarantee: a status that is changed without these helpers between two looks shows at the next one.
"""

from __future__ import annotations

import os
import time

from ccpm.core.plan import CLOSED, IN_PROGRESS, OPEN, Task
from ccpm.errors import NotYours
from ccpm.external import git
from ccpm.files import clock, events
from ccpm.files.json_record import Changing
from ccpm.ops import plain_files
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims, getting
from ccpm.ops.distribution.board import Look, board_path, entry_of, unassign
from ccpm.ops.distribution.claims import Claim
from ccpm.ops.distribution.evidence import Evidence
from ccpm.ops.distribution.getting import Given, look_at
from ccpm.ops.locking import fences
from ccpm.ops.plan import epics, naming, plans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def start(actor: Actor, reference: str, pid: int = 0) -> Given:
    """Begin the named task: claim it if it is free, mark it in-progress. NotYours (77), LeaseLost (11), Busy (75)."""
    given = getting.claim(actor, reference, pid)
    task, look_epic = given.task, plans.load_epic(actor.top, given.task.epic)
    place = git.whereabouts(".")
    with Changing(board_path(actor.top, look_epic)) as board:
        # Inside the guard that a thief takes: either it finds the task begun, or we find the claim gone.
        fences.check(actor.store, given.claim.resource, given.claim.lease.token)
        entry = entry_of(board.data, task.key)
        entry.update(agent=actor.agent, started=entry.get("started") or _now(), **place)
        entry.pop("done", None)
        board.save()
    epics.set_task_status(_under(actor, given.claim), task.epic, task.key, IN_PROGRESS)
    events.append(actor.top, "work.started", epic=task.epic, task=task.id, agent=actor.agent)
    return given


def done(actor: Actor, reference: str, evidence: Evidence) -> dict[str, object]:
    """Close the named task with `evidence`, recount its epic, give the claim back. The answer names what became
    ready. One's own that is done already is simply confirmed. UsageError (2) without evidence; NotYours (77) and
    LeaseLost (11) by the claim."""
    look, task = look_at(actor, reference)
    epic, key = task.epic, task.key
    entry = look.tasks.get(key) or {}
    if task.is_closed and key not in look.held:
        return _done_already(actor, look, task, entry)
    claim = claims.mine(actor.store, task, actor.agent)
    proof = evidence.find(actor, task, str(entry.get("started") or entry.get("claimed") or ""))
    ready_before = {other.key for other in look.plan.ready()}
    result = epics.set_task_status(_under(actor, claim), epic, key, CLOSED)
    now = time.time()
    began = _seconds_of(entry.get("started")) or _seconds_of(entry.get("claimed")) or now
    with Changing(board_path(actor.top, look.epic)) as board:
        kept = entry_of(board.data, key)
        kept.update(
            agent=actor.agent, done=clock.to_iso(now), seconds=round(max(0.0, now - began), 3), evidence=proof
        )
        unassign(board.data, key)
        board.save()
    claims.drop(actor.store, claim)
    events.append(
        actor.top, "work.done", epic=epic, task=task.id, agent=actor.agent,
        seconds=round(max(0.0, now - began), 3), hours=task.hours, evidence=proof,
    )  # fmt: skip
    fresh = plans.load_epic(actor.top, epic).plan
    unblocked = [other.id for other in fresh.ready() if other.key not in ready_before]
    return {**result, "evidence": proof, "unblocked": unblocked}


def _done_already(actor: Actor, look: Look, task: Task, entry: dict[str, Any]) -> dict[str, object]:
    """The answer to `done` for a task that is closed; NotYours (77) if `actor` is not who finished it."""
    if entry.get("agent") == actor.agent and entry.get("done"):
        actor.say(f"#{task.id} of epic {task.epic!r} is done since {entry['done']}, by you")
        same = {"task": task.id, "file": task.file, "status": CLOSED, **epics.counts(look.epic)}
        return {**same, "evidence": entry.get("evidence", ""), "unblocked": []}
    by = f" by {entry['agent']} since {entry['done']}" if entry.get("done") else ""
    raise NotYours(
        f"#{task.id} of epic {task.epic!r} is closed already{by}", f"take another: ccpm-work next {task.epic}"
    )


def release(actor: Actor, reference: str) -> dict[str, object]:
    """Give the named task back: open again, and whoever gets it next is told where the work on it is."""
    look, task = look_at(actor, reference)
    epic, key = task.epic, task.key
    claim = claims.mine(actor.store, task, actor.agent)
    if task.status == IN_PROGRESS:
        epics.set_task_status(_under(actor, claim), epic, key, OPEN)
    with Changing(board_path(actor.top, look.epic)) as board:
        entry = entry_of(board.data, key)
        if entry.pop("started", None):
            place = {name: str(entry[name]) for name in ("worktree", "branch") if entry.get(name)}
            entry["left"] = {"agent": actor.agent, **place}
        entry.pop("agent", None)
        unassign(board.data, key)
        board.save()
    claims.drop(actor.store, claim)
    events.append(actor.top, "work.released", epic=epic, task=task.id, agent=actor.agent)
    return {"task": task.id, "epic": epic, "status": OPEN}


def note(actor: Actor, reference: str, text: str) -> str:
    """Add a line to `updates/<task>/notes.md` of the epic; its path. Also a sign of life of the agent's claims."""
    task = naming.task(actor.top, reference)
    folder = f"{task.file.removesuffix(f'/{task.key}.md')}/updates/{task.key.replace('/', '-')}"
    os.makedirs(os.path.join(actor.top, folder), exist_ok=True)
    path = f"{folder}/notes.md"
    line = f"- {_now()} {actor.agent}: {' '.join(text.split())}\n"
    target = os.path.join(actor.top, path)
    content = line.encode("utf-8", "surrogateescape")
    plain_files.write(plain_files.Write(target, content, actor.agent, append=True, fences=actor.fences))
    claims.keep(actor.store, actor.agent)
    return path


def _under(actor: Actor, claim: Claim) -> Actor:
    """`actor` with the fence of `claim`: its writes count only while the claim does."""
    return Actor(actor.agent, {**actor.fences, **claim.fence}, actor.say, actor.top)


def _seconds_of(stamp: object) -> float:
    try:
        return clock.from_iso(str(stamp))
    except ValueError:
        return 0.0


def _now() -> str:
    return clock.to_iso(time.time())
