"""Single keys from the terminal: `with Keyboard() as keyboard: key = keyboard.wait(1.0)`.

The terminal is put into cbreak mode (termios(3): no line buffering, no echo; Ctrl-C interrupts) and back as it was.
"""

from __future__ import annotations

import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Keyboard:
    __slots__ = ("_before", "_descriptor", "_typed")

    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno()
        self._before: list[Any] | None = None
        self._typed = ""

    def __enter__(self) -> Keyboard:
        if os.isatty(self._descriptor):
            import termios
            import tty

            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The next key within `seconds`, else "". A sequence of an arrow or function key counts as no key."""
        if not self._typed:
            watched = [self._descriptor] if self._before is not None else []
            if select.select(watched, [], [], seconds)[0]:
                data = os.read(self._descriptor, 64)
                text = data.decode("utf-8", "replace") if data else "q"  # at its end the terminal is gone
                self._typed = "" if text.startswith("\x1b") and len(text) > 1 else text
        key, self._typed = self._typed[:1], self._typed[1:]
        return key
