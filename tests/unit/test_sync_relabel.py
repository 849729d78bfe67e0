"""Files get the numbers of their issues, also when it is killed around any step: links, references, renames in a
circle."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccpm.core import renumber
from ccpm.files import clock
from ccpm.files.journal import Journal
from ccpm.files.json_record import Changing
from ccpm.ops import frontmatter
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import board
from ccpm.ops.plan import moving
from ccpm.ops.sync import relabel
from ccpm.ops.team import streams

WANTED = {"1.md": "2.md", "2.md": "1.md", "003.md": "3.md"}
BEFORE = {"1.md": "[2]", "2.md": "[1]", "003.md": "[1, 2]"}
AFTER = {"2.md": ("1.md", "[1]"), "1.md": ("2.md", "[2]"), "3.md": ("003.md", "[2, 1]")}


class Killed(BaseException):
    pass


def prepare(path: Path) -> Actor:
    folder = path / ".claude/epics/auth"
    folder.mkdir(parents=True)
    (path / ".git").mkdir()
    for name, depends in BEFORE.items():
        (folder / name).write_text(
            f"---\nname: was {name}\ndepends_on: {depends}\nversion: 1\n---\n\n[1, 2]\n"
        )
    return Actor("a", {}, top=str(path))


def decision() -> dict[str, Any]:
    def edit(name: str, number: int, before: list[str], after: list[str]) -> dict[str, Any]:
        return {"file": name, "github": f"local://issues/{number}", "depends_on": [before, after]}

    files = [
        edit("1.md", 2, ["2"], ["1"]),
        edit("2.md", 1, ["1"], ["2"]),
        edit("003.md", 3, ["1", "2"], ["2", "1"]),
    ]
    return {"relabel": {"files": files, "moves": renumber.order(dict(WANTED), set(BEFORE)).moves, "kept": []}}


class Steps:
    """Counts the steps of a run, and kills it around one of them. A step of number n is about to be done at 2n, and
    done at 2n + 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fatal: int) -> None:
        self.count = 0
        self.fatal = fatal
        for owner, name in ((frontmatter, "apply"), (moving, "rename"), (Journal, "append")):
            monkeypatch.setattr(owner, name, self.around(getattr(owner, name)))

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **more: Any) -> Any:
            self.die()
            result = step(*arguments, **more)
            self.die()
            return result

        return run

    def die(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            raise Killed


def finish(actor: Actor) -> list[str]:
    folder = Path(actor.top, ".claude/epics/auth")
    journal = Journal(str(folder / "journal"), contextlib.nullcontext).open()
    return relabel.finish(actor, journal, str(folder))


def check(actor: Actor) -> None:
    folder = Path(actor.top, ".claude/epics/auth")
    assert {path.name for path in folder.iterdir()} == {*AFTER, "journal"}
    for name, (was, depends) in AFTER.items():
        block, body = (folder / name).read_text().split("\n---\n")
        assert f"name: was {was}\n" in block
        assert f"depends_on: {depends}\n" in block
        assert f"github: local://issues/{name.removesuffix('.md')}" in block
        assert "\nversion: 2\n" in block, f"{name} was written more than once"
        assert body == "\n[1, 2]\n"


def test_it_is_completed_wherever_it_is_killed(tmp_path: Path) -> None:
    fatal = 0
    while True:
        fatal += 1
        actor = prepare(tmp_path / str(fatal))
        journal = Journal(f"{actor.top}/.claude/epics/auth/journal", contextlib.nullcontext).open()
        journal.append(decision())
        with pytest.MonkeyPatch.context() as patch:
            steps = Steps(patch, fatal)
            try:
                finish(actor)
                break
            except Killed:
                pass
        assert finish(actor) == []
        check(actor)
    assert steps.count == fatal - 1 >= 20
    check(actor)


def test_what_somebody_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    actor = prepare(tmp_path)
    folder = tmp_path / ".claude/epics/auth"
    Journal(str(folder / "journal"), contextlib.nullcontext).open().append(decision())
    frontmatter.apply(frontmatter.Change(str(folder / "003.md"), "b", {"depends_on": "[2]"}))
    (folder / "2.md").unlink()
    warnings = finish(actor)
    assert "depends_on: [2]\n" in (folder / "3.md").read_text()
    assert any("2.md is gone" in warning for warning in warnings)


def test_the_streams_of_the_epic_follow_once(tmp_path: Path) -> None:
    actor = prepare(tmp_path)
    path = tmp_path / ".claude/epics/auth/agents.json"
    found = {
        "1-A": {"owner": "b", "status": "completed", "issue": "1"},
        "2-A": {"owner": "c", "status": "in-progress", "issue": "2"},
        "1-x": {"owner": "", "status": "claimed"},
        "docs": {"owner": "", "status": "claimed", "issue": "1"},
    }
    agents = {"c": {"work_stream": "2-A", "last_heartbeat": clock.to_iso(time.time()), "odd": 1}}
    path.write_text(json.dumps({"agents": agents, "coordination": {"streams": found}}))
    for _ in range(2):
        streams.renumber(actor, "auth", {"1": "2", "2": "1"}, "mark")
        data = json.loads(path.read_text())
        new = {
            name: (one.get("issue"), one["owner"]) for name, one in data["coordination"]["streams"].items()
        }
        assert new == {"2-A": (2, "b"), "1-A": (1, "c"), "1-x": (None, ""), "docs": (2, "")}
        assert data["coordination"]["work_streams"] == {"2-A": "b", "1-A": "c", "1-x": "", "docs": ""}
        assert (data["agents"]["c"]["work_stream"], data["agents"]["c"]["odd"]) == ("1-A", 1)


def test_who_decides_on_the_board_meanwhile_is_waited_for(tmp_path: Path) -> None:
    actor = prepare(tmp_path)
    path = tmp_path / ".claude/epics/auth/work.json"
    waiting = threading.Thread(
        target=board.renumber, args=(str(path), {"1": "2"}, "mark", actor.store, {}), daemon=True
    )
    with Changing(str(path)):
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(30)
    assert not waiting.is_alive()
    assert not path.exists()


def test_the_board_of_the_epic_follows_once(tmp_path: Path) -> None:
    actor = prepare(tmp_path)
    path = tmp_path / ".claude/epics/auth/work.json"
    path.write_text(
        '{"tasks": {"1": {"agent": "a"}, "2": {"agent": "b"}}, "plan": {"assignments": {"003": "c"}}, "x": 1}'
    )
    for _ in range(2):
        board.renumber(str(path), {"1": "2", "2": "1", "003": "3"}, "mark", actor.store, {})
        data = json.loads(path.read_text())
        assert data["tasks"] == {"2": {"agent": "a"}, "1": {"agent": "b"}}
        assert (data["plan"]["assignments"], data["x"]) == ({"3": "c"}, 1)
