"""How far a sync is: a bar with the time that is left on a terminal, lines on standard error elsewhere, nothing with
--json.

The time is said in advance, from the rules that pace the requests; short syncs (below `WORTH_SAYING`) say nothing of
it.
"""

from __future__ import annotations

import sys
import time

from ccpm.cli.output import is_terminal
from ccpm.ops.sync import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

WORTH_SAYING = 5.0
"""Seconds from which on a time in advance, and a line every so often, are worth one."""


class Silent(Progress):
    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Lines(Silent):
    """One line in advance, one for each wait, and one about every `WORTH_SAYING` seconds."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._steps = self._done = 0
        self._said = time.monotonic()

    def begin(self, steps: int, seconds: float) -> None:
        self._steps, self._done = steps, 0
        if steps and seconds >= WORTH_SAYING:
            self.note(f"{steps} steps, which take about {duration(seconds)} under GitHub's limits")

    def step(self, what: str) -> None:
        self._done += 1
        if time.monotonic() - self._said >= WORTH_SAYING:
            self.note(f"{self._done} of {max(self._steps, self._done)}: {what}")

    def note(self, text: str) -> None:
        self._said = time.monotonic()
        sys.stderr.write(f"{self._program}: {text}\n")
        sys.stderr.flush()


class Bar(Lines):
    """The same, drawn. What is said appears above the bar."""

    def __init__(self, program: str) -> None:
        super().__init__(program)
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def begin(self, steps: int, seconds: float) -> None:
        if not steps:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        super().begin(steps, seconds)
        if self._bar is None:
            self._bar = RichProgress(
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task("", total=steps)

    def step(self, what: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=what[:60])

    def note(self, text: str) -> None:
        if self._bar is None:
            super().note(text)
        else:
            self._bar.console.print(f"{self._program}: {text}", markup=False, highlight=False)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def choose(program: str, as_json: bool) -> Silent:
    if as_json:
        return Silent()
    drawn = is_terminal(sys.stderr)
    return Bar(program) if drawn else Lines(program)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
