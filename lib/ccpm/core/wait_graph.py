"""The wait-for graph as a whole: who waits for whom, which sets of waits can never end, what would free them.

Contract: pure, over the same `Wait`s, holders and edges as the refusal of deadlocks (core/deadlock.py). Its nodes are
waits; an edge leads to each wait in which a blocker is itself stuck. A deadlock is a strongly connected component with
a cycle: every wait in it waits for all the others (Coffman, Elphick, Shoshani: "System Deadlocks", 1971).

Guarantees: every cycle of the graph lies in one of `deadlocks`, and each cycle that is shown is one.
Non-guarantee: the records are read one after the other; what looks like a deadlock is looked at again before anything
is done about it.
"""

from __future__ import annotations

from ccpm.core import deadlock
from ccpm.core.deadlock import Edge, Wait
from ccpm.core.graph import strongly_connected
from ccpm.core.leases import EXCLUSIVE, Lease, Now, held_for

Key = tuple[str, int]

LONG = 1800.0
"""Seconds after which a lock other than the claim on a task counts as held for long: six leases of the usual length."""

MANY = 6
"""How many such locks in one hand are worth a warning."""

LONG_HELD, HOARDER = "held long", "holds many"


class Blocker:
    """Somebody that a wait cannot overtake: `agent` holds the resource (`lease`) or stands before it in line (None)."""

    __slots__ = ("agent", "lease")

    def __init__(self, agent: str, lease: Lease | None) -> None:
        self.agent = agent
        self.lease = lease


class WaitGraph:
    """All waits of a project and what holds them up. `holders`: {resource: its live leases}."""

    def __init__(self, waits: list[Wait], holders: dict[str, list[Lease]]) -> None:
        self.waits = sorted(waits, key=lambda wait: (wait.since, wait.ticket, wait.resource))
        self.holders = holders
        self.edges: dict[Key, list[Edge]] = {
            wait.key: deadlock.edges_of(wait, self.waits, holders) for wait in self.waits
        }

    def blockers(self, wait: Wait) -> list[Blocker]:
        """Everybody that `wait` waits for, those that run included; each agent once, holders first."""
        found: dict[str, Blocker] = {}
        for lease in self.holders.get(wait.resource, []):
            if EXCLUSIVE in (wait.mode, lease.mode):
                found.setdefault(lease.owner.agent, Blocker(lease.owner.agent, lease))
        for other in self.waits:
            if deadlock.is_behind(wait, other):
                found.setdefault(other.owner.agent, Blocker(other.owner.agent, None))
        return list(found.values())

    def deadlocks(self) -> list[list[Wait]]:
        """Each set of waits that wait for each other in a circle and so for ever; the longest-standing wait first."""
        targets = self._targets()
        groups = [
            group for group in strongly_connected(targets) if len(group) > 1 or group[0] in targets[group[0]]
        ]
        sets = [[wait for wait in self.waits if _name(wait) in group] for group in groups]
        return sorted(sets, key=lambda waits: waits[0].since)

    def cycle_through(self, wait: Wait) -> list[Edge]:
        """The edges of a shortest cycle through `wait`, [] if there is none (breadth first)."""
        came_by: dict[Key, Edge] = {}
        pending = [wait.key]
        for key in pending:  # grows while it is gone through
            for edge in self.edges[key]:
                if edge.via.key == wait.key:
                    path = [edge]
                    while key != wait.key:
                        edge = came_by[key]
                        path.insert(0, edge)
                        key = edge.wait.key
                    return path
                if edge.via.key not in came_by:
                    came_by[edge.via.key] = edge
                    pending.append(edge.via.key)
        return []

    def longest_chain(self) -> list[Wait]:
        """The waits of a longest chain, from the one that waits for all the others to the one that runs next. Of a
        deadlock only its longest-standing wait is in it: behind that nothing ends."""
        targets = self._targets()
        by_name = {_name(wait): wait for wait in self.waits}
        best: dict[str, list[str]] = {}
        for group in strongly_connected(targets):  # each after all it leads to
            behind = [best[target] for name in group for target in targets[name] if target not in group]
            first = min(group, key=lambda name: (by_name[name].since, by_name[name].key))
            chain = [first, *max(behind, key=len, default=[])]
            best.update(dict.fromkeys(group, chain))
        return [by_name[name] for name in max(best.values(), key=len, default=[])]

    def _targets(self) -> dict[str, list[str]]:
        return {_name(wait): [_name(edge.via) for edge in self.edges[wait.key]] for wait in self.waits}


def _name(wait: Wait) -> str:
    return f"{wait.ticket} {wait.resource}"


class Victim:
    """Whom to choose so that a deadlock ends: `agent` loses `leases` ({resource: lease}), held `seconds` in all."""

    __slots__ = ("agent", "leases", "seconds")

    def __init__(self, agent: str, leases: dict[str, Lease], seconds: float) -> None:
        self.agent = agent
        self.leases = leases
        self.seconds = seconds


def choose_victim(graph: WaitGraph, members: list[Wait], now: Now) -> Victim:
    """The agent of the deadlock `members` that loses least: whose leases in the way are the youngest together. Among
    equals the one that began to wait last."""
    resources = {wait.resource for wait in members}
    candidates: dict[str, Victim] = {}
    for wait in members:
        kept = {
            name: lease
            for name in resources
            for lease in graph.holders.get(name, [])
            if deadlock.keeps(wait, name, lease)
        }
        if kept:
            seconds = sum(held_for(lease, now) for lease in kept.values())
            candidates[wait.owner.agent] = Victim(wait.owner.agent, kept, seconds)
    latest = {wait.owner.agent: wait.since for wait in members}
    return min(candidates.values(), key=lambda victim: (victim.seconds, -latest[victim.agent], victim.agent))


class Concern:
    """Something that is no deadlock and may become a nuisance: `agent` holds `resources`, the oldest for `seconds`."""

    __slots__ = ("agent", "kind", "resources", "seconds")

    def __init__(self, kind: str, agent: str, resources: list[str], seconds: float) -> None:
        self.kind = kind
        self.agent = agent
        self.resources = resources
        self.seconds = seconds


def find_warnings(holders: dict[str, list[Lease]], now: Now) -> list[Concern]:
    """Locks that are held for long, and agents that hold many. Claims on tasks are meant to last: they do not count."""
    held: dict[str, list[tuple[str, float]]] = {}
    for name, found in sorted(holders.items()):
        for lease in found:
            if not name.startswith("task-"):
                held.setdefault(lease.owner.agent, []).append((name, held_for(lease, now)))
    warnings = [
        Concern(LONG_HELD, agent, [name], seconds)
        for agent, ages in held.items()
        for name, seconds in ages
        if seconds >= LONG
    ]
    for agent, ages in held.items():
        if len(ages) >= MANY:
            names = [name for name, _ in ages]
            warnings.append(Concern(HOARDER, agent, names, max(seconds for _, seconds in ages)))
    return warnings
