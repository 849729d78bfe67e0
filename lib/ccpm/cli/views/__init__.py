"""How the views look: the shape that scripts know in a pipe, tables and colour on a terminal."""

from __future__ import annotations

import os
import sys

from ccpm.cli.views import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.views import Data


def show(verb: str, data: Data) -> None:
    lines = plain.RENDERERS[verb](data)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI"):
        from ccpm.cli.views import terminal

        terminal.show(verb, data, lines)
    else:
        sys.stdout.write("\n".join(lines) + "\n")
