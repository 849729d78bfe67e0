"""What the hooks of Claude Code answer, event by event (ops/claude/hooks.py and its rooms)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ccpm.core import hook_decisions
from ccpm.core.registry import BEAT
from ccpm.errors import Busy
from ccpm.files import checkout, clock, process
from ccpm.ops import frontmatter, identity
from ccpm.ops.actor import Actor
from ccpm.ops.claude import hook_after, hook_changes, hook_worktrees, hooks
from ccpm.ops.distribution import claims, getting, work
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request
from ccpm.ops.team import agents, messages, ownership, registries, requests, streams

SESSION = "11111111-2222-3333-4444-555555555555"
ME = f"agent-{SESSION}"
OTHER = "agent-other"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("pristine")
    (top / ".claude/epics/auth").mkdir(parents=True)
    (top / ".claude/epics/auth/epic.md").write_text("---\nname: auth\nstatus: open\n---\n")
    (top / ".claude/epics/auth/001.md").write_text("---\nname: one\nstatus: open\n---\n\nText.\n")
    (top / "src/db").mkdir(parents=True)
    (top / "src/db/user.ts").write_text("user\n")
    (top / "src/app.ts").write_text("app\n")
    git(top, "init", "-q", "-b", "main", ".")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "start")
    return top


@pytest.fixture
def top(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an epic, in which the agent OTHER claims src/db/**."""
    top = tmp_path / "project"
    shutil.copytree(pristine, top)
    monkeypatch.chdir(top)
    claim(top, OTHER, "src/db/**")
    return top


def git(top: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=top, check=True, stdout=subprocess.DEVNULL)


def claim(top: Path, agent: str, *patterns: str, stream: str = "database") -> None:
    streams.claim(Actor(agent, {}, top=str(top)), "auth", stream, list(patterns), pid=os.getpid())


def lock(top: Path, resource: str, agent: str) -> None:
    locks.try_acquire(Actor(agent, {}, top=str(top)).store, Request(resource, process.owner(agent)))


def call(event: str, top: Path, tool: str = "", strict: bool = False, **fields: Any) -> dict[str, Any]:
    data = {"session_id": SESSION, "cwd": str(top), "hook_event_name": event, "tool_name": tool, **fields}
    return hooks.answer(hooks.Call(event, data, strict))


def reason(answer: dict[str, Any]) -> str:
    """Why a tool call is refused, "" if it is not."""
    said = answer.get("hookSpecificOutput", {})
    assert said.get("permissionDecision") in (None, "deny")
    return str(said.get("permissionDecisionReason", ""))


def edit(top: Path, path: str | Path, tool: str = "Edit", **fields: Any) -> str:
    key = "notebook_path" if tool == "NotebookEdit" else "file_path"
    return reason(call("PreToolUse", top, tool, tool_input={key: str(path)}, **fields))


def bash(top: Path, command: str, **fields: Any) -> dict[str, Any]:
    return call("PreToolUse", top, "Bash", tool_input={"command": command, "timeout": 5}, **fields)


# --- edits ---


@pytest.mark.parametrize("tool", ["Edit", "Write", "MultiEdit", "NotebookEdit"])
def test_a_file_of_another_agent_is_refused_with_owner_stream_time_and_the_command_to_ask(
    top: Path, tool: str
) -> None:
    said = edit(top, top / "src/db/user.ts", tool)
    since = ownership.owner_of(str(top), "src/db/user.ts")
    assert since
    for part in (
        OTHER,
        "stream database of auth",
        "src/db/**",
        since.since,
        "ccpm-agent request src/db/user.ts",
    ):
        assert part in said


def test_a_file_of_nobody_and_a_file_of_ones_own_are_let_through(top: Path) -> None:
    claim(top, ME, "docs/**", stream="words")
    assert edit(top, top / "src/app.ts") == ""
    assert edit(top, top / "docs/new.md", "Write") == ""
    assert edit(top, "/etc/passwd") == ""


def test_what_the_session_claims_its_subagents_may_edit_and_not_the_other_way_round(top: Path) -> None:
    claim(top, ME, "docs/**", stream="words")
    claim(top, "agent-sub1", "web/**", stream="web")
    assert edit(top, top / "docs/a.md", agent_id="sub1") == ""
    assert edit(top, top / "web/a.ts", agent_id="sub1") == ""
    assert "agent-sub1" in edit(top, top / "web/a.ts")
    assert "agent-sub1" in edit(top, top / "web/a.ts", agent_id="sub2")
    assert OTHER in edit(top, top / "src/db/user.ts", agent_id="sub1")


