"""The section "Tasks Created" of an epic: one line a task, and the totals below. Pure.

    ## Tasks Created
    - [ ] #001 - Store password hashes (parallel: true)

    Total tasks: 1
    …

Contract: `updated` makes the section say what the task files say; where there is none, it is added at the end.
`ticked` only sets the boxes. Lines of the section that are neither a task's nor a total keep their place: people group
tasks under headings of their own and write notes between them.
"""

from __future__ import annotations

import re

from ccpm.core.plan import EpicPlan, Task

TITLE = "## Tasks Created"

_ITEM = re.compile(r"([-*] \[)([ xX])(\] #?)([\w.-]+?)(?:\.md)?(?:\s.*)?")
_TOTAL = re.compile(
    r"(\**(Total tasks|Parallel tasks|Sequential tasks|Estimated total effort):\**\s*)(\S+)(.*)"
)


def updated(body: str, plan: EpicPlan) -> str:
    """`body` (the text of an epic behind its frontmatter) with the section as the tasks of `plan` have it."""
    lines, newline = _split(body)
    start, end = _section(lines)
    if start < 0:
        head = body.rstrip()
        section = newline.join([TITLE, *map(_item, plan.tasks), "", *_totals(plan).values()])
        return (head + newline * 2 if head else "") + section + newline
    return newline.join([*lines[: start + 1], *_renewed(lines[start + 1 : end], plan), *lines[end:]])


def refreshed(body: str, plan: EpicPlan) -> str:
    """The same as `updated` where there is a section; else `body`."""
    return updated(body, plan) if _section(_split(body)[0])[0] >= 0 else body


def ticked(body: str, plan: EpicPlan) -> str:
    """`body` with the box of each task that the section names set if the task is closed, and empty if not."""
    lines, newline = _split(body)
    start, end = _section(lines)
    for number in range(start + 1, end):
        match = _ITEM.fullmatch(lines[number])
        task = plan.find(match[4]) if match else None
        if match and task and task.is_closed != (match[2] != " "):
            lines[number] = f"{match[1]}{'x' if task.is_closed else ' '}{lines[number][match.end(2) :]}"
    return newline.join(lines)


def _split(body: str) -> tuple[list[str], str]:
    """The lines, and the line end that joins them to `body` again."""
    newline = "\r\n" if "\r\n" in body and body.count("\r\n") == body.count("\n") else "\n"
    return body.split(newline), newline


def _section(lines: list[str]) -> tuple[int, int]:
    """(line of the title, line behind the section); (-1, -1) if there is none."""
    for start, line in enumerate(lines):
        if line.rstrip() == TITLE:
            behind = (n for n in range(start + 1, len(lines)) if re.match(r"#{1,2} ", lines[n]))
            return start, next(behind, len(lines))
    return -1, -1


def _renewed(lines: list[str], plan: EpicPlan) -> list[str]:
    missing = {task.key: task for task in plan.tasks}
    totals = _totals(plan)
    found: list[str] = []
    last = 0
    for line in lines:
        item, total = _ITEM.fullmatch(line), _TOTAL.fullmatch(line)
        if item:
            task = plan.find(item[4])
            if task and missing.pop(task.key, None):
                found.append(_item(task))
                last = len(found)
        elif total:
            fresh = totals.pop(total[2], "")
            found.append(f"{total[1]}{fresh.split(': ')[1].split()[0]}{total[4]}" if fresh else line)
        else:
            found.append(line)
    found[last:last] = [_item(task) for task in missing.values()]
    blank = len(found)
    while blank and not found[blank - 1].strip():
        blank -= 1
    if totals:
        are_some = blank and _TOTAL.fullmatch(found[blank - 1])
        found[blank:blank] = [*([] if are_some else [""]), *totals.values()]
    return found if found and not found[-1].strip() else [*found, ""]


def _item(task: Task) -> str:
    mark, parallel = "x" if task.is_closed else " ", "true" if task.is_parallel else "false"
    return f"- [{mark}] #{task.id} - {' '.join(task.name.split())} (parallel: {parallel})"


def _totals(plan: EpicPlan) -> dict[str, str]:
    parallel, hours = sum(task.is_parallel for task in plan.tasks), sum(task.hours for task in plan.tasks)
    values = {
        "Total tasks": f"{len(plan.tasks)}",
        "Parallel tasks": f"{parallel}",
        "Sequential tasks": f"{len(plan.tasks) - parallel}",
    }
    if hours:
        values["Estimated total effort"] = f"{hours:g} hours"
    return {name: f"{name}: {value}" for name, value in values.items()}
