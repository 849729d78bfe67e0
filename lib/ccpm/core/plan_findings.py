"""What is wrong with the plan of one epic: references, numbers, progress.

Contract: pure. Each function takes the plan and gives findings that name the file of the task and the key; the caller,
who has the files, adds the line. A reference that names no task counts as `renamed` if it has leading zeros and its
task has not: then the task got its issue's number, and the reference kept the old one.
"""

from __future__ import annotations

import re

from ccpm.core.findings import Finding
from ccpm.core.plan import EpicPlan, Task, number_of, reference_of, task_id_of

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%?\s*")


def judge(plan: EpicPlan, folder: str) -> list[Finding]:
    """Everything that the tasks of one epic show; `folder` is the epic's, as hints name it (quoted for a shell)."""
    return [*_references(plan, folder), *_circles(plan), *_collisions(plan)]


def missing_references(plan: EpicPlan, task: Task) -> list[tuple[str, str]]:
    """(key, reference) for each entry of depends_on and conflicts_with of `task` that names no task."""
    entries = [("depends_on", reference) for reference in task.depends_on]
    entries += [("conflicts_with", reference) for reference in task.conflicts_with]
    return [(key, reference) for key, reference in entries if plan.find(reference, task) is None]


def is_renamed(task: Task, reference: str) -> bool:
    return reference_of(reference).startswith("0") and not task.id.startswith("0")


def new_reference(plan: EpicPlan, epic: str, reference: str, renames: list[tuple[str, str]]) -> str:
    """`reference` with the number that its task has now, according to `renames` (old path, new path) of files; "" if
    they name no task of the plan, or more than one."""
    old = reference_of(reference)
    following: dict[str, set[str]] = {}
    for before, after in renames:
        if _is_in_epic(before, epic) and _is_in_epic(after, epic):
            following.setdefault(before, set()).add(after)
    waiting = [path for path in following if number_of(task_id_of(_name(path))) == number_of(old)]
    seen: set[str] = set()
    ends: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += following.get(path, ())
            ends |= set() if path in following else {task_id_of(_name(path))}
    there = {end for end in ends if end and any(task.id == end for task in plan.tasks)}
    return reference.replace(old, there.pop()) if len(ends) == 1 and there else ""


def _is_in_epic(path: str, epic: str) -> bool:
    folders = path.split("/")[:-1]
    return epic in (folders[-1:] or [""]) or folders[-2:] == [epic, "tasks"]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def is_progress_wrong(stated: str, plan: EpicPlan) -> bool:
    """Whether `stated` is a number that is no rounding of the closed part of the tasks. Without tasks nothing is."""
    match = _PERCENT.fullmatch(stated.strip("'\""))
    if not match or not plan.tasks:
        return False
    closed = sum(task.is_closed for task in plan.tasks)
    return abs(float(match[1]) - closed * 100 / len(plan.tasks)) >= 1


def _references(plan: EpicPlan, folder: str) -> list[Finding]:
    found = []
    for task in plan.tasks:
        for key, reference in missing_references(plan, task):
            what = f"Task {task.id} references missing task: {reference}"
            if key != "depends_on":
                what += f" ({key})"
            change = f"ccpm-fm-cas update {{file}} '{key}=[…]'"
            if is_renamed(task, reference):
                hint = f"see which number it got (git log --diff-filter=R --name-status -- {folder}), then {change}"
                found.append(Finding("renamed", task.file, what, hint, key=key))
            else:
                hint = f"name a task that is there, or leave it out: {change}"
                found.append(Finding("dangling", task.file, what, hint, key=key))
    return found


def _circles(plan: EpicPlan) -> list[Finding]:
    found = []
    for task in plan.tasks:
        if any(blocker.task is task for blocker in plan.dependencies(task)):
            hint = "leave its own number out: ccpm-fm-cas update {file} 'depends_on=[…]'"
            what = f"Task {task.id} depends on itself"
            found.append(Finding("self-dependency", task.file, what, hint, key="depends_on"))
    for cycle in plan.cycles():
        if len(cycle) > 1:
            names = ", ".join(task.id for task in cycle)
            hint = "decide which comes first, and drop its dependency: ccpm-fm-cas update {file} 'depends_on=[…]'"
            what = f"Tasks depend on each other in a circle: {names}"
            found.append(Finding("circular", cycle[0].file, what, hint, key="depends_on"))
    return found


def _collisions(plan: EpicPlan) -> list[Finding]:
    groups: dict[tuple[str, object], list[Task]] = {}
    for task in plan.tasks:
        groups.setdefault((task.key.rpartition("/")[0], number_of(task.id)), []).append(task)
    found = []
    for group in groups.values():
        first = group[0]
        for other in group[1:]:
            names = f"{first.file.rpartition('/')[2]} and {other.file.rpartition('/')[2]}"
            what = f"Two files for task {first.id}: {names} ({first.status}, {other.status})"
            hint = "compare them, then give one of them a free number (git mv) or archive it"
            found.append(Finding("id-collision", other.file, what, hint))
    return found
