"""Who of the registered agents lives, and which leases count: what core/registry.py says of the processes and clocks of
this machine.

Read-only. Who is found dead here is buried by the next one who writes (ops/team/registries.py).
"""

from __future__ import annotations

from ccpm.core import registry as rules
from ccpm.core.leases import Lease
from ccpm.core.registry import Agent, Registry
from ccpm.files import agent_records, clock, process
from ccpm.files.store import Store
from ccpm.ops.team import agent_leases

Held = dict[str, list[tuple[str, Lease]]]
"""{agent: its leases as (resource, lease)}."""


def judge(agent: Agent, held: Held | None = None) -> tuple[str, str]:
    """(status, why it is dead) now. A lease that it took is a sign of life as well."""
    seen = agent_leases.newest_boot(held.get(agent.id, [])) if held else rules.NEVER
    return rules.judge(agent, clock.now(), process.is_alive(agent.owner), process.host(), seen)


def statuses(registry: Registry, held: Held) -> dict[str, str]:
    return {agent.id: judge(agent, held)[0] for agent in registry.agents.values()}


def is_dead(store: Store, agent: Agent) -> bool:
    """Whether `agent` is dead now. Its leases are only looked at where they could save it."""
    return judge(agent)[0] == rules.GONE and judge(agent, agent_leases.by_agent(store))[0] == rules.GONE


def dead_in(store: Store, ids: set[str]) -> list[str]:
    """The epics in which an agent of `ids` is dead, and nobody has buried it yet."""
    return [
        registry.epic
        for registry in agent_records.load(store.top)[0]
        if any(
            agent.id in ids and not agent.ended and is_dead(store, agent)
            for agent in registry.agents.values()
        )
    ]


def living(store: Store, found: list[Lease]) -> list[Lease]:
    """Those of the leases `found` that count: one that is bound to no process is over with its agent, buried or not."""
    return [lease for lease in found if lease.owner.pid or not dead_in(store, {lease.owner.agent})]
