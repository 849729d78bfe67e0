"""What verification is made of: a check of one promise, and the evidence of one run that it looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from demo import evidence
from demo.evidence import Entry, Task, Write
from demo.project import Project


@dataclass
class Check:
    """Fails when there is a problem, and when the thing it is about never happened."""

    promise: str
    figures: str = ""
    problems: list[str] = field(default_factory=list)

    def expect(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)


@dataclass(frozen=True)
class Run:
    """The evidence of one run, read once."""

    project: Project
    facts: dict[str, Any]
    tasks: dict[str, Task]
    epic: dict[str, str]
    log: list[Entry]
    writes: list[Write]

    def entries(self, event: str, task: str) -> list[Entry]:
        return [entry for entry in self.log if (entry.event, entry.task) == (event, task)]

    def done(self, file: str) -> list[Write]:
        """The writes to `file` that were acknowledged."""
        return [write for write in self.writes if write.file == file and write.status == 0]


def read(project: Project) -> Run:
    return Run(
        project,
        evidence.facts(project),
        evidence.tasks(project),
        evidence.epic(project),
        evidence.log(project),
        evidence.writes(project),
    )


def takeovers(check: Check, run: Run, facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The event of each lease in `facts` being taken over by somebody else than its holder; {} if one is missing."""
    found: dict[str, dict[str, Any]] = {}
    for event in evidence.events(run.project, "lock.takeover"):
        resource = event["resource"]
        if event.get("token") == facts["fences"].get(resource) and event["by"] != facts["agent"]:
            found[resource] = event
    for resource in facts["fences"]:
        check.expect(resource in found, f"nobody took over {resource}")
    return found if len(found) == len(facts["fences"]) else {}
