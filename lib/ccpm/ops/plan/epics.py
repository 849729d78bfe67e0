"""Change what is there: the status of tasks, the progress of epics, texts; close and archive.

Whatever concerns a whole epic (progress, its list of tasks, archiving) happens while its lock `epic-<name>` is held,
and every write in there carries the lock's fencing token. Archiving moves; nothing here deletes.
"""

from __future__ import annotations

import os
import time

from ccpm.core import names, task_list
from ccpm.core.plan import CLOSED, IN_PROGRESS, OPEN, EpicPlan, status_of
from ccpm.errors import Busy, Malformed, NotFound
from ccpm.files import clock, events, root
from ccpm.files.plan_tree import PlanFile
from ccpm.ops import frontmatter, wording
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
from ccpm.ops.plan import plans
from ccpm.ops.plan.plans import Epic
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Render = Callable[[str, EpicPlan], str]

_STATUS_OPERATIONS = {CLOSED: "close-task", OPEN: "reopen-task", IN_PROGRESS: "start-task"}
_WORDS = {OPEN: "backlog", IN_PROGRESS: "in-progress", CLOSED: "completed"}
"""How an epic's status is written."""

ARCHIVE = ".claude/epics/.archived"
LOG = f"{ARCHIVE}/archive-log.md"


def resource_of(epic: str) -> str:
    """The lock of an epic: its folder's name, escaped."""
    resource = "epic-" + names.escape(epic)
    if len(resource) <= names.LONGEST:
        return resource
    from zlib import crc32

    return f"{resource[:180]}-{crc32(epic.encode('utf-8', 'surrogateescape')):08x}"


def refresh(actor: Actor, epic: str) -> dict[str, object]:
    """Recount the progress and status of `epic` from its tasks, under its lock."""
    with actor.holding(resource_of(epic), "epic-refresh") as fences:
        return recount(actor, epic, fences)


def set_task_status(
    actor: Actor, epic: str, reference: str, status: str, heeds_claims: bool = False
) -> dict[str, object]:
    """Set the status of a task (named by key or reference) and recount its epic, under the epic's lock. NotFound (66)
    without such a task. `heeds_claims`: NotYours (77) while another agent has it."""
    with actor.holding(resource_of(epic), _STATUS_OPERATIONS.get(status, "set-status")) as fences:
        plan = plans.load_epic(actor.top, epic).plan
        task = next((task for task in plan.tasks if task.key == reference), None) or plan.find(reference)
        if task is None:
            raise NotFound(f"epic {epic!r} has no task {reference!r}", f"ccpm-query epic-show {quoted(epic)}")
        if heeds_claims:
            claims.check_not_others(actor.store, task, actor.agent)
        if task.stated != status:
            path = os.path.join(actor.top, task.file)
            frontmatter.apply(frontmatter.Change(path, actor.agent, {"status": status}, (), fences))
        counted = recount(actor, epic, fences, is_lenient=True)
        return {"task": task.id, "file": task.file, "status": status, **counted}


