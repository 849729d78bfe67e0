"""One issue or one comment, exactly once, whatever is killed (promise P7).

Before a request goes out, its intent is in the journal, with a marker (a UUID) that the body carries too; behind the
answer its result is. An intent without a result may have taken effect or not: no tracker can be asked for the outcome
of a request. So it is looked up, by listing what there is (a search index lags by minutes), now and again for as long
as lists may lag; only then is it made anew, with the same marker.

Guarantees: after a kill at any instruction, the next run finds what was made and makes what was not. Two issues with
one marker are never passed over in silence: Busy (75) names both. Non-guarantee: a list that lags for longer than the
last lookup can hide an issue, and a process that was stopped between journal and request for longer than its lease
can send one late. Both leave two issues with one marker, which the next look finds.
"""

from __future__ import annotations

import os
import time

from ccpm.core import issue_text, retries
from ccpm.errors import Busy, NotFound, NotYours, Unavailable, UsageError
from ccpm.files import clock
from ccpm.files.journal import Journal
from ccpm.ops.trackers import Tracker, Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ATTEMPTS = 3
"""Requests without an answer, each looked up in vain, after which a person has to look."""

SINCE = 86_400.0
"""Seconds before an intent from which on issues are listed: how far the tracker's clock may be behind ours. A machine
whose clock keeps another zone's time for UTC is up to 14 hours ahead."""

NOTHING_MADE = (Busy, NotFound, NotYours, Unavailable, UsageError)
"""What a tracker raises for a request that it refused, or that was never sent (its contract). Any other error may come
from behind the request: its intent stays, and the next run looks for what it made."""

ISSUE = "issue"
COMMENT = "comment"


class Made:
    """What came of an intent: the issue's `number` and the tracker's `id` of the issue or comment."""

    __slots__ = ("id", "marker", "number")

    def __init__(self, marker: str, number: int, id: int) -> None:
        self.marker = marker
        self.number = number
        self.id = id


