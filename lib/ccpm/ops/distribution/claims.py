"""Claims: which agent has which task. A claim is a lease on the task, so all that holds for leases holds for it.

Contract
- The resource of a task is `task-<issue>` once it has an issue, before that `task-<epic>.<id>`. Older names that people
  lock by hand, `task-<id>` with and without leading zeros, count as claims on tasks without an issue too, unless the
  plan has an issue with that number.
- A claim that `take` made belongs to an agent (or to a process, with a pid) and lasts `TTL` seconds; every sign of
  life of its agent extends it (`keep`). So it ends at the latest when its agent counts as dead.
- A sync `block`s the tasks that it is about to name after their issues: nobody can claim them under the old name. That
  is no claim, and `held` does not tell it.

Guarantee: one live holder a task (promise P1), and a holder that lost its claim cannot write under it (P4).
"""

from __future__ import annotations

import os

from ccpm.core import leases, names
from ccpm.core.leases import Lease
from ccpm.core.plan import Task
from ccpm.errors import LeaseLost, NotYours
from ccpm.files import events, process
from ccpm.files.store import Store
from ccpm.ops import wording
from ccpm.ops.locking import lock_state, locks
from ccpm.ops.locking.locks import Request
from ccpm.ops.plan import naming, plans

OPERATION = "work"
RENAMING = "rename"
TTL = 900.0
"""Seconds without a sign of life after which a claim ends: those after which its agent counts as dead."""


def resource_of(task: Task) -> str:
    """The resource whose lease is the claim on `task`."""
    issue = plans.issue_of(task.github)
    return (
        f"task-{issue}" if issue else names.check_resource(f"task-{names.escape(task.epic)[:120]}.{task.id}")
    )


def _own_names(task: Task) -> list[str]:
    """The names that are those of `task` alone, the one of `take` first."""
    return [resource_of(task), f"task-{names.escape(task.epic)[:120]}.{task.id}"]


def _short_names(task: Task) -> list[str]:
    """Names under which people lock a task without an issue by hand, unless an issue has this number
    (`Claim.is_of_issue`)."""
    return [] if plans.issue_of(task.github) else [f"task-{task.id}", f"task-{task.id.lstrip('0')}"]


class Claim:
    """The live `lease` on the resource of a task of the plan at `top`."""

    __slots__ = ("_top", "lease", "resource")

    def __init__(self, top: str, resource: str, lease: Lease) -> None:
        self._top = top
        self.resource = resource
        self.lease = lease

    @property
    def agent(self) -> str:
        return self.lease.owner.agent

    @property
    def is_of_issue(self) -> bool:
        """Whether `task-<number>` means the issue with this number: made here, or in the plan."""
        if self.lease.operation in (OPERATION, RENAMING):
            return True
        number = naming.issue_number(self.resource.removeprefix("task-"))
        named = naming.of_issue(self._top, number) if number else None
        return named is not None and named.task is not None

    @property
    def is_renaming(self) -> bool:
        """Whether a sync keeps the task from being claimed."""
        return self.lease.operation == RENAMING

    @property
    def fence(self) -> dict[str, int]:
        """What every write under this claim carries."""
        return {self.resource: self.lease.token}


def held(store: Store) -> dict[str, Claim]:
    """{resource: claim} of every task that somebody holds now."""
    return {resource: claim for resource, claim in every(store).items() if not claim.is_renaming}


def every(store: Store) -> dict[str, Claim]:
    """The same with the tasks that a sync blocks."""
    found = {}
    for resource in store.list_locks():
        if resource.startswith("task-"):
            holders = lock_state.look(store, resource).holders
            if holders:
                found[resource] = Claim(store.top, resource, holders[0])
    return found


def find(task: Task, claims: dict[str, Claim]) -> Claim | None:
    """The claim on `task` among `claims` (from `held`), None while nobody has it."""
    own = [claims[name] for name in _own_names(task) if name in claims]
    by_hand = [claims[name] for name in _short_names(task) if name in claims]
    return next(iter(own), None) or next((claim for claim in by_hand if not claim.is_of_issue), None)


