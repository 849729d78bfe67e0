"""Whose a file is: streams and locks, in every worktree, and at no cost where nothing is claimed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpm.core.leases import SHARED
from ccpm.errors import Malformed, NotFound
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request
from ccpm.ops.team import agents, ownership, registries, requests, streams

Act = Callable[[str], Actor]


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path.resolve() / "p"
    for epic in ("auth", "pay"):
        (path / ".claude" / "epics" / epic).mkdir(parents=True)
    subprocess.run(["git", "init", "-q", path], check=True)
    subprocess.run(["git", "-C", path, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    monkeypatch.chdir(path)
    return str(path)


def act(top: str, name: str) -> Actor:
    return Actor(name, {}, top=top)


def lock(top: str, agent: str, path: str, operation: str = "edit", mode: str = "exclusive") -> None:
    resource = ownership.resource_of(top, path)
    locks.try_acquire(Store(top), Request(resource, process.owner(agent), operation, mode))


def owner(top: str, path: str, asking: str = "") -> str | None:
    claim = ownership.owner_of(top, path, asking)
    return claim.agent if claim else None


def test_a_file_of_a_claimed_stream_has_an_owner_and_others_have_none(top: str) -> None:
    streams.claim(act(top, "agent-a"), "auth", "db", ["src/db/**"])
    claim = ownership.owner_of(top, f"{top}/src/db/user.ts")
    assert claim
    assert (claim.agent, claim.epic, claim.stream, claim.via) == ("agent-a", "auth", "db", "stream")
    assert claim.patterns == ("src/db/**",)
    assert owner(top, "src/db/user.ts") == "agent-a", "a path below the root is meant"
    assert owner(top, f"{top}/src/api/user.ts") is None
    assert owner(top, f"{top}/src/db/user.ts", asking="agent-a") is None
    assert owner(top, "/etc/passwd") is None


def test_the_copy_in_a_linked_worktree_is_the_same_file(top: str) -> None:
    streams.claim(act(top, "agent-a"), "auth", "db", ["src/db/**"])
    inside = f"{top}/.claude/worktrees/agent-b"
    for place in (inside, f"{os.path.dirname(top)}/outside"):
        subprocess.run(["git", "-C", top, "worktree", "add", "-q", "--detach", place], check=True)
        assert owner(top, f"{place}/src/db/user.ts") == "agent-a"
        assert owner(top, f"{place}/README.md") is None


def test_a_repository_of_its_own_inside_belongs_to_the_project(top: str) -> None:
    subprocess.run(["git", "init", "-q", f"{top}/vendor/lib"], check=True)
    streams.claim(act(top, "agent-a"), "auth", "lib", ["vendor/lib/**"])
    assert owner(top, f"{top}/vendor/lib/src/a.c") == "agent-a"


def test_the_dead_own_nothing_and_what_is_completed_is_free(top: str) -> None:
    ended = subprocess.Popen(["sleep", "60"])
    a = act(top, "agent-a")
    agents.register(a, "auth", pid=ended.pid)
    streams.claim(a, "auth", "db", ["src/db/**"])
    assert owner(top, "src/db/user.ts") == "agent-a"
    ended.kill()
    ended.wait()
    assert owner(top, "src/db/user.ts") is None
    b = act(top, "agent-b")
    streams.claim(b, "pay", "db", ["src/db/**"])
    assert owner(top, "src/db/user.ts") == "agent-b"
    streams.complete(b, "pay", "db")
    assert owner(top, "src/db/user.ts") is None


def test_a_lock_on_the_file_counts_before_a_stream(top: str) -> None:
    streams.claim(act(top, "agent-a"), "auth", "db", ["src/db/**"])
    lock(top, "agent-b", f"{top}/src/db/user.ts")
    assert owner(top, "src/db/user.ts") == "agent-b"
    assert owner(top, "src/db/user.ts", asking="agent-a") == "agent-b"
    assert owner(top, "src/db/user.ts", asking="agent-b") == "agent-a", "nobody granted this lock"


def test_a_grant_passes_the_stream_of_the_agent_that_gave_it_and_no_other(top: str) -> None:
    streams.claim(act(top, "agent-a"), "auth", "db", ["src/db/**"])
    lock(top, "agent-b", "src/db/user.ts", "granted by agent-a")
    assert owner(top, "src/db/user.ts", asking="agent-b") is None
    lock(top, "agent-b", "src/db/other.ts", "granted by agent-c")
    assert owner(top, "src/db/other.ts", asking="agent-b") == "agent-a"


def test_several_may_hold_a_shared_lock(top: str) -> None:
    for agent in ("agent-a", "agent-b"):
        lock(top, agent, "notes.md", mode=SHARED)
    assert owner(top, "notes.md", asking="agent-a") is None
    assert owner(top, "notes.md", asking="agent-b") is None
    assert owner(top, "notes.md", asking="agent-c") == "agent-a"


def test_nothing_heavy_is_loaded_where_no_claim_could_match(top: str) -> None:
    streams.claim(act(top, "agent-a"), "auth", "db", ["src/db/**"])
    code = (
        "import sys; from ccpm.ops.team import ownership; "
        f"ownership.owner_of({top!r}, 'docs/a.md'); "
        "sys.exit('pathspec' in sys.modules or 'ruamel' in sys.modules or 'subprocess' in sys.modules)"
    )
    lib = Path(__file__).parents[2] / "lib"
    env = {**os.environ, "PYTHONPATH": f"{lib}:{lib}/vendor"}
    assert subprocess.run([sys.executable, "-S", "-c", code], env=env, check=False).returncode == 0


def broken(top: str, epic: str, *words: str) -> None:
    """A registry as a merge leaves it that did not go well."""
    conflict = f'<<<<<<< ours\n{{"files": {list(words)}}}\n=======\n>>>>>>> theirs\n'
    Path(top, ".claude/epics", epic, "agents.json").write_text(conflict)


def test_a_file_lock_that_no_process_holds_is_over_with_its_agent(top: str) -> None:
    ended = subprocess.Popen(["sleep", "60"])
    agents.register(act(top, "agent-d"), "auth", pid=ended.pid)
    requests.ask(act(top, "agent-d"), "src/user.ts", "")
    assert owner(top, "src/user.ts") == "agent-d"
    ended.kill()
    ended.wait()
    assert owner(top, "src/user.ts") is None
    requests.ask(act(top, "agent-e"), "src/user.ts", "")
    assert owner(top, "src/user.ts") == "agent-e"


def test_a_registry_that_cannot_be_read_hides_no_claim_of_another_and_makes_no_file_free(top: str) -> None:
    streams.claim(act(top, "agent-a"), "pay", "db", ["src/db/**"])
    broken(top, "auth")
    assert owner(top, "src/db/user.ts", asking="agent-b") == "agent-a"
    assert ownership.find(top, ["src/db/a", "src/x"], "agent-b").keys() == {"src/db/a"}
    with pytest.raises(Malformed, match=r"auth/agents\.json"):
        owner(top, "src/x", asking="agent-b")
    assert owner(top, "/etc/passwd") is None
    assert not ownership.is_free(top, "src/x", "agent-b")


def test_signs_of_life_and_leaving_need_no_registry_but_ones_own(top: str) -> None:
    agent = act(top, "agent-a")
    agents.register(agent, "pay")
    broken(top, "auth")
    assert agents.heartbeat(agent) == ["pay"]
    assert [registry.epic for registry, _ in registries.listing(top)] == ["pay"]
    assert agents.unregister(agent) == ["pay"]
    assert agents.clean(agent.store) == []
    with pytest.raises(NotFound):
        agents.heartbeat(agent)
    broken(top, "auth", "agent-a")
    for ask in (agents.heartbeat, lambda actor: agents.unregister(actor, "auth")):
        with pytest.raises(Malformed):
            ask(agent)
