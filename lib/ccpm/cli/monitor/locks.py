"""All locks: resource, owner, mode, age, time left, waiters, stale or not and why."""

from __future__ import annotations

import sys

from ccpm.cli.monitor import duration
from ccpm.cli.tables import table
from ccpm.core import leases
from ccpm.core.leases import Lease
from ccpm.files import clock, records
from ccpm.ops.locking.lock_state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEAD = ("RESOURCE", "AGENT", "MODE", "FOR", "HELD", "LEFT", "WAITING", "STATUS")


def describe(states: dict[str, State]) -> list[dict[str, Any]]:
    """A row for each lease, and one for each resource that is only waited for or cannot be read."""
    rows = []
    for resource, state in states.items():
        waiting = [
            {"agent": wait.owner.agent, "mode": wait.mode, "since": clock.to_iso(wait.since)}
            for wait in state.waits
        ]
        held = [(lease, "") for lease in state.holders] + state.stale
        for lease, why in held:
            rows.append({"resource": resource, **_describe_lease(lease, state, why), "waiting": waiting})
        if not held:
            why = f"unreadable: {state.unreadable.reason}" if state.unreadable else "free"
            rows.append({"resource": resource, "agent_id": "", "status": why, "waiting": waiting})
    return rows


def _describe_lease(lease: Lease, state: State, why: str) -> dict[str, Any]:
    left = leases.remaining(lease, state.now)
    return {
        **records.describe(lease),
        "held_seconds": round(leases.held_for(lease, state.now), 1),
        "seconds_left": round(left, 1),
        "status": f"stale: {why}" if why else "held",
    }


def show(states: dict[str, State]) -> None:
    rows = describe(states)
    sys.stdout.write("🔒 Active Locks Status\n======================\n\n")
    if not rows:
        sys.stdout.write("No active locks found.\n")
        return
    table(_HEAD, [_row(row) for row in rows], ["yellow" if row["status"] != "held" else "" for row in rows])
    waiting = sum(len(state.waits) for state in states.values())
    stale = sum(row["status"].startswith("stale") for row in rows)
    sys.stdout.write(
        f"\nSummary:\n  Total locks: {len(rows)}\n  Stale locks: {stale}\n  Waiting: {waiting}\n"
    )
    if stale:
        sys.stdout.write("\nThe next acquire takes a stale lock over; ccpm-lock clean removes them now.\n")


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    pid = f" (pid {row['pid']})" if row.get("pid") else ""
    return (
        row["resource"],
        f"{row['agent_id']}{pid}" or "-",
        row.get("mode", "-"),
        row.get("operation", "-"),
        duration(row["held_seconds"]) if "held_seconds" in row else "-",
        duration(row["seconds_left"]) if row.get("seconds_left", 0) > 0 else "-",
        ", ".join(wait["agent"] for wait in row["waiting"]) or "-",
        row["status"],
    )
