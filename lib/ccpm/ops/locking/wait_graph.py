"""Who waits for whom in the whole project now, and how a deadlock is ended by hand.

Contract: `states` is a snapshot of all queues and locks, taken without a guard. `resolve` looks again at a deadlock in
the guards of all its resources before it takes anything from anybody, so that it ends only what would never end.

A deadlock can only arise where the refusal of deadlocks was switched off (`--no-deadlock-check`), or across hosts whose
records arrive late.
"""

from __future__ import annotations

from contextlib import ExitStack

from ccpm.core import wait_graph
from ccpm.core.deadlock import Wait
from ccpm.core.wait_graph import Victim, WaitGraph
from ccpm.errors import LeaseLost
from ccpm.files import clock, events
from ccpm.files.store import Store
from ccpm.ops.locking import lock_state, locks
from ccpm.ops.locking.lock_state import State


def states(store: Store) -> dict[str, State]:
    """Every resource that somebody holds or waits for."""
    names = sorted({*store.list_locks(), *store.list_queues()})
    found = {name: lock_state.look(store, name) for name in names}
    return {name: state for name, state in found.items() if state.record is not None or state.waits}


def of_states(found: dict[str, State]) -> WaitGraph:
    waits = [wait for state in found.values() for wait in state.waits]
    return WaitGraph(waits, {name: state.holders for name, state in found.items()})


def resolve(store: Store, members: list[Wait]) -> Victim | None:
    """End the deadlock `members`: the victim's leases in it are released, and what it still writes under them is
    refused (11). None if it has ended by itself."""
    resources = sorted({wait.resource for wait in members})
    with ExitStack() as guards:
        for name in resources:
            guards.enter_context(store.transact(name))
        graph = of_states({name: lock_state.look(store, name) for name in resources})
        still = [waits for waits in graph.deadlocks() if {w.key for w in waits} & {w.key for w in members}]
        if not still:
            return None
        victim = wait_graph.choose_victim(graph, still[0], clock.now())
    for name, lease in victim.leases.items():
        try:
            locks.release(store, name, lease.owner, lease.token)
        except LeaseLost:
            continue  # it ended by itself meanwhile
        events.append(
            store.top, "lock.victim", resource=name, agent=victim.agent, token=lease.token,
            held=round(victim.seconds, 6),
        )  # fmt: skip
    return victim
