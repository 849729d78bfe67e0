"""Epics and their issues, both ways: what `ccpm-sync sync`, `pull` and `status` do.

For each epic that is linked: under its lock, what an earlier run left is completed, new tasks get their issues
(`sync` only), every linked file is merged with its issue (ops/sync/merging.py), the epic's progress is counted again,
and the common state is recorded. One that fails does not keep the others from being synced: conflicts are told at the
end, together.
"""

from __future__ import annotations

from ccpm.core import issue_text
from ccpm.core.plan import CLOSED as DONE
from ccpm.errors import (
    Busy,
    CcpmError,
    Malformed,
    MergeConflict,
    NotFound,
    NotYours,
    UsageError,
    VersionConflict,
)
from ccpm.external import git
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
from ccpm.ops.plan import epics, plans
from ccpm.ops.sync import Progress, epic, merging, state
from ccpm.ops.sync.items import Item, Items
from ccpm.ops.sync.merging import Outcome
from ccpm.ops.sync.session import Session
from ccpm.ops.trackers import Issue, Tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Data = dict[str, Any]


class Options:
    """`push`: also change issues and make new ones. `prefer`: "local" or "remote" wins a conflict. `from_git`: close
    tasks that a commit on the current branch of the root closes (`Closes #12`)."""

    __slots__ = ("from_git", "prefer", "push")

    def __init__(self, push: bool = True, prefer: str = "", from_git: bool = False) -> None:
        self.push = push
        self.prefer = prefer
        self.from_git = from_git


def sync(actor: Actor, tracker: Tracker, name: str, options: Options, progress: Progress) -> Data:
    """Sync epic `name`, or all that are linked ("" names all). MergeConflict (12) at the end if a text or title was
    changed on both sides; everything else is done then, as it is where one of all epics cannot be synced: its error
    comes last."""
    chosen = [name] if name else [found.name for found in plans.load(actor.top)[0] if found.folder.epic]
    report: Data = {"tracker": tracker.place, "epics": [], "skipped": [], "warnings": []}
    conflicts: list[Outcome] = []
    failures: list[CcpmError] = []
    for one in chosen:
        found = Items(actor.top, one, tracker)
        if not found.epic.number and not (name and options.push):
            report["skipped"].append(one)
            continue
        try:
            with Session(actor, tracker, one, "sync" if options.push else "pull", progress) as session:
                data, unmerged = _sync_epic(session, options)
                report["warnings"] += session.warnings
                failures += session.failures
        except CcpmError as error:
            if name or not _concerns_one_epic(error):
                raise
            progress.note(f"epic {one!r} was not synced: {error.message}")
            failures.append(error)
            continue
        report["epics"].append(data)
        conflicts += unmerged
    if conflicts:
        raise _conflict(conflicts, report)
    if failures:
        raise failures[0]
    return report


def _concerns_one_epic(error: CcpmError) -> bool:
    """Whether the other epics can go on: a file of this one is wrong, or somebody else holds it."""
    is_held = isinstance(error, Busy) and "holders" in error.details
    return is_held or isinstance(error, Malformed | NotYours | UsageError)


def status(actor: Actor, tracker: Tracker, name: str) -> Data:
    """How the files of epic `name` (or of all) and their issues stand, without changing anything."""
    chosen = [name] if name else [found.name for found in plans.load(actor.top)[0] if found.folder.epic]
    rows = []
    for one in chosen:
        found = Items(actor.top, one, tracker)
        issues = fetch(tracker, found) if any(item.number for item in found.all) else {}
        bases = state.read(actor.top, found.plans_epic.folder.path, tracker.place)
        for item in found.all:
            issue = issues.get(item.number)
            what = merging.UNSYNCED if not item.number else merging.GONE
            if issue:
                what = merging.describe(merging.compare(item, issue, bases.get(item.number, {})))
            rows.append(
                {"epic": one, "issue": item.number, "file": item.path, "title": item.title, "status": what}
            )
    return {"tracker": tracker.place, "files": rows}


def fetch(tracker: Tracker, found: Items) -> dict[int, Issue]:
    """The issues of an epic's linked items by number: those with its label in one list, the others one by one."""
    issues = {issue.number: issue for issue in tracker.issues((found.epic.labels[1],))}
    for item in found.all:
        if item.number and item.number not in issues:
            try:
                issues[item.number] = tracker.get(item.number)
            except NotFound:
                continue
    return issues


