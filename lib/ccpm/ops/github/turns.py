"""The turn of one request to GitHub: a lease on `github-api`, bound to this process, taken in line.

It is an ordinary lease: `ccpm-lock check github-api` shows who writes to GitHub now. A turn that the caller already
carries as a fence is not taken again.
"""

from __future__ import annotations

import os

from ccpm.core.leases import Lease
from ccpm.errors import CcpmError, LeaseLost
from ccpm.files import clock, process
from ccpm.ops import wording
from ccpm.ops.actor import Actor
from ccpm.ops.locking import fences, lock_state, locks, waiting
from ccpm.ops.locking.locks import Request

GRACE = 60.0
"""Seconds that a turn lasts beyond the longest wait and the longest answer. Whoever is stopped for longer (a suspended
laptop) finds that it is over, and takes another before it sends anything."""

LONG = 10.0
"""Seconds in line that are worth a word: with a second for each write, a few agents make shorter waits all the time."""

_kept: dict[tuple[str, str], Lease] = {}
"""Turns of this process that could not be given back, by root and resource: its next request uses them."""


class Turn:
    """`deadline`: until when to wait for it (boot clock). `seconds`: how long the request may take."""

    __slots__ = ("_actor", "_deadline", "_lease", "_lent", "_resource", "_seconds")

    def __init__(self, actor: Actor, resource: str, deadline: float, seconds: float) -> None:
        self._actor = actor
        self._resource = resource
        self._deadline = deadline
        self._seconds = seconds
        self._lease: Lease | None = None
        self._lent = False

    @property
    def is_mine(self) -> bool:
        return self._lease is not None or self._lent

    def take(self) -> None:
        """Wait in line. Busy (75) at the deadline, DeadlockRefused (13); LeaseLost (11) where a carried one ended."""
        actor = self._actor
        token = actor.fences.get(self._resource)
        if token is not None:
            fences.check(actor.store, self._resource, token)
            self._lent = True
            return
        self._lease = _kept.pop((actor.top, self._resource), None)
        self.check()
        if self._lease:
            return
        left = max(0.0, self._deadline - clock.boot())
        owner = process.owner(actor.agent, os.getpid())
        ttl = left + self._seconds + GRACE
        request = Request(
            self._resource, owner, "request to GitHub", ttl=ttl, timeout=left, carried=actor.fences
        )
        words = _Words(actor, self._resource)
        self._lease = waiting.acquire(actor.store, request, lambda line: None, words.tick)
        words.end()

    def check(self) -> None:
        """Give up a turn that has ended meanwhile: the lease expired while this process was stopped."""
        if self._lease is None:
            return
        try:
            fences.check(self._actor.store, self._resource, self._lease.token)
        except LeaseLost:
            self._lease = None

    def end(self) -> None:
        """Give it back. That this cannot be done takes nothing from the answer that came meanwhile: then the turn is
        kept for the next request of this process, with which it ends at the latest."""
        lease, self._lease, self._lent = self._lease, None, False
        if lease is None:
            return
        try:
            locks.release(self._actor.store, self._resource, lease.owner, lease.token)
        except LeaseLost:
            pass  # it expired, and somebody else writes: nothing of ours is in flight any more
        except CcpmError as error:
            _kept[self._actor.top, self._resource] = lease
            self._actor.say(f"the turn to write to GitHub could not be given back: {error.message}")


class _Words:
    """What a wait in line says, once it has become a long one: a line when that is clear, and one when it ends."""

    __slots__ = ("_actor", "_is_spoken", "_resource", "_since")

    def __init__(self, actor: Actor, resource: str) -> None:
        self._actor = actor
        self._resource = resource
        self._since = clock.boot()
        self._is_spoken = False

    def tick(self) -> None:
        if not self._is_spoken and clock.boot() - self._since > LONG:
            self._is_spoken = True
            waits = len(lock_state.look(self._actor.store, self._resource).waits)
            self._actor.say(f"waiting: {waits} in line to write to GitHub; ccpm-gh limit shows them")

    def end(self) -> None:
        if self._is_spoken:
            self._actor.say(f"it is your turn after {wording.seconds(clock.boot() - self._since)}")
