"""Which task a user means: the one place that decides it, whatever the command.

Contract: a reference is `EPIC/TASK`, or `TASK` alone (`#TASK`), which is looked for in every epic that is not archived.
`TASK` is the number of an issue, or what the task's file is called (`002`, `2-login`, `tasks/002`).

Guarantees
- An exact name wins: `2` is issue 2 or the file 2.md, `002` is the file 002.md, whatever else there is. Only what
  nothing is called exactly is read as a number: then `2` is 002.md, and `002` is issue 2.
- What several tasks are called is refused (UsageError, 2) with each of them as EPIC/TASK. Nothing is guessed.
"""

from __future__ import annotations

from ccpm.core.plan import Task, number_of, reference_of
from ccpm.errors import NotFound, UsageError
from ccpm.ops.plan import plans
from ccpm.ops.plan.plans import Epic
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    IssueOf = Callable[[str], str]


class Named:
    """What a reference names: a `task` of the epic `epic`, or (None) the epic itself, by its issue."""

    __slots__ = ("epic", "link", "task")

    def __init__(self, epic: Epic, task: Task | None) -> None:
        self.epic = epic.name
        self.task = task
        self.link = task.github if task else epic.github

    def __str__(self) -> str:
        return f"{self.epic}/{self.task.key}" if self.task else self.epic


def find(top: str, reference: str, issue_of: IssueOf = plans.issue_of) -> Named:
    """What `reference` names. `issue_of`: the number of the issue that a `github:` value links to, "" for none.
    NotFound (66), or UsageError (2) for what several tasks are called or none can be."""
    name, slash, wanted = reference.partition("/")
    wanted = (wanted if slash else reference).strip().lstrip("#")
    loaded = [plans.load_epic(top, name)] if slash else plans.load(top)[0]
    found = [named for epic in loaded for named in _exactly(epic, wanted, issue_of)]
    found = found or [named for epic in loaded for named in _by_number(epic, wanted, issue_of)]
    if len(found) > 1:
        names = [str(named) for named in found]
        raise UsageError(
            f"several are called {reference!r}: {', '.join(names)}",
            f"name one of them as it is written here: {quoted(names[0])}",
            candidates=names,
        )
    if found:
        return found[0]
    if slash:
        raise NotFound(f"epic {name!r} has no task {wanted!r}", f"ccpm-query epic-show {quoted(name)}")
    if not reference_of(wanted)[:1].isdigit() or not wanted.strip("0"):
        raise UsageError(
            f"{reference[:40]!r} names no task",
            "name it EPIC/TASK, or by the number of its issue; the epics: ccpm-query epic-list",
        )
    raise NotFound(
        f"no epic has a task or issue {reference!r}", "name it EPIC/TASK; the epics: ccpm-query epic-list"
    )


def task(top: str, reference: str) -> Task:
    """The task that `reference` names; UsageError (2) also for an epic, named by its issue."""
    found = find(top, reference)
    if found.task is None:
        raise UsageError(
            f"{reference!r} is the epic {found.epic!r} itself",
            f"name a task as EPIC/TASK; its own: ccpm-query epic-show {quoted(found.epic)}",
        )
    return found.task


def of_issue(top: str, number: int, issue_of: IssueOf = plans.issue_of) -> Named | None:
    """What of the plan is linked to issue `number`."""
    found = (named for epic in plans.load(top)[0] for named in _all(epic))
    return next((named for named in found if issue_of(named.link) == str(number)), None)


def issue_number(reference: str) -> int:
    """The number of an issue that may stand outside the plan: of `2` and `#2`, 0 for any other reference."""
    text = reference.strip().lstrip("#")
    is_number = text.isascii() and text.isdigit() and not text.startswith("0") and len(text) < 16
    return int(text) if is_number else 0


def _all(epic: Epic) -> list[Named]:
    return [Named(epic, None), *(Named(epic, one) for one in epic.plan.tasks)]


def _exactly(epic: Epic, wanted: str, issue_of: IssueOf) -> list[Named]:
    identifier = reference_of(wanted)
    linked = [named for named in _all(epic) if identifier and issue_of(named.link) == identifier]
    called = [Named(epic, one) for one in epic.plan.tasks if one.key == wanted]
    called = called or [Named(epic, one) for one in epic.plan.tasks if one.id == identifier]
    return list({str(named): named for named in [*linked, *called]}.values())


def _by_number(epic: Epic, wanted: str, issue_of: IssueOf) -> list[Named]:
    number = number_of(reference_of(wanted))
    return [
        named
        for named in _all(epic)
        if number
        and number in (number_of(issue_of(named.link)), number_of(named.task.id if named.task else ""))
    ]
