"""The registries of agents: reading them, changing one, and burying the dead that are found in one.

Contract: each change is one guarded change of the epic's agents.json (files/json_record.py). Whoever writes a registry
buries the dead that it finds there: in one step they lose their streams, their claims and their leases, and an event
says why (`_bury_dead`). The leases end first: killed in between, a writer leaves an agent that the next one finds dead
again.

`files_locked` is what an agent's leases say when the registry is written or shown. The lock commands do not write it
themselves: they are the hot path of the whole system, and a second record beside the lock is one that can disagree.

Lock order: the guard of all claims (ops/team/streams.py), then that of one registry, then those of resources.
"""

from __future__ import annotations

import os

from ccpm.core import registry as rules
from ccpm.core.registry import Agent, Registry
from ccpm.errors import CcpmError, LeaseLost, NotFound, UsageError
from ccpm.files import agent_records, clock, events, json_record
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.team import agent_leases, lives

OWN_EPIC = "."
"""As the name of an epic: the one in which the agent is registered."""


class Changing:
    """`with Changing(store, epic) as registry: …` changes one registry under its guard; the dead are buried first, and
    it is written when the block ends without an error (with one, only the burials are). NotFound (66) without such an
    epic."""

    __slots__ = ("_held", "_record", "_store", "epic", "registry")

    def __init__(self, store: Store, epic: str, held: lives.Held | None = None) -> None:
        path = agent_records.path_of(store.top, check_epic(store.top, epic))
        self.epic = epic
        self._store = store
        self._held = agent_leases.by_agent(store) if held is None else held
        self._record = json_record.Changing(path)

    def __enter__(self) -> Registry:
        self._record.__enter__()
        try:
            self.registry = agent_records.decode(self.epic, self._record.data)
            if _bury_dead(self._store, self.registry, self._held):
                self._save()  # also if what follows is refused
        except BaseException:
            self._record.__exit__()
            raise
        return self.registry

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._save()
        finally:
            self._record.__exit__()

    def _save(self) -> None:
        for agent in self.registry.agents.values():
            if not agent.ended:
                agent.files_locked = agent_leases.files_of(self._held.get(agent.id, []))
        self._record.data = agent_records.encode(self.registry, lives.statuses(self.registry, self._held))
        self._record.save()


def _bury_dead(store: Store, registry: Registry, held: lives.Held) -> bool:
    """Bury the dead of `registry`, whose guard is held; whether there were any."""
    found = False
    suspects = [
        one for one in registry.agents.values() if not one.ended and lives.judge(one, held)[0] == rules.GONE
    ]
    if suspects:
        held = agent_leases.by_agent(store)  # since the first look it may have taken another, and died then
    for agent in suspects:
        status, why = lives.judge(agent, held)
        if status != rules.GONE:
            continue
        ended = agent_leases.end(store, agent.id, held.get(agent.id, []), f"{agent.id} is dead: {why}")
        lost = rules.bury(registry, agent, why, clock.now())
        events.append(
            store.top,
            "agent.dead",
            agent=agent.id,
            epic=registry.epic,
            why=why,
            streams=[stream.name for stream in lost],
            leases=ended,
        )
        found = True
    return found


def bury_in(store: Store, epics: list[str]) -> None:
    """Bury the dead of these epics."""
    for name in epics:
        with Changing(store, name):
            pass


def bury_if_dead(store: Store, ids: set[str]) -> bool:
    """Bury those of the agents `ids` that are dead, in every epic; whether there was one."""
    found = lives.dead_in(store, ids)
    bury_in(store, found)
    return bool(found)


def check_epic(top: str, epic: str) -> str:
    """`epic` itself if there is a folder for it; NotFound (66), UsageError (2) for what can be no name."""
    if not epic or "/" in epic or epic.startswith("."):
        raise UsageError(f"{epic!r} is no name of an epic", "ccpm-query epic-list")
    if not os.path.isdir(os.path.join(top, ".claude", "epics", epic)):
        raise NotFound(f"no epic {epic!r}", "ccpm-query epic-list shows what there is", epic=epic)
    return epic


def read(top: str, epic: str) -> Registry:
    """The registry of `epic` as it is written now, empty if there is none."""
    return agent_records.decode(epic, json_record.read(agent_records.path_of(top, epic)))


def known_epics(top: str, agent: str) -> list[str]:
    """The epics whose registries have `agent`, living or dead; those that cannot be read are left out."""
    return _knowing(top, agent)[0]


def _knowing(top: str, agent: str) -> tuple[list[str], list[CcpmError]]:
    """(the epics that know `agent`, what is wrong with registries in which its name stands)."""
    found, broken = agent_records.load(top, agent.encode())
    return [registry.epic for registry in found if agent in registry.agents], broken


def listing(top: str, epic: str = "") -> list[tuple[Registry, lives.Held]]:
    """Every registry of the project that can be read, or that of `epic`, as it is now, with all leases: a snapshot
    without a guard, in which `files_locked` is up to date."""
    held = agent_leases.by_agent(Store(top))
    found = []
    for registry in [read(top, check_epic(top, epic))] if epic else agent_records.load(top)[0]:
        for agent in registry.agents.values():
            agent.files_locked = agent_leases.files_of(held.get(agent.id, []))
        found.append((registry, held))
    return found


def living(top: str, epic: str = "") -> list[Agent]:
    """The agents that are not dead: of `epic`, or of every registry that can be read."""
    return [
        agent
        for registry, held in listing(top, epic)
        for agent in registry.agents.values()
        if lives.judge(agent, held)[0] != rules.GONE
    ]


def epics_of(actor: Actor, epic: str = "") -> list[str]:
    """`epic` (see `own_epic`), or without one every epic that knows the actor; NotFound (66) if none does."""
    if epic:
        return [own_epic(actor, epic)]
    known, broken = _knowing(actor.top, actor.agent)
    if not known:
        raise broken[0] if broken else not_registered(actor.agent)
    return known


def own_epic(actor: Actor, epic: str) -> str:
    """`epic`, or for `OWN_EPIC` the only one in which the actor is registered. NotFound (66) if there is none,
    UsageError (2) if there are several."""
    if epic != OWN_EPIC:
        return epic
    known = epics_of(actor)
    if len(known) > 1:
        raise UsageError(f"{actor.agent} is registered in {', '.join(known)}", "name the epic")
    return known[0]


def alive(registry: Registry, agent_id: str) -> Agent:
    """The living agent `agent_id` of a registry in which the dead are buried. LeaseLost (11) if it is one of them,
    NotFound (66) if it is not there."""
    agent = registry.agents.get(agent_id)
    if agent is None:
        raise not_registered(agent_id, registry.epic)
    if agent.ended:
        raise LeaseLost(
            f"{agent_id} was found dead in {registry.epic} at {clock.to_iso(agent.ended)} ({agent.why}): "
            "its streams and leases are no longer its own",
            f"stop writing; register again (ccpm-agent register {registry.epic}), then claim anew",
            agent=agent_id,
            epic=registry.epic,
            why=agent.why,
        )
    return agent


def not_registered(agent_id: str, epic: str = "") -> NotFound:
    where = f"in {epic}" if epic else "in any epic"
    return NotFound(
        f"{agent_id} is not registered {where}",
        f"ccpm-agent register {epic or 'EPIC'}",
        agent=agent_id,
        epic=epic,
    )
