"""Who does what: the task that an agent gets next, and the one that an idle agent takes from another.

Contract: pure. A `Board` is one look at an epic: its plan, who holds a claim on which task, who was assigned what, and
which started tasks lost their agent. The caller decides on it and acts while nobody else can
(ops/distribution/getting.py).

Guarantees
- `available` offers only tasks with all dependencies closed, that nobody holds, and that conflict with nothing in work.
- `find_steal` never takes a task that was started, nor the only task that its owner has in hand: two idle agents
  cannot pass one task to and fro.

Sources: the idle one looks for work, not the busy one for help (Blumofe & Leiserson, "Scheduling Multithreaded
Computations by Work Stealing", J. ACM 46, 1999); longest chain first (core/schedule.py).
"""

from __future__ import annotations

from ccpm.core.plan import IN_PROGRESS, OPEN, EpicPlan, Task, number_of
from ccpm.core.schedule import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Board:
    """One look at the work on an epic; tasks by their `key`.

    `held`: {task: agent} of the live claims. `assigned`: {task: agent} of the last plan. `abandoned`: {task: agent} of
    tasks in progress whose last agent has lost its claim since. `barred`: {task: why} of those that cannot be
    worked on now for another reason (files that somebody else owns). `begun`: tasks that their holder has started.
    """

    __slots__ = ("abandoned", "assigned", "barred", "begun", "held", "plan")

    def __init__(
        self,
        plan: EpicPlan,
        held: dict[str, str],
        assigned: dict[str, str] | None = None,
        abandoned: dict[str, str] | None = None,
        barred: dict[str, str] | None = None,
        begun: frozenset[str] = frozenset(),
    ) -> None:
        self.plan = plan
        self.held = held
        self.assigned = assigned or {}
        self.abandoned = abandoned or {}
        self.barred = barred or {}
        self.begun = begun

    def is_in_work(self, task: Task) -> bool:
        """Whether somebody works on `task` or is about to."""
        return task.key in self.held or (task.status == IN_PROGRESS and task.key not in self.abandoned)

    def load(self, agent: str) -> float:
        """Hours of the unfinished tasks that `agent` holds or was assigned."""
        return sum(self.hours(task) for task in self.plan.tasks if self._is_of(task, agent))

    def hours(self, task: Task) -> float:
        return task.hours or self.plan.default_hours

    def _is_of(self, task: Task, agent: str) -> bool:
        return not task.is_closed and self.held.get(task.key, self.assigned.get(task.key)) == agent


class Steal:
    """`task` goes from `victim`, who holds a claim on it (`is_held`) or was only assigned it."""

    __slots__ = ("is_held", "task", "victim")

    def __init__(self, task: Task, victim: str, is_held: bool) -> None:
        self.task = task
        self.victim = victim
        self.is_held = is_held


def available(board: Board, agent: str) -> list[Task]:
    """The tasks that `agent` may claim now, best first: those assigned to it, then those of nobody; within each,
    the one with the longest chain of unfinished work behind it."""
    offers = [
        task
        for task in board.plan.tasks
        if why_not(board, task) == "" and board.assigned.get(task.key, agent) == agent
    ]
    return sorted(offers, key=lambda task: (task.key not in board.assigned, *_urgency(board, task)))


def why_not(board: Board, task: Task) -> str:
    """Why nobody can claim `task` now, or ""."""
    if task.key in board.held:
        return f"{board.held[task.key]} has it"
    if task.is_closed:
        return "it is closed"
    if task.key not in board.abandoned and task.status != OPEN:
        return f"its status is {task.stated or task.status}"
    for blocker in board.plan.blockers(task):
        if blocker.task is None:
            return f"it depends on {blocker.reference}, which is no task"
        return f"it waits for #{blocker.task.id}"
    rivals = [other for other in board.plan.conflicts(task) if board.is_in_work(other)]
    if rivals:
        by = board.held.get(rivals[0].key)
        return f"it conflicts with #{rivals[0].id}, which {by or 'somebody'} works on"
    return board.barred.get(task.key, "")


def find_steal(board: Board, thief: str) -> Steal | None:
    """What the idle `thief` takes from the most loaded agent that has something to give.

    Work that is only assigned goes first: nobody is about to start it. A claim that has not been started goes only if
    its holder has another one.
    """
    victims = sorted({*board.held.values(), *board.assigned.values()} - {thief})
    for victim in sorted(victims, key=lambda agent: -board.load(agent)):
        candidates = [steal for task in board.plan.tasks if (steal := _stealable(board, task, victim))]
        if candidates:
            return min(candidates, key=lambda steal: (steal.is_held, *_urgency(board, steal.task)))
    return None


def flaw_of(record: dict[str, Any]) -> str:
    """What in the record of a board is not as it is read, "" if all is."""
    for name, part, kind in _parts(record):
        if not isinstance(part, dict if kind == "object" else int | float):
            return f"{name} is no {kind}"
    return ""


def to_jobs(plan: EpicPlan) -> list[Job]:
    """The unfinished tasks of `plan` as jobs for a schedule. A dependency that names no task is never met."""
    unfinished = [task for task in plan.tasks if not task.is_closed]
    jobs = []
    for task in unfinished:
        needs = frozenset(b.task.key if b.task else f"? {b.reference}" for b in plan.blockers(task))
        conflicts = frozenset(other.key for other in plan.conflicts(task))
        jobs.append(Job(task.key, task.hours or plan.default_hours, needs, conflicts))
    return jobs


def typical_hours(durations: list[float]) -> float:
    """What a task without a stated effort takes: the median of those done so far (hours), an hour before any was."""
    ordered = sorted(durations)
    return ordered[len(ordered) // 2] if ordered else 1.0


def _parts(record: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """(name, part, kind) of what is read of a board; what is in a part comes behind it."""
    yield "tasks", record.get("tasks", {}), "object"
    yield "plan", record.get("plan", {}), "object"
    yield "plan.assignments", record.get("plan", {}).get("assignments", {}), "object"
    for key, entry in record.get("tasks", {}).items():
        yield f"tasks.{key}", entry, "object"
        yield f"tasks.{key}.seconds", entry.get("seconds", 0), "number"
        for name in ("left", "left_by"):
            yield f"tasks.{key}.{name}", entry.get(name, {}), "object"


def _stealable(board: Board, task: Task, victim: str) -> Steal | None:
    if board.held.get(task.key) == victim:
        others = sum(held == victim for held in board.held.values()) - 1
        rivals = any(other.key in board.held for other in board.plan.conflicts(task))
        is_begun = task.status != OPEN or task.key in board.begun
        is_free = not is_begun and others > 0 and not rivals and not board.barred.get(task.key)
        return Steal(task, victim, True) if is_free else None
    if board.assigned.get(task.key) == victim and why_not(board, task) == "":
        return Steal(task, victim, False)
    return None


def _urgency(board: Board, task: Task) -> tuple[object, ...]:
    return (-board.plan.chain(task), number_of(task.id), task.key)
