"""ccpm-watch top: the dashboard, live on a terminal.

Keys: q ends it, p pauses it, a/h/w sort the locks by agent, by how long they are held, by how many wait; / filters by a
text (Enter ends typing, Escape drops it).

The loop sleeps in select(2) on the keyboard; each second it compares a handful of file times, and reads and draws only
when one has changed, or every `STEADY` seconds, so that ages go on.
"""

from __future__ import annotations

from ccpm.cli.monitor.dashboard import (
    AGENT_HEAD,
    LOCK_HEAD,
    Settings,
    agent_rows,
    budget_line,
    event_lines,
    lock_rows,
    merge_line,
    summary,
)
from ccpm.cli.output import printable
from ccpm.core.registry import ACTIVE, GONE
from ccpm.files import clock
from ccpm.ops import dashboard
from ccpm.ops.dashboard import Dashboard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import RenderableType

TICK = 1.0
STEADY = 5.0


def live(top: str) -> None:
    """Watch until q or Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from ccpm.cli.monitor.keyboard import Keyboard

    console, settings = Console(), Settings()
    seen, mark, drawn = dashboard.look(top), dashboard.mark(top), clock.boot()
    with Keyboard() as keyboard, Live(console=console, screen=True, auto_refresh=False) as screen:
        screen.update(_draw(seen, settings, console.size.height), refresh=True)
        while True:
            key = keyboard.wait(TICK)
            if key and not settings.press(key):
                return
            fresh = dashboard.mark(top)
            is_due = fresh != mark or clock.boot() - drawn >= STEADY
            if not settings.is_paused and is_due:
                seen, mark = dashboard.look(top), fresh
            if key or (is_due and not settings.is_paused):
                drawn = clock.boot()
                screen.update(_draw(seen, settings, console.size.height), refresh=True)


def _draw(seen: Dashboard, settings: Settings, height: int) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    agents, held = agent_rows(seen, settings), lock_rows(seen, settings)
    room = max(6, height - 14)  # without titles, heads, rules and the two lines of words
    most_agents = min(len(agents), max(2, room * 2 // 5))
    most_locks = min(len(held), max(2, room * 2 // 5))
    lines = event_lines(seen, settings, max(2, room - most_agents - most_locks))
    head = Text(f"ccpm  {clock.to_iso(clock.now().wall)}  ", style="bold")
    head.append(summary(seen), style="cyan")
    keys = "q quit  p pause  sort: a agent, h held, w waiting  / filter"
    if settings.is_typing or settings.text:
        keys = f"filter: {settings.text}{'▏' if settings.is_typing else '  (Esc drops it)'}"
    return Group(
        head,
        Text(f"{budget_line(seen)}   {merge_line(seen)}", style="dim"),
        _table("Agents", AGENT_HEAD, agents, most_agents),
        _table("Locks", LOCK_HEAD, held, most_locks),
        Text("Recent events", style="bold"),
        *(
            Text(printable(line), no_wrap=True, overflow="ellipsis", style=_event_style(line))
            for line in lines
        ),
        Text(("paused  " if settings.is_paused else "") + keys, style="reverse"),
    )


def _table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]], most: int) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    more = f" ({len(rows) - most} more)" if len(rows) > most else ""
    shown = Table(title=f"{title}{more}", box=SIMPLE_HEAD, expand=True, pad_edge=False)
    shown.title_justify, shown.title_style = "left", "bold"
    for place, name in enumerate(head):
        # What is cut on a narrow terminal is the end of long texts, not every cell a little.
        longest = max([len(name), *(len(row[place]) for row in rows[:most])])
        shown.add_column(name.capitalize(), no_wrap=True, overflow="ellipsis", min_width=min(longest, 10))
    for row in rows[:most]:
        shown.add_row(*(Text(printable(cell), style=_cell_style(cell)) for cell in row))
    if not rows:
        shown.add_row(Text("none", style="dim"))
    return shown


def _cell_style(cell: str) -> str:
    if cell == ACTIVE:
        return "green"
    if cell == GONE or cell.startswith(("stale:", "unreadable")):
        return "red"
    return "yellow" if cell == "stale" else ""


def _event_style(line: str) -> str:
    kind = line[10:].partition(" ")[0]
    if kind in (
        "agent.dead",
        "lock.lost",
        "fence.refused",
        "lock.deadlock",
        "merge.conflict",
        "merge.failed",
    ):
        return "red"
    return "yellow" if kind in ("lock.takeover", "lock.timeout", "work.stolen", "merge.held") else ""
