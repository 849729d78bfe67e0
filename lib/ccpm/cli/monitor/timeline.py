"""The timeline of an epic: on the terminal, as data, as a Chrome trace for Perfetto. Pictures: timeline_svg.py."""

from __future__ import annotations

import sys

from ccpm.cli.monitor import duration
from ccpm.cli.output import is_terminal, printable
from ccpm.core.timeline import ALIVE, KINDS, MERGING, WAITING, WORKING, Row, Timeline, ticks
from ccpm.files import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CELLS = {
    ALIVE: ("─", "-", "dim"),
    WORKING: ("█", "#", "green"),
    WAITING: ("░", "w", "yellow"),
    MERGING: ("▓", "M", "magenta"),
}
_DEAD = ("✖", "X", "bold red")


def show(timeline: Timeline, width: int) -> None:
    """One line an agent, `width` columns in all."""
    if not timeline.rows:
        sys.stdout.write(f"No event of epic {timeline.epic!r} is in the log.\n")
        return
    fancy = is_terminal()
    name = min(24, max(len(row.agent) for row in timeline.rows))
    columns = max(20, width - name - 13)  # two gaps, and `100% busy`
    lines = [
        (row.agent[-name:].ljust(name), cells(row, timeline, columns), share(row)) for row in timeline.rows
    ]
    title = f"Timeline of {timeline.epic}: {clock.to_iso(timeline.start)} to {clock.to_iso(timeline.end)}"
    sys.stdout.write(f"{title}, {duration(timeline.end - timeline.start)}\n\n")
    if fancy:
        _show_rich(lines)
    else:
        for label, drawn, busy in lines:
            line = "".join(_DEAD[1] if kind == "dead" else _CELLS[kind][1] if kind else " " for kind in drawn)
            sys.stdout.write(f"{label}  {line}  {busy}\n")
    sys.stdout.write(f"{' ' * name}  {_axis(timeline, columns)}\n\n")
    legend = [(*_CELLS[kind][:2], kind) for kind in (WORKING, WAITING, MERGING, ALIVE)] + [
        (*_DEAD[:2], "found dead")
    ]
    sys.stdout.write("  ".join(f"{mark if fancy else plain} {word}" for mark, plain, word in legend) + "\n")


def _show_rich(lines: list[tuple[str, list[str], str]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for label, drawn, busy in lines:
        text = Text(printable(label) + "  ")
        for kind in drawn:
            mark, _, style = _DEAD if kind == "dead" else _CELLS.get(kind, (" ", " ", ""))
            text.append(mark, style=style)
        console.print(text.append(f"  {printable(busy)}", style="dim"), soft_wrap=True)


def cells(row: Row, timeline: Timeline, columns: int) -> list[str]:
    """What stands in each column of a row: the kind drawn on top of those in that slice of time, "dead", or ""."""
    scale = columns / max(1e-9, timeline.end - timeline.start)
    drawn = [""] * columns
    for kind in KINDS:
        for span in row.spans:
            if span.kind == kind:
                first = min(columns - 1, int((span.start - timeline.start) * scale))
                last = min(columns - 1, max(first, int((span.end - timeline.start) * scale - 1e-6)))
                drawn[first : last + 1] = [kind] * (last + 1 - first)
    for at, _ in row.deaths:
        drawn[max(0, min(columns - 1, int((at - timeline.start) * scale)))] = "dead"
    return drawn


def share(row: Row) -> str:
    """How much of its time the agent worked, in percent."""
    alive = row.seconds(ALIVE)
    return f"{row.seconds(WORKING) / alive * 100:3.0f}% busy" if alive else ""


def _axis(timeline: Timeline, columns: int) -> str:
    length = max(1e-9, timeline.end - timeline.start)
    line = ""
    for at, label in ticks(length, columns // 10):
        place = int(at / length * columns)
        if place + len(label) <= columns:
            line = line.ljust(place) + label
    return line


def describe(timeline: Timeline) -> dict[str, Any]:
    return {
        "epic": timeline.epic,
        "start": clock.to_iso(timeline.start),
        "end": clock.to_iso(timeline.end),
        "seconds": round(timeline.end - timeline.start, 3),
        "agents": [
            {
                "agent": row.agent,
                **{f"{kind}_seconds": round(row.seconds(kind), 3) for kind in KINDS},
                "deaths": [{"at": clock.to_iso(at), "why": why} for at, why in row.deaths],
                "spans": [
                    {"kind": s.kind, "start": round(s.start, 3), "end": round(s.end, 3), "label": s.label}
                    for s in row.spans
                ],
            }
            for row in timeline.rows
        ],
    }


def chrome_trace(timeline: Timeline) -> str:
    """Chrome's trace event format (JSON object form), which Perfetto and chrome://tracing open: one thread an agent."""
    import json

    entries: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": f"epic {timeline.epic}"}}
    ]
    for number, row in enumerate(timeline.rows, 1):
        entries.append(
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": number, "args": {"name": row.agent}}
        )
        entries.append(
            {"ph": "M", "name": "thread_sort_index", "pid": 1, "tid": number, "args": {"sort_index": number}}
        )
        for span in row.spans:
            start = round((span.start - timeline.start) * 1e6)
            length = max(1, round((span.end - span.start) * 1e6))
            name = span.label if span.kind == WORKING else f"{span.kind} {span.label}"
            body = {"ph": "X", "pid": 1, "tid": number, "ts": start, "dur": length}
            entries.append({**body, "name": name, "cat": span.kind})
        for at, why in row.deaths:
            moment = {"ph": "i", "s": "t", "pid": 1, "tid": number, "ts": round((at - timeline.start) * 1e6)}
            entries.append({**moment, "name": f"dead: {why}", "cat": "dead"})
    return json.dumps({"traceEvents": entries, "displayTimeUnit": "ms"}, ensure_ascii=False) + "\n"