def close_epic(actor: Actor, epic: str, archive: bool = False) -> dict[str, object]:
    """Mark `epic` completed, its PRD implemented; Busy (75) names the tasks that are still open. With `archive` move
    it away too. One that is archived already stays as it is."""
    with actor.holding(resource_of(epic), "epic-close") as fences:
        plan = plans.load_epic(actor.top, epic)
        open_tasks = [f"#{task.id}" for task in plan.plan.tasks if not task.is_closed]
        if open_tasks:
            raise Busy(
                f"epic {epic!r} has open tasks: {' '.join(open_tasks)}",
                f"close them first; ccpm-query epic-status {quoted(epic)} shows how far they are",
                open=open_tasks,
            )
        prd = prd_of(actor.top, plan)
        created = clock.from_any(plan.created)
        closed: dict[str, object] = {
            "epic": epic,
            "tasks": len(plan.plan.tasks),
            "days": max(0, int((time.time() - created) // 86400)) if created else None,
            "prd": prd.path if prd else None,
            "archived": plan.folder.path if plan.folder.is_archived else None,
            "already": plan.folder.is_archived and plan.status == CLOSED,
        }
        if closed["already"]:
            return closed
        _complete(actor, plan, prd, fences)
        return {**closed, "archived": _archive(actor, plan)} if archive else closed


def _complete(actor: Actor, plan: Epic, prd: PlanFile | None, fences: dict[str, int]) -> None:
    values = {"status": "completed", "progress": "100%"}
    if not plans.text(plan.folder.epic, "completed"):
        values["completed"] = now()
    frontmatter.apply(_change(actor, plan, values, fences))
    if prd and status_of(plans.text(prd, "status")) != CLOSED:
        path = os.path.join(actor.top, prd.path)
        frontmatter.apply(frontmatter.Change(path, actor.agent, {"status": "implemented"}, (), fences))


def archive(actor: Actor, epic: str) -> str:
    """Move `epic` to `.claude/epics/.archived/`; where it is then. Busy (75) while a task of it is claimed."""
    with actor.holding(resource_of(epic), "archive"):
        return archive_held(actor, epic)


def archive_held(actor: Actor, epic: str) -> str:
    """The same for a caller that holds the epic."""
    return _archive(actor, plans.load_epic(actor.top, epic))


def write_task_list(actor: Actor, epic: str) -> int:
    """Write the section "Tasks Created" of the epic from its task files; how many tasks it names."""
    with actor.holding(resource_of(epic), "task-list") as fences:
        return list_tasks(actor, epic, fences)


def list_tasks(actor: Actor, epic: str, fences: dict[str, int]) -> int:
    """The same for a caller that holds the epic."""
    plan = plans.load_epic(actor.top, epic)
    if _changes_text(plan, task_list.updated):
        frontmatter.apply(_change(actor, plan, {}, fences, task_list.updated))
    return len(plan.plan.tasks)


def recount(
    actor: Actor,
    epic: str,
    fences: dict[str, int],
    render: Render = task_list.ticked,
    is_lenient: bool = False,
) -> dict[str, object]:
    """Make epic.md say what the tasks say (progress, status, what `render` makes of its text), in one write and only
    where it says something else. An epic without task files can only be believed.

    NotFound (66) if there is no epic.md, Malformed (65) if its block cannot take the change. `is_lenient`: these are
    only said, for callers that have changed a task: what became of the task stands.
    """
    plan = plans.load_epic(actor.top, epic)
    counted = counts(plan)
    closed, total = plan.plan.count(CLOSED), len(plan.plan.tasks)
    before = {"progress": plan.stated_progress, "status": plan.stated_status}
    progress, status = before["progress"], before["status"]
    if total:
        progress = f"{plan.plan.progress}%"
        meaning = CLOSED if closed == total else IN_PROGRESS if closed or _is_begun(plan) else OPEN
        status = status if status and status_of(status) == meaning else _WORDS[meaning]
    values = {"progress": progress, "status": status}
    changed = {key: value for key, value in values.items() if value != before[key]}
    try:
        if changed or (plan.folder.epic and _changes_text(plan, render)):
            frontmatter.apply(_change(actor, plan, changed, fences, render))
    except (Malformed, NotFound) as error:
        if not is_lenient:
            raise
        actor.say(f"epic {epic!r} was not recounted: {error.message}")
    return {**counted, "progress": progress, "epic_status": status}


def counts(epic: Epic) -> dict[str, object]:
    """What `recount` answers for an epic that it leaves as it is."""
    closed, total = epic.plan.count(CLOSED), len(epic.plan.tasks)
    before = {"progress": epic.stated_progress, "status": epic.stated_status}
    return {
        "epic": epic.name,
        "closed": closed,
        "open": total - closed,
        "total": total,
        "progress": before["progress"],
        "epic_status": before["status"],
        "before": before,
    }


def prd_of(top: str, epic: Epic) -> PlanFile | None:
    """The PRD that `epic` names (`prd: .claude/prds/x.md`, or `x`), else the one with its name; None without one."""
    from ccpm.files import plan_tree

    stated = plans.text(epic.folder.epic, "prd").removesuffix(".md").rpartition("/")[2]
    for name in (stated, epic.name):
        path = f".claude/prds/{name}.md"
        if name and os.path.isfile(os.path.join(top, path)):
            return plan_tree.read(top, path)
    return None


def _is_begun(plan: Epic) -> bool:
    return plan.plan.count(IN_PROGRESS) > 0


def _change(
    actor: Actor,
    plan: Epic,
    values: dict[str, str],
    fences: dict[str, int],
    render: Render | None = None,
) -> frontmatter.Change:
    """A change of epic.md; `render` makes its new body out of the one it has, and the plan."""
    if plan.folder.epic is None:
        raise NotFound(f"{plan.folder.path} has no epic.md", f"create it: /pm:prd-parse {quoted(plan.name)}")
    path = os.path.join(actor.top, plan.folder.epic.path)
    return frontmatter.Change(
        path,
        actor.agent,
        values,
        (),
        fences,
        body=(lambda text: render(text, plan.plan)) if render else None,
    )


def _changes_text(plan: Epic, render: Render) -> bool:
    """Whether `render` makes another text of that of epic.md."""
    if plan.folder.epic is None:
        return True  # writing it says what is missing
    old = plan.folder.epic.document.parts()[1].decode("utf-8", "surrogateescape")
    return render(old, plan.plan) != old


def _archive(actor: Actor, plan: Epic) -> str:
    if plan.folder.is_archived:
        return plan.folder.path
    held = claims.held(actor.store)
    for task in plan.plan.tasks:
        claim = claims.find(task, held)
        if claim and claim.agent != actor.agent:
            raise Busy(
                f"task #{task.id} of epic {plan.name!r} is held by {wording.lease(claim.lease)}",
                "wait until its agent is done, then archive the epic",
            )
    moment = now()
    target = f"{ARCHIVE}/{plan.name}"
    if os.path.lexists(os.path.join(actor.top, target)):
        target += "-" + moment.replace(":", "").replace("-", "")
    root.make_dir(os.path.join(actor.top, ARCHIVE))
    left = [f"#{task.id}" for task in plan.plan.tasks if not task.is_closed]
    if left:
        actor.say(f"epic {plan.name!r} goes with {len(left)} open tasks: {' '.join(left)}")
    os.rename(os.path.join(actor.top, plan.folder.path), os.path.join(actor.top, target))
    events.append(actor.top, "epic.archived", epic=plan.name, agent=actor.agent, to=target)
    tasks = f"{plan.plan.count(CLOSED)} of {len(plan.plan.tasks)} tasks closed"
    log(actor, f"- {moment}: epic {plan.name} → {target} ({tasks})")
    return target


def now() -> str:
    """This moment, as files say it."""
    return clock.to_iso(time.time())


def log(actor: Actor, line: str) -> None:
    """Add a line to the log of what was archived."""
    from ccpm.ops import plain_files

    path = os.path.join(actor.top, LOG)
    root.make_dir(os.path.dirname(path))
    head = "" if os.path.exists(path) else "# Archive log\n\n"
    plain_files.write(plain_files.Write(path, f"{head}{line}\n".encode(), actor.agent, append=True))
