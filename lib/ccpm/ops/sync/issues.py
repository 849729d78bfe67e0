"""One issue: sync, close, reopen, edit, show it; report a bug against it; close and refresh a whole epic.

The file comes first, then the tracker: where the tracker fails, the plan is right already, and the next sync tells
the tracker. Each comment is posted once (ops/sync/once.py), also when the command is killed and repeated.
"""

from __future__ import annotations

from ccpm.core import given_text, issue_text
from ccpm.core.plan import CLOSED as DONE
from ccpm.errors import NotFound, UsageError
from ccpm.ops.actor import Actor
from ccpm.ops.plan import creating, epics, plans
from ccpm.ops.sync import Progress, both, epic, merging, state, updates
from ccpm.ops.sync.both import Options
from ccpm.ops.sync.items import Item, Items
from ccpm.ops.sync.session import Session
from ccpm.ops.trackers import CLOSED, OPEN, Change, Issue, Tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Data = dict[str, Any]

RECENT = 5
"""Comments that `show` tells."""


def find(actor: Actor, tracker: Tracker, number: int) -> str:
    """The epic that issue `number` belongs to. NotFound (66) if no file of the plan is linked to it."""
    for found in plans.load(actor.top)[0]:
        if found.folder.epic and Items(actor.top, found.name, tracker).by_number(number):
            return found.name
    raise NotFound(
        f"no file of the plan is linked to issue #{number} of {tracker.place}",
        f"ccpm-sync import {number} makes one; ccpm-sync epic NAME completes a sync that was interrupted",
        issue=number,
    )


def sync(actor: Actor, tracker: Tracker, number: int, options: Options, progress: Progress) -> Data:
    """Merge issue `number` with its file and post what is new in its progress files. MergeConflict (12) at the end if
    both sides changed its text."""
    with Session(actor, tracker, find(actor, tracker, number), "issue-sync", progress) as session:
        if options.from_git:
            both.close_from_git(session)
            session.reload()
        item = _item(session, number)
        outcome = both.merge_all(session, {number}, {number: tracker.get(number)}, options)[0]
        posted = updates.post(session, number)
        report = {"issue": number, "file": item.path, "what": outcome.what, "fields": outcome.fields}
        if outcome.what == merging.CONFLICT:
            raise both.conflict_of(outcome)
        return {**report, **posted, "url": tracker.url(number), "warnings": session.warnings}


def close(actor: Actor, tracker: Tracker, number: int, note: str) -> Data:
    """Close the task of issue `number`, recount its epic, close the issue with a comment."""
    return _set_state(actor, tracker, number, CLOSED, f"✅ Task completed\n\n{note}".strip())


def reopen(actor: Actor, tracker: Tracker, number: int, note: str) -> Data:
    """Open the task and its issue again, with a comment; what is written about its progress stays."""
    words = f"🔄 Reopened\n\nReason: {note}" if note else "🔄 Reopened"
    return _set_state(actor, tracker, number, OPEN, words)


def _set_state(actor: Actor, tracker: Tracker, number: int, state: str, words: str) -> Data:
    verb = "issue-close" if state == CLOSED else "issue-reopen"
    with Session(actor, tracker, find(actor, tracker, number), verb) as session:
        item = _item(session, number)
        if item.task is None:
            raise UsageError(
                f"#{number} is the epic {session.name!r} itself", f"ccpm-sync close-epic {session.name}"
            )
        result = epics.set_task_status(
            session.actor, session.name, item.task.key, DONE if state == CLOSED else OPEN
        )
        if state == CLOSED:
            updates.set_completion(session, number, "100%")
        issue = tracker.get(number)
        key = f"{verb}:{number}"
        if issue.state != state or key in session.once.begun():
            session.once.comment(key, number, words)
            session.check()
            tracker.update(number, Change(state=state))
        session.remember({number: {**session.bases().get(number, {}), "state": state}})
        _tick(session)
        session.forget({key})
        return {"issue": number, **result, "url": tracker.url(number)}


class Edit:
    """What to change of an issue: None and () leave a thing as it is. UsageError (2) for a title, text or label that is
    none."""

    __slots__ = ("add_labels", "body", "remove_labels", "title")

    def __init__(
        self,
        title: str | None = None,
        body: str | None = None,
        add_labels: tuple[str, ...] = (),
        remove_labels: tuple[str, ...] = (),
    ) -> None:
        self.title = title if title is None else given_text.title(title)
        self.body = body if body is None else given_text.body(body)
        self.add_labels = tuple(map(given_text.label, add_labels))
        self.remove_labels = tuple(map(given_text.label, remove_labels))


