"""The table of locks: a rich one on a terminal, plain columns in a pipe."""

from __future__ import annotations

import sys

from ccpm.cli.tables import table
from ccpm.core import leases
from ccpm.files import clock
from ccpm.ops.locking.lock_state import State

_COLUMNS = ("RESOURCE", "AGENT ID", "PID", "ACQUIRED", "LEFT", "MODE", "OPERATION", "STATUS")


def show(states: dict[str, State], summary: bool = False) -> None:
    """The table of `states`; with `summary`, how many locks there are below it."""
    rows = [row for resource, state in states.items() for row in _rows(resource, state)]
    if rows:
        table(_COLUMNS, rows, ["green" if row[-1].startswith("held") else "yellow" for row in rows])
    else:
        sys.stdout.write("No active locks found.\n")
    if summary and rows:
        stale = sum(row[-1].startswith("stale") for row in rows)
        sys.stdout.write(f"\nSummary:\n  Total locks: {len(rows)}\n  Stale locks: {stale}\n")
        if stale:
            sys.stdout.write(
                "\nThe next acquire takes a stale lock over; ccpm-lock clean removes them now.\n"
            )


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
