"""What a plan means: tasks, epics and PRDs, what is ready, what blocks what, how far it is.

Contract: pure. `files/plan_tree.py` reads the files; here are the rules, one place each:
- a status counts by its meaning: closed = completed = complete = done; in_progress = in-progress; case, quotes and
  blanks do not matter; anything else that is not closed or running is open;
- an id is a name, not a number: `002` and `2` mean the same task unless both files exist;
- a task is ready when it is open and every task it depends on is closed. A dependency that names no task is not
  closed: the task stays blocked, and says so, until somebody mends the reference;
- progress is closed tasks by all tasks, in whole percent, rounded down.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ccpm.core.graph import longest_chains, strongly_connected

OPEN = "open"
IN_PROGRESS = "in-progress"
CLOSED = "closed"
BLOCKED = "blocked"

_MEANING = {
    **dict.fromkeys(("closed", "completed", "complete", "done", "finished", "implemented", "merged"), CLOSED),
    **dict.fromkeys(("in-progress", "active", "started", "wip", "doing"), IN_PROGRESS),
    BLOCKED: BLOCKED,
    **dict.fromkeys(
        (
            "open",
            "ready",
            "pending",
            "backlog",
            "todo",
            "to-do",
            "not-started",
            "planned",
            "planning",
            "new",
            "draft",
        ),
        OPEN,
    ),
}

_TASK_FILE = re.compile(r"(?:(?:task|issue)-)?(\d+(?:\.\d+)*[a-z]?)(?:-(.+))?\.md", re.IGNORECASE | re.DOTALL)
_COMPANIONS = ("analysis", "plan", "summary")
"""`12-analysis.md` and its like stand beside a task and are none."""

_REFERENCE = re.compile(
    r"(?:#|(?:task|issue)[-\s#]*)?(\d+(?:\.\d+)*[a-z]?)(?:\.md)?(?:[-\s:].*)?", re.IGNORECASE | re.DOTALL
)
_HOURS = re.compile(r"(\d+(?:\.\d+)?)(?:\s*(?:-|–|to)\s*(\d+(?:\.\d+)?))?\s*(d|w)?", re.IGNORECASE)
_PARTS = re.compile(r"\d+|[^\d.]+")
_UNITS = {"d": 8.0, "w": 40.0}
_SIZES = {"xs": 2.0, "s": 4.0, "m": 8.0, "l": 16.0, "xl": 32.0}


@lru_cache(256)
def status_of(text: str) -> str:
    """One of OPEN, IN_PROGRESS, CLOSED, BLOCKED for a status as somebody wrote it. What is no known one is OPEN."""
    return _MEANING.get(_plain(text), OPEN)


def is_status(text: str) -> bool:
    """Whether `text` is a status that somebody could mean."""
    return _plain(text) in _MEANING


def _plain(text: str) -> str:
    return text.strip().strip("'\"").strip().lower().replace("_", "-").replace(" ", "-")


@lru_cache(4096)
def task_id_of(file_name: str) -> str:
    """The id in a task's file name (`007-login.md` → `007`), or "" if the file is no task."""
    match = _TASK_FILE.fullmatch(file_name)
    if not match or (match[2] and match[2].lower().rpartition("-")[2] in _COMPANIONS):
        return ""
    return match[1]


