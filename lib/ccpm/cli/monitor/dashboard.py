"""The dashboard as rows and lines: what ccpm-watch top draws, and its plain snapshot."""

from __future__ import annotations

import sys

from ccpm.cli.agents import table as agent_table
from ccpm.cli.monitor import duration, locks
from ccpm.cli.tables import columns
from ccpm.core.registry import ACTIVE
from ccpm.files import clock
from ccpm.ops import dashboard
from ccpm.ops.dashboard import Dashboard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOCK_HEAD = ("RESOURCE", "AGENT", "FOR", "HELD", "LEFT", "WAITING")
AGENT_HEAD = ("AGENT", "EPIC", "STATUS", "STREAM", "SILENT", "COMMITS", "HOLDS", "WAITS FOR")
_QUIET = ("frontmatter.written", "file.written", "lock.renewed", "lock.released")
_DULL = ("ts", "at", "event", "pid", "ttl", "token", "mode", "contended")


class Settings:
    """How the view is sorted and filtered."""

    __slots__ = ("is_paused", "is_typing", "order", "text")

    def __init__(self, order: str = "h", text: str = "") -> None:
        self.order = order
        self.text = text
        self.is_typing = False
        self.is_paused = False

    def press(self, key: str) -> bool:
        """React to a key; False for the one that ends the view."""
        if self.is_typing:
            if key in ("\r", "\n"):
                self.is_typing = False
            elif key == "\x1b":
                self.is_typing, self.text = False, ""
            elif key in ("\x7f", "\b"):
                self.text = self.text[:-1]
            elif key.isprintable():
                self.text += key
            return True
        if key in ("a", "h", "w"):
            self.order = key
        elif key == "/":
            self.is_typing, self.text = True, ""
        elif key == "p":
            self.is_paused = not self.is_paused
        elif key == "\x1b":
            self.text = ""
        return key not in ("q", "\x03")

    def keeps(self, row: tuple[str, ...]) -> bool:
        return not self.text or any(self.text.lower() in cell.lower() for cell in row)


def lock_rows(seen: Dashboard, settings: Settings) -> list[tuple[str, ...]]:
    found = locks.describe(seen.states)
    orders = {
        "a": lambda row: (row["agent_id"], row["resource"]),
        "h": lambda row: (-row.get("held_seconds", 0.0), row["resource"]),
        "w": lambda row: (-len(row["waiting"]), row["resource"]),
    }
    rows = []
    for row in sorted(found, key=orders[settings.order]):
        left = row.get("seconds_left", 0.0)
        waiting = ", ".join(wait["agent"] for wait in row["waiting"]) or "-"
        status = duration(left) if row["status"] == "held" else row["status"]
        held = duration(row["held_seconds"]) if "held_seconds" in row else "-"
        rows.append(
            (row["resource"], row["agent_id"] or "-", row.get("operation", "-"), held, status, waiting)
        )
    return [row for row in rows if settings.keeps(row)]


def agent_rows(seen: Dashboard, settings: Settings) -> list[tuple[str, ...]]:
    now = clock.now().wall
    rows = []
    for agent in agent_table.rows(seen.top, seen.registries):
        streams = ", ".join(f"{s['stream']} ({s['status']})" for s in agent["streams"])
        rows.append(
            (
                agent["agent_id"],
                agent["epic"],
                agent["status"],
                streams or agent["work_stream"] or "-",
                duration(max(0.0, now - _seconds(agent["last_heartbeat"]))),
                str(agent["commits"]),
                str(len(agent["files_locked"])),
                ", ".join(agent["waits_for"]) or "-",
            )
        )
    return [row for row in rows if settings.keeps(row)]


def event_lines(seen: Dashboard, settings: Settings, most: int) -> list[str]:
    """The newest events that say something, newest last."""
    lines: list[str] = []
    for event in reversed(seen.events):
        if event.get("event") in _QUIET or len(lines) >= most:
            continue
        rest = [f"{key} {_short(value)}" for key, value in event.items() if value and key not in _DULL]
        line = f"{str(event.get('ts'))[11:19]}  {event.get('event')!s:<18} {', '.join(rest)}"
        if settings.keeps((line,)):
            lines.append(line)
    return lines[::-1]


def budget_line(seen: Dashboard) -> str:
    record = seen.budget
    if not record:
        return "GitHub: not used yet"
    remaining, limit = record.get("remaining", "?"), record.get("limit", "?")
    pause = f", paused until {record['retry_at']}" if record.get("retry_at") else ""
    return f"GitHub: {remaining} of {limit} requests left, reset {record.get('reset', '?')}{pause}"


def merge_line(seen: Dashboard) -> str:
    if not seen.merges:
        return "Merges: none lately"
    last = seen.merges[-1]
    where = last.get("branch") or last.get("epic") or ""
    return f"Merges: last {str(last['event']).partition('.')[2]} {where} at {str(last.get('ts'))[11:19]}"


def summary(seen: Dashboard) -> str:
    """How many agents, locks and waits there are."""
    statuses = [row["status"] for row in agent_table.rows(seen.top, seen.registries)]
    waiting = sum(len(state.waits) for state in seen.states.values())
    held = sum(bool(state.holders) for state in seen.states.values())
    return f"{statuses.count(ACTIVE)} agents active of {len(statuses)}, {held} locks held, {waiting} waiting"


def snapshot(top: str) -> None:
    """The dashboard once, as plain text."""
    seen, settings = dashboard.look(top), Settings()
    write = sys.stdout.write
    write(f"{summary(seen)}\n{budget_line(seen)}\n{merge_line(seen)}\n")
    for title, head, rows in (
        ("Agents", AGENT_HEAD, agent_rows(seen, settings)),
        ("Locks", LOCK_HEAD, lock_rows(seen, settings)),
    ):
        write(f"\n{title}:\n" + (columns(head, rows) if rows else "none\n"))
    write("\nRecent events:\n" + "".join(f"{line}\n" for line in event_lines(seen, settings, 12)))


def describe(top: str) -> dict[str, Any]:
    seen = dashboard.look(top)
    return {
        "agents": agent_table.rows(top, seen.registries),
        "locks": locks.describe(seen.states),
        "budget": seen.budget,
        "events": seen.events[-50:],
    }


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _seconds(stamp: str) -> float:
    try:
        return clock.from_iso(stamp)
    except ValueError:
        return 0.0
