"""What the registry knows of agents and their branches: the one place where worktrees and merges ask it.

Contract: an agent that no registry knows is not live. A branch belongs to the agent whose entry names it, else to the
one that its worktree's mark names, else to the one whose id its name is made of.
"""

from __future__ import annotations

import os
import time

from ccpm.files import clock, json_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def record(top: str, epic: str, agent: str, worktree: str, branch: str) -> None:
    """Write down that `agent` works in `worktree` on `branch`; registers it if it is not."""
    with json_record.Changing(_path(top, epic)) as registry:
        agents = registry.data.setdefault("agents", {})
        now = clock.to_iso(time.time())
        fresh = {"started": now, "last_heartbeat": now, "status": "active", "work_stream": ""}
        entry = agents.setdefault(agent, {**fresh, "files_locked": [], "commits": 0})
        entry["worktree"] = worktree
        entry["branch"] = branch
        registry.data.setdefault("coordination", {}).setdefault("work_streams", {})
        registry.save()


def forget(top: str, epic: str, worktree: str) -> None:
    """Take `worktree` out of the entries that name it."""
    if not os.path.isfile(_path(top, epic)):
        return
    with json_record.Changing(_path(top, epic)) as registry:
        for entry in _entries(registry.data).values():
            if entry.get("worktree") == worktree:
                entry["worktree"] = ""
        registry.save()


def is_live(top: str, epic: str, agent: str) -> bool:
    """Whether the registry says that `agent` works: it is active, or stale, which is still alive."""
    entry = _entries(json_record.read(_path(top, epic))).get(agent)
    return entry is not None and entry.get("status") in ("active", "stale")


def by_branch(top: str, epic: str) -> dict[str, str]:
    """{branch: agent} of the entries of `epic`."""
    entries = _entries(json_record.read(_path(top, epic)))
    return {str(entry["branch"]): agent for agent, entry in entries.items() if entry.get("branch")}


def _entries(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    agents = data.get("agents")
    found = agents.items() if isinstance(agents, dict) else ()
    return {name: entry for name, entry in found if isinstance(entry, dict)}


def _path(top: str, epic: str) -> str:
    return os.path.join(os.path.realpath(os.path.join(top, ".claude", "epics", epic)), "agents.json")