@lru_cache(4096)
def number_of(identifier: str) -> tuple[tuple[int, int, str], ...]:
    """What ids are compared and sorted by: 2 before 10, `002` equal to `2`, `0.1` between 0 and 1."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in _PARTS.findall(identifier)
    )


def reference_of(text: str) -> str:
    """The id that an entry of depends_on names (`#12`, `12.md`, `task-12`, `"012"`), or the text itself."""
    stripped = text.strip().strip("'\"").strip()
    match = _REFERENCE.fullmatch(stripped)
    return match[1] if match else stripped


@lru_cache(256)
def hours_of(text: str) -> float:
    """Effort in hours out of `4-6 hours`, `2d`, `M`, `6`: the middle of a range; 0.0 if it says nothing."""
    cleaned = text.strip().strip("'\"").lstrip("~ ")
    size = _SIZES.get(cleaned.partition(" ")[0].lower())
    match = _HOURS.search(cleaned)
    if not match:
        return size or 0.0
    low = float(match[1])
    high = float(match[2]) if match[2] else low
    return (low + high) / 2 * _UNITS.get((match[3] or "").lower(), 1.0)


class Task:
    """One task file. `key` is its path below the epic without `.md` (unique there), `id` the id in its name, `files`
    the patterns (as in .gitignore) of what it will change, if it says so."""

    __slots__ = (
        "conflicts_with", "created", "depends_on", "epic", "file", "files", "github", "hours",
        "id", "is_parallel", "key", "name", "stated", "status", "updated",
    )  # fmt: skip

    def __init__(
        self,
        epic: str,
        key: str,
        file: str,
        name: str,
        stated: str,
        depends_on: list[str],
        conflicts_with: list[str],
        is_parallel: bool = False,
        hours: float = 0.0,
        github: str = "",
        created: str = "",
        updated: str = "",
        files: list[str] | None = None,
    ) -> None:
        self.epic = epic
        self.key = key
        self.id = task_id_of(key.rpartition("/")[2] + ".md")
        self.file = file
        self.name = name
        self.stated = stated
        self.status = status_of(stated)
        self.depends_on = depends_on
        self.conflicts_with = conflicts_with
        self.is_parallel = is_parallel
        self.hours = hours
        self.github = github
        self.created = created
        self.updated = updated
        self.files = files or []

    @property
    def is_closed(self) -> bool:
        return self.status == CLOSED


class Blocker:
    """Why a task cannot start: the reference as written, and the open task it names (None: it names none)."""

    __slots__ = ("reference", "task")

    def __init__(self, reference: str, task: Task | None) -> None:
        self.reference = reference
        self.task = task


class EpicPlan:
    """The tasks of one epic and how they hang together. `default_hours`: of a task that states no effort."""

    def __init__(self, tasks: list[Task], default_hours: float = 1.0) -> None:
        self.default_hours = default_hours
        self.tasks = sorted(tasks, key=lambda task: (number_of(task.id), task.key))
        self._by_key = {task.key: task for task in self.tasks}
        self._by_id: dict[str, list[Task]] = {}
        self._by_number: dict[tuple[tuple[int, int, str], ...], list[Task]] = {}
        for task in self.tasks:
            self._by_id.setdefault(task.id, []).append(task)
            self._by_number.setdefault(number_of(task.id), []).append(task)
        self._chains: dict[str, float] = {}
        self._conflicts: dict[str, dict[str, Task]] | None = None

    def find(self, reference: str, near: Task | None = None) -> Task | None:
        """The task that `reference` names: by key, by id as written, else by number; among several, one in the
        folder of `near` first."""
        if reference in self._by_key:
            return self._by_key[reference]
        identifier = reference_of(reference)
        found = self._by_id.get(identifier) or self._by_number.get(number_of(identifier)) or []
        if near and len(found) > 1:
            folder = near.key.rpartition("/")[0]
            found = [task for task in found if task.key.rpartition("/")[0] == folder] or found
        return found[0] if found else None

    def dependencies(self, task: Task) -> list[Blocker]:
        """Every entry of depends_on with the task it names."""
        return [Blocker(reference, self.find(reference, task)) for reference in task.depends_on]

    def blockers(self, task: Task) -> list[Blocker]:
        """The dependencies that are not closed."""
        return [b for b in self.dependencies(task) if b.task is None or not b.task.is_closed]

    def conflicts(self, task: Task) -> list[Task]:
        """The tasks that may not be worked on beside `task`: `conflicts_with`, named on either side."""
        if self._conflicts is None:
            self._conflicts = {one.key: {} for one in self.tasks}
            for one in self.tasks:
                for other in filter(None, (self.find(ref, one) for ref in one.conflicts_with)):
                    if other is not one:
                        self._conflicts[one.key][other.key] = other
                        self._conflicts[other.key][one.key] = one
        return list(self._conflicts[task.key].values())

    def is_ready(self, task: Task) -> bool:
        return task.status == OPEN and not self.blockers(task)

    def is_blocked(self, task: Task) -> bool:
        return task.status == BLOCKED or (task.status == OPEN and bool(self.blockers(task)))

    def ready(self) -> list[Task]:
        """Ready tasks, the one that holds up the most work first: by the longest chain of unfinished tasks behind it
        (critical path first: Graham, 1969), then by id."""
        ready = [task for task in self.tasks if self.is_ready(task)]
        return sorted(ready, key=lambda task: (-self.chain(task), number_of(task.id), task.key))

    def blocked(self) -> list[Task]:
        return [task for task in self.tasks if self.is_blocked(task)]

    def count(self, status: str) -> int:
        return sum(task.status == status for task in self.tasks)

    @property
    def progress(self) -> int:
        return self.count(CLOSED) * 100 // len(self.tasks) if self.tasks else 0

    def chain(self, task: Task) -> float:
        """Hours on the longest chain of unfinished tasks that starts with `task` (`default_hours` where no
        effort is given). Tasks in a cycle count together, once."""
        if not self._chains:
            self._compute_chains()
        return self._chains[task.key]

    def cycles(self) -> list[list[Task]]:
        """Groups of tasks that depend on each other in a circle (strongly connected; a task on itself included)."""
        followers = {task.key: [b.task for b in self.dependencies(task) if b.task] for task in self.tasks}
        groups = strongly_connected({key: [task.key for task in tasks] for key, tasks in followers.items()})
        by_key = {task.key: task for task in self.tasks}
        return [
            [by_key[key] for key in sorted(group, key=lambda key: (number_of(by_key[key].id), key))]
            for group in groups
            if len(group) > 1 or any(task.key == group[0] for task in followers[group[0]])
        ]

    def _compute_chains(self) -> None:
        unfinished = {task.key: task for task in self.tasks if not task.is_closed}
        unblocks: dict[str, list[str]] = {key: [] for key in unfinished}
        for task in unfinished.values():
            for blocker in self.blockers(task):
                if blocker.task and blocker.task.key != task.key:
                    unblocks[blocker.task.key].append(task.key)
        weights = {key: task.hours or self.default_hours for key, task in unfinished.items()}
        self._chains = {**{task.key: 0.0 for task in self.tasks}, **longest_chains(weights, unblocks)}
