"""Waiting for a lease: first come, first served, woken by the one who lets go, refused where it would deadlock.

A waiter takes a ticket in the resource's queue and sleeps on its bell. It holds no guard while it sleeps. It looks
again when rung, when the holder's lease ends, and at least every `POLL` seconds, because a holder that is killed rings
nobody. Sources: ticket queues after Lamport's bakery (1974); the jitter keeps many waiters from polling in step.
"""

from __future__ import annotations

from ccpm.core import deadlock, leases
from ccpm.core.deadlock import Edge, Wait
from ccpm.core.leases import Lease
from ccpm.errors import Busy, DeadlockRefused
from ccpm.files import clock, events, process
from ccpm.files.bell import Bell
from ccpm.files.store import Store
from ccpm.ops import wording
from ccpm.ops.locking import lock_state, locks, refusals
from ccpm.ops.locking.lock_state import State
from ccpm.ops.locking.locks import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

POLL = 0.25
"""Seconds between two looks of a waiter that nobody rings: a dead owner is replaced well within the promised second."""

RECHECK = 1.0
"""Seconds between two deadlock checks of one waiter: a cycle can also be closed by a grant, not only by a new wait."""

BURY = 2.0
"""Seconds between two looks of a waiter whether the agent that it waits for still lives (ops/team/registries.py). A
lease that is bound to no process would else outlive its agent until it expires."""

LONG = 1.0
"""Seconds of a wait that are worth a word."""

_WAITS = ".waits"


def acquire(
    store: Store,
    request: Request,
    say: Callable[[str], None],
    tick: Callable[[], None] = lambda: None,
) -> Lease:
    """A lease for `request`. Busy (75) when `request.timeout` passes first, DeadlockRefused (13) when the wait would
    close a cycle. `say` gets one line when a wait has become a long one, and one when that ends; `tick` runs at each
    look."""
    started = clock.boot()
    state = lock_state.look(store, request.resource)
    # Where many wait, the guard is what they wait for first: no attempt that is seen to be in vain.
    if request.timeout <= 0 or lock_state.may_take(store, state, request.mode, None):
        got = locks.try_acquire(store, request)
        if isinstance(got, Lease):
            return got
        if request.timeout <= 0:
            if not _bury_holders(store, got):
                raise refusals.busy(request, got, 0.0)
            got = locks.try_acquire(store, request)
            if isinstance(got, Lease):
                return got
            raise refusals.busy(request, got, 0.0)
        state = got
    return _Waiter(store, request, started, say, tick).wait(state)


def _bury_holders(store: Store, state: State) -> bool:
    """Whether an agent was found dead that held the resource of `state` by a lease of no process: it has lost it."""
    holders = {lease.owner.agent for lease in state.holders if not lease.owner.pid}
    if not holders:
        return False
    from ccpm.ops.team import registries

    return registries.bury_if_dead(store, holders)


