"""One look at everything that happens in a project: agents, locks, queues, GitHub's budget, merges, recent events.

Contract: `look` reads records and starts no process. `mark` changes when any of these records may have changed: it
costs a few stat(2) calls, so a view that watches is idle while the project is.
"""

from __future__ import annotations

import os

from ccpm.core.registry import Registry
from ccpm.files import agent_records, events, json_record, root
from ccpm.files.store import Store
from ccpm.ops.locking import wait_graph
from ccpm.ops.locking.lock_state import State
from ccpm.ops.team import lives, registries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RECENT = 200
"""How many of the newest events are looked at."""


class Dashboard:
    """`states` of all resources, `registries` with the leases they were judged by, the `budget` record, the newest
    `events` (oldest first)."""

    __slots__ = ("budget", "events", "registries", "states", "top")

    def __init__(self, top: str) -> None:
        self.top = top
        self.states: dict[str, State] = {}
        self.registries: list[tuple[Registry, lives.Held]] = []
        self.budget: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []

    @property
    def merges(self) -> list[dict[str, Any]]:
        """The newest events of merges, oldest first."""
        return [event for event in self.events if str(event.get("event")).startswith("merge.")]


def look(top: str) -> Dashboard:
    found = Dashboard(top)
    found.states = wait_graph.states(Store(top))
    found.registries = registries.listing(top)
    found.budget = json_record.read(budget_path(top))
    found.events = events.read_tail(top, RECENT)
    return found


def mark(top: str) -> tuple[int, ...]:
    """A value that is another one after any record has changed."""
    paths = [root.locks_dir(top), root.state_dir(top), os.path.join(root.metrics_dir(top), events.NAME)]
    paths += [agent_records.path_of(top, epic) for epic in agent_records.epics_with_registry(top)]
    paths.append(budget_path(top))
    return tuple(_changed(path) for path in paths)


def budget_path(top: str) -> str:
    return os.path.join(root.locks_dir(top), "github-rate-limit.json")


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
