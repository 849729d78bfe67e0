"""One issue: sync, close, reopen, edit it; report a bug against it; close and refresh a whole epic.

The file comes first, then the tracker: where the tracker fails, the plan is right already, and the next sync tells
the tracker. Each comment is posted once (ops/sync/once.py), also when the command is killed and repeated.
"""

from __future__ import annotations

from ccpm.core import given_text, issue_text
from ccpm.core.plan import CLOSED as DONE
from ccpm.errors import NotFound, UsageError
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import work
from ccpm.ops.plan import creating, epics, naming
from ccpm.ops.sync import Progress, both, epic, finding, merging, updates
from ccpm.ops.sync.both import Options
from ccpm.ops.sync.items import Item, Items
from ccpm.ops.sync.session import Session
from ccpm.ops.trackers import CLOSED, OPEN, Change, Issue, Tracker
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Data = dict[str, Any]


def sync(actor: Actor, tracker: Tracker, reference: str, options: Options, progress: Progress) -> Data:
    """Merge an issue with its file and post what is new in its progress files. MergeConflict (12) at the end if both
    sides changed its text."""
    name, number = finding.linked(actor, tracker, reference)
    with Session(actor, tracker, name, "issue-sync", progress) as session:
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


def close(actor: Actor, tracker: Tracker, reference: str, note: str, force: bool = False) -> Data:
    """Close a task, recount its epic, close its issue, if it has one, with a comment. NotYours (77) while another agent
    has the task, unless `force`."""
    return _set_state(actor, tracker, reference, CLOSED, f"✅ Task completed\n\n{note}".strip(), force)


def reopen(actor: Actor, tracker: Tracker, reference: str, note: str, force: bool = False) -> Data:
    """Open a task and its issue, if it has one, again, with a comment; what is written about its progress stays.
    NotYours (77) as for `close`."""
    words = f"🔄 Reopened\n\nReason: {note}" if note else "🔄 Reopened"
    return _set_state(actor, tracker, reference, OPEN, words, force)


def _set_state(actor: Actor, tracker: Tracker, reference: str, state: str, words: str, force: bool) -> Data:
    named, number = finding.find(actor, tracker, reference)
    if named.task is None:
        raise UsageError(
            f"#{number} is the epic {named.epic!r} itself", f"ccpm-sync close-epic {quoted(named.epic)}"
        )
    status = DONE if state == CLOSED else OPEN
    if not number:
        result = epics.set_task_status(actor, named.epic, named.task.key, status, heeds_claims=not force)
        return {
            "issue": 0,
            "reference": str(named),
            **result,
            "url": "",
            "note": work.note(actor, str(named), words),
        }
    verb = "issue-close" if state == CLOSED else "issue-reopen"
    with Session(actor, tracker, named.epic, verb) as session:
        task = _item(session, number).task
        assert task
        result = epics.set_task_status(session.actor, session.name, task.key, status, heeds_claims=not force)
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
        return {"issue": number, "reference": str(named), **result, "url": tracker.url(number)}


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


def edit(actor: Actor, tracker: Tracker, reference: str, change: Edit) -> Data:
    """Change title, text and labels, in the file and in the tracker. MergeConflict (12) if the issue was changed as
    well: the file has the new text then, and the issue keeps its own."""
    name, number = finding.linked(actor, tracker, reference)
    with Session(actor, tracker, name, "issue-edit") as session:
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
        unwanted = {one.lower() for one in change.remove_labels}
        labels = tuple(
            dict.fromkeys([one for one in issue.labels if one.lower() not in unwanted] + [*change.add_labels])
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


def bug(
    actor: Actor, tracker: Tracker, reference: str, title: str, text: str, hours: str, progress: Progress
) -> Data:
    """Report a bug against a task or issue: a task of the same epic that follows it up and, if that epic is synced,
    its issue."""
    name = naming.task(actor.top, reference).epic
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
    try:
        if found.epic.number:
            both.tick(session, found, session.tracker.get(found.epic.number))
    except NotFound as gone:  # what was done to a task stands
        session.actor.say(f"{found.epic.path}: {gone.message}")


def _item(session: Session, number: int) -> Item:
    item = session.items.by_number(number)
    if item is None:
        raise NotFound(
            f"issue #{number} is not in epic {session.name!r} any more", "run the same command again"
        )
    return item
