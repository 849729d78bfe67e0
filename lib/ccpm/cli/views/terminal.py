"""The views on a terminal: lists as aligned tables, the rest as the plain lines with some colour."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccpm.cli.output import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Data = dict[str, Any]

_TASKS = ("  ✅ #", "  ⬜ #")
_STYLES = {
    "❌": "red", "⚠️": "yellow", "✅": "green", "⏸️": "yellow", "🔁": "red", "🔒": "yellow",
    "💡": "cyan", "📊": "bold", "=": "dim",
}  # fmt: skip


def show(verb: str, data: Data, lines: list[str]) -> None:
    console = Console()
    table = _table(verb, data)
    if table is None:
        _show_lines(console, lines, _inner_table(verb, data))
        return
    title = next(line for line in lines if line and not line.endswith("..."))
    console.print(Text(printable(title), style="bold"))
    console.print(table)
    console.print(Text(printable(next(line for line in reversed(lines) if line)), style="dim"))


def _show_lines(console: Console, lines: list[str], table: Table | None) -> None:
    """The lines; those of tasks together as `table`, if there is one."""
    for before, line in zip(["", *lines], lines, strict=False):
        if not table or not line.startswith(_TASKS):
            console.print(Text(printable(line), style=_style(line)))
        elif not before.startswith(_TASKS):
            console.print(table)


def _inner_table(verb: str, data: Data) -> Table | None:
    if verb != "epic-show" or not data["task_list"]:
        return None
    rows = [
        [
            f"#{task['id']}",
            task["name"],
            "ready" if task["ready"] else task["status"],
            ", ".join(f"#{b['task'] or b['reference']}" for b in task["waiting_for"]),
            "yes" if task["parallel"] else "",
        ]
        for task in data["task_list"]
    ]
    return _grid(("Task", "Name", "Status", "Waits for", "Parallel"), rows)


def _table(verb: str, data: Data) -> Table | None:
    if verb == "next" and data["tasks"]:
        head = ("Task", "Name", "Epic", "Behind it", "Parallel", "Claimed by")
        return _grid(head, [_ready_row(task) for task in data["tasks"]])
    if verb == "blocked" and data["tasks"]:
        return _grid(("Task", "Name", "Epic", "Waits for"), [_blocked_row(task) for task in data["tasks"]])
    if verb == "in-progress" and data["tasks"]:
        rows = [
            [f"#{t['id']}", t["name"], t["epic"], t["completion"], t["claimed_by"]] for t in data["tasks"]
        ]
        return _grid(("Task", "Name", "Epic", "Done", "By"), rows)
    if verb == "epic-list" and data["epics"]:
        rows = [
            [
                e["name"],
                e["status"],
                f"{e['progress']}%",
                str(e["tasks"]["total"]),
                str(e["tasks"]["ready"]),
                e["issue"],
            ]
            for e in data["epics"]
        ]
        return _grid(("Epic", "Status", "Done", "Tasks", "Ready", "Issue"), rows)
    if verb == "prd-list" and data["prds"]:
        return _grid(
            ("PRD", "Status", "Description"),
            [[p["name"], p["status"], p["description"]] for p in data["prds"]],
        )
    return None


def _ready_row(task: Data) -> list[str]:
    parallel = "yes" if task["parallel"] else ""
    return [
        f"#{task['id']}",
        task["name"],
        task["epic"],
        f"{task['chain_hours']:g} h",
        parallel,
        task["claimed_by"],
    ]


def _blocked_row(task: Data) -> list[str]:
    waits = [f"#{b['task']}" if b["task"] else f"{b['reference']}: no such task" for b in task["waiting_for"]]
    return [f"#{task['id']}", task["name"], task["epic"], ", ".join(waits) or task["stated_status"]]


def _grid(head: tuple[str, ...], rows: list[list[str]]) -> Table:
    table = Table(header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(str(cell or ""))) for cell in row))
    return table


def _style(line: str) -> str:
    return next((style for mark, style in _STYLES.items() if line.lstrip().startswith(mark)), "")
