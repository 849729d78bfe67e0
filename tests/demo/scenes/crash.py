"""A worker is killed (SIGKILL) in the middle of a task, while it holds the lock of the epic.

The others must take over both its leases, the epic's and the task's, and finish the task from where it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from demo import evidence
from demo.checks import Check, Run, takeovers
from demo.project import Project
from demo.workers import Crew, Gate

TASK = "3"


class Crash:
    name = "crash"

    def __init__(self, project: Project) -> None:
        self._project = project
        self._gate = Gate(project, TASK, "half")
        self.facts: dict[str, Any] = {}

    def play(self, crew: Crew) -> Iterator[str]:
        while (victim := self._gate.visitor()) is None:
            yield ""
        crew.kill(victim.agent)
        self.facts = {
            "task": TASK,
            "agent": victim.agent,
            "fences": victim.fences,
            "killed_at": time.time(),
            "status": evidence.tasks(self._project)[TASK].status,
            "steps": int(evidence.epic(self._project)[f"steps_{TASK}"]),
        }
        yield f"{victim.agent} killed with SIGKILL in the middle of task {TASK}; it held {held(victim.fences)}"
        for resource, token in sorted(victim.fences.items()):
            while (taken := find_takeover(self._project, resource, token)) is None:
                yield ""
            seconds = taken["at"] - self.facts["killed_at"]
            yield f"{taken['by']} took over {resource} {seconds:.2f} s after the kill ({taken['why']})"

    @staticmethod
    def verify(run: Run) -> Check:
        check = Check("locks of the killed worker taken over, its task finished")
        facts = run.facts["crash"]
        if not facts:
            check.problems.append("no worker was killed")
            return check
        task, agent = facts["task"], facts["agent"]
        ended = run.facts["exits"][agent]
        check.expect(ended == -9, f"{agent} ended with {ended}, not by signal 9")
        check.expect(
            set(facts["fences"]) == {evidence.EPIC_LOCK, f"task-{task}"}, f"it held {sorted(facts['fences'])}"
        )
        check.expect(facts["status"] == "in-progress", f"its task was {facts['status']} when it was killed")
        check.expect(run.tasks[task].agent != agent, f"task {task} still belongs to {agent}")
        check.expect(len(run.entries("resume", task)) == 1, f"nobody resumed task {task}")
        taken = takeovers(check, run, facts)
        if taken:
            seconds = taken[evidence.EPIC_LOCK]["at"] - facts["killed_at"]
            resumed = run.tasks[task].agent
            check.figures = (
                f"after {seconds:.2f} s; {resumed} went on with {task} at step {facts['steps'] + 1}"
            )
        return check


def held(fences: dict[str, int]) -> str:
    return " and ".join(f"{resource} (token {token})" for resource, token in sorted(fences.items()))


def find_takeover(project: Project, resource: str, token: int) -> dict[str, Any] | None:
    """The event of somebody taking over the lease that `token` stood for."""
    for event in evidence.events(project, "lock.takeover"):
        if event["resource"] == resource and event.get("token") == token:
            return event
    return None
