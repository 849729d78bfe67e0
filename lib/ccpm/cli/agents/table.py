"""Agents as a table, and as data: who is there, on what, since when, and what they wait for."""

from __future__ import annotations

import os
import sys

from ccpm.core.registry import ACTIVE, GONE, Registry
from ccpm.files import agent_records, clock
from ccpm.files.store import Store
from ccpm.ops import agents, lock_state, requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

_COLUMNS = ("AGENT", "EPIC", "STATUS", "STREAM", "SINCE", "LAST SEEN", "COMMITS", "LOCKED", "WAITS FOR")


def rows(top: str, found: list[tuple[Registry, agents.Held]]) -> list[Row]:
    """All agents with the keys of their registry's file, and `agent_id`, `epic`, `streams`, `waits_for` and `why`."""
    waits = _waits(top)
    table = []
    for registry, held in found:
        for agent in registry.agents.values():
            status, why = agents.judge(agent, held)
            mine = [
                {"stream": s.name, **agent_records.describe_stream(s)} for s in registry.streams_of(agent.id)
            ]
            facts = {"agent_id": agent.id, "epic": registry.epic, **agent_records.describe(agent, status)}
            facts |= {"status": status, "why": why, "streams": mine, "waits_for": waits.get(agent.id, [])}
            table.append(facts)
    return table


def show(found: list[Row]) -> None:
    if not found:
        sys.stdout.write("No agents are registered.\n")
        return
    now = clock.now().wall
    table = [_cells(row, now) for row in found]
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI"):
        _show_rich(found, now)
        return
    widths = [max(len(line[place]) for line in [_COLUMNS, *table]) for place in range(len(_COLUMNS))]
    for line in [_COLUMNS, *table]:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


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
    for one in requests.open_requests(top):
        found.setdefault(str(one["from"]), []).append(f"{one['file']} of {one.get('to') or 'nobody'}")
    return found


def _cells(row: Row, now: float) -> tuple[str, ...]:
    streams = ", ".join(f"{stream['stream']} ({stream['status']})" for stream in row["streams"])
    return (
        str(row["agent_id"]),
        str(row["epic"]),
        f"{row['status']}: {row['why']}" if row["status"] == GONE else str(row["status"]),
        streams or str(row["work_stream"] or "-"),
        str(row["started"]),
        _ago(now, str(row["last_heartbeat"])),
        str(row["commits"]),
        ", ".join(row["files_locked"]) or "-",
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


def _show_rich(found: list[Row], now: float) -> None:
    """The same on a terminal: ages instead of times, and one column less."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title="Agents", title_justify="left")
    for name in ("Agent", "Epic", "Status", "Work", "Since", "Seen", "Commits", "Locked, waits for"):
        shown.add_column(name, overflow="fold")
    for row in found:
        agent, epic, status, work, since, seen, commits, locked, waits = _cells(row, now)
        style = "green" if status == ACTIVE else "red" if status.startswith(GONE) else "yellow"
        more = [text for text in (locked, f"→ {waits}") if not text.endswith("-")]
        cells = [agent, epic, status, work, _ago(now, since), seen, commits, ", ".join(more)]
        shown.add_row(*(Text(cell, style=style if place == 2 else "") for place, cell in enumerate(cells)))
    Console().print(shown)
