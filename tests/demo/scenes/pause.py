"""A worker is stopped (SIGSTOP) just before it closes its task, until its leases have expired and another worker has
taken over the task and closed it. Then it is continued, knows of nothing, and writes: that write must be refused
(11).

So that nobody has to wait for minutes, the leases of the stopped worker are shortened from outside to `LEASE`
seconds, by the tokens that it holds. Shortening them only when it has stopped keeps a slow machine from ending them
earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from demo import evidence
from demo.checks import Check, Run, takeovers
from demo.project import Project
from demo.scenes.crash import find_takeover, held
from demo.workers import Crew, Gate

TASK = "7"
LEASE = 1.0


class Pause:
    name = "pause"

    def __init__(self, project: Project) -> None:
        self._project = project
        self._gate = Gate(project, TASK, "close")
        self.facts: dict[str, Any] = {}

    def play(self, crew: Crew) -> Iterator[str]:
        while (sleeper := self._gate.visitor()) is None:
            yield ""
        crew.pause(sleeper.agent)
        for resource, token in sleeper.fences.items():
            self._project.must("ccpm-lock", "renew", resource, "--token", str(token), "--ttl", str(LEASE))
        yield f"{sleeper.agent} stopped just before it closes task {TASK}; it holds {held(sleeper.fences)}"

        for resource, token in sorted(sleeper.fences.items()):
            while (taken := find_takeover(self._project, resource, token)) is None:
                yield ""
            yield f"{taken['by']} took over {resource} ({taken['why']})"
        while evidence.tasks(self._project)[TASK].status != "closed":
            yield ""
        closer = evidence.tasks(self._project)[TASK].agent
        before = self._hash()
        self._gate.open()
        crew.resume(sleeper.agent)
        yield f"{closer} closed task {TASK}; {sleeper.agent} continues and closes it too"

        while (late := self._late_write(sleeper.agent)) is None:
            yield ""
        self.facts = {
            "task": TASK,
            "agent": sleeper.agent,
            "fences": sleeper.fences,
            "closer": closer,
            "status": late.status,
            "sha256": [before, self._hash()],
        }
        yield f"the late write of {sleeper.agent} ended with status {late.status}"

    def _late_write(self, agent: str) -> evidence.Write | None:
        for write in evidence.writes(self._project):
            if write.agent == agent and write.purpose == "close" and write.file == f"{TASK}.md":
                return write
        return None

    def _hash(self) -> str:
        return sha256((self._project.epic / f"{TASK}.md").read_bytes()).hexdigest()

    @staticmethod
    def verify(run: Run) -> Check:
        check = Check("late write of the paused worker refused")
        facts = run.facts["pause"]
        if not facts:
            check.problems.append("no worker was paused, or it never continued")
            return check
        task, agent = facts["task"], facts["agent"]
        before, after = facts["sha256"]
        check.expect(facts["status"] == 11, f"it ended with status {facts['status']}, not 11")
        check.expect(before == after, f"{task}.md changed")
        check.expect(
            facts["closer"] not in ("", agent), f"task {task} was closed by {facts['closer'] or 'nobody'}"
        )
        check.expect(
            run.tasks[task].agent == facts["closer"], f"task {task} is now {run.tasks[task].agent}'s"
        )
        takeovers(check, run, facts)
        refused = [
            event
            for event in evidence.events(run.project, "fence.refused")
            if facts["fences"].get(event["resource"]) == event["token"]
        ]
        check.expect(bool(refused), "the event log tells of no refused fence")
        ended = run.facts["exits"][agent]
        check.expect(ended == 0, f"{agent} ended with {ended}: it should go on with other tasks")
        check.figures = f"status {facts['status']}, {task}.md unchanged, closed by {facts['closer']}"
        return check