class Once:
    """Makes things in `tracker` through `journal`. `check` is called before each request (LeaseLost if it may not be
    sent any more), `say` hears about waits."""

    __slots__ = ("_check", "_say", "journal", "tracker")

    def __init__(
        self, tracker: Tracker, journal: Journal, check: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        self.tracker = tracker
        self.journal = journal
        self._check = check
        self._say = say

    def issue(
        self, key: str, title: str, compose: Callable[[str], str], labels: tuple[str, ...], **note: object
    ) -> Made:
        """The issue for `key` (a file of the epic), made now unless the journal or the tracker has it. `compose`
        gives the body for a marker; `note` goes into the intent."""

        def send(marker: str) -> Made:
            issue = self.tracker.create(title, compose(marker), labels)
            return Made(marker, issue.number, issue.id)

        def look(marker: str, since: float) -> list[Made]:
            found = [
                one for one in self.tracker.issues(since=since) if issue_text.marker_of(one.body) == marker
            ]
            return [Made(marker, one.number, one.id) for one in found]

        return self._make({"kind": ISSUE, "key": key, "title": title, **note}, send, look)

    def comment(self, key: str, number: int, text: str) -> Made:
        """The comment `text` on issue `number`; `key` tells it from all others."""

        def send(marker: str) -> Made:
            return Made(marker, number, self.tracker.comment(number, issue_text.compose(text, marker)).id)

        def look(marker: str, since: float) -> list[Made]:
            found = self.tracker.comments(number)
            return [Made(marker, number, one.id) for one in found if issue_text.marker_of(one.body) == marker]

        return self._make({"kind": COMMENT, "key": key, "issue": number}, send, look)

    def made(self, kind: str) -> dict[str, Made]:
        """What the journal says was made, by key."""
        results = {entry["result"]: entry for entry in self.journal.entries if "result" in entry}
        found = {}
        for intent in self._intents(kind):
            result = results.get(intent["intent"])
            if result:
                found[str(intent["key"])] = Made(intent["intent"], int(result["number"]), int(result["id"]))
        return found

    def begun(self) -> set[str]:
        """What was begun, and is not known to have come to nothing."""
        return {str(entry["key"]) for kind in (ISSUE, COMMENT) for entry in self._intents(kind)}

    def intent_of(self, marker: str) -> dict[str, Any]:
        return next(entry for entry in self.journal.entries if entry.get("intent") == marker)

    def _intents(self, kind: str) -> list[dict[str, Any]]:
        void = {entry["void"] for entry in self.journal.entries if "void" in entry}
        return [
            entry
            for entry in self.journal.entries
            if "intent" in entry and entry.get("kind") == kind and entry["intent"] not in void
        ]

    def _make(
        self,
        intent: dict[str, Any],
        send: Callable[[str], Made],
        look: Callable[[str, float], list[Made]],
    ) -> Made:
        kind, key = str(intent["kind"]), str(intent["key"])
        made = self.made(kind).get(key)
        if made:
            return made
        pending = next((entry for entry in reversed(self._intents(kind)) if entry["key"] == key), None)
        if pending:
            found = self._look_up(pending, look)
            if found:
                return self._record(found)
        else:
            pending = self._intend(intent)
        for _ in range(ATTEMPTS):
            self._check()
            try:
                found = send(pending["intent"])
            except Unanswered as silence:
                self._say(
                    f"no answer whether the {_name(intent)} was made ({silence.message}): looking for it"
                )
                found = self._look_up({**pending, **_moment()}, look)
            except NOTHING_MADE:
                self.journal.append({"void": pending["intent"]})
                raise
            if found:
                return self._record(found)
        raise Busy(
            f"{ATTEMPTS} requests for the {_name(intent)} were not answered, and it is nowhere in {self.tracker.place}",
            f"look there for the marker {pending['intent']}; run the same command again: it looks first",
            marker=pending["intent"],
        )

    def _intend(self, intent: dict[str, Any]) -> dict[str, Any]:
        import uuid

        entry = {"intent": str(uuid.uuid4()), **intent, "tracker": self.tracker.place, **_moment()}
        self.journal.append(entry)
        return entry

    def _record(self, made: Made) -> Made:
        self.journal.append({"result": made.marker, "number": made.number, "id": made.id})
        return made

    def _look_up(self, intent: dict[str, Any], look: Callable[[str, float], list[Made]]) -> Made | None:
        marker = str(intent["intent"])
        for pause in retries.pauses(self.tracker.lookups, _age(intent)):
            if pause:
                self._say(f"{_name(intent)}: not in the list yet; looking again in {pause:.0f} s")
                time.sleep(pause)
            self._check()
            found = look(marker, float(intent["at"]) - SINCE)
            if len(found) > 1:
                numbers = " and ".join(f"#{one.number}" for one in found)
                raise Busy(
                    f"{_name(intent)}: {numbers} carry one marker ({marker}); only one of them can be right",
                    f"look at {numbers} in {self.tracker.place}: remove the line with the marker from the wrong one, "
                    "then run the same command again",
                    marker=marker,
                    numbers=[one.number for one in found],
                )
            if found:
                return found[0]
        return None


def _name(intent: dict[str, Any]) -> str:
    if intent["kind"] == COMMENT:
        return f"comment on #{intent['issue']}"
    return f"issue {str(intent['title'])!r}"


def _moment() -> dict[str, object]:
    now = clock.now()
    return {"at": round(now.wall, 3), "boot": round(now.boot, 3), "boot_id": now.boot_id, "pid": os.getpid()}


def _age(intent: dict[str, Any]) -> float:
    """Seconds since the intent, by a clock that nobody sets; 0 (all lookups are still to come) after a reboot."""
    now = clock.now()
    same_boot = now.boot_id and intent.get("boot_id") == now.boot_id
    return max(0.0, now.boot - float(intent["boot"])) if same_boot else 0.0
