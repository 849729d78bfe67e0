"""Leases on resources: acquire, release, renew, look, clean. The use cases behind ccpm-lock and lib/locking.sh.

Each change is one transaction on the resource's key: read the record and the queue, drop what is stale, let
core/leases.py decide, publish, log. Taking over a dead owner's lock is the same transaction as taking a free one, so it
cannot race with another taker (promise P1). Waiting is in ops/locking/waiting.py; it holds no guard. What a refusal
says is in ops/locking/refusals.py.
"""

from __future__ import annotations

from ccpm.core import leases, names
from ccpm.core.deadlock import Wait
from ccpm.core.leases import Lease, Now, Owner
from ccpm.errors import Busy, CcpmError, IOFailure, NotYours, UsageError
from ccpm.files import events, process, records
from ccpm.files.guard import PATIENCE
from ccpm.files.store import Store, Transaction
from ccpm.ops.locking.lock_state import State, look, may_take, ring_next, tidy_queue, write_queue

LONGEST_OPERATION = 500
"""Characters that say what a lock is for."""

SHORT = 1.0
"""Seconds for which one who does not want to wait waits for a guard: with many about, it is held for milliseconds."""


class Request:
    """What a caller wants: `resource` for `owner` in `mode`, for `ttl` seconds, waiting at most `timeout` seconds.

    `carried`: the fences {resource: token} that the caller runs under. `refuse_deadlock`: whether a wait that would
    close a cycle is refused. `fences_only`: of the leases bound to the owner's process, only those that are carried
    stay held while this request waits (it comes from one of several threads of that process: subshells have one pid).
    """

    __slots__ = (
        "carried", "fences_only", "mode", "operation", "owner", "refuse_deadlock", "resource", "timeout", "ttl",
    )  # fmt: skip

    def __init__(
        self,
        resource: str,
        owner: Owner,
        operation: str = "unspecified",
        mode: str = leases.EXCLUSIVE,
        ttl: float = leases.DEFAULT_TTL,
        timeout: float = leases.DEFAULT_TIMEOUT,
        carried: dict[str, int] | None = None,
        refuse_deadlock: bool = True,
        fences_only: bool = False,
    ) -> None:
        self.resource = names.check_resource(resource)
        self.owner = owner
        self.operation = check_operation(operation)
        self.mode = mode
        self.ttl = ttl
        self.timeout = timeout
        self.carried = carried or {}
        self.refuse_deadlock = refuse_deadlock
        self.fences_only = fences_only


def check_operation(operation: str) -> str:
    """`operation` as one printable line; UsageError (2) if it is too long to stand in a record that several share."""
    if len(operation) > LONGEST_OPERATION:
        raise UsageError(
            f"the operation is {len(operation)} characters long, at most {LONGEST_OPERATION} are allowed",
            "say in a few words what the lock is for: --operation epic-sync",
        )
    return operation if operation.isprintable() else "".join(c if c.isprintable() else "?" for c in operation)


def take(txn: Transaction, request: Request, state: State, mine: Wait | None, waited: float) -> Lease:
    """Publish a lease for `request` inside `txn`; `state` has just been read there and `may_take` said yes."""
    store = txn.store
    resource = request.resource
    token = txn.next_token(at_least=state.newest_token)
    lease = leases.new_lease(request.owner, request.operation, token, request.mode, request.ttl, state.now)
    holders = [*state.holders, lease]
    path, record = store.lock_path(resource), records.encode_lock(holders)
    if len(record) > records.LONGEST:
        raise Busy(
            f"{resource} is shared by {len(state.holders)} already, which is as many as its record can name",
            f"wait until some have let go: ccpm-lock check {resource}",
            resource=resource,
        )
    try:
        txn.put(path, record, durable=leases.outlives_boot(holders, state.now))
        if mine:
            write_queue(txn, resource, [wait for wait in state.waits if wait.key != mine.key])
    except IOFailure:
        _withdraw(txn, state, record)
        raise
    _log_taken(store, resource, lease, state, waited, contended=mine is not None)
    return lease


def try_acquire(store: Store, request: Request) -> Lease | State:
    """The lease if it can be had at once, else the state that stands against it."""
    with store.transact(request.resource, max(request.timeout, SHORT)) as txn:
        txn.sweep(store.lock_path(request.resource))
        state = look(store, request.resource)
        tidy_queue(txn, request.resource, state)
        if may_take(store, state, request.mode, None):
            return take(txn, request, state, None, 0.0)
        return state


def release(
    store: Store, resource: str, owner: Owner, token: int = 0, force: bool = False
) -> tuple[list[Lease], bool]:
    """Give `resource` back: (the leases that ended, whether the record is gone). ([], True) if it was free.

    `token`: which lease is meant; without it, the one that `owner` holds (see leases.find_own). `force` ends all.
    LeaseLost (11) if that lease is no longer the current one, or has expired (the record is tidied all the same);
    NotYours (77) if somebody else holds it.
    """
    names.check_resource(resource)
    if not token and store.read(store.lock_path(resource)) is None:
        return [], True
    with store.transact(resource) as txn:
        state = look(store, resource)
        ended, kept = _choose(state, resource, owner, token, force)
        publish(txn, resource, kept, state.now)
        tidy_queue(txn, resource, state)
        for lease in ended:
            _log_release(store, resource, lease, owner, state.now, force)
        stale = [(old, why) for old, why in state.stale if old in ended]
    ring_next(store, resource, state.queue)  # a dead one hears nothing, and the next is rung
    if stale and not force:
        from ccpm.ops.locking import refusals

        raise refusals.released_late(resource, *stale[0])
    return ended, not kept


