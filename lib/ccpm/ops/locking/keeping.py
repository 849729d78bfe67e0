"""Hold a resource for as long as a block takes: `Holding`, with the lease renewed in the background.

    with Keeping(actor, "epic-auth", "epic-sync") as kept:
        kept.check()                 # before each thing that cannot be fenced, such as a request to a tracker
        … kept.fences …              # what every write in the block carries

A thread renews at a third of the lease's length, whatever the block is doing: waiting for an answer, or for the
shared budget. When the lease is lost, or cannot be renewed in time, the next `check` raises LeaseLost (11), and
writes under `fences` are refused by themselves.

Guarantee: the lease is bound to this process; a kill frees it at once. Non-guarantee: between a `check` and the
request behind it the process can be stopped for longer than the lease lasts; no tracker checks fences.
"""

from __future__ import annotations

import os
import threading

from ccpm.core import leases
from ccpm.errors import CcpmError, LeaseLost
from ccpm.files import clock, process
from ccpm.ops.actor import Actor
from ccpm.ops.locking import fences, locks, waiting
from ccpm.ops.locking.locks import Request


class Keeping:
    """`fences`: those of the actor and, once entered, the one of `resource`. A resource whose token the actor already
    carries is neither taken nor renewed here: whoever took it does that."""

    def __init__(self, actor: Actor, resource: str, operation: str, ttl: float = leases.DEFAULT_TTL) -> None:
        self._actor = actor
        owner = process.owner(actor.agent, os.getpid())
        self._request = Request(resource, owner, operation, ttl=ttl, carried=actor.fences)
        self._lease: leases.Lease | None = None
        self._lost: LeaseLost | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self.fences = dict(actor.fences)

    def __enter__(self) -> Keeping:
        resource = self._request.resource
        token = self.fences.get(resource)
        if token is not None:
            fences.check(self._actor.store, resource, token)
            return self
        self._lease = waiting.acquire(self._actor.store, self._request, self._actor.say)
        self.fences[resource] = self._lease.token
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._lease:
            self._thread.join()
            try:
                locks.release(self._actor.store, self._request.resource, self._lease.owner, self._lease.token)
            except LeaseLost:
                pass  # told by `check`, or by the write that was refused

    def actor(self) -> Actor:
        """The actor with the fences of this block: use cases that it is passed to find the resource held."""
        return Actor(self._actor.agent, self.fences, self._actor.say, self._actor.top)

    def check(self) -> None:
        """LeaseLost (11) if the lease does not hold any more."""
        if self._lost:
            raise self._lost
        resource = self._request.resource
        fences.check(self._actor.store, resource, self.fences[resource])

    def _renew(self) -> None:
        lease = self._lease
        assert lease
        resource, pause = self._request.resource, lease.ttl / 3
        while not self._done.wait(pause):
            try:
                lease = locks.renew(self._actor.store, resource, lease.owner, lease.token)
                pause = lease.ttl / 3
            except LeaseLost as lost:
                self._lost = lost
                return
            except (
                CcpmError
            ) as error:  # a full disk, a guard whose holder is stopped: again, while the lease lasts
                pause = lease.ttl / 12
                if leases.remaining(lease, clock.now()) < lease.ttl / 6:
                    self._lost = LeaseLost(
                        f"{resource} could not be renewed in time: {error.message}", error.hint
                    )
                    return
