"""What a person sees while the demo runs and at its end: rich on a terminal, plain lines elsewhere.

Only this module prints. It shows what the files say, so it lags behind the workers by one look.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from demo.checks import Check
from demo.evidence import Task

if TYPE_CHECKING:
    from rich.table import Table

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
    """A table of the tasks that is redrawn in place; what happened scrolls away above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._started = time.monotonic()
        self._console = Console(highlight=False, markup=False)
        self._live = RichLive(console=self._console, refresh_per_second=12)
        self._live.start()

    def say(self, line: str) -> None:
        self._console.print(f"{time.monotonic() - self._started:5.1f} s  {line}")

    def show(self, tasks: Sequence[Task], epic: Mapping[str, str], steps: int, workers: Statuses) -> None:
        table = _table(f"epic {epic['name']}: {epic['progress']}")
        for column in ("task", "status", "steps", "worker", "after", "not beside"):
            table.add_column(column, no_wrap=True)
        for task in tasks:
            done = int(epic.get(f"steps_{task.id}", 0)) * 10 // steps
            table.add_row(
                f"{task.id} {task.name}",
                task.status,
                "█" * done + "░" * (10 - done),
                task.agent,
                " ".join(task.depends_on),
                " ".join(task.conflicts_with),
                style={"closed": "green", "in-progress": "yellow"}.get(task.status, ""),
            )
        running = sum(status is None for status in workers.values())
        table.caption = f"{epic['steps']} steps counted; {running} of {len(workers)} workers running"
        self._live.update(table)

    def table(self, checks: Sequence[Check]) -> None:
        from rich.text import Text

        self.close()
        table = _table("verification")
        for column in ("", "promise", "figures"):
            table.add_column(column)
        for check in checks:
            verdict = Text("FAIL", "bold red") if check.problems else Text("PASS", "green")
            table.add_row(verdict, check.promise, Text("\n".join([check.figures, *check.problems]).strip()))
        self._console.print(table)

    def close(self) -> None:
        self._live.stop()


def _table(title: str) -> Table:
    from rich.table import Table

    return Table(title=title, title_justify="left", caption_justify="left", box=None, padding=(0, 1, 0, 0))
