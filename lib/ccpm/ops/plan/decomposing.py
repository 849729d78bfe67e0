"""Break an epic into tasks: many drafts become task files in one step, under the epic's lock.

Guarantee: it can be called again with the same drafts, after a kill too. A draft whose title a task of the epic has
already stands for that task, and is not created a second time.
"""

from __future__ import annotations

from ccpm.core import task_list
from ccpm.core.drafts import Draft
from ccpm.errors import NotFound, VersionConflict
from ccpm.ops.actor import Actor
from ccpm.ops.plan import creating, epics
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.plan.views import Data


def may_decompose(actor: Actor, name: str, is_fresh: bool) -> Data:
    """{file, status, tasks} of an epic that takes tasks; NotFound (66) without it. `is_fresh`: VersionConflict (10)
    if it has tasks or an issue already."""
    epic = creating.living(actor.top, name)
    if epic.folder.epic is None:
        raise NotFound(f"{epic.folder.path} has no epic.md", f"create it: /pm:prd-parse {quoted(name)}")
    if is_fresh and (epic.plan.tasks or epic.github):
        what = f"is synced: {epic.github}" if epic.github else f"has {len(epic.plan.tasks)} tasks"
        raise VersionConflict(
            f"epic {name!r} {what} already; nothing was written",
            f"add tasks with /pm:epic-decompose {quoted(name)}, then /pm:epic-sync {quoted(name)}",
        )
    return {
        "file": epic.folder.epic.path,
        "status": epic.stated_status or "backlog",
        "tasks": [f"{task.key}.md - {task.name}" for task in epic.plan.tasks],
    }


class Decomposed:
    """What `decompose` did: paths `created` in the order of the drafts, and the paths of tasks that `existed`."""

    __slots__ = ("created", "existed", "total")

    def __init__(self) -> None:
        self.created: list[str] = []
        self.existed: list[str] = []
        self.total = 0


def decompose(actor: Actor, epic: str, drafts: list[Draft]) -> Decomposed:
    """Create a task of `epic` for each draft, write its section "Tasks Created", recount it: all under its lock.

    Malformed (65), before anything is written, for a reference that names no task and for circular dependencies.
    """
    done = Decomposed()
    with actor.holding(epics.resource_of(epic), "epic-decompose") as fences:
        plan = creating.living(actor.top, epic)
        known = {" ".join(task.name.split()): task for task in plan.plan.tasks}
        number = creating.next_number(plan)
        ids: list[str] = []
        for draft in drafts:
            is_known = draft.name in known
            ids.append(known[draft.name].id if is_known else f"{number:03d}")
            number += not is_known
        resolved = [_resolved(draft, ids) for draft in drafts]
        creating.check_drafts(plan, resolved, ids, known)
        for draft, identifier in zip(resolved, ids, strict=True):
            if draft.name in known:
                done.existed.append(known[draft.name].file)
            else:
                done.created.append(creating.create_task(actor, plan, int(identifier), draft, fences))
        epics.recount(actor, epic, fences, task_list.updated, is_lenient=True)
        done.total = len(plan.plan.tasks) + len(done.created)
    return done


def _resolved(draft: Draft, ids: list[str]) -> Draft:
    def real(references: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(ids[int(entry[1:]) - 1] if entry.startswith("@") else entry for entry in references)

    return Draft(
        draft.name,
        draft.body,
        real(draft.depends_on),
        real(draft.conflicts_with),
        draft.is_parallel,
        draft.hours,
        draft.bug_for,
        draft.line,
    )
