"""The tracker in files: numbers under contention, changes, lists; and the lease that a long sync keeps."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccpm.errors import LeaseLost, NotFound
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.locking import locks
from ccpm.ops.locking.keeping import Keeping
from ccpm.ops.trackers import CLOSED, Change
from ccpm.ops.trackers.local import LocalTracker

LIB = Path(__file__).parents[2] / "lib"


@pytest.fixture
def actor(tmp_path: Path) -> Actor:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".git").mkdir()
    return Actor("a", {}, top=str(tmp_path))


CREATE = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from ccpm.ops.actor import Actor
from ccpm.ops.trackers.local import LocalTracker
tracker = LocalTracker(Actor("a", {}, top=sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for index in range(5):
    tracker.create(f"{sys.argv[3]}.{index}", "", ())
"""


def test_processes_that_create_at_once_get_numbers_of_their_own(actor: Actor) -> None:
    path = f"{LIB}:{LIB / 'vendor'}"
    pipe = subprocess.PIPE
    children = [
        subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", CREATE, path, actor.top, str(worker)],
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        for worker in range(6)
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0] * 6
    issues = LocalTracker(actor).issues()
    assert [issue.number for issue in issues] == [*range(1, 31)]
    assert len({issue.title for issue in issues}) == 30


def test_what_is_written_is_read_and_other_keys_stay(actor: Actor) -> None:
    tracker = LocalTracker(actor)
    issue = tracker.create("A title", "body\n---\nümlaut", ("task", "epic:auth"))
    path = Path(actor.top, ".claude/tracker/1.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "ours": "kept"}))
    changed = tracker.update(1, Change(title="B", state=CLOSED, labels=("x",)))
    assert (changed.title, changed.body, changed.state, changed.labels) == ("B", issue.body, CLOSED, ("x",))
    assert json.loads(path.read_text())["ours"] == "kept"
    tracker.comment(1, "one")
    tracker.comment(1, "two")
    assert [(c.id, c.body, c.author) for c in tracker.comments(1)] == [(1, "one", "a"), (2, "two", "a")]


def test_lists_are_by_label_and_time(actor: Actor) -> None:
    tracker = LocalTracker(actor)
    tracker.create("a", "", ("task",))
    tracker.create("b", "", ("task", "bug"))
    assert [issue.title for issue in tracker.issues(("bug",))] == ["b"]
    assert [issue.title for issue in tracker.issues(since=time.time() - 60)] == ["a", "b"]
    assert tracker.issues(since=time.time() + 60) == []


def test_sub_issues_are_added_once(actor: Actor) -> None:
    tracker = LocalTracker(actor)
    tracker.create("parent", "", ())
    child = tracker.create("child", "", ())
    assert tracker.add_sub_issue(1, child)
    assert tracker.add_sub_issue(1, child)
    assert tracker.sub_issues(1) == [2]


@pytest.mark.parametrize("call", ["get", "comments", "sub_issues"])
def test_an_issue_that_is_not_there_is_not_found(actor: Actor, call: str) -> None:
    with pytest.raises(NotFound):
        getattr(LocalTracker(actor), call)(7)


def test_links_name_their_issues_and_no_others(actor: Actor) -> None:
    tracker = LocalTracker(actor)
    assert tracker.number_of(tracker.url(12)) == 12
    for link in ("https://github.com/octo/shop/issues/12", "12", "local://issues/x", ""):
        assert tracker.number_of(link) == 0


def test_a_write_under_a_lost_lease_is_refused(actor: Actor) -> None:
    with Keeping(actor, "epic-auth", "test") as kept:
        tracker = LocalTracker(kept.actor())
        tracker.create("kept", "", ())
        locks.release(actor.store, "epic-auth", process.owner("b"), force=True)
        with pytest.raises(LeaseLost):
            tracker.create("late", "", ())
        with pytest.raises(LeaseLost):
            kept.check()
    assert [issue.title for issue in LocalTracker(actor).issues()] == ["kept"]


def test_a_lease_is_kept_for_longer_than_it_lasts(actor: Actor) -> None:
    with Keeping(actor, "epic-auth", "test", ttl=0.3) as kept:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            kept.check()
            time.sleep(0.02)
    assert Store(actor.top).list_locks() == []


def test_a_lease_that_the_caller_carries_is_not_taken_again(actor: Actor) -> None:
    with Keeping(actor, "epic-auth", "outer") as outer, Keeping(outer.actor(), "epic-auth", "inner") as inner:
        assert inner.fences == outer.fences
    assert Store(actor.top).list_locks() == []
