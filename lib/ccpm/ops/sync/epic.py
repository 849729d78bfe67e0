"""An epic becomes issues: one for the epic, one for each task, exactly once (promise P7). Behind `ccpm-sync epic`.

Everything happens under the epic's lock, which is renewed while it lasts. The order is that of a redo log: what the
tracker shall have is made first (ops/sync/once.py), then one journal entry says what becomes of the files
(ops/sync/relabel.py), then that is carried out, then the common state is recorded and the journal ends. A run that
finds a journal completes it first. Run again, it makes issues for the tasks that have been added since, and does
nothing where there are none.
"""

from __future__ import annotations

import os

from ccpm.core import branch_names, issue_text
from ccpm.core.renumber import needs_rename
from ccpm.errors import NotYours
from ccpm.external import git
from ccpm.files import events, plain
from ccpm.files.journal import Journal
from ccpm.files.plain import Guarded
from ccpm.ops.actor import Actor
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.plan import epics
from ccpm.ops.sync import Progress, items, once, relabel, state
from ccpm.ops.sync.items import EPIC, Item, Items
from ccpm.ops.sync.session import Session
from ccpm.ops.trackers import CLOSED, Change, Issue, Tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.core.merge_fields import Record
    from ccpm.core.plan import Task

    Data = dict[str, Any]

MAPPING = "github-mapping.md"


def sync(actor: Actor, tracker: Tracker, name: str, relink: bool, progress: Progress) -> Data:
    """Make the issues of epic `name` that there are not; what was done. `relink`: also for files that are linked to
    another tracker, which are then linked to this one.

    NotFound (66): no such epic. NotYours (77): it is linked elsewhere. Malformed (65), UsageError (2): a file that
    cannot become an issue; nothing was sent. Busy (75), Unavailable (69): the work so far is kept, run it again.
    """
    with Session(actor, tracker, name, "epic-sync", progress) as session:
        return Run(session, relink).run()


def plan(actor: Actor, tracker: Tracker, name: str, relink: bool) -> Data:
    """What `sync` would do, without doing it: no request, no lock, no write."""
    found = Items(actor.top, name, tracker)
    check(found, tracker, relink)
    journal = Journal(state.journal_of(actor.top, found.plans_epic.folder.path), lambda: Fenced(None, {}))
    pending = bool(plain.read(journal.path))
    new = [item for item in found.all if not item.number]
    return {
        "epic": name,
        "tracker": tracker.place,
        "create": [{"file": item.path, "title": item.title, "labels": list(item.labels)} for item in new],
        "rename": [item.path for item in found.tasks if _will_move(item)],
        "unfinished": pending,
        "seconds": round(tracker.estimate(*_requests(new)), 1),
    }


def check(found: Items, tracker: Tracker, relink: bool) -> None:
    """All that can be known to fail before the first request."""
    away = [item for item in found.all if item.elsewhere]
    if away and not relink:
        raise NotYours(
            f"{away[0].path} is linked to {away[0].elsewhere}, which is not in {tracker.place}"
            + (f"; {len(away) - 1} more like it" if len(away) > 1 else ""),
            "--repo OWNER/NAME goes on where it is linked; --relink makes new issues and links to them",
            linked=[item.path for item in away],
        )
    for item in found.all:
        if not item.number:
            items.check_fits(item, tracker.longest)
            items.check_editable(item, {"github": tracker.url(999_999), "version": "1"})


