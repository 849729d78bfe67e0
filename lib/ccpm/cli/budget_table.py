"""How `ccpm-gh limit` shows the shared budget, in plain text."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = {"core": "requests", "graphql": "GraphQL", "search": "searches"}


def show(found: dict[str, Any]) -> None:
    lines = [f"GitHub budget of {found['host']}", ""]
    lines += [_pool_line(name, pool) for name, pool in found["pools"].items()]
    if not found["pools"]:
        lines.append("  nothing is known yet: ccpm-gh limit --refresh asks GitHub")
    for window in found["creations"]:
        lines.append(f"  {'creations':<10} {window['used']} of {window['most']} in {window['seconds']:g} s")
    lines.append(f"  {'pause':<10} {_pause(found['pause'])}")
    if found["writing"]:
        waiting = found["waiting"]
        behind = f"; {len(waiting)} in line: {', '.join(waiting)}" if waiting else ""
        lines.append(f"  {'writing':<10} {found['writing']}{behind}")
    for one in found["set_aside"]:
        lines.append(
            f"  {'set aside':<10} {one['calls']} {_NAMES.get(one['pool'], one['pool'])} "
            f"for {one['agent']} until {one['until']}"
        )
    if found["agents"]:
        lines += ["", *_agents(found["agents"])]
    sys.stdout.write("\n".join(lines) + "\n")


def _pool_line(name: str, pool: dict[str, Any]) -> str:
    words = f"{pool['free']} of {pool['limit']} free until {pool['reset']}"
    return f"  {_NAMES.get(name, name):<10} {words}, as of {pool['last_updated']}"


def _pause(pause: dict[str, Any] | None) -> str:
    if pause is None:
        return "none"
    times = f" ({pause['strikes']} refusals in a row)" if pause["strikes"] > 1 else ""
    return f"until {pause['until']}{times}"


def _agents(agents: dict[str, dict[str, Any]]) -> list[str]:
    head = ("agent", "reads", "writes", "created", "cached", "refused", "waited", "last")
    rows = [head]
    for agent, one in agents.items():
        counts = [str(one[key]) for key in ("reads", "writes", "creations", "cached", "refused")]
        rows.append((agent, *counts, f"{one['waited']:.0f} s", one["last"]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
