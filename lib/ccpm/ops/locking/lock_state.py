"""One resource as it is now: who holds it, whose lease is stale, who waits, and whose turn it is.

`look` needs no guard, because every record is whole; what it returns is a snapshot. Whoever acts on it looks again
inside a transaction (ops/locking/locks.py). The queue is only about order: losing it costs fairness, never exclusion.
"""

from __future__ import annotations

from ccpm.core import leases
from ccpm.core.deadlock import Wait, is_behind
from ccpm.core.leases import Lease, Now, Unreadable
from ccpm.errors import IOFailure
from ccpm.files import clock, process, records
from ccpm.files.store import Store, Transaction

PRESENT = 2.0
"""Seconds after its last sign of life from which a waiter no longer holds up those behind it (it shows one at least
every 0.3 s). It keeps its ticket: this costs it its turn, never anybody's exclusion."""

SILENT = 60.0
"""Seconds without a sign of life after which a waiter whose process cannot be seen from here (another host or pid
namespace, an earlier boot) counts as gone. One that is only stopped takes its ticket again when it runs on."""


class State:
    """A resource as one look found it: live `holders`, `stale` leases with the reason, an `unreadable` record, the
    `queue` as it is written, in ticket order, and the `waits` in it whose processes still run.

    The last two are worked out when they are asked for: with n waiters, who all look, they would cost n times n.
    """

    __slots__ = (
        "_queue",
        "_waits",
        "holders",
        "now",
        "record",
        "resource",
        "stale",
        "store",
        "unreadable",
        "written",
    )

    def __init__(self, store: Store, resource: str, now: Now, record: bytes | None, written: bytes) -> None:
        self.store = store
        self.resource = resource
        self.now = now
        self.record = record
        self.written = written
        self.holders: list[Lease] = []
        self.stale: list[tuple[Lease, str]] = []
        self.unreadable: Unreadable | None = None
        self._queue: list[Wait] | None = None
        self._waits: list[Wait] | None = None

    @property
    def queue(self) -> list[Wait]:
        if self._queue is None:
            waits = records.decode_queue(self.resource, self.written) if self.written else []
            self._queue = sorted(waits, key=lambda wait: wait.ticket)
        return self._queue

    @property
    def waits(self) -> list[Wait]:
        if self._waits is None:
            self._waits = [wait for wait in self.queue if _is_waiting(self.store, wait)]
        return self._waits

    @waits.setter
    def waits(self, waits: list[Wait]) -> None:
        self._waits = waits

    @property
    def has_dead_waits(self) -> bool:
        """Whether the queue names others than `waits`, or does not parse."""
        return bool(self.written) and (not self.queue or len(self.waits) < len(self.queue))

    @property
    def is_blocked(self) -> bool:
        return self.unreadable is not None and not leases.is_unreadable_stale(self.unreadable, self.now)

    @property
    def newest_token(self) -> int:
        return max(
            [lease.token for lease in self.holders] + [lease.token for lease, _ in self.stale], default=0
        )


def look(store: Store, resource: str) -> State:
    """The state of `resource` now. Needs no guard: each record is whole."""
    found = store.read(store.lock_path(resource))
    queue = store.read(store.queue_path(resource))
    state = State(store, resource, clock.now(), found.data if found else None, queue.data if queue else b"")
    here = process.here()
    decoded = records.decode_lock(found.data, found.age) if found else []
    if isinstance(decoded, Unreadable):
        state.unreadable = decoded
    else:
        for lease in decoded:
            why = leases.why_stale(lease, state.now, process.is_alive(lease.owner), here)
            if why:
                state.stale.append((lease, why))
            else:
                state.holders.append(lease)
    return state


def _is_waiting(store: Store, wait: Wait) -> bool:
    alive = process.is_alive(wait.waiter)
    if alive is None:
        return store.bell(wait.resource, wait.ticket).silence() < SILENT
    return alive


def may_take(store: Store, state: State, mode: str, mine: Wait | None) -> bool:
    """Whether a request in `mode` gets the resource in `state`: compatible with its holders, and nobody who is
    present waits in front of it (`mine`: its place in the queue; None: behind everybody)."""
    if state.is_blocked or not leases.is_compatible(mode, state.holders):
        return False
    return not any(
        (is_behind(mine, other) if mine else leases.EXCLUSIVE in (mode, other.mode))
        and store.bell(other.resource, other.ticket).silence() < PRESENT
        and _is_waiting(store, other)
        for other in state.queue
    )


def write_queue(txn: Transaction, resource: str, waits: list[Wait]) -> None:
    """Publish the queue of `resource`; dead waiters (those not in `waits`) lose their bells too."""
    store = txn.store
    path = store.queue_path(resource)
    before = store.read(path)
    if before:
        kept = {wait.ticket for wait in waits}
        for wait in records.decode_queue(resource, before.data):
            if wait.ticket not in kept:
                store.bell(resource, wait.ticket).remove()
    if waits:
        txn.put(path, records.encode_queue(waits), durable=False)
    elif before:
        txn.remove(path, durable=False)


def tidy_queue(txn: Transaction, resource: str, state: State) -> None:
    """Drop what killed waiters left in the queue. It is not worth failing for: nobody waits for the dead."""
    txn.sweep(txn.store.queue_path(resource))
    if state.has_dead_waits:
        try:
            write_queue(txn, resource, state.waits)
        except IOFailure:
            pass


def ring_next(store: Store, resource: str, waits: list[Wait]) -> None:
    """Wake those whose turn it is: the first that is present, and with a shared one the shared ones right behind it.
    One that is stopped is rung too, in case it runs on just now, but nobody behind it has to wait for that."""
    is_served = False
    for wait in waits:
        if is_served and wait.mode == leases.EXCLUSIVE:
            return
        bell = store.bell(resource, wait.ticket)
        if bell.ring() and bell.silence() < PRESENT:
            is_served = True
            if wait.mode == leases.EXCLUSIVE:
                return
