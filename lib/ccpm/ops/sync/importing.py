"""Issues become files: those that no file of the plan is linked to yet.

An issue with the label `epic` becomes an epic (named by its label `epic:<name>`, else by its title); any other
becomes a task `<number>.md` of the epic that `--epic` or its label names, else of the epic "imported". Files that
exist are never touched, so a run that was killed is completed by the next one. What an unfinished sync has made is not
imported: its file is there, and gets its link when that sync is completed.
"""

from __future__ import annotations

import os
import re

from ccpm.core import issue_text
from ccpm.errors import Busy, UsageError, VersionConflict
from ccpm.files import journal, plain
from ccpm.ops.actor import Actor
from ccpm.ops.plan import creating, epics, plans
from ccpm.ops.sync import Progress, once, state
from ccpm.ops.sync.items import Items
from ccpm.ops.trackers import CLOSED, Issue, Tracker
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_EPIC = "imported"
_FOLLOWS = re.compile(r"\AFollow-up to #(\d+)")


def run(
    actor: Actor, tracker: Tracker, numbers: list[int], epic: str, label: str, progress: Progress
) -> dict[str, Any]:
    """Import the issues `numbers`, or all with `label`, or all: {epics, tasks, skipped}. NotFound (66) if one that
    was named is not there."""
    if epic:
        creating.check_name(epic)
    if numbers:
        issues = [tracker.get(number) for number in dict.fromkeys(numbers)]
    else:
        issues = tracker.issues((label,) if label else ())
    begun = _begun(actor, tracker)
    known = _linked(actor, tracker)  # behind `begun`: a sync that ends between the two has linked its files
    fresh = [issue for issue in issues if issue.number not in known and not _is_of(issue, begun, progress)]
    fresh.sort(key=lambda issue: (not _is_epic(issue), issue.number))
    progress.begin(len(fresh), 0.0)
    made: dict[str, list[str]] = {"epics": [], "tasks": [], "kept": []}
    for issue in fresh:
        kind = "epics" if _is_epic(issue) and not epic else "tasks"
        try:
            path = (
                _import_epic(actor, tracker, issue)
                if kind == "epics"
                else _import_task(actor, tracker, issue, epic)
            )
            made[kind].append(path)
        except VersionConflict as conflict:
            made["kept"].append(str(conflict.details.get("path", "")))
        progress.step(f"#{issue.number}")
    for name in sorted({path.split("/")[2] for path in [*made["epics"], *made["tasks"]]}):
        _recount(actor, name)
    return {"tracker": tracker.place, **made, "skipped": len(issues) - len(fresh)}


def _begun(actor: Actor, tracker: Tracker) -> dict[str | int, str]:
    """{marker or number: epic} of the issues that syncs have begun to make and have not finished with."""
    found: dict[str | int, str] = {}
    for one in plans.load(actor.top, archived=True)[0]:
        path = state.journal_of(actor.top, one.folder.path)
        for entry in journal.parse(path, plain.read(path) or b""):
            if entry.get("kind") == once.ISSUE and entry.get("tracker") == tracker.place:
                found[entry["intent"]] = one.name
            elif entry.get("result") in found:
                found[entry["number"]] = one.name
    return found


def _is_of(issue: Issue, begun: dict[str | int, str], progress: Progress) -> bool:
    """Whether an unfinished sync has made `issue`; says so."""
    epic = begun.get(issue.number) or begun.get(issue_text.marker_of(issue.body))
    if epic:
        progress.note(
            f"#{issue.number} belongs to a sync that is not finished: ccpm-sync epic {quoted(epic)}"
        )
    return bool(epic)


def _linked(actor: Actor, tracker: Tracker) -> set[int]:
    found = set()
    for one in plans.load(actor.top, archived=True)[0]:
        found.add(tracker.number_of(one.github))
        found |= {tracker.number_of(task.github) for task in one.plan.tasks}
    return found - {0}


def _is_epic(issue: Issue) -> bool:
    return "epic" in issue.labels


def _epic_named(issue: Issue) -> str:
    """The epic that the labels of an issue name, "" if none does, or one that cannot be a folder."""
    for one in issue.labels:
        if one.startswith("epic:"):
            try:
                return creating.check_name(one[5:].strip())
            except UsageError:
                return ""
    return ""


def _import_epic(actor: Actor, tracker: Tracker, issue: Issue) -> str:
    title = issue.title.removeprefix("Epic:").strip()
    name = (
        _epic_named(issue)
        or re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]
        or f"epic-{issue.number}"
    )
    fields = {"name": name, "status": "completed" if issue.state == CLOSED else "backlog"}
    fields |= {
        "created": issue.created or epics.now(),
        "updated": issue.updated or epics.now(),
        "progress": "0%",
    }
    fields["github"] = tracker.url(issue.number)
    with actor.holding(epics.resource_of(name), "import") as fences:
        path = creating.create_file(
            actor,
            f".claude/epics/{name}/epic.md",
            fields,
            _text(issue),
            fences,
            {"imported": "true", "version": "1"},
        )
        _remember(Actor(actor.agent, fences, actor.say, actor.top), tracker, name, issue)
    return path


def _import_task(actor: Actor, tracker: Tracker, issue: Issue, epic: str) -> str:
    name = epic or _epic_named(issue) or DEFAULT_EPIC
    if not os.path.isfile(os.path.join(actor.top, ".claude", "epics", name, "epic.md")):
        creating.new_epic(actor, name, "")
    fields = {"name": issue.title, "status": "closed" if issue.state == CLOSED else "open"}
    fields |= {"created": issue.created or epics.now(), "updated": issue.updated or epics.now()}
    fields["github"] = tracker.url(issue.number)
    follows = _FOLLOWS.match(issue.body)
    if follows:
        fields["bug_for"] = follows[1]
    raw = {
        "depends_on": "[]",
        "parallel": "false",
        "conflicts_with": "[]",
        "imported": "true",
        "version": "1",
    }
    with actor.holding(epics.resource_of(name), "import") as fences:
        path = creating.create_file(
            actor, f".claude/epics/{name}/{issue.number}.md", fields, _text(issue), fences, raw
        )
        _remember(Actor(actor.agent, fences, actor.say, actor.top), tracker, name, issue)
    return path


def _text(issue: Issue) -> str:
    """What the file says: an issue without a text makes one without, or the next sync would write into the issue."""
    return issue_text.unified(issue_text.strip(issue.body))


def _remember(actor: Actor, tracker: Tracker, name: str, issue: Issue) -> None:
    """File and issue say the same now."""
    found = Items(actor.top, name, tracker)
    item = found.by_number(issue.number)
    if item:
        record = state.base(item.title, issue.body, issue.state)
        state.write(actor, found.plans_epic.folder.path, tracker.place, {issue.number: record})


def _recount(actor: Actor, name: str) -> None:
    try:
        epics.write_task_list(actor, name)
        epics.refresh(actor, name)
    except Busy as busy:
        actor.say(f"the progress of epic {name!r} was not counted again: {busy.message}")
