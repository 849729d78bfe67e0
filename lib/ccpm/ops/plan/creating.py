"""New PRDs, epics and tasks.

What concerns an epic happens while its lock `epic-<name>` is held, and every write in there carries the lock's fencing
token. Numbers are allocated under that lock from the files that are there: no gaps, no collisions, whatever runs
beside.
"""

from __future__ import annotations

import os
import re

from ccpm.core import given_text, task_list, templates
from ccpm.core.drafts import Draft
from ccpm.core.plan import EpicPlan, Task
from ccpm.errors import Malformed, NotFound, UsageError, VersionConflict
from ccpm.files import events, plan_tree, root
from ccpm.files.plain import Guarded
from ccpm.files.yaml_inline import write_scalar
from ccpm.ops.actor import Actor
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.plan import epics, naming, plans
from ccpm.ops.plan.plans import Epic
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.plan.views import Data

_LONGEST = 120
_HINT = "take another one, such as user-login"


def check_name(name: str) -> str:
    """`name` if it can be a folder's and a file's name, else UsageError."""
    if not name.strip() or "/" in name or name.startswith(".") or not name.isprintable():
        raise UsageError(
            f"{name[:60]!r} cannot be a name: no slash, no line break, no leading dot, not empty", _HINT
        )
    if name in plan_tree.ARCHIVES or len(os.fsencode(name)) > _LONGEST:
        raise UsageError(
            f"{name[:60]!r} cannot be a name: it is reserved, or longer than {_LONGEST} bytes", _HINT
        )
    return name


def prd_path(name: str) -> str:
    return f".claude/prds/{check_name(name)}.md"


def epic_path(name: str) -> str:
    return f".claude/epics/{check_name(name)}/epic.md"


def check_absent(actor: Actor, path: str, hint: str) -> None:
    """VersionConflict (10) if there is a file at `path` (relative to the root)."""
    if os.path.lexists(os.path.join(actor.top, path)):
        raise VersionConflict(f"{path} exists already; nothing was written", hint, path=path)


def may_create_prd(actor: Actor, name: str) -> Data:
    """{file} of a PRD to be; VersionConflict (10) if it is there already."""
    check_absent(actor, prd_path(name), f"change it with: /pm:prd-edit {quoted(name)}")
    return {"file": prd_path(name)}


def may_create_epic(actor: Actor, name: str) -> Data:
    """{file} of an epic to be; VersionConflict (10) if it is there already."""
    check_absent(actor, epic_path(name), f"change it with: /pm:epic-edit {quoted(name)}")
    return {"file": epic_path(name)}


def new_prd(actor: Actor, name: str, description: str, body: str) -> str:
    """Create `.claude/prds/<name>.md`; its path. VersionConflict (10) if it exists."""
    given_text.without_frontmatter(body)
    path = prd_path(name)
    may_create_prd(actor, name)
    fields = {
        "name": name,
        "description": " ".join(description.split()),
        "status": "backlog",
        "created": epics.now(),
        "version": "1",
    }
    return create_file(actor, path, fields, body or templates.PRD.format(name=name), actor.fences)


def new_epic(actor: Actor, name: str, body: str) -> str:
    """Create `.claude/epics/<name>/epic.md`; its path. VersionConflict (10) if it exists."""
    given_text.without_frontmatter(body)
    path = epic_path(name)
    may_create_epic(actor, name)
    now = epics.now()
    fields = {"name": name, "status": "backlog", "created": now, "progress": "0%"}
    if os.path.isfile(os.path.join(actor.top, prd_path(name))):
        fields["prd"] = prd_path(name)
    fields["version"] = "1"
    with actor.holding(epics.resource_of(name), "new-epic") as fences:
        return create_file(actor, path, fields, body or templates.EPIC.format(name=name), fences)


def new_task(actor: Actor, epic: str, draft: Draft) -> str:
    """Create the next task file of `epic`; its path. NotFound (66) if there is no such epic."""
    with actor.holding(epics.resource_of(epic), "new-task") as fences:
        plan = living(actor.top, epic)
        number = next_number(plan)
        check_drafts(plan, [draft], [f"{number:03d}"], {})
        path = create_task(actor, plan, number, draft, fences)
        epics.recount(actor, epic, fences, task_list.refreshed, is_lenient=True)
        return path


def new_bug(actor: Actor, issue: str, name: str, body: str = "", hours: str = "") -> str:
    """Create a task about a bug in the task or issue `issue`, in the epic of that task; its path."""
    found = naming.task(actor.top, issue)
    number = plans.issue_of(found.github) or found.id
    text = body or templates.BUG.format(name=name, issue=number, title=found.name)
    return new_task(actor, found.epic, Draft(f"Bug: {name}", text, hours=hours, bug_for=number))


def living(top: str, name: str) -> Epic:
    """The epic `name`; NotFound (66) if it is archived: nothing new goes there."""
    epic = plans.load_epic(top, name)
    if epic.folder.is_archived:
        raise NotFound(
            f"epic {name!r} is archived: {epic.folder.path}", "choose another epic, or move it back first"
        )
    return epic


def check_drafts(epic: Epic, drafts: list[Draft], ids: list[str], known: dict[str, Task]) -> None:
    """UsageError (2) or Malformed (65) if one of `drafts` cannot become a task of `epic`."""
    for draft in drafts:
        draft.check()
    fresh = [
        Task(epic.name, identifier, "", draft.name, "open", list(draft.depends_on), [])
        for draft, identifier in zip(drafts, ids, strict=True)
        if draft.name not in known
    ]
    plan = EpicPlan([*epic.plan.tasks, *fresh])
    for draft in drafts:
        for reference in (*draft.depends_on, *draft.conflicts_with):
            if plan.find(reference) is None:
                raise Malformed(
                    f"the new task {draft.name!r} names {reference}, which is no task of {epic.name!r}; "
                    "nothing was written",
                    "name a task that exists; among drafts, another one by its place: @1",
                    line=draft.line,
                )
    keys = {task.key for task in fresh}
    for cycle in plan.cycles():
        if any(task.key in keys for task in cycle):
            circle = " → ".join(task.name for task in [*cycle, cycle[0]])
            raise Malformed(
                f"the new tasks would depend on each other in a circle: {circle}; nothing was written",
                "take one of these dependencies out",
            )


def next_number(epic: Epic) -> int:
    taken = [int(match[0]) for task in epic.plan.tasks if (match := re.match(r"\d+", task.id))]
    return max(taken, default=0) + 1


def create_task(actor: Actor, epic: Epic, number: int, draft: Draft, fences: dict[str, int]) -> str:
    now = epics.now()
    name = " ".join(draft.name.split())
    fields = {"name": name, "status": "open", "created": now, "updated": now}
    if draft.bug_for:
        fields["bug_for"] = draft.bug_for
    if draft.hours:
        fields["effort_hours"] = draft.hours
    raw = {
        "depends_on": _flow(draft.depends_on),
        "parallel": str(draft.is_parallel).lower(),
        "conflicts_with": _flow(draft.conflicts_with),
        "version": "1",
    }
    body = draft.body or templates.TASK.format(name=name)
    return create_file(actor, f"{epic.folder.path}/{number:03d}.md", fields, body, fences, raw)


def _flow(entries: tuple[str, ...]) -> str:
    """References as a YAML list on one line, in order and each once."""
    return "[" + ", ".join(dict.fromkeys(entries)) + "]"


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
