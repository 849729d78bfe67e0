"""A staged scene, and what each view says of it: eight agents, three of them waiting, one true cycle, one dead, one slow."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from race.crew import until
from race.tree import BIN, Project, environment, finish

AGENTS = [
    "agent-ada",
    "agent-bob",
    "agent-cyd",
    "agent-dan",
    "agent-eve",
    "agent-fay",
    "agent-gus",
    "agent-hal",
]
DEAD, SLOW = "agent-dan", "agent-eve"
WAITING = {"agent-ada": "epic-b", "agent-bob": "epic-a", "agent-cyd": "epic-a"}


class Scene:
    def __init__(self, path: Path) -> None:
        self.project = Project(path)
        (path / ".claude" / "epics" / "auth").mkdir(parents=True)
        (path / ".claude" / "epics" / "auth" / "epic.md").write_text("---\nname: auth\n---\n")
        self.homes = {agent: subprocess.Popen(["sleep", "120"]) for agent in AGENTS}
        for agent, home in self.homes.items():
            self.project.ok("agent", "register", "auth", "--agent", agent, "--pid", str(home.pid))
        for resource, agent in (("epic-a", "agent-ada"), ("epic-b", "agent-bob"), ("task-4", DEAD)):
            self.project.ok("lock", "acquire", resource, "--agent", agent, "--operation", "edit")
        self.waiters = [self.wait(agent, resource) for agent, resource in WAITING.items()]
        self.homes[DEAD].kill()
        self.homes[DEAD].wait()
        self.slow_down()

    def wait(self, agent: str, resource: str) -> subprocess.Popen[str]:
        options = ["--no-deadlock-check", "--timeout", "100", "--agent", agent]
        process = self.project.start("lock", "acquire", resource, *options)
        until(lambda: agent in self.project.check(resource)["waiting"])
        return process

    def slow_down(self) -> None:
        """The slow one gave its last sign of life 400 seconds ago, on both clocks."""
        path = self.project.path / ".claude" / "epics" / "auth" / "agents.json"
        registry = json.loads(path.read_text())
        agent = registry["agents"][SLOW]
        agent["last_heartbeat"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 400))
        agent["heartbeat_boot"] = agent["heartbeat_boot"] - 400
        path.write_text(json.dumps(registry))

    def json(self, verb: str, status: int = 0) -> dict[str, Any]:
        done = self.project.run("watch", verb, "--json")
        assert done.status == status, done.err
        found: dict[str, Any] = json.loads(done.out)
        return found

    def end(self) -> None:
        for process in [*self.waiters, *self.homes.values()]:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("scene") / "p")
    yield scene
    scene.end()


def test_agents_are_active_slow_or_dead_and_wait_for_what_they_wait_for(scene: Scene) -> None:
    rows = {row["agent_id"]: row for row in scene.json("agents")["agents"]}
    assert sorted(rows) == AGENTS
    assert {agent for agent, row in rows.items() if row["status"] == "active"} == set(AGENTS) - {DEAD, SLOW}
    assert (rows[DEAD]["status"], rows[DEAD]["why"]) == ("dead", "its process is gone")
    assert rows[SLOW]["status"] == "stale"
    waits = {agent: row["waits_for"] for agent, row in rows.items() if row["waits_for"]}
    assert waits == {
        "agent-ada": ["epic-b of agent-bob"],
        "agent-bob": ["epic-a of agent-ada"],
        "agent-cyd": ["epic-a of agent-ada"],
    }
    plain = scene.project.ok("watch", "agents")
    assert f"{DEAD}" in plain
    assert "dead: its process is gone" in plain


def test_the_deadlock_is_the_cycle_and_nobody_else(scene: Scene) -> None:
    found = scene.json("deadlocks", status=1)
    assert [sorted(one["agents"]) for one in found["deadlocks"]] == [["agent-ada", "agent-bob"]]
    assert {
        (edge["agent"], edge["resource"], edge["blocker"]) for edge in found["deadlocks"][0]["cycle"]
    } == {
        ("agent-ada", "epic-b", "agent-bob"),
        ("agent-bob", "epic-a", "agent-ada"),
    }
    assert found["deadlocks"][0]["victim"]["agent"] == "agent-bob"
    assert [(wait["agent"], wait["resource"]) for wait in found["waits"]] == list(WAITING.items())
    assert found["warnings"] == []


def test_locks_show_their_holders_and_their_queues(scene: Scene) -> None:
    rows = {row["resource"]: row for row in scene.json("locks")["locks"]}
    assert {name: row["agent_id"] for name, row in rows.items()} == {
        "epic-a": "agent-ada",
        "epic-b": "agent-bob",
        "task-4": DEAD,
    }
    assert [wait["agent"] for wait in rows["epic-a"]["waiting"]] == ["agent-bob", "agent-cyd"]
    assert [wait["agent"] for wait in rows["epic-b"]["waiting"]] == ["agent-ada"]


def test_the_snapshot_has_it_all_on_one_page(scene: Scene) -> None:
    page = scene.project.ok("watch", "top")
    assert page.startswith("6 agents active of 8, 3 locks held, 3 waiting\nGitHub: not used yet\n")
    assert "Recent events:\n" in page
    found = scene.json("top")
    assert len(found["agents"]) == 8
    assert len(found["locks"]) == 3


@pytest.mark.needs("tmux")
@pytest.mark.parametrize("width", [80, 160])
def test_the_live_view_fits_the_terminal_filters_and_ends(scene: Scene, width: int, tmp_path: Path) -> None:
    socket = str(tmp_path / "tmux")

    def tmux(*arguments: str) -> str:
        env = {**environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        return finish(
            subprocess.Popen(
                ["tmux", "-S", socket, "-f", os.devnull, *arguments],
                env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        ).out  # fmt: skip

    def screen() -> str:
        return tmux("capture-pane", "-p", "-t", "top")

    command = f"cd '{scene.project.path}' && '{BIN}/ccpm-watch' top; echo it has ended; sleep 60"
    tmux("new-session", "-d", "-s", "top", "-x", str(width), "-y", "40", command)
    try:
        until(lambda: "q quit" in screen())
        lines = screen().splitlines()
        assert "6 agents active of 8, 3 locks held, 3 waiting" in lines[0]
        assert max(map(len, lines)) <= width
        assert any(line.lstrip().startswith("agent-dan") and "dead" in line for line in lines)
        assert any(line.lstrip().startswith("epic-a") and "agent-bob" in line for line in lines)
        tmux("send-keys", "-t", "top", "/", "h", "a", "l", "Enter")
        until(lambda: "filter: hal  (Esc drops it)" in screen())
        assert "agent-ada" not in screen()
        tmux("send-keys", "-t", "top", "Escape")
        until(lambda: "agent-ada" in screen())
        tmux("send-keys", "-t", "top", "q")
        until(lambda: "it has ended" in screen())
    finally:
        tmux("kill-server")
