"""The tables of ccpm-worktree: plain columns, the same on a terminal and in a pipe."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def show_list(found: list[dict[str, object]]) -> None:
    if not found:
        sys.stdout.write("No worktrees of agents.\n")
        return
    rows = [
        (
            str(one["agent"] or "-"),
            str(one["epic"] or "-"),
            str(one["branch"] or "(detached)"),
            str(one["ahead"]),
            "yes" if one["dirty"] else "no",
            str(one["state"]) if one["live"] or not one["agent"] else f"{one['state']}, agent gone",
            os.path.relpath(str(one["path"])),
        )
        for one in found
    ]
    show(("AGENT", "EPIC", "BRANCH", "AHEAD", "DIRTY", "STATE", "PATH"), rows)


def show_conflicts(report: dict[str, Any]) -> None:
    for claim in report["claims"]:
        _line(
            f"CLAIMS    {claim['agent']} ({claim['stream']}) and {claim['other_agent']} ({claim['other_stream']}) "
            f"both claim {claim['path']}"
        )
    for conflict in report["conflicts"]:
        one, other = conflict["one"], conflict["other"]
        _line(f"CONFLICT  {_who(one)} and {_who(other)}: {', '.join(conflict['files'])}")
        for side in (one, other):
            for file, first in sorted(side["since"].items()):
                _line(f"  {_who(side)}  {file}  since {_commit(first)}")
    pairs, skipped = report["pairs"], report["skipped"]
    if not report["claims"] and not report["conflicts"]:
        _line(
            f"No conflicts among {report['branches']} branches ({pairs} pairs, {skipped} with nothing in common)."
        )


def _who(side: dict[str, Any]) -> str:
    name = side["agent"] or side["branch"]
    return f"{name} (gone)" if not side["live"] else str(name)


def _commit(first: dict[str, Any]) -> str:
    if not first["commit"]:
        return "now, not committed"
    import time

    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(first["at"]))
    return f"{first['commit'][:10]} ({when} UTC, {first['subject']})"


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")


def show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