def test_a_lock_on_the_file_counts_like_a_claim(top: Path) -> None:
    lock(top, ownership.resource_of(str(top), "src/app.ts"), OTHER)
    assert f"{OTHER}: its lock on the file" in edit(top, top / "src/app.ts")


def test_another_name_of_the_file_changes_nothing(top: Path) -> None:
    (top / "link").symlink_to("src/db")
    (top / "src/alias.ts").symlink_to("db/user.ts")
    for path in (
        "src/db/user.ts",
        "src/../src/db/new.ts",
        top / "link/user.ts",
        top / "src/alias.ts",
        "./link/new.ts",
    ):
        assert OTHER in edit(top, path), path
    assert OTHER in reason(call("PreToolUse", top / "src", "Edit", tool_input={"file_path": "db/user.ts"}))


def test_the_copy_in_another_worktree_is_the_same_file(top: Path, tmp_path: Path) -> None:
    for worktree in (tmp_path / "beside", top / ".claude/worktrees/agent-x"):
        git(top, "worktree", "add", "-q", str(worktree))
        assert OTHER in edit(worktree, worktree / "src/db/user.ts")
        assert edit(worktree, worktree / "src/app.ts") == ""


def test_where_upper_and_lower_case_are_one_they_are_one_here(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.path.exists(top / ".CLAUDE"):
        assert edit(top, top / "SRC/DB/user.ts") == ""
    real = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: real(str(path).replace(".CLAUDE", ".claude")))
    assert OTHER in edit(top, top / "SRC/DB/user.ts")
    assert "only the helpers write" in edit(top, top / ".Claude/Locks/x.lock")


def test_a_dead_owner_owns_nothing(top: Path) -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    streams.claim(Actor("agent-brief", {}, top=str(top)), "auth", "web", ["web/**"], pid=sleeper.pid)
    assert "agent-brief" in edit(top, top / "web/a.ts")
    sleeper.kill()
    sleeper.wait()
    assert edit(top, top / "web/a.ts") == ""


def test_what_a_dead_agent_has_locked_is_free(top: Path) -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    agents.register(Actor("agent-brief", {}, top=str(top)), "auth", pid=sleeper.pid)
    task = top / ".claude/epics/auth/001.md"
    lock(top, "epic-auth", "agent-brief")
    lock(top, ownership.resource_of(str(top), "src/app.ts"), "agent-brief")
    assert "agent-brief" in edit(top, task)
    assert "agent-brief" in edit(top, top / "src/app.ts")
    sleeper.kill()
    sleeper.wait()
    assert edit(top, task) == edit(top, top / "src/app.ts") == ""


def test_a_broken_registry_of_another_epic_hides_no_claim(top: Path) -> None:
    (top / ".claude/epics/other").mkdir()
    (top / ".claude/epics/other/agents.json").write_text('<<<<<<< ours\n"files"\n')
    assert OTHER in edit(top, top / "src/db/user.ts")
    assert OTHER in reason(bash(top, "rm src/db/user.ts"))


def test_strict_wants_a_claim(top: Path) -> None:
    assert "ccpm-agent claim . STREAM src/app.ts" in edit(top, top / "src/app.ts", strict=True)
    claim(top, ME, "src/*.ts", stream="app")
    assert edit(top, top / "src/app.ts", strict=True) == ""
    assert edit(top, top / "src/app.ts", strict=True, agent_id="sub1") == ""
    assert edit(top, top / ".claude/notes.md", strict=True) == ""
    assert edit(top, "/tmp/elsewhere", strict=True) == ""


def test_shared_state_is_refused_while_its_epic_or_task_is_held_by_another(top: Path) -> None:
    task = top / ".claude/epics/auth/001.md"
    assert edit(top, task) == ""
    lock(top, "task-auth.001", OTHER)
    assert OTHER in edit(top, task)
    assert edit(top, top / ".claude/epics/auth/epic.md") == ""
    lock(top, "epic-auth", OTHER)
    assert f"epic-auth, which is held by {OTHER}" in edit(top, top / ".claude/epics/auth/epic.md")


