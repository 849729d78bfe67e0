"""A sync names tasks after their issues while others look for work and import: nobody has a task under a name that
goes, and no issue gets two files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpm.errors import Busy, LeaseLost
from ccpm.files import process
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims, getting, work
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request
from ccpm.ops.sync import Progress, epic, importing
from ccpm.ops.team import analyses, streams
from ccpm.ops.trackers.local import LocalTracker

EPIC = ".claude/epics/auth"


class Killed(BaseException):
    """The process is gone."""


class At(Progress):
    """Calls `then` at step number `at` of a sync: steps 1 to 3 have made an issue each."""

    def __init__(self, at: int, then: Callable[[], object]) -> None:
        super().__init__()
        self.left = at
        self.then = then

    def step(self, name: str) -> None:
        self.left -= 1
        if not self.left:
            self.then()


class Heard(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CCPM_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / EPIC
    folder.mkdir(parents=True)
    (folder / "epic.md").write_text("---\nname: auth\nstatus: backlog\n---\n\n# Epic\n")
    for name in ("001", "002"):
        (folder / f"{name}.md").write_text(f"---\nname: Task {name}\nstatus: open\n---\n\ntext\n")
    return str(tmp_path)


def actor(top: str, agent: str) -> Actor:
    return Actor(agent, {}, top=top)


def sync(top: str, at: int = 0, then: Callable[[], object] = lambda: None) -> dict[str, object]:
    found = actor(top, "syncer")
    return epic.sync(found, LocalTracker(found), "auth", False, At(at, then))


def kill() -> None:
    raise Killed


def test_nobody_gets_a_task_while_its_epic_is_synced(top: str) -> None:
    ann = actor(top, "ann")
    refused = []

    def try_everything() -> None:
        for get in (
            lambda: getting.next_task(ann, "auth"),
            lambda: getting.next_task(ann, "auth", may_steal=True),
            lambda: getting.claim(ann, "auth/001"),
            lambda: work.start(actor(top, "syncer"), "auth/001"),
        ):
            with pytest.raises(Busy, match="syncer syncs its epic") as busy:
                get()
            refused.append(busy.value.code)
        with pytest.raises(LeaseLost):
            work.release(actor(top, "syncer"), "auth/001")

    sync(top, 2, try_everything)
    assert refused == [75] * 4
    assert sorted(os.listdir(Path(top, EPIC)))[:2] == ["2.md", "3.md"]
    given = getting.next_task(ann, "auth")
    assert given and given.claim.resource == "task-2"
    with pytest.raises(Busy, match="in the hands of ann for work since"):
        getting.claim(actor(top, "bob"), "auth/2")


def test_a_sync_that_fails_or_is_killed_keeps_no_task_back(top: str) -> None:
    def fail() -> None:
        raise Busy("later")

    with pytest.raises(Busy, match="later"):
        sync(top, 2, fail)
    assert claims.every(actor(top, "ann").store) == {}
    given = getting.claim(actor(top, "ann"), "auth/001")
    with pytest.raises(Busy, match=r"001\.md would be renamed, but its task is held by ann"):
        sync(top)
    work.release(actor(top, "ann"), "auth/001")
    assert given.claim.resource == "task-auth.001"
    assert sync(top)["created"] == [1, 2, 3]


def test_a_task_that_was_locked_by_hand_meanwhile_is_not_renamed(top: str) -> None:
    ann = actor(top, "ann")
    by_hand = Request("task-002", process.owner("ann"))
    with pytest.raises(Busy, match="task is held by ann"):
        sync(top, 3, lambda: locks.try_acquire(ann.store, by_hand))
    assert Path(top, EPIC, "002.md").exists()
    locks.release(ann.store, "task-002", by_hand.owner)
    assert sync(top)["tasks"] == [2, 3]
    assert len(list(Path(top, ".claude/tracker").glob("[0-9]*.json"))) == 3


def test_what_a_killed_sync_has_decided_waits_for_who_has_a_task_since(
    top: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(epic.relabel, "finish", lambda *_: kill())
        with pytest.raises(Killed):
            sync(top)
    ann = actor(top, "ann")
    work.start(ann, "auth/002")
    with pytest.raises(Busy, match=r"002\.md would be renamed, but its task is held by ann") as busy:
        sync(top)
    assert busy.value.details["holders"], "other epics can be synced meanwhile"
    assert work.release(ann, "auth/002")["status"] == "open"
    assert sync(top)["tasks"] == [2, 3]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_import_leaves_the_issues_of_an_unfinished_sync_to_it(top: str, at: int) -> None:
    with pytest.raises(Killed):
        sync(top, at, kill)
    importer = actor(top, "importer")
    heard = Heard()
    tracker = LocalTracker(importer)
    made = importing.run(importer, tracker, [], "", "", heard)
    assert (made["epics"], made["tasks"], made["skipped"]) == ([], [], at)
    assert heard.lines[0] == "#1 belongs to a sync that is not finished: ccpm-sync epic auth"
    assert importing.run(importer, tracker, [1], "auth", "", heard)["tasks"] == []
    assert sync(top)["tasks"] == [2, 3]
    assert sorted(path.name for path in Path(top, EPIC).glob("[0-9]*.md")) == ["2.md", "3.md"]
    assert importing.run(importer, tracker, [], "", "", heard)["skipped"] == 3


def test_the_streams_of_a_task_go_with_it(top: str) -> None:
    parts = "".join(f"### Stream {one}: part\n**Files**: `src/{one}.py`\n\n" for one in "ABC")
    Path(top, EPIC, "001-analysis.md").write_text(f"# Analysis\n\n{parts}")
    ann, bob = actor(top, "ann"), actor(top, "bob")
    analyses.take(ann, "auth", "001", "A")
    streams.complete(ann, "auth", "001-A")
    analyses.take(ann, "auth", "001", "B")
    sync(top)
    found = analyses.read(top, "auth", "2").parts
    assert [(part.name, part.status) for part in found] == [
        ("2-A", "completed"),
        ("2-B", "in-progress"),
        ("2-C", "ready"),
    ]
    assert analyses.take(bob, "auth", "2")[0].name == "2-C"
    assert streams.complete(ann, "auth", "2-B").issue == "2"
