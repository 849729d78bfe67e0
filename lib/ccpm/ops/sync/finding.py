"""What a user names as an issue: the file of the plan, its issue in the tracker, and all there is to know of both."""

from __future__ import annotations

from ccpm.core import issue_text
from ccpm.core.plan import CLOSED as DONE
from ccpm.errors import NotFound
from ccpm.ops.actor import Actor
from ccpm.ops.plan import naming
from ccpm.ops.plan.naming import Named
from ccpm.ops.sync import merging, state
from ccpm.ops.sync.items import EPIC, Item, Items
from ccpm.ops.trackers import Issue, Tracker
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Data = dict[str, Any]

RECENT = 5
"""Comments that `show` tells."""


def find(actor: Actor, tracker: Tracker, reference: str) -> tuple[Named, int]:
    """(what `reference` names, the number of its issue: 0 without one in this tracker). NotFound (66) if it names
    nothing of the plan, UsageError (2) if it is ambiguous."""
    try:
        named = naming.find(actor.top, reference, _numbers(tracker))
    except NotFound as error:
        number = naming.issue_number(reference)
        if not number:
            raise
        raise NotFound(
            f"no file of the plan is linked to issue #{number} of {tracker.place}",
            f"ccpm-sync import {number} makes one; ccpm-sync epic NAME completes a sync that was interrupted",
            issue=number,
        ) from error
    return named, tracker.number_of(named.link)


def linked(actor: Actor, tracker: Tracker, reference: str) -> tuple[str, int]:
    """(epic, issue) of what `reference` names; NotFound (66) if it has no issue yet."""
    named, number = find(actor, tracker, reference)
    if not number:
        raise NotFound(
            f"{named} has no issue in {tracker.place}",
            f"ccpm-sync epic {quoted(named.epic)} makes it; the file alone: ccpm-fm-cas update FILE KEY=VALUE",
            file=named.task.file if named.task else None,
        )
    return named.epic, number


def _numbers(tracker: Tracker) -> Callable[[str], str]:
    """The numbers of issues as text, as links of this tracker name them."""
    return lambda link: str(tracker.number_of(link) or "")


def show(actor: Actor, tracker: Tracker, reference: str) -> Data:
    """All there is to know of one issue: the tracker's side, the file's, its place in the epic, its newest comments. A
    bare number is first of all that of an issue, whether or not the plan knows it; a task without an issue shows what
    its file says."""
    number = naming.issue_number(reference)
    issue = _look_up(tracker, number)
    named = naming.of_issue(actor.top, number, _numbers(tracker)) if issue else None
    if issue is None:
        named, number = find(actor, tracker, reference)
        issue = tracker.get(number) if number else None
    if named is None:
        assert issue
        return {**_of_issue(tracker, issue), "reference": f"#{number}", "file": None, "epic": None}
    found = Items(actor.top, named.epic, tracker)
    item = found.by_key(named.task.key if named.task else EPIC)
    assert item
    about = _of_issue(tracker, issue) if issue else _of_item(item)
    base = state.read(actor.top, found.plans_epic.folder.path, tracker.place).get(item.number, {})
    sync = merging.describe(merging.compare(item, issue, base)) if issue else merging.UNSYNCED
    return {**about, "reference": str(named), **_place(found, item), "sync": sync}


def _look_up(tracker: Tracker, number: int) -> Issue | None:
    try:
        return tracker.get(number) if number else None
    except NotFound:
        return None


def _of_issue(tracker: Tracker, issue: Issue) -> Data:
    comments = tracker.comments(issue.number) if issue.comments else []
    return {
        "issue": issue.number,
        "title": issue.title,
        "state": issue.state,
        "labels": list(issue.labels),
        "assignees": list(issue.assignees),
        "created": issue.created,
        "updated": issue.updated,
        "url": tracker.url(issue.number),
        "body": issue_text.strip(issue.body),
        "comments": [
            {"author": one.author, "created": one.created, "body": issue_text.strip(one.body)}
            for one in comments[-RECENT:]
        ],
        "comment_count": len(comments),
    }


def _of_item(item: Item) -> Data:
    """The same for a task without an issue: what its file says."""
    return {
        "issue": 0,
        "title": item.title,
        "state": item.state,
        "labels": list(item.labels),
        "assignees": [],
        "created": item.task.created if item.task else "",
        "updated": item.task.updated if item.task else "",
        "url": item.elsewhere,
        "body": item.text,
        "comments": [],
        "comment_count": 0,
    }


def _place(found: Items, item: Item) -> Data:
    """Where in its epic `item` stands, and how far it is."""
    blocking = [
        t
        for t in found.tasks
        if t.task and item.task and item.task in [b.task for b in found.plan.dependencies(t.task)]
    ]
    return {
        "file": item.path,
        "epic": found.name,
        "parent": found.epic.number or None if item.task else None,
        "status": item.task.status if item.task else found.plans_epic.stated_status,
        "depends_on": item.task.depends_on if item.task else [],
        "blocking": [t.number or t.key for t in blocking],
        "sub_issues": [t.number for t in found.tasks if t.number] if item.task is None else [],
        "progress": f"{found.plan.count(DONE)}/{len(found.tasks)}",
        "last_local_update": item.task.updated if item.task else "",
    }
