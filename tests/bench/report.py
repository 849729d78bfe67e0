"""From measured values to the tables of docs/BENCHMARKS.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.machine import Machine
from bench.setting import Scale


class Sample:
    """Measured values of one kind, in one unit."""

    def __init__(self, values: Iterable[float]) -> None:
        self.values = sorted(values)
        if not self.values:
            raise ValueError("nothing was measured")

    def quantile(self, share: float) -> float:
        """The value below which `share` of all lie (nearest rank)."""
        return self.values[min(len(self.values) - 1, int(share * len(self.values)))]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def worst(self) -> float:
        return self.values[-1]

    def scaled(self, factor: float) -> Sample:
        return Sample(value * factor for value in self.values)

    @property
    def spread(self) -> str:
        """The middle 80 %."""
        return f"{number(self.quantile(0.1))}–{number(self.quantile(0.9))}"


@dataclass
class Goal:
    """What was promised and what came out."""

    text: str
    is_met: bool
    found: str

    def __str__(self) -> str:
        return f"**Goal: {self.text} — {'met' if self.is_met else 'missed'}** ({self.found})."


@dataclass
class Table:
    """One table: what was measured and how (`about`), its rows, the goals, and what the figures mean (`notes`)."""

    title: str
    about: str
    columns: list[str]
    rows: list[list[str]]
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    scene: str = ""

    def lines(self) -> list[str]:
        numeric = [all(_is_number(row[i]) for row in self.rows) for i in range(len(self.columns))]
        found = [f"## {self.title}", "", self.about, ""]
        found += [_row(self.columns), _row(["---:" if right else "---" for right in numeric])]
        found += [_row(row) for row in self.rows]
        found.append("")
        for goal in self.goals:
            found += [str(goal), ""]
        for note in self.notes:
            found += [note, ""]
        return [*found, f"Made by `make bench`, or alone by `{ALONE.format(self.scene)}`.", ""]


PREFACE = (
    "Written by `make bench`; do not edit. Each subject is measured against a named rival in the same run, in turn with"
    " it, so that whatever else the machine does hits both: trust the ratios, not the milliseconds. A median is given"
    " with the range of the middle 80 % of all values."
)
ALONE = "PYTHONPATH=tests:lib:lib/vendor .venv/bin/python -m bench --only {}"


def markdown(machine: Machine, tables: list[Table], scale: Scale, seconds: float) -> str:
    quick = "a QUICK run: too few values to conclude anything; it " if scale.is_quick else ""
    lines = ["# Benchmarks", "", PREFACE, "", *(f"- {line}" for line in machine.lines())]
    lines += [f"- {quick}took {seconds:.0f} s", ""]
    goals = [(table.title, goal) for table in tables for goal in table.goals]
    lines += ["| goal | result | found |", "| --- | --- | --- |"]
    lines += [_row([goal.text, "met" if goal.is_met else "**missed**", goal.found]) for _, goal in goals]
    lines.append("")
    for table in tables:
        lines += table.lines()
    return "\n".join(lines).rstrip("\n") + "\n"


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}" if magnitude >= 0.1 else f"{value:.3f}"


def times(subject: float, rival: float) -> str:
    return f"{number(subject / rival)}×"


def jain(counts: list[int]) -> float:
    """Jain's fairness index: 1 when all got the same, 1/n when one got everything (Jain, Chiu, Hawe: DEC-TR-301)."""
    squares = sum(count * count for count in counts)
    return sum(counts) ** 2 / (len(counts) * squares) if squares else 0.0


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _is_number(cell: str) -> bool:
    return bool(cell) and (cell[0].isdigit() or cell in ("—",)) and not any(c.isalpha() for c in cell[:-1])
