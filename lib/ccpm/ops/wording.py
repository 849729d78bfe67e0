"""How messages name a holder, a wait and a cycle: what, who, since when."""

from __future__ import annotations

from ccpm.core.deadlock import Edge, Wait
from ccpm.core.leases import Lease, Owner
from ccpm.files import clock


def owner(owner: Owner) -> str:
    return f"{owner.agent} (pid {owner.pid} on {owner.host})" if owner.pid else owner.agent


def lease(lease: Lease) -> str:
    since, until = clock.to_iso(lease.acquired), clock.to_iso(lease.expires)
    return f"{owner(lease.owner)} for {lease.operation} since {since}, until {until}, token {lease.token}"


def holders(leases: list[Lease]) -> str:
    first = lease(leases[0])
    return first if len(leases) == 1 else f"{first}, and {len(leases) - 1} more"


def wait(wait: Wait) -> str:
    return f"{owner(wait.owner)} waits for it since {clock.to_iso(wait.since)}"


def cycle(edges: list[Edge]) -> str:
    """`a waits for epic-x held by b, b waits for epic-y held by a`."""
    return ", ".join(
        f"{edge.wait.owner.agent} waits for {edge.wait.resource} "
        + ("held by" if edge.is_held else "in line behind")
        + f" {edge.blocker}"
        for edge in edges
    )


def seconds(amount: float) -> str:
    return f"{amount:.0f} s" if amount >= 100 else f"{amount:.1f} s"


def quoted(name: str) -> str:
    """`name` as one word of a shell, for hints with commands in them."""
    if name and all(char.isalnum() or char in "._%+@=/:-" for char in name):
        return name
    return "'" + name.replace("'", "'\\''") + "'"


def counted(number: int, what: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
