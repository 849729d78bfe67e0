"""Exactly once, in one process: the journal and the lookup against a tracker that dies, is silent, lags and lies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpm.core import issue_text
from ccpm.errors import Busy, IOFailure, LeaseLost, Malformed, Unavailable
from ccpm.files.journal import Journal
from ccpm.ops.sync.once import ISSUE, Made, Once
from ccpm.ops.trackers import Comment, Issue, Tracker, Unanswered


class Killed(BaseException):
    """The process is gone: nothing of ours may catch it."""


class Memory(Tracker):
    """A tracker in memory. `before` and `after` run around the moment at which a thing is made; `hidden`: how many
    lists do not show it yet."""

    place = "memory"

    def __init__(self) -> None:
        self.made: list[Issue] = []
        self.said: list[Comment] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.hidden = 0
        self.lists = 0

    def create(self, title: str, body: str, labels: tuple[str, ...]) -> Issue:
        self.before()
        self.made.append(Issue(len(self.made) + 1, title, body, labels=labels))
        self.after()
        return self.made[-1]

    def issues(self, labels: tuple[str, ...] = (), since: float = 0.0) -> list[Issue]:
        self.lists += 1
        if self.hidden >= self.lists:
            return []
        return list(self.made)

    def comment(self, number: int, body: str) -> Comment:
        self.before()
        self.said.append(Comment(len(self.said) + 1, body))
        self.after()
        return self.said[-1]

    def comments(self, number: int) -> list[Comment]:
        return list(self.said)


def fail(error: BaseException, times: int = 1) -> Callable[[], None]:
    left = [times]

    def raise_it() -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return raise_it


@pytest.fixture
def tracker() -> Memory:
    return Memory()


@pytest.fixture
def run(tmp_path: Path, tracker: Memory) -> Callable[[], Once]:
    """A new process: it knows what is on disk and nothing else."""

    def start() -> Once:
        journal = Journal(str(tmp_path / "journal.jsonl"), contextlib.nullcontext).open()
        return Once(tracker, journal, lambda: None, lambda line: None)

    return start


def make(once: Once) -> Made:
    return once.issue("001", "Task", lambda marker: issue_text.compose("text", marker), ("task",))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_a_request_the_next_run_makes_it_once(
    moment: str, run: Callable[[], Once], tracker: Memory
) -> None:
    setattr(tracker, moment, fail(Killed()))
    with pytest.raises(Killed):
        make(run())
    assert make(run()).number == 1
    assert len(tracker.made) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_comment_is_posted_once_too(moment: str, run: Callable[[], Once], tracker: Memory) -> None:
    setattr(tracker, moment, fail(Killed()))
    with pytest.raises(Killed):
        run().comment("note", 7, "done")
    run().comment("note", 7, "done")
    run().comment("note", 7, "done")
    assert len(tracker.said) == 1
    assert tracker.said[0].body.startswith("done\n\n<!-- ccpm:")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_without_an_answer_it_looks_before_it_asks_again(
    moment: str, run: Callable[[], Once], tracker: Memory
) -> None:
    setattr(tracker, moment, fail(Unanswered("cut")))
    make(run())
    assert len(tracker.made) == 1
    assert tracker.lists == 1


def test_a_list_that_lags_is_looked_at_again(run: Callable[[], Once], tracker: Memory) -> None:
    tracker.lookups = (0.0, 0.01, 0.02)
    tracker.hidden = 2
    tracker.after = fail(Unanswered("cut"))
    make(run())
    assert (len(tracker.made), tracker.lists) == (1, 3)


def test_what_was_made_is_not_asked_for_again(run: Callable[[], Once], tracker: Memory) -> None:
    make(run())
    make(run())
    assert (len(tracker.made), tracker.lists) == (1, 0)


def test_a_refusal_made_nothing_and_needs_no_looking(run: Callable[[], Once], tracker: Memory) -> None:
    tracker.before = fail(Unavailable("not logged in"))
    with pytest.raises(Unavailable):
        make(run())
    make(run())
    assert (len(tracker.made), tracker.lists) == (1, 0)


@pytest.mark.parametrize("error", [IOFailure("written, but not synced"), LeaseLost("too late")])
def test_an_error_that_may_come_from_behind_the_request_is_no_refusal(
    error: Exception, run: Callable[[], Once], tracker: Memory
) -> None:
    tracker.after = fail(error)
    with pytest.raises(type(error)):
        make(run())
    assert make(run()).number == 1
    assert len(tracker.made) == 1


def test_a_result_that_cannot_be_journaled_is_found_again(
    run: Callable[[], Once], tracker: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, full = Journal.append, fail(Busy("somebody has held a guard for 20 s"))

    def append_or_fail(journal: Journal, entry: dict[str, object]) -> None:
        if "result" in entry:
            full()
        append(journal, entry)

    monkeypatch.setattr(Journal, "append", append_or_fail)
    with pytest.raises(Busy):
        make(run())
    assert make(run()).number == 1
    assert len(tracker.made) == 1


def test_silence_for_ever_is_busy_and_names_the_marker(run: Callable[[], Once], tracker: Memory) -> None:
    tracker.before = fail(Unanswered("502"), 99)
    with pytest.raises(Busy) as busy:
        make(run())
    marker = busy.value.details["marker"]
    assert str(marker) in busy.value.hint
    tracker.before = lambda: None
    assert make(run()).marker == marker, "the next run goes on with the same marker"


def test_two_with_one_marker_are_never_passed_over(run: Callable[[], Once], tracker: Memory) -> None:
    tracker.after = fail(Killed())
    with pytest.raises(Killed):
        make(run())
    tracker.made.append(Issue(2, "Task", tracker.made[0].body))
    with pytest.raises(Busy) as busy:
        make(run())
    assert busy.value.details["numbers"] == [1, 2]


def test_a_lease_that_is_lost_sends_nothing(tmp_path: Path, tracker: Memory) -> None:
    journal = Journal(str(tmp_path / "journal.jsonl"), contextlib.nullcontext).open()
    with pytest.raises(Killed):
        make(Once(tracker, journal, fail(Killed()), lambda line: None))
    assert tracker.made == []


def test_a_torn_line_is_cut_off_and_anything_else_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"intent":"a","kind":"issue","key":"1"}\n{"result":"a","num')
    journal = Journal(str(path), contextlib.nullcontext).open()
    assert [entry["intent"] for entry in journal.entries] == ["a"]
    journal.append({"void": "a"})
    assert path.read_bytes().count(b"\n") == 2
    path.write_bytes(b"not json\n{}\n")
    with pytest.raises(Malformed, match="line 1"):
        Journal(str(path), contextlib.nullcontext).open()


def test_an_empty_journal_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(str(path), contextlib.nullcontext).open()
    journal.append({"a": 1})
    journal.append({"b": "ü\ud800"})
    assert Journal(str(path), contextlib.nullcontext).open().entries == [{"a": 1}, {"b": "ü\ud800"}]
    journal.keep([{"a": 1}])
    assert path.read_text() == '{"a":1}\n'
    journal.keep([])
    assert not path.exists()


def test_made_tells_what_has_a_result(run: Callable[[], Once], tracker: Memory) -> None:
    once = run()
    make(once)
    assert {key: one.number for key, one in once.made(ISSUE).items()} == {"001": 1}