def merge_all(
    session: Session, numbers: set[int], issues: dict[int, Issue], options: Options
) -> list[Outcome]:
    """Merge the items of `numbers` with their issues, and record of each what is common then. The tasks first: where
    the state of one has changed, the epic is counted again, and its own status may follow."""
    is_alone = len(numbers) == 1
    outcomes = [
        _merge(session, item, issues, options, is_alone)
        for item in session.items.tasks
        if item.number in numbers
    ]
    if any("state" in outcome.fields for outcome in outcomes):
        epics.refresh(session.actor, session.name)
        found = session.reload()
        if options.push:
            tick(session, found, issues.get(found.epic.number))
    if session.items.epic.number in numbers:
        outcomes.append(_merge(session, session.items.epic, issues, options, is_alone))
    return outcomes


def _merge(
    session: Session, item: Item, issues: dict[int, Issue], options: Options, is_alone: bool
) -> Outcome:
    issue = issues.get(item.number)
    if issue is None:
        session.warnings.append(f"issue #{item.number} of {item.path} is gone from {session.tracker.place}")
        return Outcome(item, merging.GONE, [], {})
    base = session.bases().get(item.number, {})
    try:
        outcome = merging.merge(session, item, issue, base, options.push, options.prefer)
    except VersionConflict as conflict:  # somebody was faster; the others go on
        session.warnings.append(f"{item.path} was not synced: {conflict.message}")
        return Outcome(item, merging.SKIPPED, [], {})
    except (Malformed, UsageError) as error:  # it cannot be sent as it is; the others can
        if is_alone:
            raise
        session.progress.note(f"{item.path} was not synced: {error.message}")
        session.failures.append(error)
        return Outcome(item, merging.SKIPPED, [], {})
    if outcome.record != base:  # now: a refusal of the next one must not make this a conflict later
        session.remember({item.number: outcome.record})
    session.progress.step(f"#{item.number} {outcome.what}")
    return outcome


def tick(session: Session, found: Items, issue: Issue | None) -> None:
    """Where the epic's issue has a list of its tasks, let it show what is closed."""
    if issue and issue_text.tasks_in(issue.body):
        session.check()
        epic.write_task_list(
            session.tracker, found.epic.number, found, {item.key: item.number for item in found.all}
        )


def _sync_epic(session: Session, options: Options) -> tuple[Data, list[Outcome]]:
    run = epic.Run(session)
    created: list[int] = []
    if options.push:
        created = run.run()["created"]
    else:
        run.finish()
    if options.from_git:
        close_from_git(session)
    found = session.reload()
    linked = {item.number for item in found.all if item.number} - set(created)
    issues = fetch(session.tracker, found) if linked else {}
    session.progress.begin(len(linked), session.tracker.estimate(0, 0, 1))
    outcomes = merge_all(session, linked, issues, options)
    rows = [
        {"issue": one.item.number, "file": one.item.path, "what": one.what, "fields": one.fields}
        for one in outcomes
        if one.what != merging.SAME
    ]
    data = {"epic": session.name, "created": created, "changed": rows}
    return data, [outcome for outcome in outcomes if outcome.what == merging.CONFLICT]


def close_from_git(session: Session) -> None:
    """Close the tasks that commits on the current branch of the root close, with a comment that names the commit: the
    oldest since the task was opened again. One that another agent has is left to it, with a warning."""
    closing = git.closing_commits(session.actor.top)
    bases = session.bases()
    for item in session.items.tasks:
        since = state.opened(bases.get(item.number, {}))
        commit = next((commit for at, commit in closing.get(item.number, []) if at > since), "")
        if not item.number or not commit or (item.task and item.task.status == DONE):
            continue
        assert item.task
        try:
            claims.check_not_others(session.actor.store, item.task, session.actor.agent)
        except NotYours as error:
            session.warnings.append(f"commit {commit} closes {item.path}, but {error.message}")
            continue
        key = f"closed-by:{item.number}:{commit}"
        session.check()
        session.once.comment(key, item.number, f"Closed by commit {commit}.")
        epics.set_task_status(session.actor, session.name, item.task.key, DONE)
        session.forget({key})


def _conflict(conflicts: list[Outcome], report: Data) -> MergeConflict:
    first = conflicts[0]
    more = f", and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    return MergeConflict(
        f"{first.item.path} and issue #{first.item.number} both changed ({', '.join(first.fields)}){more}; "
        f"both versions are kept: {first.item.path} and {first.other}",
        "bring what you want into the file, then sync with --keep local; or take the issue's with --keep remote",
        conflicts=[
            {"issue": one.item.number, "file": one.item.path, "remote": one.other, "fields": one.fields}
            for one in conflicts
        ],
        **report,
    )


def conflict_of(outcome: Outcome) -> MergeConflict:
    return _conflict([outcome], {})
