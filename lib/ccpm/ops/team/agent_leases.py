"""The leases of one agent as a whole: which files they keep, and ending them together with the agent.

Guarantee: a lease that is bound to a running process is never ended here: it ends with that process.
"""

from __future__ import annotations

from ccpm.core import leases
from ccpm.core.leases import Lease
from ccpm.core.names import unescape
from ccpm.core.registry import NEVER
from ccpm.files import events, process
from ccpm.files.store import Store
from ccpm.ops.distribution import claims
from ccpm.ops.locking import lock_state, locks

FILE = "file-"
TASK = "task-"


def by_agent(store: Store) -> dict[str, list[tuple[str, Lease]]]:
    """{agent id: its live leases as (resource, lease)}, one look at each lock."""
    found: dict[str, list[tuple[str, Lease]]] = {}
    for resource in store.list_locks():
        for lease in lock_state.look(store, resource).holders:
            found.setdefault(lease.owner.agent, []).append((resource, lease))
    return found


def files_of(held: list[tuple[str, Lease]]) -> list[str]:
    """What a registry shows as `files_locked`: the path of each `file-` lease, `<task>.md` for each `task-` lease."""
    paths = []
    for resource, _ in held:
        if resource.startswith(FILE):
            paths.append(unescape(resource[len(FILE) :]))
        elif resource.startswith(TASK):
            paths.append(unescape(resource[len(TASK) :]) + ".md")
    return sorted(paths)


def is_ownership(resource: str, lease: Lease) -> bool:
    """Whether the lease says whose a task or a file is, rather than that something is under way."""
    return resource.startswith(FILE) or lease.operation == claims.OPERATION


def newest_boot(held: list[tuple[str, Lease]]) -> float:
    """When one of these leases was taken or renewed last, on the boot clock of this boot; NEVER if none was."""
    boot = process.boot_id()
    return max(
        (lease.expires_boot - lease.ttl for _, lease in held if lease.owner.boot_id == boot), default=NEVER
    )


def end(store: Store, agent: str, held: list[tuple[str, Lease]], why: str) -> list[str]:
    """End those leases of `agent` that no running process is bound to; the resources that it lost."""
    ended = []
    for resource in sorted({resource for resource, _ in held}):
        with store.transact(resource) as txn:
            state = lock_state.look(store, resource)
            lost = [lease for lease in state.holders if lease.owner.agent == agent and not _is_bound(lease)]
            if not lost:
                continue
            locks.publish(txn, resource, [lease for lease in state.holders if lease not in lost], state.now)
            for lease in lost:
                events.append(
                    store.top,
                    "lock.ended",
                    resource=resource,
                    agent=agent,
                    token=lease.token,
                    held=round(leases.held_for(lease, state.now), 6),
                    why=why,
                )
        ended.append(resource)
        lock_state.ring_next(store, resource, state.queue)
    return ended


def _is_bound(lease: Lease) -> bool:
    return bool(lease.owner.pid) and process.is_alive(lease.owner) is not False