@pytest.mark.parametrize("where", ["plans", "../plans"])
def test_a_plan_behind_a_link_is_the_plan(top: Path, where: str) -> None:
    (top / ".claude/epics").rename(top / where)
    (top / ".claude/epics").symlink_to(f"{top}/{where}")
    lock(top, "epic-auth", OTHER)
    for path in (top / ".claude/epics/auth/001.md", (top / where / "auth/001.md").resolve()):
        assert "epic-auth, which is held by" in edit(top, path)
        assert call("PostToolUse", top, "Edit", tool_input={"file_path": str(path)}) != {}
    assert "only the helpers write" in edit(top, top / ".claude/epics/auth/agents.json")
    assert reason(bash(top, "echo x >> .claude/epics/auth/001.md"))


def test_shared_state_that_the_agent_or_its_session_holds_is_let_through(top: Path) -> None:
    lock(top, "epic-auth", ME)
    assert edit(top, top / ".claude/epics/auth/epic.md") == ""
    assert edit(top, top / ".claude/epics/auth/epic.md", agent_id="sub1") == ""


@pytest.mark.parametrize(
    "path",
    [
        ".claude/locks/epic-auth.lock",
        ".claude/epics/auth/agents.json",
        ".claude/epics/auth/work.json",
        ".claude/epics/auth/sync-journal.jsonl",
        ".claude/metrics/events.jsonl",
    ],
)
def test_state_of_the_helpers_is_nobodys_to_edit(top: Path, path: str) -> None:
    assert "only the helpers write" in edit(top, top / path)


def test_the_copy_of_the_plan_in_a_worktree_is_refused_with_the_helpers_to_use(
    top: Path, tmp_path: Path
) -> None:
    worktree = tmp_path / "beside"
    git(top, "worktree", "add", "-q", str(worktree))
    said = edit(worktree, worktree / ".claude/epics/auth/001.md")
    assert "ccpm-fm-cas update .claude/epics/auth/001.md" in said
    assert "ccpm-work note" in said
    assert f"{top}/.claude/epics/auth/001.md" in said
    assert reason(bash(worktree, "echo x >> .claude/epics/auth/001.md"))
    assert not reason(bash(worktree, "git checkout -- .claude/epics/auth/001.md"))


# --- Bash ---


@pytest.mark.parametrize(
    "command",
    [
        "echo x > src/db/user.ts",
        "cd src && sed -i s/a/b/ db/user.ts",
        "git checkout -- src/db/user.ts",
        "rm -rf src",
        "mv src/app.ts src/db/",
        "mv src/db elsewhere",
        "(cd src/db; rm user.ts)",
        'git commit -m "$(cat x)" ; tee src/db/user.ts < x',
        "cp src/app.ts src/db/user.ts",
        "cp -r new/db src",
        "cp -r new/. src",
        "cp -t src/db new/db/user.ts",
        "n=$((1+1)); echo x > src/db/user.ts",
        "echo `date` > src/db/user.ts",
        "cd src || exit; rm db/user.ts",
        "git -c a.b=c rm src/db/user.ts",
        "git restore --source HEAD src/db/user.ts",
        "bash -xc 'truncate -s0 src/db/user.ts'",
    ],
)
def test_a_command_that_writes_a_file_of_another_is_refused(top: Path, command: str) -> None:
    (top / "new/db").mkdir(parents=True)
    (top / "new/db/user.ts").touch()
    (top / "src/db/user.ts").write_text("changed\n")
    said = reason(bash(top, command))
    assert OTHER in said
    assert "in this command would write" in said


@pytest.mark.parametrize(
    "command",
    [
        "cat src/db/user.ts > out",
        "echo 'x > src/db/user.ts'",
        "cd nowhere && echo x > db/user.ts",
        "rm src/app.ts",
        "cp src/db/user.ts src/app.ts",
        "git commit -m 'rm src/db/user.ts'",
        "grep x src/db/user.ts 2>/dev/null",
        "rm $FILES src/db/user.ts",
        "cp -r src web",
        "cp -n src/app.ts src/db/user.ts",
        "git restore .",
        "git checkout -- .",
        "git restore src/db/user.ts",
        "cat <<'E' > out\nrm src/db/user.ts\nE",
    ],
)
def test_a_command_that_does_not_certainly_write_one_is_let_through(top: Path, command: str) -> None:
    assert bash(top, command) == {}


