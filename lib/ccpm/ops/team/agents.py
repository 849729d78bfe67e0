"""Who works on which epic: registering, signs of life, leaving, and what becomes of the dead.

Each change is one guarded change of the epic's agents.json (files/json_record.py). Whoever writes a registry buries the
dead that it finds there: in one step they lose their streams, their claims and their leases, and an event says why
(`bury_dead`). The leases end first: killed in between, a writer leaves an agent that the next one finds dead again.

`files_locked` is what an agent's leases say when the registry is written or shown. The lock commands do not write it
themselves: they are the hot path of the whole system, and a second record beside the lock is one that can disagree.

Lock order: the guard of all claims (ops/team/streams.py), then that of one registry, then those of resources.
"""

from __future__ import annotations

import os

from ccpm.core import registry as rules
from ccpm.core.leases import Owner
from ccpm.core.names import check_agent
from ccpm.core.registry import Agent, Registry
from ccpm.errors import CcpmError, LeaseLost, NotFound, UsageError
from ccpm.files import agent_records, checkout, clock, events, json_record, process
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
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
            if bury_dead(self._store, self.registry, self._held):
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


def check_epic(top: str, epic: str) -> str:
    """`epic` itself if there is a folder for it; NotFound (66), UsageError (2) for what can be no name."""
    if not epic or "/" in epic or epic.startswith("."):
        raise UsageError(f"{epic!r} is no name of an epic", "ccpm-query epic-list")
    if not os.path.isdir(os.path.join(top, ".claude", "epics", epic)):
        raise NotFound(f"no epic {epic!r}", "ccpm-query epic-list shows what there is", epic=epic)
    return epic


def bury_dead(store: Store, registry: Registry, held: lives.Held) -> list[tuple[str, str]]:
    """Bury the dead of `registry`, whose guard is held: (agent, why) of each."""
    found = []
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
        found.append((agent.id, why))
    return found


def register(actor: Actor, epic: str, stream: str = "", pid: int = 0) -> Agent:
    """Make the actor known to `epic`, as one that works on `stream` ("": none yet) and lives in the process `pid`.

    Doing it again changes what is new, and is a sign of life. One that was dead begins anew, with nothing.
    """
    check_agent(actor.agent)
    owner = _owner(actor.agent, pid)
    worktree = checkout.worktree_of(actor.top, os.getcwd()) or actor.top
    base = _head(worktree)
    with Changing(actor.store, epic) as registry:
        now = clock.now()
        agent = registry.agents.get(actor.agent)
        is_new = agent is None or bool(agent.ended)
        if agent is None or agent.ended:
            agent = registry.agents[actor.agent] = rules.new_agent(owner, now)
            agent.base = base
        rules.beat(agent, owner, now)
        agent.worktree, agent.branch = worktree, checkout.branch_of(worktree)
        agent.work_stream = stream or agent.work_stream
    if is_new:
        announce(actor.top, agent, epic)
    return agent


def announce(top: str, agent: Agent, epic: str) -> None:
    """Log that `agent` is new in `epic`."""
    facts = {"agent": agent.id, "epic": epic, "stream": agent.work_stream, "pid": agent.owner.pid}
    events.append(top, "agent.registered", **facts)


def heartbeat(actor: Actor, epic: str = "", pid: int = 0, count: bool = True) -> list[str]:
    """A sign of life in `epic`, or in every epic that knows the actor; the epics. LeaseLost (11) if it was found dead
    meanwhile, NotFound (66) if it is not registered. Extends its claims on tasks (ops/distribution/claims.py).
    `count`: ask git for its commits too (two processes)."""
    owner = _owner(actor.agent, pid)
    claims.keep(actor.store, actor.agent)
    held = agent_leases.by_agent(actor.store)
    beaten = []
    for name in _epics_of(actor, epic):
        with Changing(actor.store, name, held) as registry:
            agent = alive(registry, actor.agent)
            rules.beat(agent, owner, clock.now())
            if agent.worktree:
                agent.branch = checkout.branch_of(agent.worktree)
        if count:
            count_commits(actor, name)
        beaten.append(name)
    claims.keep(actor.store, actor.agent)
    return beaten


