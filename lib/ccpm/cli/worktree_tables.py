"""The tables of ccpm-worktree: plain columns, the same on a terminal and in a pipe."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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


def show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
