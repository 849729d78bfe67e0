"""The table of locks: a rich one on a terminal, plain columns in a pipe."""

from __future__ import annotations

import os
import sys

from ccpm.core import leases
from ccpm.files import clock
from ccpm.ops.lock_state import State

_COLUMNS = ("RESOURCE", "AGENT ID", "PID", "ACQUIRED", "LEFT", "MODE", "OPERATION", "STATUS")


def show(states: dict[str, State], summary: bool = False) -> None:
    """The table of `states`; with `summary`, how many locks there are below it."""
    rows = [row for resource, state in states.items() for row in _rows(resource, state)]
    if rows:
        _show_table(rows)
    else:
        sys.stdout.write("No active locks found.\n")
    if summary and rows:
        stale = sum(row[-1].startswith("stale") for row in rows)
        sys.stdout.write(f"\nSummary:\n  Total locks: {len(rows)}\n  Stale locks: {stale}\n")
        if stale:
            sys.stdout.write(
                "\nThe next acquire takes a stale lock over; ccpm-lock clean removes them now.\n"
            )


def _show_table(rows: list[tuple[str, ...]]) -> None:
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI"):
        _show_rich(rows)
    else:
        _show_plain(rows)


def _rows(resource: str, state: State) -> list[tuple[str, ...]]:
    rows = []
    waiting = f"held, {len(state.waits)} waiting" if state.waits else "held"
    for lease in state.holders:
        rows.append(_row(resource, lease, f"{leases.remaining(lease, state.now):.0f}s", waiting))
    for lease, why in state.stale:
        rows.append(_row(resource, lease, "-", f"stale: {why}"))
    if state.unreadable:
        rows.append((resource, "unknown", "-", "-", "-", "-", "-", f"unreadable: {state.unreadable.reason}"))
    return rows


def _row(resource: str, lease: leases.Lease, left: str, status: str) -> tuple[str, ...]:
    owner = lease.owner
    pid = str(owner.pid) if owner.pid else "-"
    return (
        resource,
        owner.agent,
        pid,
        clock.to_iso(lease.acquired),
        left,
        lease.mode,
        lease.operation,
        status,
    )


def _show_plain(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in [_COLUMNS, *rows]) for column in range(len(_COLUMNS))]
    for row in [_COLUMNS, *rows]:
        sys.stdout.write(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        )


def _show_rich(rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Locks", title_justify="left")
    for name in _COLUMNS:
        table.add_column(name.title(), overflow="fold")
    for row in rows:
        style = "green" if row[-1].startswith("held") else "yellow"
        table.add_row(*(Text(cell) for cell in row[:-1]), Text(row[-1], style=style))
    Console().print(table)
