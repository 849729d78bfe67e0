"""Sessions and subagents of Claude Code as agents: who they are when they start, and what they leave when they stop.

Guarantee: starting again (a session that is resumed or compacted, a subagent that gets a second message) changes
nothing but what is new. Non-guarantee: a session that is killed says nothing; its agent is found dead
(core/registry.py).
"""

from __future__ import annotations

import os

from ccpm.core import registry as rules
from ccpm.errors import CcpmError
from ccpm.files import checkout, json_record, root
from ccpm.files.store import Store
from ccpm.ops import identity
from ccpm.ops.actor import Actor
from ccpm.ops.claude import hook_changes, hooks
from ccpm.ops.team import agent_leases, agents, lives, registries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.core.leases import Lease
    from ccpm.core.registry import Registry
    from ccpm.ops.claude.hooks import Call

MOST_OTHERS = 6
"""Streams of other agents that a starting agent is told of."""


def start(call: Call) -> dict[str, Any]:
    """A session or a subagent begins: its shells learn who it is, the epic at hand of it, and it learns the rules."""
    if call.event == "SessionStart":
        _tell_shells(call)
    if not os.path.isdir(os.path.join(call.top, ".claude", "epics")):
        return {}
    actor = Actor(call.agent, {}, top=call.top)
    trouble = []
    for epic in _epics_at_hand(call):
        try:
            agents.register(actor, epic, pid=identity.process_of())
        except CcpmError as error:
            trouble.append(f"You could not be registered in {epic}: {error.message}")
    return hooks.context(call.event, [*_introduction(call), *trouble])


def stop_turn(call: Call) -> dict[str, Any]:
    """The agent waits for its user: it holds no lock meanwhile, unless something of it still runs. The tasks and the
    files that it has stay its own."""
    if call.data.get("background_tasks"):
        return {}
    passing = [(name, lease) for name, lease in _held(call) if not agent_leases.is_ownership(name, lease)]
    ended = agent_leases.end(Store(call.top), call.agent, passing, "its turn is over")
    return {"systemMessage": f"CCPM released {', '.join(ended)}: the turn is over"} if ended else {}


def leave(call: Call) -> dict[str, Any]:
    """The agent is gone, and with it its streams, claims and leases."""
    if not agents.unregister(Actor(call.agent, {}, top=call.top)):
        agent_leases.end(Store(call.top), call.agent, _held(call), "its agent has left")
    return {}


EVENTS = {
    "SessionStart": start,
    "SubagentStart": start,
    "Stop": stop_turn,
    "SubagentStop": leave,
    "SessionEnd": leave,
}


def _held(call: Call) -> list[tuple[str, Lease]]:
    return agent_leases.by_agent(Store(call.top)).get(call.agent, [])


def _tell_shells(call: Call) -> None:
    """What each later Bash call of the session is told (Claude Code sources $CLAUDE_ENV_FILE before it)."""
    path = os.environ.get("CLAUDE_ENV_FILE")
    if not path:
        return
    session = call.data.get("session_id")
    lines = [f"export CCPM_AGENT_ID={call.agent}"]
    if isinstance(session, str) and session.replace("-", "").isalnum():
        lines.append(f"export CCPM_AGENT_SESSION={session}")
    quoted = "'" + hook_changes.beside("bin").replace("'", "'\\''") + "'"
    lines.append(f'case ":$PATH:" in *:{quoted}:*) ;; *) export PATH={quoted}:"$PATH" ;; esac')
    with open(path, "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join(lines) + "\n")


def _epics_at_hand(call: Call) -> list[str]:
    """The epics that the agent works on: those that know it or its session, and that of the branch it is on."""
    known = [*registries.known_epics(call.top, call.agent), *registries.known_epics(call.top, call.session)]
    branch = checkout.branch_of(checkout.worktree_of(call.top, call.cwd) or call.cwd)
    named = branch.removeprefix("epic/").partition("--agent-")[0] if branch.startswith("epic/") else ""
    if named and os.path.isdir(os.path.join(call.top, ".claude", "epics", named)):
        known.append(named)
    return list(dict.fromkeys(known))


def _introduction(call: Call) -> list[str]:
    of_session = f", a subagent of {call.session}" if call.is_subagent else ""
    lines = [f"CCPM: other agents work on this project too. You are {call.agent}{of_session}."]
    others: list[str] = []
    for registry in _registries(call.top):
        if call.agent in registry.agents:
            lines.append(f"You are registered in epic {registry.epic}.")
        for stream in registry.streams.values():
            if not stream.is_live or not stream.files:
                continue
            files = ", ".join(stream.files)
            if stream.owner == call.agent:
                lines.append(f"You own stream {stream.name} of {registry.epic}: {files}")
            elif _is_alive(registry, stream.owner):
                others.append(f"{files} ({stream.owner}, stream {stream.name} of {registry.epic})")
    if others:
        more = (
            f"; and {len(others) - MOST_OTHERS} more (ccpm-agent list)" if len(others) > MOST_OTHERS else ""
        )
        lines.append(f"Files of others, which you may not change: {'; '.join(others[:MOST_OTHERS])}{more}")
    lines.append(
        "Change plans under .claude/epics with ccpm-fm-cas, ccpm-work and ccpm-plan, from any worktree; "
        f"the rules are in {_rules(call.top)}."
    )
    if call.is_subagent:
        lines.append(
            "Helpers that you call by name in Bash act for you; inside scripts give them "
            f"--agent {call.agent} yourself."
        )
    return lines


def _registries(top: str) -> list[Registry]:
    found = []
    from ccpm.files import agent_records

    for epic in agent_records.epics_with_registry(top):
        try:
            found.append(agent_records.decode(epic, json_record.read(agent_records.path_of(top, epic))))
        except CcpmError:
            continue  # ccpm-agent list names it
    return found


def _is_alive(registry: Registry, agent: str) -> bool:
    known = registry.agents.get(agent)
    return known is None or lives.judge(known)[0] != rules.GONE


def _rules(top: str) -> str:
    """Where the rules for agents are: from the project's top, if they are in it."""
    path = hook_changes.beside("rules/agent-coordination.md")
    return os.path.relpath(path, top) if root.is_inside(path, top) else path
