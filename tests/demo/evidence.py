"""What a run of the demo left behind, read without the tools that are on trial.

Four witnesses that do not depend on each other:
- the files of the epic, as they are at the end;
- the shared log of the epic: `TIME AGENT EVENT TASK` a line, appended by the workers while they hold the epic's lock,
  so that its order is the order in which things happened;
- the notes of each worker, written by bash alone: `write FILE STATUS VERSION PURPOSE`, a line for every write it
  tried;
- the event log of the tools.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.project import EPIC, Project

EPIC_LOCK = f"epic-{EPIC}"


@dataclass(frozen=True)
class Task:
    id: str
    name: str
    status: str
    agent: str
    file: str
    depends_on: list[str]
    conflicts_with: list[str]


@dataclass(frozen=True)
class Entry:
    """A line of the shared log. `event`: take, resume or close."""

    agent: str
    event: str
    task: str


@dataclass(frozen=True)
class Write:
    """A write that a worker tried. `version`: the one it made, 0 if it made none. `purpose`: take, step:3, close …"""

    agent: str
    file: str
    status: int
    version: int
    purpose: str


def frontmatter(path: Path) -> dict[str, str]:
    """The flat keys of a file that the demo itself wrote: nothing more is needed here."""
    _, block, _ = path.read_text().split("---\n", 2)
    return dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)


def tasks(project: Project) -> dict[str, Task]:
    found = sorted(project.epic.glob("[0-9]*.md"), key=lambda path: int(path.stem))
    return {path.stem: _task(path) for path in found}


def epic(project: Project) -> dict[str, str]:
    return frontmatter(project.epic / "epic.md")


def log(project: Project) -> list[Entry]:
    return [Entry(*line.split()[1:4]) for line in _lines(project.epic / "log.txt")]


def writes(project: Project) -> list[Write]:
    found = []
    for agent, words in _notes(project):
        if words[0] == "write":
            _, file, status, version, purpose = words
            found.append(Write(agent, file, int(status), int(version), purpose))
    return found


def events(project: Project, name: str) -> list[dict[str, Any]]:
    """The tools' events of that name, in the order in which they were logged (a rotated log comes first)."""
    folder = project.claude / "metrics"
    found = []
    for path in [*sorted(folder.glob("events-*.jsonl")), folder / "events.jsonl"]:
        found += [json.loads(line) for line in _lines(path) if f'"event":"{name}"' in line]
    return found


def facts(project: Project) -> dict[str, Any]:
    """What the driver noted down: how the workers ended and what each scene saw."""
    read: dict[str, Any] = json.loads((project.notes / "run.json").read_text())
    return read


def _task(path: Path) -> Task:
    keys = frontmatter(path)
    body = path.read_text()
    affected = body.partition("- Files affected: ")[2].partition("\n")[0]
    return Task(
        path.stem,
        keys["name"],
        keys["status"],
        keys.get("agent", ""),
        affected,
        _ids(keys["depends_on"]),
        _ids(keys["conflicts_with"]),
    )


def _ids(text: str) -> list[str]:
    return [word.strip() for word in text.strip("[]").split(",") if word.strip()]


def _notes(project: Project) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(project.notes.glob("*.notes")):
        for line in _lines(path):
            yield path.stem, line.split()


def _lines(path: Path) -> list[str]:
    """The whole lines of a file that may be growing or not there yet."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    return text[: text.rfind("\n") + 1].splitlines()
