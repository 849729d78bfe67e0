"""The cases of ccpm-agent: a claim, and the burial of a dead agent."""

from __future__ import annotations

import json
from typing import Any

from crash.case import Case
from crash.harness import Command, Project

AUTH = ".claude/epics/auth/agents.json"
PAY = ".claude/epics/pay/agents.json"
CLAIMS = ".claude/locks/.state/.claims.guard"
GUARDS = frozenset(
    {
        CLAIMS,
        ".claude/locks/.state/.file-%2Eclaude%2Fepics%2Fauth%2Fagents.json.guard",
        ".claude/locks/.state/.file-%2Eclaude%2Fepics%2Fpay%2Fagents.json.guard",
    }
)


def registry(project: Project, path: str) -> dict[str, Any]:
    """The registry in `path`, after a check that it is whole."""
    data = project.read(path)
    if data is None:
        return {"agents": {}, "coordination": {"streams": {}}}
    try:
        found: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise AssertionError(f"torn registry: {data[:80]!r}") from error
    assert {"agents", "coordination"} <= found.keys(), found
    return found


def owners(project: Project) -> dict[str, str]:
    """{stream: its owner} of all epics."""
    return {
        name: stream["owner"]
        for path in (AUTH, PAY)
        for name, stream in registry(project, path)["coordination"]["streams"].items()
    }


class ClaimFiles(Case):
    """A claim of a registered agent, with a claim in another epic to compare it with."""

    files = GUARDS | {AUTH, PAY}
    starts_at = CLAIMS

    def prepare(self, project: Project) -> Command:
        for epic in ("auth", "pay"):
            (project.path / ".claude" / "epics" / epic).mkdir(parents=True)
        project.ok("agent", "register", "auth", "--agent", "a")
        project.ok("agent", "claim", "pay", "other", "docs/**", "--agent", "b")
        return Command(("agent", "claim", "auth", "db", "src/db/**", "--agent", "a"))

    def check_interrupted(self, project: Project) -> None:
        assert owners(project) in ({"other": "b"}, {"other": "b", "db": "a"})
        assert "a" in registry(project, AUTH)["agents"], "an agent is lost"

    def recover(self, project: Project) -> None:
        project.ok("agent", "claim", "auth", "db", "src/db/**", "--agent", "a")
        assert owners(project) == {"other": "b", "db": "a"}
        assert project.run("agent", "claim", "pay", "x", "src/db/a.ts", "--agent", "c").status == 75


class BuryTheDead(Case):
    """A claim that finds a dead agent in its way, which also has a lease."""

    files = GUARDS | {AUTH, PAY, ".claude/locks/.state/task-9.guard"}
    starts_at = CLAIMS
    lock = ".claude/locks/task-9.lock"

    def prepare(self, project: Project) -> Command:
        for epic in ("auth", "pay"):
            (project.path / ".claude" / "epics" / epic).mkdir(parents=True)
        project.ok("agent", "claim", "auth", "db", "src/db/**", "--agent", "a")
        project.ok("agent", "register", "pay", "--agent", "b")
        project.ok("lock", "acquire", "task-9", "--agent", "a")
        data = registry(project, AUTH)
        data["agents"]["a"] |= {"pid": 1, "pid_start": "another process"}
        (project.path / AUTH).write_text(json.dumps(data))
        return Command(("agent", "claim", "pay", "x", "src/db/a.ts", "--agent", "b"))

    def check_interrupted(self, project: Project) -> None:
        found = owners(project)
        assert found in ({"db": "a"}, {}, {"x": "b"}), f"both own one file: {found}"
        if registry(project, AUTH)["agents"]["a"].get("ended"):
            assert project.read(self.lock) is None, (
                "marked as dead, and its lease is still there: nobody would end it"
            )

    def recover(self, project: Project) -> None:
        project.ok("agent", "claim", "pay", "x", "src/db/a.ts", "--agent", "b")
        project.ok("agent", "clean")
        assert owners(project) == {"x": "b"}
        assert registry(project, AUTH)["agents"] == {}
        assert project.read(self.lock) is None
