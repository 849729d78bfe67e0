"""How the views look: the shape that scripts know in a pipe, tables and colour on a terminal."""

from __future__ import annotations

import sys

from ccpm.cli.output import is_terminal
from ccpm.cli.views import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.plan.views import Data


def show(verb: str, data: Data) -> None:
    lines = plain.RENDERERS[verb](data)
    if is_terminal():
        from ccpm.cli.views import terminal

        terminal.show(verb, data, lines)
    else:
        sys.stdout.write("\n".join(lines) + "\n")


def show_lines(lines: list[str]) -> None:
    """Lines that are the same everywhere, with colour on a terminal. They may hold names that are no UTF-8."""
    if is_terminal():
        from ccpm.cli.views import terminal

        terminal.show("", {}, [line.encode("utf-8", "replace").decode() for line in lines])
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