def test_only_what_git_would_take_back_counts_in_a_checkout_of_a_folder(top: Path) -> None:
    (top / "src/app.ts").write_text("mine\n")
    for command in (
        "git checkout -- .",
        "git restore .",
        "cd src && git restore db app.ts",
        "git checkout HEAD -- .",
        "git restore --source HEAD .",
    ):
        assert bash(top, command) == {}
        (top / "src/db/user.ts").write_text("theirs\n")
        assert f"src/db/user.ts belongs to {OTHER}" in reason(bash(top, command))
        git(top, "checkout", "--", "src/db")


def test_the_look_at_what_git_would_take_back_writes_nothing(top: Path) -> None:
    assert bash(top, "git restore --source=--output=written src/db/user.ts") == {}
    assert not (top / "written").exists()


def test_a_folder_is_looked_at_as_far_as_its_last_file(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [f"huge/{number}" for number in range(2100)] + ["huge/zz/last", "large/one"]:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    assert bash(top, "rm -rf huge") == {}
    claim(top, OTHER, "huge/zz/**", stream="end")
    assert "huge/zz/last belongs to agent-other" in reason(bash(top, "rm -rf huge"))
    monkeypatch.setattr(hook_changes, "MOST_FILES", 100)
    said = reason(bash(top, "rm -rf huge"))
    assert "huge has too many files" in said
    assert "agent-other: stream end of auth (huge/zz/**)" in said
    claim(top, OTHER, "huge2/**", stream="end")
    assert bash(top, "rm -rf huge") == {}
    lock(top, ownership.resource_of(str(top), "large/one"), OTHER)
    assert bash(top, "rm -rf huge") == {}
    lock(top, ownership.resource_of(str(top), "huge/zz/last"), OTHER)
    assert "its lock on the file" in reason(bash(top, "rm -rf huge"))


def test_only_our_own_helpers_get_the_subagents_id_and_the_whole_input_stays(top: Path) -> None:
    answer = bash(top, "ccpm-lock acquire r", agent_id="a1b2")["hookSpecificOutput"]
    assert answer == {
        "hookEventName": "PreToolUse",
        "updatedInput": {"command": "ccpm-lock acquire r --agent agent-a1b2", "timeout": 5},
    }
    script = "bash .claude/commands/pm/issue-start.sh 12"
    assert bash(top, script, agent_id="a1b2")["hookSpecificOutput"]["updatedInput"]["command"] == (
        f"{script} --agent agent-a1b2"
    )
    assert bash(top, "echo hello", agent_id="a1b2") == {}
    assert bash(top, "bash .claude/commands/pm/no-such.sh", agent_id="a1b2") == {}
    assert bash(top, "ccpm-lock acquire r") == {}


# --- after a tool ---


def test_an_edited_task_gets_its_next_version(top: Path) -> None:
    path = top / ".claude/epics/auth/001.md"
    answer = call("PostToolUse", top, "Edit", tool_input={"file_path": str(path)})
    assert frontmatter.read(str(path)).get("version") == "1"
    assert "version 1" in answer["hookSpecificOutput"]["additionalContext"]
    assert call("PostToolUse", top, "Read", tool_input={"file_path": str(path)}) == {}
    assert call("PostToolUse", top, "Edit", tool_input={"file_path": str(top / "src/app.ts")}) == {}


def test_an_edit_that_broke_the_frontmatter_is_told(top: Path) -> None:
    path = top / ".claude/epics/auth/001.md"
    path.write_text("---\nname: one\nversion: soon\n---\n")
    answer = call("PostToolUse", top, "Write", tool_input={"file_path": str(path)})
    assert "cannot be read" in answer["hookSpecificOutput"]["additionalContext"]
    assert path.read_text() == "---\nname: one\nversion: soon\n---\n"


def last_beat(top: Path, agent: str) -> float:
    return registries.read(str(top), "auth").agents[agent].heartbeat_boot


def set_back(top: Path, agent: str, seconds: float) -> None:
    with registries.Changing(Actor(agent, {}, top=str(top)).store, "auth") as registry:
        registry.agents[agent].heartbeat_boot -= seconds


def test_a_sign_of_life_is_given_once_in_a_while(top: Path) -> None:
    assert hook_after.THROTTLE < BEAT
    agents.register(Actor(ME, {}, top=str(top)), "auth", pid=os.getpid())
    first = last_beat(top, ME)
    call("PostToolUse", top, "Read", tool_input={})
    assert last_beat(top, ME) == first
    set_back(top, ME, 55)
    call("PostToolUse", top, "Read", tool_input={})
    assert clock.boot() - last_beat(top, ME) < 30


def test_a_session_lives_while_a_subagent_of_it_works(top: Path) -> None:
    agents.register(Actor(ME, {}, top=str(top)), "auth", pid=os.getpid())
    set_back(top, ME, 800)
    call("PostToolUse", top, "Read", tool_input={}, agent_id="sub1")
    assert clock.boot() - last_beat(top, ME) < 30


@pytest.mark.parametrize("subagent", ["", "sub1"])
def test_a_task_stays_with_an_agent_that_uses_tools_registered_or_not(top: Path, subagent: str) -> None:
    me = Actor(ME, {}, top=str(top))
    resource = work.start(me, "auth/001").claim.resource
    path = me.store.lock_path(resource)

    def after_a_tool(silent: float) -> str:
        at = time.time() - silent
        os.utime(path, (at, at))
        fields = {"agent_id": subagent} if subagent else {}
        call("PostToolUse", top, "Read", tool_input={}, **fields)
        return Path(path).read_text()

    first = Path(path).read_text()
    assert after_a_tool(30) == first
    assert after_a_tool(60) != first
    assert claims.held(me.store)[resource].agent == ME


def test_an_agent_that_was_found_dead_is_told_once_and_begins_anew(top: Path) -> None:
    claim(top, ME, "web/**", stream="web")
    set_back(top, ME, 1000)
    registries.bury_in(Actor(OTHER, {}, top=str(top)).store, ["auth"])
    assert call("PostToolUse", top, "Read", tool_input={}, agent_id="sub1") == {}
    answer = call("PostToolUse", top, "Read", tool_input={})
    assert "was found dead" in answer["hookSpecificOutput"]["additionalContext"]
    registry = registries.read(str(top), "auth")
    assert not registry.agents[ME].ended
    assert "web" not in registry.streams
    assert call("PostToolUse", top, "Read", tool_input={}) == {}


def test_messages_are_delivered_with_the_next_tool_and_taken_out_once_that_is_written(top: Path) -> None:
    claim(top, ME, "web/**", stream="web")
    with pytest.raises(Busy):
        requests.ask(Actor(OTHER, {}, top=str(top)), "web/a.ts", "a new field")
    data = {"session_id": SESSION, "cwd": str(top), "tool_name": "Read", "tool_input": {}}
    asked = hooks.Call("PostToolUse", data)
    said = hooks.answer(asked)["hookSpecificOutput"]["additionalContext"]
    assert f"message of {OTHER}" in said
    assert "asks for web/a.ts: a new field" in said
    assert f"ccpm-agent grant web/a.ts --to {OTHER}" in said
    assert hooks.answer(hooks.Call("PostToolUse", {**data, "agent_id": "sub1"})) == {}
    assert len(messages.unread(str(top), ME)) == 1
    for action in asked.afterwards:
        action()
    assert messages.unread(str(top), ME) == []


def test_that_a_file_has_become_free_is_told_with_the_next_tool(top: Path) -> None:
    other = Actor(OTHER, {}, top=str(top))
    claim(top, OTHER, "web/**", stream="web")
    with pytest.raises(Busy):
        requests.ask(Actor(ME, {}, top=str(top)), "web/a.ts", "a new field")
    assert call("PostToolUse", top, "Read", tool_input={}) == {}
    streams.release(other, "auth", "web")
    asked = hooks.Call("PostToolUse", {"session_id": SESSION, "cwd": str(top), "tool_name": "Read"})
    said = hooks.answer(asked)["hookSpecificOutput"]["additionalContext"]
    assert re.fullmatch(r"CCPM at \S+: web/a.ts is free now; take it with: ccpm-agent request web/a.ts", said)
    for action in asked.afterwards:
        action()
    assert call("PostToolUse", top, "Read", tool_input={}) == {}


# --- sessions and subagents ---


def test_a_session_on_the_branch_of_an_epic_is_registered_there_and_told_the_rules(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_ENV_FILE", str(tmp_path / "env"))
    git(top, "checkout", "-q", "-b", "epic/auth")
    for _ in range(2):
        said = call("SessionStart", top, source="startup")["hookSpecificOutput"]["additionalContext"]
    assert f"You are {ME}." in said
    assert "registered in epic auth" in said
    assert f"src/db/** ({OTHER}, stream database of auth)" in said
    assert set(registries.read(str(top), "auth").agents) == {OTHER, ME}


def test_later_shells_of_the_session_know_the_agent_and_find_the_helpers(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_ENV_FILE", str(tmp_path / "env"))
    call("SessionStart", top, source="startup")
    call("SessionStart", top, source="compact")
    script = f". {tmp_path}/env; echo $CCPM_AGENT_ID; command -v ccpm-hook; echo $PATH | tr : '\\n' | grep -c w*/bin$"
    shown = subprocess.run(
        ["bash", "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    ).stdout.split()
    assert shown[0] == ME
    assert Path(shown[1]).samefile(Path(__file__).parents[2] / "bin/ccpm-hook")
    assert shown[2] == "3"


def test_a_session_that_another_one_started_is_an_agent_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPM_AGENT_ID", "agent-outer")
    assert identity.session_agent(SESSION) == "agent-outer"
    monkeypatch.setenv("CCPM_AGENT_SESSION", "outer")
    assert identity.session_agent(SESSION) == ME
    monkeypatch.setenv("CCPM_AGENT_SESSION", SESSION)
    assert identity.session_agent(SESSION) == "agent-outer"


def test_a_subagent_is_registered_where_its_session_is_and_leaves_everything_when_it_stops(top: Path) -> None:
    agents.register(Actor(ME, {}, top=str(top)), "auth", pid=os.getpid())
    said = call("SubagentStart", top, agent_id="sub1")["hookSpecificOutput"]["additionalContext"]
    assert f"You are agent-sub1, a subagent of {ME}." in said
    claim(top, "agent-sub1", "web/**", stream="web")
    lock(top, "task-1", "agent-sub1")
    lock(top, "task-2", ME)
    call("SubagentStop", top, agent_id="sub1")
    registry = registries.read(str(top), "auth")
    assert set(registry.agents) == {OTHER, ME}
    assert "web" not in registry.streams
    assert Actor(ME, {}, top=str(top)).store.list_locks() == ["task-2"]


def test_at_the_end_of_a_turn_leases_are_released_and_streams_stay(top: Path) -> None:
    claim(top, ME, "web/**", stream="web")
    lock(top, "task-1", ME)
    assert call("Stop", top, background_tasks=[{"id": "x"}]) == {}
    assert call("Stop", top) == {"systemMessage": "CCPM released task-1: the turn is over"}
    assert call("Stop", top) == {}
    assert registries.read(str(top), "auth").streams["web"].owner == ME


def test_at_the_end_of_a_turn_the_tasks_and_files_that_an_agent_has_stay_its_own(top: Path) -> None:
    me = Actor(ME, {}, top=str(top))
    work.start(me, "auth/001")
    requests.ask(me, "src/app.ts", "a new field")
    held = me.store.list_locks()
    assert len(held) == 2
    assert call("Stop", top) == {}
    assert me.store.list_locks() == held
    assert getting.next_task(Actor(OTHER, {}, top=str(top)), "auth") is None


def test_a_session_that_ends_leaves_nothing(top: Path) -> None:
    claim(top, ME, "web/**", stream="web")
    lock(top, "task-1", ME)
    assert call("SessionEnd", top, reason="other") == {}
    assert set(registries.read(str(top), "auth").agents) == {OTHER}
    assert Actor(ME, {}, top=str(top)).store.list_locks() == []


def test_an_agent_that_is_registered_nowhere_loses_its_leases_too(top: Path) -> None:
    lock(top, "task-1", ME)
    call("SessionEnd", top, reason="other")
    assert Actor(ME, {}, top=str(top)).store.list_locks() == []


def worktree_call(top: Path, **fields: str) -> hooks.Call:
    return hooks.Call("WorktreeCreate", {"session_id": SESSION, "cwd": str(top), **fields})


def test_a_subagents_worktree_is_that_of_its_agent_in_the_epic_of_its_session(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.register(Actor(ME, {}, top=str(top)), "auth", pid=os.getpid())
    said: list[str] = []
    path = hook_worktrees.create(worktree_call(top, name="agent-a1b2"), said.append)
    assert path == f"{top.parent}/epic-auth-agent-a1b2"
    assert checkout.branch_of(path) == "epic/auth--agent-a1b2"
    assert said == []
    monkeypatch.chdir(path)
    call("SubagentStart", Path(path), agent_id="a1b2")
    assert registries.read(str(top), "auth").agents["agent-a1b2"].worktree == path


def test_without_an_epic_the_worktree_is_where_claude_code_would_put_it(top: Path) -> None:
    path = hook_worktrees.create(worktree_call(top, name="mine"), lambda line: None)
    assert path == f"{top}/.claude/worktrees/mine"
    assert checkout.branch_of(path) == "worktree-mine"


def test_a_worktree_that_cannot_be_made_by_our_rules_is_made_all_the_same(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Busy("the disk hangs")

    monkeypatch.setattr("ccpm.ops.branches.worktrees.adopt", fail)
    said: list[str] = []
    path = hook_worktrees.create(worktree_call(top, name="mine"), said.append)
    assert checkout.branch_of(path) == "worktree-mine"
    assert said == ["no worktree by the rules of CCPM: the disk hangs; making one as git does"]
    assert hook_worktrees.create(worktree_call(top, name="mine"), said.append) == path


def test_a_worktree_made_as_git_does_leaves_branches_and_half_made_worktrees_alone(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("the disk hangs")

    monkeypatch.setattr("ccpm.ops.branches.worktrees.adopt", fail)
    git(top, "switch", "-q", "-c", "worktree-mine")
    (top / "kept.txt").write_text("kept")
    git(top, "add", "kept.txt")
    git(top, "commit", "-q", "-m", "kept")
    git(top, "switch", "-q", "-")
    path = Path(hook_worktrees.create(worktree_call(top, name="mine"), lambda line: None))
    assert path == top / ".claude/worktrees/mine"
    assert (path / "kept.txt").exists()

    half = top / ".claude/worktrees/half"
    git(top, "worktree", "add", "-q", "--no-checkout", "-b", "worktree-half", str(half))
    other = hook_worktrees.create(worktree_call(top, name="half"), lambda line: None)
    assert other == f"{half}-2"
    assert checkout.branch_of(other) == "worktree-half-2"


def test_a_worktree_that_is_to_go_goes_and_what_was_unsaved_is_saved(top: Path) -> None:
    path = Path(hook_worktrees.create(worktree_call(top, name="mine"), lambda line: None))
    (path / "notes.txt").write_text("mine alone\n")
    said = call("WorktreeRemove", top, worktree_path=str(path))
    assert not path.exists()
    assert "refs/ccpm/rescue/" in said["systemMessage"]
    assert call("WorktreeRemove", top, worktree_path=str(path)) == {}


def test_outside_of_projects_nothing_is_said(tmp_path: Path) -> None:
    for event in ("SessionStart", "SubagentStart", "PostToolUse", "Stop", "SubagentStop", "SessionEnd"):
        assert call(event, tmp_path, "Read", tool_input={}) == {}


@pytest.mark.parametrize(
    "tool_input", [None, [], {"file_path": 3}, {"file_path": ""}, {"file_path": "a\0b"}, {"command": None}]
)
def test_odd_input_is_let_through(top: Path, tool_input: object) -> None:
    for tool in ("Edit", "Bash", "Unknown"):
        assert call("PreToolUse", top, tool, tool_input=tool_input) == {}


@pytest.mark.parametrize(
    ("relative", "is_root", "kind"),
    [
        ("src/.claude/epics/x/1.md", True, "ordinary"),
        (".claude/epics/auth/1.md", True, "plan"),
        (".claude/epics/auth/1.md", False, "copy"),
        (".claude/prds/x.md", True, "plan"),
        (".claude/rules/x.md", False, "ordinary"),
        (".claude/settings.json", True, "ordinary"),
    ],
)
def test_the_kind_of_a_file_follows_from_its_path(relative: str, is_root: bool, kind: str) -> None:
    assert hook_decisions.kind_of(relative, is_root, ("epics", "prds", "locks")).name == kind
