"""Tables: rich ones on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys

from ccpm.cli.output import is_terminal, printable


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
        drawn.add_row(*(Text(printable(cell)) for cell in row), style=(styles or [""] * len(rows))[place])
    Console().print(drawn)
