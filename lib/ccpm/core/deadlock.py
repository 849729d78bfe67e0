"""Deadlock: would this wait close a cycle of agents that wait for each other?

Contract: pure. A `Wait` says who waits for what and what he keeps others from while he waits; `holders` says who
holds each resource. An edge leads from a waiter to everybody he cannot overtake: the holders of the resource, and the
waiters in front of him (the queue is first come, first served). A cycle through the new waiter is a deadlock
(Coffman, Elphick, Shoshani: "System Deadlocks", 1971: with single-unit resources a cycle is sufficient).

What a waiter keeps from others: every lease of his agent that is bound to no process, every lease bound to his own
process, and every lease whose fencing token he carries (he runs below its holder). A lease bound to another process of
the same agent is not his: that process is running and will let go.

Guarantee: no cycle without a real chain of waits. Non-guarantee: a lease of an agent without a process counts as kept
for as long as the agent waits, although another command of that agent could release it.
"""

from __future__ import annotations

from ccpm.core.leases import EXCLUSIVE, Lease, Owner


class Wait:
    """The process `waiter` waits for `resource` in `mode` since `since` (epoch seconds), with ticket number `ticket`,
    on behalf of `owner`; `carried` are the fences {resource: token} that it runs under."""

    __slots__ = ("carried", "mode", "owner", "resource", "since", "ticket", "waiter")

    def __init__(
        self,
        resource: str,
        owner: Owner,
        waiter: Owner,
        mode: str,
        ticket: int,
        since: float,
        carried: dict[str, int],
    ) -> None:
        self.resource = resource
        self.owner = owner
        self.waiter = waiter
        self.mode = mode
        self.ticket = ticket
        self.since = since
        self.carried = carried

    def waited(self, wall: float) -> float:
        """Seconds at the time `wall`. A record has whole seconds; the ticket is the time in microseconds, unless
        several came at once."""
        exact = self.ticket / 1e6
        began = exact if self.since <= exact < self.since + 1.0 else self.since
        return max(0.0, wall - began)

    @property
    def key(self) -> tuple[str, int]:
        return (self.resource, self.ticket)


class Edge:
    """`wait` cannot go on before `blocker` (an agent id) does: it holds the resource (`is_held`) or is in front in its
    queue. `via` is the wait in which the blocker is itself stuck; whoever runs blocks nobody for ever."""

    __slots__ = ("blocker", "is_held", "via", "wait")

    def __init__(self, wait: Wait, blocker: str, is_held: bool, via: Wait) -> None:
        self.wait = wait
        self.blocker = blocker
        self.is_held = is_held
        self.via = via


def keeps(wait: Wait, resource: str, lease: Lease) -> bool:
    """Whether `lease` on `resource` stays held for as long as `wait` lasts."""
    if wait.carried.get(resource) == lease.token:
        return True
    if lease.owner.pid:
        return lease.owner.is_same_process(wait.owner)
    return lease.owner.agent == wait.owner.agent


def is_behind(wait: Wait, other: Wait) -> bool:
    """Whether `wait` has to let `other` go first: in front of it in one queue, and not both shared."""
    return (
        wait.resource == other.resource
        and other.ticket < wait.ticket
        and EXCLUSIVE in (wait.mode, other.mode)
    )


def edges_of(wait: Wait, waits: list[Wait], holders: dict[str, list[Lease]]) -> list[Edge]:
    """Everybody that `wait` waits for, and where each of them is stuck."""
    edges: list[Edge] = []
    for lease in holders.get(wait.resource, []):
        if wait.mode != EXCLUSIVE and lease.mode != EXCLUSIVE:
            continue
        stuck = [other for other in waits if keeps(other, wait.resource, lease)]
        if keeps(wait, wait.resource, lease) and wait not in stuck:
            stuck.append(wait)
        edges += [Edge(wait, lease.owner.agent, True, other) for other in stuck]
    edges += [Edge(wait, other.owner.agent, False, other) for other in waits if is_behind(wait, other)]
    return edges


def find_cycle(start: Wait, waits: list[Wait], holders: dict[str, list[Lease]]) -> list[Edge]:
    """The edges of a cycle through `start`, in order, or [] if waiting is safe. Depth-first, each wait visited once."""
    held = [(name, lease) for name, found in holders.items() for lease in found]
    if not any(keeps(wait, name, lease) for name, lease in held for wait in [start, *waits]):
        return []  # nobody who holds something waits, and along a queue alone it only goes forward
    path: list[Edge] = []
    seen: set[tuple[str, int]] = set()
    stack = [iter(edges_of(start, waits, holders))]
    while stack:
        edge = next(stack[-1], None)
        if edge is None:
            stack.pop()
            if path:
                path.pop()
            continue
        if edge.via.key == start.key:
            return [*path, edge]
        if edge.via.key not in seen:
            seen.add(edge.via.key)
            path.append(edge)
            stack.append(iter(edges_of(edge.via, waits, holders)))
    return []
