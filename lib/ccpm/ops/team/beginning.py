"""The begin of work: a task with its analysis, and an epic with its worktree.

Contract: the task is taken first, then the agent is registered with it: who is refused leaves no trace. Doing it again
as the same agent changes nothing.
"""

from __future__ import annotations

from ccpm.core.plan import Task
from ccpm.ops.actor import Actor
from ccpm.ops.branches import worktrees
from ccpm.ops.distribution import work
from ccpm.ops.plan import naming, plans
from ccpm.ops.team import agents, analyses, briefing
from ccpm.ops.team.analyses import Reading
from ccpm.ops.team.briefing import Brief


def issue(actor: Actor, reference: str, pid: int) -> tuple[Task, Reading]:
    """Take the task `reference`, begin it, and register the actor with it; (it, its analysis). NotFound (66) without an
    analysis, Busy (75) if it is another agent's or has to wait: nothing was changed then."""
    task = naming.task(actor.top, reference)
    reading = analyses.read(actor.top, task.epic, task.id)
    work.start(actor, f"{task.epic}/{task.key}")
    agents.register(actor, task.epic, f"issue {task.id}", pid)
    return task, reading


def epic(actor: Actor, name: str, pid: int) -> tuple[dict[str, object], list[Brief]]:
    """Register the actor in the epic `name` and make its worktree; (the worktree, the open tasks)."""
    plans.load_epic(actor.top, name)
    agents.register(actor, name, pid=pid)
    return worktrees.add_for_epic(actor, name), briefing.of_epic(actor, name)
