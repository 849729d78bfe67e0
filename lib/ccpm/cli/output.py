"""What helpers print: data on standard output, words on standard error."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], "?")


def printable(text: str) -> str:
    """`text` without control characters, a tab and a line end excepted: the name of a file, the title of an issue, or a
    line of a log gives a terminal no orders."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def print_json(data: object) -> None:
    """One line of JSON. File names that are not UTF-8 are escaped, with everything else that is not ASCII."""
    import json

    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(data)
    sys.stdout.write(text + "\n")


def speaker(program: str) -> Callable[[str], None]:
    """What says a line on behalf of `program`. Whoever reads our words may be gone: what we
    do does not depend on it."""

    def say(line: str) -> None:
        try:
            sys.stderr.write(f"{program}: {printable(line)}\n")
            sys.stderr.flush()
        except OSError:
            pass

    return say


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether `stream` (standard output) is for a person: tables and colour are welcome. NO_COLOR and CI say no."""
    shown = stream or sys.stdout
    return shown.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