class _Waiter:
    __slots__ = (
        "bell",
        "buried",
        "checked",
        "is_spoken",
        "mine",
        "request",
        "say",
        "started",
        "store",
        "tick",
    )

    def __init__(
        self,
        store: Store,
        request: Request,
        started: float,
        say: Callable[[str], None],
        tick: Callable[[], None],
    ) -> None:
        self.store = store
        self.request = request
        self.started = started
        self.say = say
        self.tick = tick
        self.mine: Wait | None = None
        self.bell: Bell | None = None
        self.checked = float("-inf")
        self.buried = float("-inf")
        self.is_spoken = False

    def wait(self, state: State) -> Lease:
        request = self.request
        lease = None
        try:
            lease, state = self._step(state)
            if lease is None:
                self._refuse_deadlock()
            while lease is None:
                if clock.boot() - self.buried >= BURY:
                    _bury_holders(self.store, state)
                    self.buried = clock.boot()
                self._sleep(state)
                self.tick()
                state = lock_state.look(self.store, request.resource)
                lease, state = self._step(state)
                if lease is None:
                    self._refuse_deadlock()
                    self._tell(state)
            if self.is_spoken:
                self.say(f"got {request.resource} after {wording.seconds(clock.boot() - self.started)}")
            return lease
        finally:
            if lease is None:
                self._leave()
            if self.bell:
                self.bell.close()

    def _tell(self, state: State) -> None:
        """Say once that it takes long, and why."""
        if self.is_spoken or clock.boot() - self.started < LONG:
            return
        self.is_spoken = True
        ahead = sum(self.mine is not None and wait.ticket < self.mine.ticket for wait in state.waits)
        line = f"; {ahead} in line before you" if ahead else ""
        self.say(f"waiting: {self.request.resource} {refusals.standing(state)}{line}")

    def _step(self, state: State) -> tuple[Lease | None, State]:
        """Take the lease if it is our turn, or make sure that we stand in the queue; a transaction only if needed."""
        request, store = self.request, self.store
        queued = self.mine is not None and any(wait.key == self.mine.key for wait in state.queue)
        if queued and not lock_state.may_take(store, state, request.mode, self.mine):
            return None, state
        left = request.timeout - (clock.boot() - self.started)
        with store.transact(request.resource, max(left, locks.SHORT)) as txn:
            state = lock_state.look(store, request.resource)
            if lock_state.may_take(store, state, request.mode, self.mine):
                waited = clock.boot() - self.started
                return locks.take(txn, request, state, self.mine, waited), state
            if self.mine is None:
                self.mine = self._take_ticket(state)
            if not any(wait.key == self.mine.key for wait in state.waits):
                state.waits = sorted([*state.waits, self.mine], key=lambda wait: wait.ticket)
                lock_state.write_queue(txn, request.resource, state.waits)
            if self.bell is None:  # after the queue: a bell that no queue names would never be tidied up
                self.bell = store.open_bell(request.resource, self.mine.ticket)
        return None, state

    def _take_ticket(self, state: State) -> Wait:
        request = self.request
        last = max((wait.ticket for wait in state.waits), default=0)
        ticket = max(last + 1, int(state.now.wall * 1e6))
        waiter = process.current(request.owner.agent)
        owner = process.owner(request.owner.agent) if request.fences_only else request.owner
        return Wait(request.resource, owner, waiter, request.mode, ticket, state.now.wall, request.carried)

    def _sleep(self, state: State) -> None:
        from random import uniform

        waited = clock.boot() - self.started
        left = self.request.timeout - waited
        owner = self.request.owner
        if left <= 0:
            events.append(
                self.store.top,
                "lock.timeout",
                resource=self.request.resource,
                agent=owner.agent,
                waited=round(waited, 6),
            )
            raise refusals.busy(self.request, state, waited)
        if owner.pid and process.is_alive(owner) is False:
            raise Busy(
                f"gave up waiting for {self.request.resource}: process {owner.pid}, which wanted it, is gone"
            )
        pause = min(left, POLL * uniform(0.8, 1.2))
        if state.holders:
            pause = min(pause, leases.expiry_of(state.holders, state.now) + 0.001)
        assert self.bell
        self.bell.wait(pause)

    def _refuse_deadlock(self) -> None:
        """Raise DeadlockRefused (13) if this wait is part of a cycle. One check at a time for the whole project: of
        two waits that close a cycle together exactly one is refused.

        Looks at many resources, one after the other, are no picture of one moment: somebody may have let go of the
        first before he began to wait for the second. So what looks like a cycle is looked at again while the guards of
        all its resources are held."""
        assert self.mine
        if not self.request.refuse_deadlock or clock.boot() - self.checked < RECHECK:
            return
        self.checked = clock.boot()
        store = self.store
        with store.transact(_WAITS):
            suspects = {edge.wait.resource for edge in self._find_cycle(store.list_queues())}
            if not suspects:
                return
            from contextlib import ExitStack

            with ExitStack() as guards:
                for name in sorted(suspects):
                    guards.enter_context(store.transact(name))
                cycle = self._find_cycle(sorted(suspects))
            if not cycle:
                return
            self._leave()
        agents = [edge.wait.owner.agent for edge in cycle]
        resource = self.request.resource
        events.append(
            store.top, "lock.deadlock", resource=resource, agent=self.request.owner.agent, cycle=agents
        )
        raise DeadlockRefused(
            f"waiting for {resource} would never end: {wording.cycle(cycle)}",
            "release what you hold (ccpm-lock list shows it), then try again",
            resource=resource,
            cycle=agents,
        )

    def _find_cycle(self, resources: list[str]) -> list[Edge]:
        assert self.mine
        states = {name: lock_state.look(self.store, name) for name in resources}
        waits = [wait for found in states.values() for wait in found.waits]
        holders = {name: found.holders for name, found in states.items()}
        return deadlock.find_cycle(self.mine, waits, holders)

    def _leave(self) -> None:
        mine, self.mine = self.mine, None
        if mine is None:
            return
        with self.store.transact(mine.resource) as txn:
            state = lock_state.look(self.store, mine.resource)
            state.waits = [wait for wait in state.waits if wait.key != mine.key]
            lock_state.write_queue(txn, mine.resource, state.waits)
        if not state.holders:
            lock_state.ring_next(self.store, mine.resource, state.waits)
