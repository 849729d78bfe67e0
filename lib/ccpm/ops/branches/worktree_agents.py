"""What the registry knows of agents and their branches: the one place where worktrees and merges ask it.

Contract: an agent that no registry knows is not live. A worktree is in use as long as anybody works in it: the agent
that it was made for, and every agent that is registered there (`at_work`).
"""

from __future__ import annotations

import os

from ccpm.core import branch_names, leases
from ccpm.core import registry as rules
from ccpm.core.registry import Agent
from ccpm.core.worktree_marks import Mark
from ccpm.errors import CcpmError
from ccpm.files import agent_records, clock, process
from ccpm.files.store import Store
from ccpm.ops.team import agents, lives, registries


def record(store: Store, epic: str, agent_id: str, worktree: str, branch: str, base: str) -> None:
    """Write down that the agent works in `worktree` on `branch`, which began at the commit `base`. Registers it if it
    is not; it is a sign of life."""
    owner = process.owner(agent_id)
    with registries.Changing(store, epic) as registry:
        now = clock.now()
        agent = registry.agents.get(agent_id)
        is_new = agent is None or bool(agent.ended)
        if agent is None or agent.ended:
            agent = registry.agents[agent_id] = rules.new_agent(owner, now)
            agent.base = base
        rules.beat(agent, owner, now)
        agent.worktree, agent.branch = worktree, branch
    if is_new:
        agents.announce(store.top, agent, epic)


def forget(store: Store, epic: str, worktree: str) -> None:
    """Take `worktree` out of the entries that name it."""
    if not os.path.isfile(agent_records.path_of(store.top, epic)):
        return
    with registries.Changing(store, epic) as registry:
        for agent in registry.agents.values():
            if agent.worktree == worktree:
                agent.worktree = ""


def is_live(store: Store, epic: str, agent_id: str) -> bool:
    """Whether `agent_id` is registered in `epic` and not dead."""
    if not epic:
        return any(is_live(store, name, agent_id) for name in agent_records.epics_with_registry(store.top))
    agent = _agents(store, epic).get(agent_id)
    return agent is not None and not lives.is_dead(store, agent)


def at_work(store: Store, path: str, mark: Mark | None) -> dict[str, str]:
    """{agent: since when} of those who may be working in the worktree at `path`, whose mark is `mark`.

    Without an epic that is the agent of the mark, unless its process is known to be gone: no registry has to know it.
    """
    found = {}
    if mark and mark.agent:
        is_user = is_live(store, mark.epic, mark.agent) or not (mark.epic or _is_gone(mark))
        found.update({mark.agent: mark.since} if is_user else {})
    for epic in agent_records.epics_with_registry(store.top):
        for agent in _agents(store, epic).values():
            is_there = agent.worktree and os.path.realpath(agent.worktree) == os.path.realpath(path)
            if is_there and not lives.is_dead(store, agent):
                found.setdefault(agent.id, clock.to_iso(agent.started))
    return found


def _is_gone(mark: Mark) -> bool:
    owner = mark.owner
    return bool(leases.why_gone(owner, process.is_alive(owner), process.host(), process.boot_id()))


def of_branches(store: Store, epic: str, branches: list[str]) -> dict[str, str]:
    """{branch: its agent} for branches of agents of `epic`: the registered agent that its name was made for, else the
    one whose entry names it, else the id in its name (an agent that has left)."""
    known = _agents(store, epic)
    named = {agent.branch: agent.id for agent in known.values() if agent.branch}
    # the name of a branch says more than an entry: a guest in somebody's worktree is registered there too
    named |= {branch_names.agent_branch(epic, agent): agent for agent in known}
    return {branch: named.get(branch) or "agent-" + branch_names.split(branch)[1] for branch in branches}


def _agents(store: Store, epic: str) -> dict[str, Agent]:
    try:
        return registries.read(store.top, epic).agents
    except CcpmError:  # a registry that cannot be read says nothing; whoever writes it says why
        return {}
