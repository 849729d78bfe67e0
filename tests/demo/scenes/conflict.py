"""A worker is held up between reading the shared counter and writing it, until somebody else has counted.

What it writes then is computed from an old number: it must be refused (10), and the worker must count once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from demo import evidence
from demo.checks import Check, Run
from demo.project import Project
from demo.workers import Crew, Gate

TASK = "2"


class Conflict:
    name = "conflict"

    def __init__(self, project: Project) -> None:
        self._project = project
        self._gate = Gate(project, TASK, "count")
        self.facts: dict[str, Any] = {}

    def play(self, crew: Crew) -> Iterator[str]:
        while (reader := self._gate.visitor()) is None:
            yield ""
        before = evidence.epic(self._project)
        while (now := evidence.epic(self._project))["steps"] == before["steps"]:
            yield ""
        self.facts = {"task": TASK, "agent": reader.agent, "versions": [before["version"], now["version"]]}
        self._gate.open()
        yield f"{reader.agent} read the counter at {before['steps']}; now it is {now['steps']}, and it writes"

    @staticmethod
    def verify(run: Run) -> Check:
        check = Check("write of an outdated version refused, then repeated")
        facts = run.facts["conflict"]
        if not facts:
            check.problems.append("no worker was held up between reading and writing")
            return check
        purpose = f"step:{facts['task']}:1"
        statuses = [w.status for w in run.writes if (w.agent, w.purpose) == (facts["agent"], purpose)]
        check.expect(
            statuses[:1] == [10], f"the first attempt of {facts['agent']} ended with {statuses[:1]}, not 10"
        )
        check.expect(statuses[-1:] == [0], f"its last attempt ended with {statuses[-1:]}, not 0")
        tries = len(statuses)
        check.figures = f"status 10 for {facts['agent']}, counted at attempt {tries}"
        return check
