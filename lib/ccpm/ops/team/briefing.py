"""What can begin now: the open tasks of an epic, who has them, and the streams of those that are analysed.

Contract: read-only, a snapshot. A task is `ready` (nobody has it and nothing holds it up), `taken` by an agent, or
`blocked`; a task whose dependencies are not closed has no streams that can begin, whatever its analysis says.
"""

from __future__ import annotations

from ccpm.core.plan import Task
from ccpm.errors import NotFound
from ccpm.ops.actor import Actor
from ccpm.ops.distribution.board import Look
from ccpm.ops.plan import plans
from ccpm.ops.team import analyses
from ccpm.ops.team.analyses import READY, Reading

TAKEN, BLOCKED, FREE = "taken", "blocked", "ready"


class Brief:
    """One open task: its `state`, the `agent` that has it ("": nobody), what it `waits_for`, and the `reading` of its
    analysis (None: it has none)."""

    __slots__ = ("agent", "reading", "state", "task", "waits_for")

    def __init__(
        self, task: Task, state: str, agent: str, waits_for: list[str], reading: Reading | None
    ) -> None:
        self.task = task
        self.state = state
        self.agent = agent
        self.waits_for = waits_for
        self.reading = reading

    @property
    def number(self) -> str:
        """The number of the task: that of its issue, once it has one."""
        return plans.issue_of(self.task.github) or self.task.id

    @property
    def can_begin(self) -> bool:
        """Whether an agent could do something for it now: analyse it, take it, or take one of its streams."""
        if self.state == BLOCKED:
            return False
        if self.reading is None or not self.reading.parts:
            return self.state == FREE
        return any(part.status == READY for part in self.reading.parts)


def of_epic(actor: Actor, epic: str) -> list[Brief]:
    """The open tasks of `epic`, in the order of its plan. NotFound (66) without such an epic."""
    look = Look(actor, epic)
    found = []
    for task in look.plan.tasks:
        if task.is_closed:
            continue
        waits_for = [blocker.reference for blocker in look.plan.blockers(task)]
        claim = look.held.get(task.key)
        state = TAKEN if claim else BLOCKED if waits_for or look.plan.is_blocked(task) else FREE
        found.append(
            Brief(task, state, claim.agent if claim else "", waits_for, _analysis(actor.top, epic, task))
        )
    return found


def _analysis(top: str, epic: str, task: Task) -> Reading | None:
    for number in dict.fromkeys((task.id, plans.issue_of(task.github))):
        if number:
            try:
                return analyses.read(top, epic, number)
            except NotFound:
                continue
    return None
