"""What ccpm-watch shows, one module a view: data as for --json, plain text for a pipe, rich for a terminal."""

from __future__ import annotations

import os
import sys

_UNITS = ((10, 1, "{:.1f} s"), (120, 1, "{:.0f} s"), (7200, 60, "{:.0f} min"), (172800, 3600, "{:.1f} h"))


def is_terminal() -> bool:
    """Whether tables and colour are welcome: a terminal, no NO_COLOR, no CI."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")


def duration(seconds: float) -> str:
    """`8 s`, `12 min`, `3.5 h`, `2.1 d`: as a person says it."""
    if seconds < 0.0995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    for limit, unit, form in _UNITS:
        if seconds < limit:
            return form.format(seconds / unit)
    return f"{seconds / 86400:.1f} d"


def columns(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in plain text, aligned, two blanks between columns."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]], styles: list[str] | None = None) -> None:
    """The rows as a rich table on a terminal, in plain columns elsewhere; `styles` gives each row its colour."""
    if not is_terminal():
        sys.stdout.write(columns(head, rows))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(header_style="bold")
    for name in head:
        drawn.add_column(name.capitalize(), overflow="fold")
    for place, row in enumerate(rows):
        drawn.add_row(*(Text(cell) for cell in row), style=(styles or [""] * len(rows))[place])
    Console().print(drawn)
