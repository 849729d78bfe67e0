"""Everything that changes an epic does so while it holds the epic, and every write is fenced by that lease."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpm.core.drafts import Draft
from ccpm.files import plain
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.locking import fences, lock_state
from ccpm.ops.plan import cleaning, completion, creating, decomposing, epics

LOCK = "epic-auth"
TASK = "---\nname: {name}\nstatus: {status}\n---\nwords\n"


@pytest.fixture
def actor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Actor:
    (tmp_path / ".git").mkdir()
    epic = tmp_path / ".claude" / "epics" / "auth"
    epic.mkdir(parents=True)
    (epic / "epic.md").write_text(
        "---\nstatus: in-progress\nprogress: 7%\n---\n\n## Tasks Created\n- [ ] #001 - Old\n"
    )
    (epic / "001.md").write_text(TASK.format(name="One", status="closed"))
    (epic / "002.md").write_text(TASK.format(name="Two", status="open"))
    monkeypatch.chdir(tmp_path)
    return Actor("tester", {}, top=str(tmp_path))


class Witness:
    """What is written while `LOCK` is held and its token is carried, and what is not."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.protected: list[str] = []
        self.bare: list[str] = []
        self._carried: list[dict[str, int]] = []
        publish, enter, leave = plain.Guarded.publish, fences.Fenced.__enter__, fences.Fenced.__exit__
        rename = os.rename

        def watched_enter(fenced: fences.Fenced) -> None:
            self._carried.append({name: token for _, some in fenced._fences for name, token in some.items()})
            enter(fenced)

        def watched_exit(fenced: fences.Fenced, *error: object) -> None:
            self._carried.pop()
            leave(fenced, *error)

        def watched_publish(file: plain.Guarded, data: bytes, mode: int | None = None) -> None:
            if "/epics/auth/" in file.path:
                self._saw(file.path, any(LOCK in carried for carried in self._carried))
            publish(file, data, mode)

        def watched_rename(source: str, target: str) -> None:
            if source.endswith("/epics/auth"):
                self._saw(source, True)
            rename(source, target)

        monkeypatch.setattr(plain.Guarded, "publish", watched_publish)
        monkeypatch.setattr(fences.Fenced, "__enter__", watched_enter)
        monkeypatch.setattr(fences.Fenced, "__exit__", watched_exit)
        monkeypatch.setattr(os, "rename", watched_rename)

    def _saw(self, path: str, is_fenced: bool) -> None:
        is_held = bool(lock_state.look(self.store, LOCK).holders)
        (self.protected if is_held and is_fenced else self.bare).append(os.path.basename(path))


def close_all(actor: Actor) -> None:
    for path in Path(actor.top, ".claude/epics/auth").glob("0*.md"):
        path.write_text(TASK.format(name=path.stem, status="closed"))


def detect(actor: Actor) -> None:
    done = completion.Detected()
    traces = completion.Traces([time.time()])
    task = completion.plans.load_epic(actor.top, "auth").plan.tasks[1]
    done.findings = [completion.Finding(task, "in-progress", "high", "commits", traces)]
    completion.apply(actor, done, ())


def clean(actor: Actor) -> None:
    close_all(actor)
    epic = Path(actor.top, ".claude/epics/auth/epic.md")
    epic.write_text("---\nstatus: completed\ncompleted: 2020-01-01T00:00:00Z\n---\n")
    for path in epic.parent.iterdir():
        os.utime(path, (0, 0))
    cleaning.clean(actor)


CHANGES: dict[str, tuple[Callable[[Actor], object], list[str]]] = {
    "refresh": (lambda actor: epics.refresh(actor, "auth"), ["epic.md"]),
    "close-task": (lambda actor: epics.set_task_status(actor, "auth", "2", "closed"), ["002.md", "epic.md"]),
    "task-list": (lambda actor: epics.write_task_list(actor, "auth"), ["epic.md"]),
    "new-task": (lambda actor: creating.new_task(actor, "auth", Draft("Three")), ["003.md", "epic.md"]),
    "new-bug": (lambda actor: creating.new_bug(actor, "2", "Broken"), ["003.md", "epic.md"]),
    "decompose": (
        lambda actor: decomposing.decompose(actor, "auth", [Draft("Three"), Draft("Four")]),
        ["003.md", "004.md", "epic.md"],
    ),
    "close-epic": (lambda actor: (close_all(actor), epics.close_epic(actor, "auth")), ["epic.md"]),
    "archive": (lambda actor: epics.archive(actor, "auth"), ["auth"]),
    "clean": (clean, ["auth"]),
    "detect": (detect, ["002.md", "epic.md"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_an_epic_holds_it_and_carries_its_token(
    change: str, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(actor.store, monkeypatch)
    carry_out, written = CHANGES[change]
    carry_out(actor)
    assert witness.bare == []
    assert witness.protected == written
    assert lock_state.look(actor.store, LOCK).holders == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_under_a_lease_that_was_lost_changes_nothing(change: str, actor: Actor) -> None:
    actor.fences[LOCK] = 99
    before = {path.name: path.read_bytes() for path in Path(actor.top, ".claude/epics/auth").iterdir()}
    if change in ("close-epic", "clean"):
        return  # they prepare the epic first, which is no part of the change
    with pytest.raises(fences.LeaseLost):
        CHANGES[change][0](actor)
    assert {
        path.name: path.read_bytes() for path in Path(actor.top, ".claude/epics/auth").iterdir()
    } == before
