"""The lease under which a coordinator merges, and the only way in which it moves refs: fenced, and by compare-and-swap.

    with MergeLease(actor, "auth") as lease:
        lease.renew()                          # between steps; LeaseLost (11) when it is gone
        lease.move(repository, {ref: (new, old)})

A move has two locks. git's lock of the ref is taken first and the old value is compared (external/git/refs.Moving).
Then, inside the guard of the lease, the token is compared and git is told to commit: a coordinator that lost its
lease moves nothing, however late it wakes up, and nobody can take the lease between the comparison and the move.
"""

from __future__ import annotations

import os

from ccpm.core import branch_names
from ccpm.external.git.refs import Moving
from ccpm.external.git.repository import Repository
from ccpm.files import events, process
from ccpm.ops.actor import Actor
from ccpm.ops.locking import fences, waiting
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.locking.held import Held
from ccpm.ops.locking.locks import Request


class MergeLease:
    """Entering waits for the epic's merge lock; Busy (75) names who has it when `timeout` seconds are over."""

    __slots__ = ("_actor", "_epic", "_held", "_request", "resource", "token")

    def __init__(self, actor: Actor, epic: str, operation: str, ttl: float, timeout: float) -> None:
        self._actor = actor
        self._epic = epic
        self._held = Held(actor.store)
        self.resource = branch_names.merge_lock(epic)
        owner = process.owner(actor.agent, os.getpid())
        carried = actor.fences
        self._request = Request(self.resource, owner, operation, ttl=ttl, timeout=timeout, carried=carried)
        self.token = 0

    def __enter__(self) -> MergeLease:
        lease = waiting.acquire(self._actor.store, self._request, self._actor.say)
        self._held.add(self.resource, lease)
        self.token = lease.token
        self._log("merge.started")
        return self

    def __exit__(self, *_: object) -> None:
        self._log("merge.finished")
        self._held.release(self._actor.say)

    def _log(self, event: str) -> None:
        agent, operation = self._actor.agent, self._request.operation
        events.append(self._actor.top, event, epic=self._epic, agent=agent, operation=operation)

    @property
    def fences(self) -> dict[str, int]:
        """What writes under this lease carry."""
        return {**self._actor.fences, self.resource: self.token}

    def renew(self) -> None:
        """Renew the lease if that is due. LeaseLost (11) if it is gone."""
        self._held.renew_due()

    def check(self) -> None:
        """LeaseLost (11) if the lease is gone."""
        fences.check(self._actor.store, self.resource, self.token)

    def seconds_to_renewal(self) -> float:
        return self._held.seconds_to_renewal() or 0.0

    def grace(self, longest: float) -> float:
        return self._held.grace(longest)

    def move(self, repository: Repository, moves: dict[str, tuple[str, str]]) -> None:
        """Move refs, {ref: (new, old)}, all or none. VersionConflict (10) if one is not at its old value any more,
        LeaseLost (11) if the lease is."""
        with Moving(repository, moves) as moving, Fenced(self._actor.store, {self.resource: self.token}):
            moving.commit()
