"""Notes to the agents whose branches were not merged: they see them at their next action (ops/team/messages.py)."""

from __future__ import annotations

from ccpm.ops.actor import Actor
from ccpm.ops.branches import worktree_agents
from ccpm.ops.team import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST = 1000


def tell(actor: Actor, report: dict[str, Any]) -> None:
    """Tell each living agent once what stands against its branch."""
    for agent, text in _texts(report):
        if agent == actor.agent or not worktree_agents.is_live(actor.store, report["epic"], agent):
            continue
        text = text[:_LONGEST]
        if all(message.get("text") != text for message in messages.unread(actor.top, agent)):
            messages.post(actor.top, agent, messages.NOTE, actor.agent, text)


def _texts(report: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for one in report["conflicts"]:
        found.append((one["agent"], f"{one['branch']} was not merged, it is in conflict: {one['advice']}"))
    for one in report["held"]:
        owned = ", ".join(f"{file['file']} ({file['owner']})" for file in one["files"])
        found.append((one["agent"], f"{one['branch']} was not merged, it changes files of others: {owned}"))
    for one in report["failed"]:
        commit = one["commit"][:10]
        words = (
            f"{one['branch']} was not merged, the check fails at {commit}: {report['check']}; {one['log']}"
        )
        found.append((one["agent"], words))
    return found
