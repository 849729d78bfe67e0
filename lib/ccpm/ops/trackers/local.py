"""The tracker without an account: issues as files of the project, one JSON object each, `.claude/tracker/N.json`.

Guarantees: an issue is there as a whole or not at all, with a number that is its own: it is allocated from the files
that are there, under one guard for all creations, and published in the same breath. Every change is one guarded,
durable step, under the fences of the actor. Lists show at once what was made.

Non-guarantee: a number is used again after its file was deleted by hand.
"""

from __future__ import annotations

import os
import time

from ccpm.errors import NotFound
from ccpm.files import clock, events, json_record, root
from ccpm.files.plain import Guarded
from ccpm.ops.actor import Actor
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.trackers import CLOSED, OPEN, Change, Comment, Issue, Tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEME = "local://issues/"
"""What `github:` begins with for an issue of this tracker."""

_FOLDER = ".claude/tracker"
_COUNTER = "numbers"
_LABELS = "labels.json"


class LocalTracker(Tracker):
    name = "local"
    place = _FOLDER

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._folder = os.path.realpath(os.path.join(actor.top, ".claude", "tracker"))

    def create(self, title: str, body: str, labels: tuple[str, ...]) -> Issue:
        now = _now()
        data: dict[str, Any] = {"title": title, "body": body, "state": OPEN, "labels": list(labels)}
        data |= {"created": now, "updated": now, "author": self.actor.agent, "sub_issues": [], "comments": []}
        root.make_dir(self._folder)
        with Guarded(os.path.join(self._folder, _COUNTER)):  # only its guard: there is no such file
            number = max(self._numbers(), default=0) + 1
            with json_record.Changing(self._path(number)) as record:
                record.data.update({"number": number, **data})
                self._save(record)
        events.append(self.actor.top, "tracker.created", issue=number, agent=self.actor.agent)
        return _issue(record.data)

    def get(self, number: int) -> Issue:
        return _issue(self._read(number))

    def update(self, number: int, change: Change) -> Issue:
        self._read(number)
        with json_record.Changing(self._path(number)) as record:
            before = dict(record.data)
            for key, value in (("title", change.title), ("body", change.body), ("state", change.state)):
                if value is not None:
                    record.data[key] = value
            if change.labels is not None:
                record.data["labels"] = list(change.labels)
            if record.data != before:
                record.data["updated"] = _now()
                if change.state is not None:
                    record.data["closed"] = _now() if change.state == CLOSED else None
                self._save(record)
        return _issue(record.data)

    def issues(self, labels: tuple[str, ...] = (), since: float = 0.0) -> list[Issue]:
        issues = [_issue(self._read(number)) for number in sorted(self._numbers())]
        oldest = clock.to_iso(since) if since > 0 else ""
        return [issue for issue in issues if issue.updated >= oldest and set(labels) <= set(issue.labels)]

    def comment(self, number: int, body: str) -> Comment:
        self._read(number)
        with json_record.Changing(self._path(number)) as record:
            comments = record.data.setdefault("comments", [])
            comments.append(
                {"id": len(comments) + 1, "body": body, "created": _now(), "author": self.actor.agent}
            )
            record.data["updated"] = _now()
            self._save(record)
        return _comment(comments[-1])

    def comments(self, number: int) -> list[Comment]:
        return [_comment(comment) for comment in self._read(number).get("comments", [])]

    def make_labels(self, names: tuple[str, ...]) -> None:
        if set(names) <= set(json_record.read(self._file(_LABELS)).get("labels", [])):
            return
        with json_record.Changing(self._file(_LABELS)) as record:
            labels = record.data.setdefault("labels", [])
            labels += [name for name in dict.fromkeys(names) if name not in labels]
            self._save(record)

    def sub_issues(self, number: int) -> list[int] | None:
        return [int(child) for child in self._read(number).get("sub_issues", [])]

    def add_sub_issue(self, parent: int, child: Issue) -> bool:
        self._read(parent)
        with json_record.Changing(self._path(parent)) as record:
            children = record.data.setdefault("sub_issues", [])
            if child.number not in children:
                children.append(child.number)
                self._save(record)
        return True

    def url(self, number: int) -> str:
        return f"{SCHEME}{number}"

    def number_of(self, link: str) -> int:
        number = link.strip().removeprefix(SCHEME)
        return int(number) if link.strip().startswith(SCHEME) and number.isascii() and number.isdigit() else 0

    def _read(self, number: int) -> dict[str, Any]:
        data = json_record.read(self._path(number)) if number > 0 else {}
        if not data:
            raise NotFound(
                f"there is no issue #{number} in the local tracker",
                "ccpm-sync status shows what there is",
                issue=number,
            )
        return data

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        stems = [name[:-5] for name in names if name.endswith(".json")]
        return [int(stem) for stem in stems if stem.isascii() and stem.isdigit()]

    def _path(self, number: int) -> str:
        return self._file(f"{number}.json")

    def _file(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _save(self, record: json_record.Changing) -> None:
        with Fenced(self.actor.store, self.actor.fences):
            record.save()


def _issue(data: dict[str, Any]) -> Issue:
    number = int(data["number"])
    return Issue(
        number,
        str(data.get("title", "")),
        str(data.get("body", "")),
        CLOSED if data.get("state") == CLOSED else OPEN,
        tuple(str(label) for label in data.get("labels", [])),
        url=f"{SCHEME}{number}",
        created=str(data.get("created", "")),
        updated=str(data.get("updated", "")),
        comments=len(data.get("comments", [])),
        assignees=tuple(str(name) for name in data.get("assignees", [])),
    )


def _comment(data: dict[str, Any]) -> Comment:
    return Comment(
        int(data.get("id", 0)),
        str(data.get("body", "")),
        str(data.get("created", "")),
        str(data.get("author", "")),
    )


def _now() -> str:
    return clock.to_iso(time.time())
