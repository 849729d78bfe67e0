"""Ownership in real sessions: agent A owns src/db/**, and what that means for another session, its subagents and their
worktrees; asking and granting; the end of A; whose name a helper acts in; and a broken helper.

Sessions run at once and meet through the scripted model: a reply that has to come after something waits for it.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claude.project import LIMIT, Project, finish
from fakes.model import Block, Model, Reply, Request, say, use

EDITS = ("--permission-mode", "acceptEdits", "--allowedTools")
AGENT = "Bash(ccpm-agent:*)"
SCHEMA = "src/db/schema.sql"
MAIN = "src/main.py"


class Step:
    """Something that one session does and another one waits for."""

    def __init__(self) -> None:
        self._done = threading.Event()

    def done(self, reply: Block) -> Reply:
        """`reply`, with which this step is done."""

        def give(_: Request) -> Block:
            self._done.set()
            return reply

        return give

    def then(self, reply: Block) -> Reply:
        """`reply`, as soon as this step is done."""

        def wait(_: Request) -> Block:
            self.wait()
            return reply

        return wait

    def set(self) -> None:
        self._done.set()

    def wait(self) -> None:
        assert self._done.wait(LIMIT), "what another session waits for did not come"


def edit(project: Project, old: str, new: str, path: str = SCHEMA) -> Block:
    return use("Edit", file_path=str(project.top / path), old_string=old, new_string=new)


def read(project: Project, path: str = SCHEMA) -> Block:
    return use("Read", file_path=str(project.top / path))


def bash(command: str) -> Block:
    return use("Bash", command=command, description="a step")


def subagent(key: str, **options: str) -> Block:
    prompt = f"{key}: do it"
    return use("Agent", description="a part", prompt=prompt, subagent_type="general-purpose", **options)


@contextmanager
def owner(project: Project, model: Model, *then: Reply) -> Iterator[subprocess.Popen[str]]:
    """Session A, which owns src/db/** and has edited a file there; then its replies are those of `then`. It ends with
    the block, if it was not killed there."""
    ready, over = Step(), Step()
    model.scripts["AAA"] = [
        bash("ccpm-agent claim auth database 'src/db/**'"),
        read(project),
        edit(project, "users", "people"),
        ready.done(read(project, MAIN)),
        *then,
        over.then(say("done")),
    ]
    session = project.start(model, "AAA: own the database", *EDITS, AGENT)
    try:
        ready.wait()
        yield session
    finally:
        over.set()
        ended = finish(session)
    assert ended.status == -9 or (ended.status, ended.out.strip()) == (0, "done"), ended.err
    assert "updated" in results(model, "AAA")[2]


def run(project: Project, model: Model, key: str, *options: str) -> None:
    """A whole session, which has to end well."""
    ended = project.claude(model, f"{key}: go on", *options)
    assert (ended.status, ended.out.strip()) == (0, "done"), ended.err


def results(model: Model, key: str) -> list[str]:
    """The results of the tools of a conversation, in order, errors marked."""
    found = [request.result() for request in model.of(key) if request.turn]
    return [f"{'error: ' if result['is_error'] else ''}{result['content']}" for result in found]


def agent(project: Project, *arguments: str) -> str:
    return project.must(str(project.top / ".claude/bin/ccpm-agent"), *arguments).strip()


def is_refused(said: str, owner: str, path: str = SCHEMA) -> bool:
    """Whether `said` is the refusal, with all that it has to name."""
    parts = (
        f"{path} belongs to {owner}",
        "stream database of auth",
        "src/db/**",
        "since 20",
        "ccpm-agent request",
    )
    return said.startswith("error: ") and all(part in said for part in parts)


def test_what_another_session_owns_is_refused_in_session_subagent_and_worktree(
    project: Project, model: Model
) -> None:
    def in_worktree(path: str) -> Reply:
        return lambda _: use("Write", file_path=f"{results(model, 'TREE')[0].strip()}/{path}", content="x")

    model.scripts["BBB"] = [
        read(project),
        edit(project, "people", "folks"),
        use("Write", file_path=str(project.top / "src/db/new.sql"), content="x"),
        bash("echo x > src/db/other.sql"),
        read(project, MAIN),
        edit(project, "hello", "hi", MAIN),
        subagent("SUB"),
        subagent("TREE", isolation="worktree"),
        say("done"),
    ]
    model.scripts["SUB"] = [read(project), edit(project, "people", "folks"), say("done")]
    model.scripts["TREE"] = [
        bash("pwd"),
        in_worktree("src/db/new.sql"),
        in_worktree("notes.txt"),
        in_worktree(".claude/epics/auth/004.md"),
        say("done"),
    ]
    with owner(project, model):
        name = agent(project, "owner", "auth", "database")
        run(project, model, "BBB", *EDITS, "Bash(echo:*)", "Bash(pwd)")
    session, sub, tree = (results(model, key) for key in ("BBB", "SUB", "TREE"))
    assert is_refused(session[1], name)
    assert is_refused(session[2], name, "src/db/new.sql")
    assert is_refused(session[3], name, "src/db/other.sql")
    assert "updated" in session[5]
    assert is_refused(sub[1], name)
    assert "/.claude/worktrees/agent-" in tree[0]
    assert is_refused(tree[1], name, "src/db/new.sql")
    assert "created" in tree[2]
    assert "ccpm-fm-cas update .claude/epics/auth/004.md" in tree[3]
    assert (project.top / SCHEMA).read_text() == "create table people;\n"
    assert (project.top / MAIN).read_text() == "print('hi')\n"
    assert [path.name for path in (project.top / "src/db").iterdir()] == ["schema.sql"]


def test_b_asks_a_grants_and_the_next_edit_of_b_passes(project: Project, model: Model) -> None:
    asked, granted = Step(), Step()

    def grant(request: Request) -> Block:
        """What the message in A's context says that A can do."""
        command = re.search(rf"ccpm-agent grant {SCHEMA} --to [\w-]+", request.news)
        assert command, request.news
        return bash(command[0])

    model.scripts["BBB"] = [
        read(project),
        edit(project, "people", "folks"),
        bash(f"ccpm-agent request {SCHEMA} --reason 'a better name'"),
        asked.done(read(project, MAIN)),
        granted.then(edit(project, "people", "folks")),
        say("done"),
    ]
    with owner(project, model, asked.then(read(project, MAIN)), grant, granted.done(read(project, MAIN))):
        name = agent(project, "owner", "auth", "database")
        run(project, model, "BBB", *EDITS, AGENT)
    said = results(model, "BBB")
    assert is_refused(said[1], name)
    assert "Exit code 75" in said[2]
    assert "updated" in said[4]
    assert (project.top / SCHEMA).read_text() == "create table folks;\n"


def test_when_the_owners_session_is_killed_its_files_are_free_at_once(project: Project, model: Model) -> None:
    refused, killed = Step(), Step()
    model.scripts["BBB"] = [
        read(project),
        edit(project, "people", "folks"),
        refused.done(read(project, MAIN)),
        killed.then(edit(project, "people", "folks")),
        say("done"),
    ]
    with owner(project, model) as session:
        other = project.start(model, "BBB: go on", *EDITS, AGENT)
        try:
            refused.wait()
            session.kill()
            session.wait()
        finally:
            killed.set()
            ended = finish(other)
    assert (ended.status, ended.out.strip()) == (0, "done"), ended.err
    said = results(model, "BBB")
    assert said[1].startswith("error: ")
    assert "updated" in said[3]


def test_a_subagents_helper_acts_for_the_subagent_and_the_users_rules_mean_what_they_meant(
    project: Project, model: Model
) -> None:
    model.scripts["BBB"] = [
        bash("ccpm-lock acquire task-8 --ttl 60"),
        bash("ccpm-lock check task-8 --json"),
        bash("ccpm-lock list"),
        subagent("SUB"),
        say("done"),
    ]
    model.scripts["SUB"] = [
        bash("ccpm-lock acquire task-9 --ttl 60"),
        bash("ccpm-lock check task-9 --json"),
        bash("echo hello"),
        bash("ccpm-lock list"),
        bash("make x"),
        bash("bash .claude/commands/pm/epic-start.sh auth"),
        bash("ccpm-agent list auth --json"),
        say("done"),
    ]
    rules = (
        "Bash(ccpm-lock acquire:*)", "Bash(ccpm-lock check:*)", "Bash(echo:*)", "Bash(ccpm-agent list:*)",
        "Bash(bash .claude/commands/pm/epic-start.sh:*)",
    )  # fmt: skip
    run(project, model, "BBB", "--allowedTools", *rules)
    session, sub = results(model, "BBB"), results(model, "SUB")
    me = re.search(r"You are (agent-[0-9a-f-]{36})\.", model.of("BBB")[0].text)
    it = re.search(r"You are (agent-\w+), a subagent of (agent-[0-9a-f-]{36})\.", model.of("SUB")[0].text)
    assert me and it and it[2] == me[1] != it[1]
    assert f'"agent_id": "{me[1]}"' in session[1]
    assert f'"agent_id": "{it[1]}"' in sub[1]
    assert sub[2] == "hello"
    for said in (session[2], sub[3], sub[4]):  # no rule allows these, with our rewriting or without
        assert said == "error: This command requires approval"
    assert re.findall(r'"agent_id": "([\w-]+)"', sub[6]) == [it[1]]


def test_a_session_on_the_branch_of_an_epic_is_registered_while_it_lasts(
    project: Project, model: Model
) -> None:
    project.must("git", "checkout", "-q", "-b", "epic/auth")
    model.scripts["BBB"] = [bash("ccpm-agent list auth --json"), subagent("SUB"), say("done")]
    model.scripts["SUB"] = [bash("ccpm-agent list auth --json"), say("done")]
    run(project, model, "BBB", *EDITS, AGENT)
    assert "You are registered in epic auth." in model.of("BBB")[0].text
    assert results(model, "BBB")[0].count('"agent_id"') == 1
    assert results(model, "SUB")[0].count('"agent_id"') == 2
    assert agent(project, "list", "auth", "--json") == "[]"


def test_the_worktree_of_a_subagent_is_its_own_in_the_epic_and_what_it_commits_there_is_merged(
    project: Project, model: Model
) -> None:
    project.must("git", "checkout", "-q", "-b", "epic/auth")
    model.scripts["BBB"] = [subagent("TREE", isolation="worktree"), say("done")]
    model.scripts["TREE"] = [
        bash("pwd"),
        lambda _: use("Write", file_path=f"{results(model, 'TREE')[0].strip()}/notes.txt", content="x"),
        bash("git add notes.txt && git commit -q -m notes"),
        bash("git branch --show-current"),
        say("done"),
    ]
    run(project, model, "BBB", *EDITS, "Bash(pwd)", "Bash(git:*)")
    where, _, _, branch = results(model, "TREE")
    name = Path(where.strip()).name
    assert name.startswith("epic-auth-agent-")
    assert branch.strip() == f"epic/auth--{name.removeprefix('epic-auth-')}"
    project.must(str(project.top / ".claude/bin/ccpm-worktree"), "merge", "auth")
    assert project.must("git", "show", "epic/auth:notes.txt") == "x"


@pytest.mark.parametrize("broken", ["its library", "its setup"])
def test_a_broken_helper_does_not_stop_a_session(project: Project, model: Model, broken: str) -> None:
    if broken == "its library":
        (project.top / ".claude/lib/ccpm/cli/__init__.py").write_text("this is no Python\n")
    else:
        (project.top / ".claude/lib/.python").unlink()
    model.scripts["BBB"] = [read(project), edit(project, "users", "people"), bash("echo on"), say("done")]
    run(project, model, "BBB", *EDITS, "Bash(echo:*)")
    assert "updated" in results(model, "BBB")[1]
    assert results(model, "BBB")[2] == "on"