class Run:
    """One run of `sync` in a session."""

    def __init__(self, session: Session, relink: bool = False) -> None:
        self.session = session
        self.actor = session.actor
        self.tracker = session.tracker
        self.journal = session.journal
        self.once = session.once
        self.progress = session.progress
        self.name = session.name
        self.folder = session.folder
        self.relink = relink
        self.warnings = session.warnings

    def run(self) -> Data:
        self.finish()
        found = Items(self.actor.top, self.name, self.tracker)
        check(found, self.tracker, self.relink)
        made = self._numbers_made()
        new = [item for item in found.all if not item.number]
        pending = self._pending(found, new)
        if not pending:
            self.session.items = found
            return self._report(found, [])
        self.session.block(_renamed(found))
        requests = _requests([item for item in new if item.key not in made])
        self.progress.begin(
            len(new) + sum(item.task is not None for item in new), self.tracker.estimate(*requests)
        )
        self._make(found, new)
        numbers = {item.key: item.number for item in found.all} | self._numbers_made()
        self._hang_up(found, new, numbers)
        # Files may have been edited while the requests went out.
        found = Items(self.actor.top, self.name, self.tracker)
        decided = relabel.prepare(self.actor, found, self.tracker, numbers)
        if new or decided["files"] or decided["moves"]:
            self.journal.append({"relabel": decided, **self._known(new, numbers)})
            self.finish()
        return self._report(
            Items(self.actor.top, self.name, self.tracker), [numbers[item.key] for item in new]
        )

    def _pending(self, found: Items, new: list[Item]) -> bool:
        """Whether there is anything to do: issues to make, or files to rename."""
        return bool(new) or any(_will_move(item) for item in found.tasks)

    def _numbers_made(self) -> dict[str, int]:
        return {key: made.number for key, made in self.once.made(once.ISSUE).items()}

    def _make(self, found: Items, new: list[Item]) -> None:
        """The labels and issues that there are not."""
        self.session.check()
        self.tracker.make_labels(tuple(dict.fromkeys(label for item in new for label in item.labels)))
        for item in new:
            note = {"sha256": state.digest(item.text), "state": item.state}
            made = self.once.issue(item.key, item.title, item.compose, item.labels, **note)
            self.progress.step(f"#{made.number} {item.title}")

    def _hang_up(self, found: Items, new: list[Item], numbers: dict[str, int]) -> None:
        """New tasks below the epic's issue, closed ones closed. Each request may be repeated."""
        parent, ids = numbers[EPIC], self.once.made(once.ISSUE)
        tasks = [item for item in new if item.task]
        children = self.tracker.sub_issues(parent) if tasks else []
        for item in tasks:
            number = numbers[item.key]
            if children is not None and number not in children:
                self.session.check()
                child = Issue(number, item.title, id=ids[item.key].id)
                if not self.tracker.add_sub_issue(parent, child):
                    children = None
            self.progress.step(f"#{number} below #{parent}")
        for item in new:
            if item.state == CLOSED:
                self.session.check()
                self.tracker.update(numbers[item.key], Change(state=CLOSED))
        if children is None:
            write_task_list(self.tracker, parent, found, numbers)

    def _known(self, new: list[Item], numbers: dict[str, int]) -> Data:
        """The common state of what was made: as it was sent, which need not be what the files say by now."""
        made, issues = self.once.made(once.ISSUE), {}
        for key in made.keys() - {item.key for item in new}:
            self.warnings.append(
                f"issue #{made[key].number} was made for {key}.md, which is gone; it stays open"
            )
        for item in new:
            intent = self.once.intent_of(made[item.key].marker)
            issues[str(numbers[item.key])] = {
                "title": intent["title"],
                "body": intent["sha256"],
                "state": intent["state"],
            }
        return {"issues": issues}

    def finish(self) -> None:
        """Complete what the journal has decided about files, then end the journal. Busy (75) if somebody has a task
        that is still to be renamed."""
        decided = next((entry for entry in reversed(self.journal.entries) if "relabel" in entry), None)
        if decided is None:
            return
        names = decided["relabel"].get("names", {})
        found = Items(self.actor.top, self.name, self.tracker)
        self.session.block([task for task in _renamed(found) if task.key in names])
        folder = os.path.join(self.actor.top, self.folder)
        self.warnings += relabel.finish(self.actor, self.journal, folder)
        epics.write_task_list(self.actor, self.name)
        known: dict[int, Record] = {int(number): issue for number, issue in decided.get("issues", {}).items()}
        state.write(self.actor, self.folder, self.tracker.place, known)
        self._write_mapping()
        self.journal.keep([entry for entry in self.journal.entries if _outlives(entry, self.journal.entries)])
        events.append(self.actor.top, "epic.synced", epic=self.name, agent=self.actor.agent, made=len(known))

    def _write_mapping(self) -> None:
        found = Items(self.actor.top, self.name, self.tracker)
        lines = ["# GitHub Issue Mapping" if self.tracker.name == "github" else "# Issue Mapping", ""]
        lines += [f"Epic: #{found.epic.number} - {self.tracker.url(found.epic.number)}", "", "Tasks:"]
        lines += [
            f"- #{item.number}: {item.title} - {self.tracker.url(item.number)}"
            for item in found.tasks
            if item.number
        ]
        lines += ["", f"Synced: {epics.now()}", ""]
        path = os.path.realpath(os.path.join(self.actor.top, self.folder, MAPPING))
        with Guarded(path) as file, Fenced(self.actor.store, self.actor.fences):
            file.publish("\n".join(lines).encode("utf-8", "replace"))

    def _report(self, found: Items, made: list[int]) -> Data:
        return {
            "epic": self.name,
            "tracker": self.tracker.place,
            "issue": found.epic.number,
            "url": self.tracker.url(found.epic.number),
            "created": made,
            "tasks": [item.number for item in found.tasks],
            "branch": branch_names.epic_branch(self.name) if git.whereabouts(self.actor.top) else None,
            "warnings": self.warnings,
        }


def write_task_list(tracker: Tracker, parent: int, found: Items, numbers: dict[str, int]) -> None:
    """The fallback where a tracker has no sub-issues: a task list at the end of the epic's issue."""
    issue = tracker.get(parent)
    tasks = [(numbers[i.key], i.title, i.state == CLOSED) for i in found.tasks if numbers.get(i.key)]
    body = issue_text.compose(
        issue_text.strip(issue.body), issue_text.marker_of(issue.body), issue_text.task_list(tasks)
    )
    if body != issue.body:
        tracker.update(parent, Change(body=body))


def _outlives(entry: Data, entries: list[Data]) -> bool:
    """Whether a journal entry concerns something else than the issues of the epic: comments that are not finished."""
    comments = {e["intent"] for e in entries if e.get("kind") == once.COMMENT}
    about = entry.get("intent") or entry.get("result") or entry.get("void")
    return "batch" in entry or (about is not None and about in comments)


def _renamed(found: Items) -> list[Task]:
    """The tasks whose files do not have the names of their issues yet."""
    return [item.task for item in found.tasks if item.task and (not item.number or _will_move(item))]


def _will_move(item: Item) -> bool:
    return bool(item.task and item.number and needs_rename(item.task, item.number))


def _requests(new: list[Item]) -> tuple[int, int, int]:
    """(creations, other writes, reads) at most: an issue and a place below the epic each, new labels, what is
    closed."""
    tasks = sum(item.task is not None for item in new)
    labels = len({label for item in new for label in item.labels})
    return len(new) + tasks + labels, sum(item.state == CLOSED for item in new), 3 if new else 0
