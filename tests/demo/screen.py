"""What a person sees while the demo runs and at its end: rich on a terminal, plain lines elsewhere.

Only this module prints. It shows what the files say, so it lags behind the workers by one look.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from demo.checks import Check
from demo.evidence import Task

if TYPE_CHECKING:
    from rich.console import RenderableType

Statuses = Mapping[str, int | None]


class Screen(Protocol):
    def say(self, line: str) -> None:
        """Show that something happened."""

    def show(self, tasks: Sequence[Task], epic: Mapping[str, str], steps: int, workers: Statuses) -> None:
        """Show how things are now; `steps`: how many each task has."""

    def table(self, checks: Sequence[Check]) -> None:
        """Show the result of the verification."""

    def close(self) -> None:
        """Stop drawing."""


def choose() -> Screen:
    plain = os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM", "dumb") == "dumb"
    return Lines() if plain or not sys.stdout.isatty() else Live()


class Lines:
    """One line whenever a task or a worker changes."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before: dict[str, str] = {}

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self._started:6.1f} s  {line}", flush=True)

    def show(self, tasks: Sequence[Task], epic: Mapping[str, str], steps: int, workers: Statuses) -> None:
        for task in tasks:
            now = f"task {task.id} {task.status}" + (f" ({task.agent})" if task.agent else "")
            if self._before.get(task.id, now) != now:
                self.say(f"{now}; {epic['progress']}, {epic['steps']} steps")
            self._before[task.id] = now

    def table(self, checks: Sequence[Check]) -> None:
        width = max(len(check.promise) for check in checks)
        for check in checks:
            print(
                f"{'FAIL' if check.problems else 'PASS'}  {check.promise:<{width}}  {check.figures}".rstrip()
            )
            for problem in check.problems:
                print(f"      {problem}")

    def close(self) -> None:
        sys.stdout.flush()


class Live:
    """A table of the tasks that is redrawn in place, and the last lines below it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._started = time.monotonic()
        self._console = Console(highlight=False)
        self._lines: deque[str] = deque(maxlen=8)
        self._body: RenderableType = ""
        self._live = RichLive(console=self._console, refresh_per_second=12)
        self._live.start()

    def say(self, line: str) -> None:
        self._lines.append(f"[dim]{time.monotonic() - self._started:5.1f} s[/]  {line}")
        self._draw()

    def show(self, tasks: Sequence[Task], epic: Mapping[str, str], steps: int, workers: Statuses) -> None:
        from rich.table import Table

        table = Table(title=f"epic {epic['name']}: {epic['progress']}", title_justify="left")
        for column in ("task", "status", "steps", "worker", "after", "not beside"):
            table.add_column(column)
        colours = {"closed": "green", "in-progress": "yellow"}
        for task in tasks:
            done = int(epic.get(f"steps_{task.id}", 0))
            bar = "█" * (done * 10 // steps) + "░" * (10 - done * 10 // steps)
            colour = colours.get(task.status, "white")
            state = f"[{colour}]{task.status}[/]"
            after, beside = " ".join(task.depends_on), " ".join(task.conflicts_with)
            table.add_row(f"{task.id} {task.name}", state, f"[{colour}]{bar}[/]", task.agent, after, beside)
        running = sum(status is None for status in workers.values())
        table.caption = f"{epic['steps']} steps counted; {running} of {len(workers)} workers running"
        self._body = table
        self._draw()

    def table(self, checks: Sequence[Check]) -> None:
        from rich.table import Table

        self.close()
        table = Table(title="verification", title_justify="left")
        for column in ("promise", "figures", ""):
            table.add_column(column)
        for check in checks:
            verdict = "[bold red]FAIL[/]" if check.problems else "[green]PASS[/]"
            table.add_row(check.promise, "\n".join([check.figures, *check.problems]).strip(), verdict)
        self._console.print(table)

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> None:
        from rich.console import Group

        self._live.update(Group(self._body, *self._lines))
