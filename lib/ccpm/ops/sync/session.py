"""One epic and its tracker for as long as a sync works on them: its lock (renewed), its items, its journal, its last
common state. `with Session(actor, tracker, "auth", "issue-sync") as session: …`
"""

from __future__ import annotations

import os

from ccpm.errors import Busy, CcpmError, NotYours
from ccpm.files import records
from ccpm.files.journal import Journal
from ccpm.ops import wording
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.locking.keeping import Keeping
from ccpm.ops.plan import epics
from ccpm.ops.sync import Progress, once, state
from ccpm.ops.sync.items import Items
from ccpm.ops.trackers import Tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.core.merge_fields import Record
    from ccpm.core.plan import Task
    from ccpm.ops.distribution.claims import Claim


class Session:
    """`actor` carries the fence of the epic's lock. `items` is what was there when it was read last (`reload`)."""

    def __init__(
        self, actor: Actor, tracker: Tracker, name: str, operation: str, progress: Progress | None = None
    ) -> None:
        self._outer = actor
        self.tracker = tracker
        self.name = name
        self.progress = progress or Progress()
        self.warnings: list[str] = []
        self.failures: list[CcpmError] = []
        """What was wrong with single items, while the others went on."""
        self._blocked: dict[str, Claim] = {}
        self._kept = Keeping(actor, epics.resource_of(name), operation)

    def __enter__(self) -> Session:
        Items(self._outer.top, self.name, self.tracker)  # a wrong name is told before a lock is taken for it
        self._kept.__enter__()
        try:
            self.actor = self._kept.actor()
            bind(self.tracker, self.actor)
            self.items = self.reload()
            self.folder = self.items.plans_epic.folder.path
            path = state.journal_of(self.actor.top, self.folder)
            self.journal = Journal(path, lambda: Fenced(self.actor.store, self.actor.fences)).open()
            self._check_journal()
            self.once = once.Once(self.tracker, self.journal, self.check, self.progress.note)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        bind(self.tracker, self._outer)
        for claim in self._blocked.values():
            claims.drop(self._outer.store, claim)
        self._kept.__exit__()

    def _check_journal(self) -> None:
        """NotYours (77) if what was begun was begun in another tracker: its numbers mean nothing in this one."""
        for entry in self.journal.entries:
            place = entry.get("tracker", self.tracker.place)
            here = self.tracker.place
            if place != here:
                raise NotYours(
                    f"a sync of epic {self.name!r} with {place} was interrupted, and this one is with {here}",
                    f"complete that one first: ccpm-sync epic {self.name} with --tracker or --repo as it was then",
                    tracker=place,
                )

    def check(self) -> None:
        """LeaseLost (11) if the epic is not held any more: before each request."""
        self._kept.check()

    def block(self, tasks: list[Task]) -> None:
        """Let nobody claim `tasks`, whose files are about to be renamed, until the session ends: a claim goes by the
        old name. Busy (75) if somebody has one."""
        store = self.actor.store
        for task in tasks:
            name = claims.resource_of(task)
            claim = self._blocked.get(name) or claims.block(store, task, self.actor.agent)
            if claim:
                self._blocked[name] = claim
        held = claims.held(store)
        for task in tasks:
            claim = claims.find(task, held)
            if claim or claims.resource_of(task) not in self._blocked:
                raise Busy(
                    f"{task.file} would be renamed, but its task is held by "
                    f"{wording.lease(claim.lease) if claim else 'somebody'}",
                    "sync the epic before work on it begins, or when it was given back: ccpm-work release",
                    task=task.id,
                    holders=[records.describe(claim.lease)] if claim else [],
                )

    def reload(self) -> Items:
        self.items = Items(self.actor.top, self.name, self.tracker)
        return self.items

    def path(self, relative: str) -> str:
        """The real path of a file of the epic."""
        return os.path.realpath(os.path.join(self.actor.top, self.folder, relative))

    def bases(self) -> dict[int, Record]:
        return state.read(self.actor.top, self.folder, self.tracker.place)

    def remember(self, issues: dict[int, Record]) -> None:
        if issues:
            state.write(self.actor, self.folder, self.tracker.place, issues)

    def forget(self, keys: set[str]) -> None:
        """Take what concerns the comments `keys` out of the journal: they are made, and all that follows is done."""
        gone = {str(e["intent"]) for e in self.journal.entries if "intent" in e and e.get("key") in keys}

        def is_kept(entry: dict[str, Any]) -> bool:
            about = entry.get("intent") or entry.get("result") or entry.get("void") or entry.get("batch")
            return about not in gone | keys

        self.journal.keep([entry for entry in self.journal.entries if is_kept(entry)])


def bind(tracker: Tracker, actor: Actor) -> None:
    """Let `tracker` act as `actor`: what it writes carries the fences of the session."""
    tracker.actor = actor