def edit(actor: Actor, tracker: Tracker, number: int, change: Edit) -> Data:
    """Change title, text and labels, in the file and in the tracker. MergeConflict (12) if the issue was changed as
    well: the file has the new text then, and the issue keeps its own."""
    with Session(actor, tracker, find(actor, tracker, number), "issue-edit") as session:
        item = _item(session, number)
        issue = tracker.get(number)
        if change.title is not None and item.task is None:
            raise UsageError("an epic is named by its folder", "leave the title out")
        wanted = Issue(number, item.title if change.title is None else change.title, item.text, item.state)
        wanted.body = item.text if change.body is None else change.body
        fields = [
            name for name, value in (("title", change.title), ("body", change.body)) if value is not None
        ]
        if fields:
            merging.write_file(session, item, wanted, fields)
            session.reload()
        outcome = both.merge_all(session, {number}, {number: issue}, Options())[0]
        labels = tuple(
            dict.fromkeys(
                [one for one in issue.labels if one not in change.remove_labels] + [*change.add_labels]
            )
        )
        if set(labels) != set(issue.labels):
            session.check()
            tracker.make_labels(change.add_labels)
            tracker.update(number, Change(labels=labels))
        if outcome.what == merging.CONFLICT:
            raise both.conflict_of(outcome)
        return {
            "issue": number,
            "file": item.path,
            "what": outcome.what,
            "fields": outcome.fields,
            "labels": list(labels),
        }


def show(actor: Actor, tracker: Tracker, number: int) -> Data:
    """All there is to know of one issue: the tracker's side, the file's, its place in the epic, its newest
    comments."""
    issue = tracker.get(number)
    data: Data = {
        "issue": number,
        "title": issue.title,
        "state": issue.state,
        "labels": list(issue.labels),
        "assignees": list(issue.assignees),
        "created": issue.created,
        "updated": issue.updated,
        "url": tracker.url(number),
        "body": issue_text.strip(issue.body),
    }
    comments = tracker.comments(number) if issue.comments else []
    data["comments"] = [
        {"author": one.author, "created": one.created, "body": issue_text.strip(one.body)}
        for one in comments[-RECENT:]
    ]
    data["comment_count"] = len(comments)
    try:
        name = find(actor, tracker, number)
    except NotFound:
        return {**data, "file": None, "epic": None}
    return {**data, **_local(actor, tracker, name, number, issue)}


def bug(
    actor: Actor, tracker: Tracker, reference: str, title: str, text: str, hours: str, progress: Progress
) -> Data:
    """Report a bug against a task or issue: a task of the same epic that follows it up and, if that epic is synced,
    its issue."""
    name = creating.find_task(actor.top, reference).epic
    path = creating.new_bug(actor, reference, title, text, hours)
    made: Data = {"path": path, "epic": name, "issue": 0}
    if not Items(actor.top, name, tracker).epic.number:
        return made
    result = epic.sync(actor, tracker, name, False, progress)
    found = Items(actor.top, name, tracker)
    for number in result["created"]:
        item = found.by_number(number)
        if item and item.follows and item.title == issue_text.title(f"Bug: {title}"):
            made |= {"path": item.path, "issue": number, "bug_for": item.follows, "url": tracker.url(number)}
    return {**made, "warnings": result["warnings"]}


def close_epic(actor: Actor, tracker: Tracker, name: str, archive: bool) -> Data:
    """Mark the epic completed (75 while tasks are open), close its issue with a comment, and perhaps archive it."""
    with Session(actor, tracker, name, "epic-close") as session:
        result: Data = dict(epics.close_epic(session.actor, name))
        number = session.items.epic.number
        key = f"epic-close:{number}"
        if number and (tracker.get(number).state != CLOSED or key in session.once.begun()):
            session.once.comment(key, number, "✅ Epic completed - all tasks done")
            session.check()
            tracker.update(number, Change(state=CLOSED))
        if number:
            session.remember({number: {**session.bases().get(number, {}), "state": CLOSED}})
            session.forget({key})
        if archive:
            result["archived"] = epics.archive(session.actor, name)
        return {**result, "issue": number}


def refresh(actor: Actor, tracker: Tracker, name: str) -> Data:
    """Recount the epic, and let the list of tasks in its issue, if it has one, show what is closed."""
    with Session(actor, tracker, name, "epic-refresh") as session:
        result: Data = dict(epics.refresh(session.actor, name))
        _tick(session)
        return {**result, "issue": session.items.epic.number}


def _tick(session: Session) -> None:
    found = session.reload()
    if found.epic.number:
        both.tick(session, found, session.tracker.get(found.epic.number))


def _item(session: Session, number: int) -> Item:
    item = session.items.by_number(number)
    if item is None:
        raise NotFound(
            f"issue #{number} is not in epic {session.name!r} any more", "run the same command again"
        )
    return item


def _local(actor: Actor, tracker: Tracker, name: str, number: int, issue: Issue) -> Data:
    found = Items(actor.top, name, tracker)
    item = found.by_number(number)
    assert item
    base = state.read(actor.top, found.plans_epic.folder.path, tracker.place).get(number, {})
    blocking = [
        t
        for t in found.tasks
        if t.task and item.task and item.task in [b.task for b in found.plan.dependencies(t.task)]
    ]
    return {
        "file": item.path,
        "epic": name,
        "parent": found.epic.number if item.task else None,
        "status": item.task.status if item.task else found.plans_epic.stated_status,
        "depends_on": item.task.depends_on if item.task else [],
        "blocking": [t.number or t.key for t in blocking],
        "sub_issues": [t.number for t in found.tasks if t.number] if item.task is None else [],
        "progress": f"{found.plan.count(DONE)}/{len(found.tasks)}",
        "sync": merging.describe(merging.compare(item, issue, base)),
        "last_local_update": item.task.updated if item.task else "",
    }
