"""Change the plan: new PRDs, epics and tasks, progress, closing, archiving. The use cases behind ccpm-plan.

Whatever concerns a whole epic (numbers, progress, archiving) happens while its lock `epic-<name>` is held, and every
write in there carries the lock's fencing token. Numbers are allocated under that lock from the files that are there:
no gaps, no collisions, whatever runs beside. Archiving moves; nothing here deletes.
"""

from __future__ import annotations

import os
import re
import time

from ccpm.core import names
from ccpm.core.plan import CLOSED, IN_PROGRESS, OPEN
from ccpm.errors import Busy, NotFound, UsageError, VersionConflict
from ccpm.files import clock, events, plain, plan_tree, root
from ccpm.files.plain import Guarded
from ccpm.files.yaml_inline import write_scalar
from ccpm.ops import claims, frontmatter, plans, wording
from ccpm.ops.actor import Actor
from ccpm.ops.fences import Fenced

_SECTION = re.compile(rb"^## Tasks Created[ \t]*\r?$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_LONGEST = 120
_STATUS_OPERATIONS = {CLOSED: "close-task", OPEN: "reopen-task", IN_PROGRESS: "start-task"}


class NewTask:
    """What a new task file is made of; `body` is the text below the frontmatter."""

    __slots__ = ("body", "bug_for", "conflicts_with", "depends_on", "hours", "is_parallel", "name")

    def __init__(
        self,
        name: str,
        body: str = "",
        depends_on: tuple[str, ...] = (),
        conflicts_with: tuple[str, ...] = (),
        is_parallel: bool = False,
        hours: str = "",
        bug_for: str = "",
    ) -> None:
        self.name = name
        self.body = body
        self.depends_on = depends_on
        self.conflicts_with = conflicts_with
        self.is_parallel = is_parallel
        self.hours = hours
        self.bug_for = bug_for


def resource_of(epic: str) -> str:
    """The lock of an epic: its folder's name, escaped."""
    resource = "epic-" + names.escape(epic)
    if len(resource) <= names.LONGEST:
        return resource
    from zlib import crc32

    return f"{resource[:180]}-{crc32(epic.encode('utf-8', 'surrogateescape')):08x}"


def check_name(name: str) -> str:
    """`name` if it can be a folder's and a file's name, else UsageError."""
    if not name.strip() or "/" in name or "\0" in name or "\n" in name or name.startswith("."):
        raise UsageError(
            f"{name[:60]!r} cannot be a name: no slash, no line break, no leading dot, not empty"
        )
    if name in plan_tree.ARCHIVES or len(os.fsencode(name)) > _LONGEST:
        raise UsageError(f"{name[:60]!r} cannot be a name: it is reserved, or longer than {_LONGEST} bytes")
    return name


def new_prd(actor: Actor, name: str, description: str, body: str) -> str:
    """Create `.claude/prds/<name>.md`; its path. VersionConflict (10) if it exists."""
    fields = {
        "name": name,
        "description": description,
        "status": "backlog",
        "created": now(),
        "version": "1",
    }
    return create_file(
        actor, f".claude/prds/{check_name(name)}.md", fields, body or f"# PRD: {name}\n", actor.fences
    )


def new_epic(actor: Actor, name: str, body: str) -> str:
    """Create `.claude/epics/<name>/epic.md`; its path. VersionConflict (10) if it exists."""
    prd = f".claude/prds/{check_name(name)}.md"
    fields = {"name": name, "status": "backlog", "created": now(), "progress": "0%"}
    if os.path.isfile(os.path.join(actor.top, prd)):
        fields["prd"] = prd
    fields["version"] = "1"
    with actor.holding(resource_of(name), "new-epic") as fences:
        return create_file(
            actor, f".claude/epics/{name}/epic.md", fields, body or f"# Epic: {name}\n", fences
        )


def new_task(actor: Actor, epic: str, task: NewTask) -> str:
    """Create the next task file of `epic`; its path. NotFound (66) if there is no such epic."""
    with actor.holding(resource_of(epic), "new-task") as fences:
        plan = plans.load_epic(actor.top, epic)
        taken = [int(match[0]) for t in plan.plan.tasks if (match := re.match(r"\d+", t.id))]
        number = f"{max(taken, default=0) + 1:03d}"
        moment = now()
        fields = {"name": task.name, "status": "open", "created": moment, "updated": moment}
        if task.bug_for:
            fields["bug_for"] = task.bug_for
        if task.hours:
            fields["effort_hours"] = task.hours
        lists = {"depends_on": task.depends_on, "conflicts_with": task.conflicts_with}
        flow = {key: f"[{', '.join(entries)}]" for key, entries in lists.items()}
        raw = {"depends_on": flow["depends_on"], "parallel": str(task.is_parallel).lower()}
        raw |= {"conflicts_with": flow["conflicts_with"], "version": "1"}
        body = task.body or f"# Task: {task.name}\n"
        return create_file(actor, f"{plan.folder.path}/{number}.md", fields, body, fences, raw)


def refresh(actor: Actor, epic: str) -> dict[str, object]:
    """Recount the progress and status of `epic` from its tasks, under its lock."""
    with actor.holding(resource_of(epic), "epic-refresh") as fences:
        return _recount(actor, epic, fences)


def set_task_status(actor: Actor, epic: str, reference: str, status: str) -> dict[str, object]:
    """Set the status of a task and recount its epic, under the epic's lock. NotFound (66) without such a task."""
    with actor.holding(resource_of(epic), _STATUS_OPERATIONS.get(status, "set-status")) as fences:
        task = plans.load_epic(actor.top, epic).plan.find(reference)
        if task is None:
            raise NotFound(f"epic {epic!r} has no task {reference!r}", f"ccpm-query epic-show {epic}")
        if task.stated != status:
            change = frontmatter.Change(
                os.path.join(actor.top, task.file), actor.agent, {"status": status}, (), fences
            )
            frontmatter.apply(change)
        return {"task": task.id, "file": task.file, "status": status, **_recount(actor, epic, fences)}


def close_epic(actor: Actor, epic: str, archive: bool = False) -> dict[str, object]:
    """Mark `epic` completed; Busy (75) names the tasks that are still open. With `archive` move it away too."""
    with actor.holding(resource_of(epic), "epic-close") as fences:
        plan = plans.load_epic(actor.top, epic)
        open_tasks = [f"#{task.id}" for task in plan.plan.tasks if not task.is_closed]
        if open_tasks:
            raise Busy(
                f"epic {epic!r} has open tasks: {' '.join(open_tasks)}",
                f"close them first; ccpm-query epic-status {epic} shows how far they are",
                open=open_tasks,
            )
        values = {"status": "completed", "progress": "100%", "completed": now()}
        frontmatter.apply(frontmatter.Change(_epic_file(actor, plan), actor.agent, values, (), fences))
        prd = os.path.join(actor.top, ".claude", "prds", f"{epic}.md")
        if os.path.isfile(prd):
            frontmatter.apply(frontmatter.Change(prd, actor.agent, {"status": "implemented"}, (), fences))
        closed: dict[str, object] = {"epic": epic, "tasks": len(plan.plan.tasks)}
        return {**closed, "archived": _archive(actor, plan)} if archive else closed


def archive(actor: Actor, epic: str) -> str:
    """Move `epic` to `.claude/epics/.archived/`; where it is then. Busy (75) while a task of it is claimed."""
    with actor.holding(resource_of(epic), "archive"):
        return _archive(actor, plans.load_epic(actor.top, epic))


def write_task_list(actor: Actor, epic: str) -> int:
    """Write the section "Tasks Created" of the epic from its task files; how many tasks it names."""
    with actor.holding(resource_of(epic), "task-list") as fences:
        plan = plans.load_epic(actor.top, epic)
        path = _epic_file(actor, plan)
        lines = ["## Tasks Created"]
        for task in plan.plan.tasks:
            mark, parallel = "x" if task.is_closed else " ", "true" if task.is_parallel else "false"
            lines.append(f"- [{mark}] #{task.id} - {task.name} (parallel: {parallel})")
        parallel_count = sum(task.is_parallel for task in plan.plan.tasks)
        hours = sum(task.hours for task in plan.plan.tasks)
        lines += ["", f"Total tasks: {len(plan.plan.tasks)}", f"Parallel tasks: {parallel_count}"]
        lines += [f"Sequential tasks: {len(plan.plan.tasks) - parallel_count}"]
        lines += [f"Estimated total effort: {hours:g} hours"] if hours else []
        section = ("\n".join(lines) + "\n").encode()
        old = plain.read(path) or b""
        version = int(plans.text(plan.folder.epic, "version") or 0)
        new = _SECTION.sub(lambda _: section + b"\n", old, count=1)
        if not _SECTION.search(old):
            new = old.rstrip() + b"\n\n" + section
        frontmatter.commit(path, actor.agent, new.rstrip() + b"\n", version, fences)
        return len(plan.plan.tasks)


def _recount(actor: Actor, epic: str, fences: dict[str, int]) -> dict[str, object]:
    plan = plans.load_epic(actor.top, epic)
    progress = f"{plan.plan.progress}%"
    started = plan.plan.count(CLOSED) or plan.plan.count(IN_PROGRESS)
    status = "completed" if progress == "100%" else "in-progress" if started else "backlog"
    before = {"progress": plan.stated_progress, "status": plan.stated_status}
    if before != {"progress": progress, "status": status}:
        change = frontmatter.Change(
            _epic_file(actor, plan), actor.agent, {"progress": progress, "status": status}, (), fences
        )
        frontmatter.apply(change)
    return {
        "epic": epic,
        "closed": plan.plan.count(CLOSED),
        "total": len(plan.plan.tasks),
        "progress": progress,
        "epic_status": status,
        "before": before,
    }


def _archive(actor: Actor, plan: plans.Epic) -> str:
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
    target = f".claude/epics/.archived/{plan.name}"
    if os.path.lexists(os.path.join(actor.top, target)):
        target += "-" + now().replace(":", "").replace("-", "")
    root.make_dir(os.path.join(actor.top, ".claude", "epics", ".archived"))
    os.rename(os.path.join(actor.top, plan.folder.path), os.path.join(actor.top, target))
    events.append(actor.top, "epic.archived", epic=plan.name, agent=actor.agent, to=target)
    return target


def create_file(
    actor: Actor,
    path: str,
    fields: dict[str, str],
    body: str,
    fences: dict[str, int],
    raw: dict[str, str] | None = None,
) -> str:
    """Create the file `path` (below the root) with the frontmatter `fields`, then `raw` ones (written as they are),
    and `body`; its path. VersionConflict (10) if it exists."""
    real = os.path.join(actor.top, path)
    root.make_dir(os.path.dirname(real))
    lines = [f"{key}: {write_scalar(value)}" for key, value in fields.items()]
    lines += [f"{key}: {value}" for key, value in (raw or {}).items()]
    text = "\n".join(["---", *lines, "---", "", body.strip("\n"), ""])
    with Guarded(os.path.realpath(real)) as file:
        if file.read() is not None:
            raise VersionConflict(
                f"{path} exists already; nothing was written", f"look at it first: {path}", path=path
            )
        with Fenced(actor.store, fences):
            file.publish(text.encode("utf-8", "surrogateescape"))
    events.append(actor.top, "plan.created", file=path, agent=actor.agent)
    return path


def _epic_file(actor: Actor, plan: plans.Epic) -> str:
    if plan.folder.epic is None:
        raise NotFound(f"{plan.folder.path} has no epic.md", f"create it: ccpm-plan new-epic {plan.name}")
    return os.path.join(actor.top, plan.folder.epic.path)


def now() -> str:
    """This moment, as files say it."""
    return clock.to_iso(time.time())
