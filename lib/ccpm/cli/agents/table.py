"""Agents as a table, and as data: who is there, on what, since when, and what they wait for."""

from __future__ import annotations

import os
import sys

from ccpm.cli.tables import table
from ccpm.core.names import unescape
from ccpm.core.registry import ACTIVE, GONE, Registry
from ccpm.files import agent_records, clock
from ccpm.files.store import Store
from ccpm.ops.locking import lock_state
from ccpm.ops.team import lives, registries, request_record
from ccpm.ops.team.agent_leases import TASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

_COLUMNS = (
    "AGENT", "EPIC", "STATUS", "STREAM", "TASK", "SINCE", "LAST SEEN", "COMMITS", "WORKTREE", "LOCKED", "WAITS FOR",
)  # fmt: skip


def rows(top: str, found: list[tuple[Registry, lives.Held]]) -> list[Row]:
    """All agents with the keys of their registry's file, and `agent_id`, `epic`, `streams`, `tasks` (claimed now),
    `place` (the worktree, from the root), `waits_for` and `why`."""
    waits = _waits(top)
    found_rows = []
    for registry, held in found:
        for agent in registry.agents.values():
            status, why = lives.judge(agent, held)
            mine = [
                {"stream": s.name, **agent_records.describe_stream(s)} for s in registry.streams_of(agent.id)
            ]
            facts = {"agent_id": agent.id, "epic": registry.epic, **agent_records.describe(agent, status)}
            facts |= {"status": status, "why": why, "streams": mine, "waits_for": waits.get(agent.id, [])}
            mine_here, elsewhere = _tasks(top, agent.id, registry.epic, held)
            facts["tasks"] = mine_here
            facts["files_locked"] = [f for f in agent.files_locked if f.removesuffix(".md") not in elsewhere]
            facts["place"] = os.path.relpath(agent.worktree, top) if agent.worktree else ""
            found_rows.append(facts)
    return found_rows


def _tasks(top: str, agent: str, epic: str, held: lives.Held) -> tuple[list[str], list[str]]:
    """(the tasks that `agent` has claimed, without those of another epic in whose registry it is; these)."""
    names = [resource for resource, _ in held.get(agent, []) if resource.startswith(TASK)]
    claimed = [unescape(name[len(TASK) :]) for name in names]
    homes = {task.rpartition(".")[0] for task in claimed} - {"", epic}
    others = homes.intersection(registries.known_epics(top, agent)) if homes else set()
    elsewhere = [task for task in claimed if task.rpartition(".")[0] in others]
    return [task for task in claimed if task not in elsewhere], elsewhere


def show(found: list[Row]) -> None:
    if not found:
        sys.stdout.write("No agents are registered.\n")
        return
    now = clock.now().wall
    styles = {ACTIVE: "green", GONE: "red"}
    cells = [_cells(row, now) for row in found]
    table(_COLUMNS, cells, [styles.get(str(row["status"]), "yellow") for row in found])


def show_active(found: list[Row]) -> None:
    """One line for each active agent, as the functions of older shell libraries print it."""
    for row in found:
        if row["status"] == ACTIVE:
            sys.stdout.write(f"{row['agent_id']} - {row['work_stream'] or '-'} - {row['last_heartbeat']}\n")


def _waits(top: str) -> dict[str, list[str]]:
    """{agent: the resources and files that it stands in line for, with who is in front}."""
    store = Store(top)
    found: dict[str, list[str]] = {}
    for resource in store.list_queues():
        state = lock_state.look(store, resource)
        for wait in state.waits:
            holder = f" of {state.holders[0].owner.agent}" if state.holders else ""
            found.setdefault(wait.owner.agent, []).append(f"{resource}{holder}")
    for one in request_record.open_requests(top):
        found.setdefault(str(one["from"]), []).append(f"{one['file']} of {one.get('to') or 'nobody'}")
    return found


def _cells(row: Row, now: float) -> tuple[str, ...]:
    streams = ", ".join(f"{stream['stream']} ({stream['status']})" for stream in row["streams"])
    files = [path for path in row["files_locked"] if path.removesuffix(".md") not in row["tasks"]]
    return (
        str(row["agent_id"]),
        str(row["epic"]),
        f"{row['status']}: {row['why']}" if row["status"] == GONE else str(row["status"]),
        streams or str(row["work_stream"] or "-"),
        ", ".join(row["tasks"]) or "-",
        str(row["started"]),
        _ago(now, str(row["last_heartbeat"])),
        str(row["commits"]),
        str(row["place"] or "-"),
        ", ".join(files) or "-",
        ", ".join(row["waits_for"]) or "-",
    )


def _ago(now: float, stamp: str) -> str:
    try:
        seconds = max(0.0, now - clock.from_iso(stamp))
    except ValueError:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"