def unregister(actor: Actor, epic: str = "") -> list[str]:
    """The actor leaves `epic`, or every epic that knows it; those are returned. Its streams are free then, and with its
    last epic its leases."""
    names = [epic] if epic else known_epics(actor.top, actor.agent)
    known = [name for name in names if actor.agent in read(actor.top, name).agents]
    for name in known:
        count_commits(actor, name)
        with Changing(actor.store, name) as registry:
            agent = registry.agents.pop(actor.agent, None)
            lost = rules.give_up(registry, actor.agent)
        if agent is not None:
            events.append(
                actor.top,
                "agent.unregistered",
                agent=actor.agent,
                epic=name,
                commits=agent.commits,
                streams=[stream.name for stream in lost],
            )
    if known and not known_epics(actor.top, actor.agent):
        held = agent_leases.by_agent(actor.store).get(actor.agent, [])
        agent_leases.end(actor.store, actor.agent, held, "its agent has left")
        _forget(actor.top, [actor.agent])
    return known


def _forget(top: str, gone: list[str]) -> None:
    """Take back what these agents asked for, and drop what they were told, unless some epic still knows them."""
    from ccpm.ops.team import inbox

    for agent in gone:
        if not known_epics(top, agent):
            inbox.forget(top, agent)


def listing(top: str, epic: str = "") -> list[tuple[Registry, lives.Held]]:
    """Every registry of the project that can be read, or that of `epic`, as it is now, with all leases: a snapshot
    without a guard, in which `files_locked` is up to date."""
    held = agent_leases.by_agent(Store(top))
    registries = [read(top, check_epic(top, epic))] if epic else agent_records.load(top)[0]
    found = []
    for registry in registries:
        for agent in registry.agents.values():
            agent.files_locked = agent_leases.files_of(held.get(agent.id, []))
        found.append((registry, held))
    return found


def clean(store: Store, epic: str = "") -> list[tuple[str, str, str]]:
    """Bury the dead, of `epic` or of all that can be read, and take them out of their registries: (epic, agent, why) of
    each."""
    gone: list[tuple[str, str, str]] = []
    for name in [check_epic(store.top, epic)] if epic else _readable(store.top):
        with Changing(store, name) as registry:
            for agent in [agent for agent in registry.agents.values() if agent.ended]:
                del registry.agents[agent.id]
                gone.append((name, agent.id, agent.why))
    _forget(store.top, [agent for _, agent, _ in gone])
    return gone


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


def _readable(top: str) -> list[str]:
    return [registry.epic for registry in agent_records.load(top)[0]]


def own_epic(actor: Actor, epic: str) -> str:
    """`epic`, or for `OWN_EPIC` the only one in which the actor is registered. NotFound (66) if there is none,
    UsageError (2) if there are several."""
    if epic != OWN_EPIC:
        return epic
    known = _epics_of(actor, "")
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


def count_commits(actor: Actor, epic: str) -> int:
    """Count the actor's commits with git, and write the number down if it is a new one."""
    agent = read(actor.top, epic).agents.get(actor.agent)
    if agent is None or agent.ended:
        return 0
    found = _commits_of(actor.top, agent)
    if found > agent.commits:
        with Changing(actor.store, epic) as registry:
            agent = registry.agents.get(actor.agent)
            if agent is not None and not agent.ended:
                agent.commits = max(agent.commits, found)
    return found


def _commits_of(top: str, agent: Agent) -> int:
    from ccpm.external import git

    where = agent.worktree or top
    return git.count_commits(where if os.path.isdir(where) else top, agent.base, agent.id, where != top)


def _head(worktree: str) -> str:
    from ccpm.external import git

    return git.head(worktree) if os.path.lexists(os.path.join(worktree, ".git")) else ""


def _owner(agent: str, pid: int) -> Owner:
    owner = process.owner(agent, pid)
    if pid and not owner.pid_start:
        raise UsageError(f"no process {pid} runs here", "give the pid of the process that the agent lives in")
    return owner


def _epics_of(actor: Actor, epic: str) -> list[str]:
    if epic:
        return [own_epic(actor, epic)]
    known, broken = _knowing(actor.top, actor.agent)
    if not known:
        raise broken[0] if broken else not_registered(actor.agent)
    return known