def renew(
    store: Store, resource: str, owner: Owner, token: int = 0, ttl: float = 0.0, patience: float = PATIENCE
) -> Lease:
    """Extend the lease of `owner` (or the one with `token`) to `ttl` seconds from now (0: as long as it was given).
    `patience`: seconds to wait for the guard of the resource at most.

    LeaseLost (11) if it has expired, was taken over or released; NotYours (77) if the caller does not hold it.
    """
    names.check_resource(resource)
    with store.transact(resource, patience) as txn:
        state = look(store, resource)
        lease = _find(state, resource, owner, token)
        fresh = leases.renewed(lease, ttl or lease.ttl, state.now)
        holders = [fresh if held is lease else held for held in state.holders]
        publish(txn, resource, holders, state.now)
        events.append(
            store.top, "lock.renewed", resource=resource, agent=lease.owner.agent, token=lease.token
        )
    return fresh


def clean(store: Store) -> list[tuple[str, str, str]]:
    """Remove every stale lease, dead waiter and leftover: (resource, who, why) for each lease that went."""
    gone: list[tuple[str, str, str]] = []
    for resource in sorted({*store.list_locks(), *store.list_queues(), *store.list_leftovers()}):
        if len(resource) > names.LONGEST:
            continue  # a file that is no lock: no resource has such a name
        with store.transact(resource) as txn:
            txn.sweep(store.lock_path(resource))
            txn.sweep(store.queue_path(resource))
            state = look(store, resource)
            if state.stale or (state.unreadable and not state.is_blocked):
                publish(txn, resource, state.holders, state.now)
            for lease, why in state.stale:
                gone.append((resource, lease.owner.agent, why))
                events.append(store.top, "lock.cleaned", resource=resource, agent=lease.owner.agent, why=why)
            if state.unreadable and not state.is_blocked:
                gone.append((resource, "unknown", f"unreadable ({state.unreadable.reason})"))
            write_queue(txn, resource, state.waits)
        ring_next(store, resource, state.waits)
    return gone


def publish(txn: Transaction, resource: str, holders: list[Lease], now: Now) -> None:
    """Make `holders` those of `resource`, inside its transaction `txn`; without any, the record goes."""
    path = txn.store.lock_path(resource)
    if holders:
        txn.put(path, records.encode_lock(holders), durable=leases.outlives_boot(holders, now))
    else:
        # Not synced: a record that a power cut brings back is of another boot, or expires.
        txn.remove(path, durable=False)


def _withdraw(txn: Transaction, state: State, record: bytes) -> None:
    """Take back a lease that was published as `record`, because a later step failed: its owner is told that it has
    none, and those of `state` hold as before."""
    try:
        found = txn.read(txn.store.lock_path(state.resource))
        if found and found.data == record:
            publish(txn, state.resource, state.holders, state.now)
    except IOFailure:
        pass  # it ends when it expires, or with its process


def _choose(
    state: State, resource: str, owner: Owner, token: int, force: bool
) -> tuple[list[Lease], list[Lease]]:
    """(leases to end, leases to keep) for a release."""
    everything = state.holders + [lease for lease, _ in state.stale]
    if force:
        return everything, []
    if state.is_blocked:
        assert state.unreadable
        raise NotYours(
            f"{resource} has an unreadable lock record ({state.unreadable.reason})",
            f"look at it with ccpm-lock check {resource}; ccpm-lock release {resource} --force removes it",
        )
    lease = leases.find_token(everything, token) if token else _find_own(everything, owner)
    if lease:
        return [lease], [held for held in state.holders if held is not lease]
    if not state.holders and not token:
        return [], []
    raise _not_held(state, resource, owner, token)


def _find(state: State, resource: str, owner: Owner, token: int) -> Lease:
    """The live lease that a renewal means, or the error that tells why there is none."""
    lease = leases.find_token(state.holders, token) if token else _find_own(state.holders, owner)
    if lease is None:
        raise _not_held(state, resource, owner, token)
    return lease


def _find_own(held: list[Lease], owner: Owner) -> Lease | None:
    """leases.find_own, with the processes above this one only where a lease is bound to another process of `owner`."""
    bound = any(
        lease.owner.pid and lease.owner.agent == owner.agent and not lease.owner.is_same_process(owner)
        for lease in held
    )
    return leases.find_own(held, owner, process.ancestors() if bound else frozenset())


def _log_taken(
    store: Store, resource: str, lease: Lease, state: State, waited: float, contended: bool
) -> None:
    for old, why in state.stale:
        events.append(
            store.top,
            "lock.takeover",
            resource=resource,
            agent=old.owner.agent,
            token=old.token,
            why=why,
            by=lease.owner.agent,
        )
    if state.unreadable:
        events.append(store.top, "lock.takeover", resource=resource, why="unreadable", by=lease.owner.agent)
    events.append(
        store.top,
        "lock.acquired",
        resource=resource,
        agent=lease.owner.agent,
        pid=lease.owner.pid,
        token=lease.token,
        mode=lease.mode,
        operation=lease.operation,
        waited=round(waited, 6),
        contended=contended,
        ttl=lease.ttl,
    )


def _not_held(state: State, resource: str, owner: Owner, token: int) -> CcpmError:
    from ccpm.ops.locking import refusals  # only the unlucky pay for its import

    return refusals.not_held(state, resource, owner, token)


def _log_release(store: Store, resource: str, lease: Lease, by: Owner, now: Now, force: bool) -> None:
    events.append(
        store.top,
        "lock.forced" if force else "lock.released",
        resource=resource,
        agent=lease.owner.agent,
        token=lease.token,
        held=round(leases.held_for(lease, now), 6),
        by=by.agent,
    )