def take(store: Store, task: Task, agent: str, pid: int = 0) -> Claim | None:
    """A claim on `task` for `agent`, None if somebody has it now. `pid`: it ends with that process."""
    request = _request(task, agent, pid)
    lease = locks.try_acquire(store, request)
    return Claim(store.top, request.resource, lease) if isinstance(lease, Lease) else None


def block(store: Store, task: Task, agent: str) -> Claim | None:
    """Keep everybody from claiming `task` until this process drops it or ends; None if somebody has it now."""
    owner = process.owner(agent, os.getpid())
    request = Request(resource_of(task), owner, RENAMING, ttl=leases.MAX_TTL, timeout=0.0)
    lease = locks.try_acquire(store, request)
    return Claim(store.top, request.resource, lease) if isinstance(lease, Lease) else None


def seize(store: Store, task: Task, victim: Claim, agent: str, pid: int = 0) -> Claim | None:
    """Turn the claim `victim` into one of `agent` in one step: nobody else can get in between. None if `victim` does
    not hold any more. What the victim then writes under its token is refused."""
    request = _request(task, agent, pid)
    if victim.resource != request.resource:
        return None  # somebody locked it by hand under an older name: that is no work to be stolen
    with store.transact(request.resource) as txn:
        state = lock_state.look(store, request.resource)
        old = leases.find_token(state.holders, victim.lease.token)
        if old is None or len(state.holders) > 1:
            return None
        state.holders.remove(old)
        lease = locks.take(txn, request, state, None, 0.0)
    events.append(
        store.top, "work.stolen", epic=task.epic, task=task.id, agent=agent, victim=old.owner.agent
    )  # fmt: skip
    return Claim(store.top, request.resource, lease)


def mine(store: Store, task: Task, agent: str) -> Claim:
    """The claim of `agent` on `task`. NotYours (77) if somebody else has it, LeaseLost (11) if nobody does."""
    claim = find(task, held(store))
    if claim is None:
        raise LeaseLost(
            f"{agent} has no claim on #{task.id} of epic {task.epic!r}",
            f"claim it: ccpm-work claim {task.epic}/{task.id}",
        )
    if claim.agent != agent:
        raise NotYours(
            f"#{task.id} of epic {task.epic!r} is in the hands of {wording.lease(claim.lease)}",
            f"take another: ccpm-work next {task.epic}",
            holder=claim.agent,
        )
    return claim


def check_not_others(store: Store, task: Task, agent: str) -> None:
    """NotYours (77) while another agent than `agent` has `task`."""
    claim = find(task, held(store))
    if claim and claim.agent != agent:
        raise NotYours(
            f"#{task.id} of epic {task.epic!r} is in the hands of {wording.lease(claim.lease)}",
            f"ask it: ccpm-agent tell {claim.agent} TEXT; or do it anyway: --force",
            holder=claim.agent,
        )


def keep(store: Store, agent: str) -> int:
    """Extend every claim of `agent` that is bound to no process; how many. For its signs of life."""
    kept = 0
    for claim in held(store).values():
        lease = claim.lease
        if claim.agent == agent and not lease.owner.pid and lease.operation == OPERATION:
            try:
                locks.renew(store, claim.resource, lease.owner, lease.token, TTL)
                kept += 1
            except LeaseLost:
                pass  # it ended between the look and the renewal
    return kept


def drop(store: Store, claim: Claim) -> None:
    """Give `claim` back; one that ended meanwhile is no error."""
    try:
        locks.release(store, claim.resource, claim.lease.owner, claim.lease.token)
    except LeaseLost:
        pass


def _request(task: Task, agent: str, pid: int) -> Request:
    return Request(resource_of(task), process.owner(agent, pid), OPERATION, ttl=TTL, timeout=0.0)
