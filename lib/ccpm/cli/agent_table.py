"""Agents as a table, and as data: who is there, on what, since when, and what they wait for."""

from __future__ import annotations

import sys

from ccpm.core.registry import GONE, Registry
from ccpm.files import agent_records, clock
from ccpm.ops import agents

_COLUMNS = ("AGENT", "EPIC", "STATUS", "STREAM", "SINCE", "LAST SEEN", "COMMITS", "LOCKED")


def rows(registry: Registry, held: agents.Held) -> list[dict[str, object]]:
    """The agents of one registry with the keys of its file, and `agent_id`, `epic`, `streams` and `why`."""
    found = []
    for agent in registry.agents.values():
        status, why = agents.judge(agent, held)
        mine = [{"stream": s.name, **agent_records.describe_stream(s)} for s in registry.streams_of(agent.id)]
        facts = {"agent_id": agent.id, "epic": registry.epic, **agent_records.describe(agent, status)}
        found.append({**facts, "status": status, "why": why, "streams": mine})
    return found


def show(found: list[tuple[Registry, agents.Held]]) -> None:
    now = clock.now().wall
    table = [
        tuple(
            map(
                str,
                (
                    row["agent_id"],
                    row["epic"],
                    f"{row['status']}: {row['why']}" if row["status"] == GONE else row["status"],
                    _stream(row),
                    row["started"],
                    _ago(now, str(row["last_heartbeat"])),
                    row["commits"],
                    ", ".join(map(str, _list(row["files_locked"]))) or "-",
                ),
            )
        )
        for registry, held in found
        for row in rows(registry, held)
    ]
    if not table:
        sys.stdout.write("No agents are registered.\n")
        return
    widths = [max(len(line[place]) for line in [_COLUMNS, *table]) for place in range(len(_COLUMNS))]
    for line in [_COLUMNS, *table]:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def _stream(row: dict[str, object]) -> str:
    names = [f"{stream['stream']} ({stream['status']})" for stream in _list(row["streams"])]
    return ", ".join(names) or str(row["work_stream"] or "-")


def _list(value: object) -> list:  # type: ignore[type-arg]
    return value if isinstance(value, list) else []


def _ago(now: float, stamp: str) -> str:
    try:
        seconds = max(0.0, now - clock.from_iso(stamp))
    except ValueError:
        return "-"
    return f"{seconds:.0f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"
