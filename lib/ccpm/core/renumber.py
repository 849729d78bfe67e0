"""From the local names of tasks (`001.md`) to the numbers of their issues (`12.md`): which file is renamed to what,
in which order, and what references become.

Contract: pure. A `Numbered` is a task file with the number that its issue has. References are resolved against the
plan as it is before any renaming, exactly as the plan itself reads them (`001` and `1` mean one task unless both
files exist).

Guarantees
- References are rewritten once, from the old names to the new ones, all at the same time: 001 → 2 and 002 → 3 never
  make a 3 out of a 001. What names no task stays as it is written.
- A rename never lands on a file that exists: whoever stands in the way moves first, and a circle goes through a third
  name. A file that does not move keeps its place, and the one that wanted it keeps its old name (`kept`).
"""

from __future__ import annotations

import re

from ccpm.core.plan import EpicPlan, Task, task_id_of

ASIDE = ".{}.renaming"
"""The third name of a file in a circle. It begins with a dot and is no task."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Numbered:
    """A task and the number of its issue."""

    __slots__ = ("number", "task")

    def __init__(self, task: Task, number: int) -> None:
        self.task = task
        self.number = number

    @property
    def folder(self) -> str:
        head, slash, _ = self.task.key.rpartition("/")
        return head + slash

    @property
    def new_key(self) -> str:
        return f"{self.folder}{self.number}"


class Renames:
    """`moves`: (old name, new name) in the order in which they are done, relative to the epic. `kept`: files that
    stay under their old name, each with the file that has the name they wanted."""

    __slots__ = ("kept", "moves")

    def __init__(self) -> None:
        self.moves: list[tuple[str, str]] = []
        self.kept: list[tuple[str, str]] = []


def needs_rename(task: Task, number: int) -> bool:
    """Whether the file of `task` is to be called by its issue's number. `12-login.md` is so called already."""
    return task_id_of(task.key.rpartition("/")[2] + ".md") != str(number)


def references(entries: list[str], task: Task, plan: EpicPlan, numbers: dict[str, int]) -> list[str]:
    """`entries` of depends_on or conflicts_with of `task` with each task that has a number in `numbers` (by its key)
    called by it. Entries that name no task, and tasks without a number, stay as they are written."""
    out = []
    for entry in entries:
        found = plan.find(entry, task)
        out.append(str(numbers[found.key]) if found and found.key in numbers else entry)
    return out


def as_list(entries: list[str]) -> str:
    """`entries` as a YAML list on one line; what is no plain word is quoted."""
    quoted = [entry if _PLAIN.fullmatch(entry) else _quoted(entry) for entry in entries]
    return f"[{', '.join(quoted)}]"


def order(wanted: dict[str, str], present: set[str]) -> Renames:
    """The renames `wanted` (old name → new name) among the files `present`, in an order in which each is free to
    happen."""
    renames = Renames()
    pending = _without_blocked(dict(wanted), present, renames)
    taken = set(present)
    while pending:
        free = next((old for old in pending if pending[old] not in taken), None)
        if free is None:  # only circles are left: put one aside, and its place is free
            old = next(iter(pending))
            aside = _aside(old)
            renames.moves.append((old, aside))
            taken = taken - {old} | {aside}
            pending[aside] = pending.pop(old)
            continue
        new = pending.pop(free)
        renames.moves.append((free, new))
        taken = taken - {free} | {new}
    return renames


def _without_blocked(pending: dict[str, str], present: set[str], renames: Renames) -> dict[str, str]:
    """`pending` without those whose place is taken for good: by a file that does not move, or by an earlier claim."""
    while True:
        claimed: dict[str, str] = {}
        blocked = ""
        for old, new in pending.items():
            if (new in present and new not in pending) or new in claimed:
                blocked = old
                break
            claimed[new] = old
        if not blocked:
            return pending
        new = pending.pop(blocked)
        renames.kept.append((blocked, new))  # it may stand in the way of another one now: look again


def _aside(name: str) -> str:
    folder, slash, base = name.rpartition("/")
    return folder + slash + ASIDE.format(base)


def _quoted(text: str) -> str:
    escaped = (
        text.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\r", "\\r")
        .replace("\t", "\\t")
    )
    return f'"{escaped}"'
