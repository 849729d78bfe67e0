"""The life of an agent in the registry of an epic: it registers, shows that it lives, and leaves or is taken out.

Each step is one change of the registry (ops/team/registries.py), in which the dead are buried first.
"""

from __future__ import annotations

import os

from ccpm.core import registry as rules
from ccpm.core.leases import Owner
from ccpm.core.names import check_agent
from ccpm.core.registry import Agent
from ccpm.errors import UsageError
from ccpm.files import agent_records, checkout, clock, events, process
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
from ccpm.ops.team import agent_leases, registries


def register(actor: Actor, epic: str, stream: str = "", pid: int = 0) -> Agent:
    """Make the actor known to `epic`, as one that works on `stream` ("": none yet) and lives in the process `pid`.

    Doing it again changes what is new, and is a sign of life. One that was dead begins anew, with nothing.
    """
    check_agent(actor.agent)
    owner = _owner(actor.agent, pid)
    worktree = checkout.worktree_of(actor.top, os.getcwd()) or actor.top
    base = _head(worktree)
    with registries.Changing(actor.store, epic) as registry:
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
    for name in registries.epics_of(actor, epic):
        with registries.Changing(actor.store, name, held) as registry:
            agent = registries.alive(registry, actor.agent)
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
    names = [epic] if epic else registries.known_epics(actor.top, actor.agent)
    known = [name for name in names if actor.agent in registries.read(actor.top, name).agents]
    for name in known:
        count_commits(actor, name)
        with registries.Changing(actor.store, name) as registry:
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
    if known and not registries.known_epics(actor.top, actor.agent):
        held = agent_leases.by_agent(actor.store).get(actor.agent, [])
        agent_leases.end(actor.store, actor.agent, held, "its agent has left")
        _forget(actor.top, [actor.agent])
    return known


def _forget(top: str, gone: list[str]) -> None:
    """Take back what these agents asked for, and drop what they were told, unless some epic still knows them."""
    from ccpm.ops.team import inbox

    for agent in gone:
        if not registries.known_epics(top, agent):
            inbox.forget(top, agent)


def clean(store: Store, epic: str = "") -> list[tuple[str, str, str]]:
    """Bury the dead, of `epic` or of all that can be read, and take them out of their registries: (epic, agent, why) of
    each."""
    gone: list[tuple[str, str, str]] = []
    for name in [epic] if epic else [registry.epic for registry in agent_records.load(store.top)[0]]:
        with registries.Changing(store, name) as registry:
            for agent in [agent for agent in registry.agents.values() if agent.ended]:
                del registry.agents[agent.id]
                gone.append((name, agent.id, agent.why))
    _forget(store.top, [agent for _, agent, _ in gone])
    return gone


def count_commits(actor: Actor, epic: str) -> int:
    """Count the actor's commits with git, and write the number down if it is a new one."""
    agent = registries.read(actor.top, epic).agents.get(actor.agent)
    if agent is None or agent.ended:
        return 0
    found = _commits_of(actor.top, agent)
    if found > agent.commits:
        with registries.Changing(actor.store, epic) as registry:
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
