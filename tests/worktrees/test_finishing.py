"""ccpm-worktree finish, and /pm:epic-merge: an epic goes into the default branch, checked, and is cleaned up."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from worktrees.project import GitProject

SCRIPTS = Path(__file__).parents[2] / "commands" / "pm"


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    project = GitProject(tmp_path / "my project", branch="trunk")
    project.write({".claude/epics/auth/001.md": "---\nname: t\nstatus: closed\n---\n"})
    return project


def merged_work(project: GitProject, files: dict[str, str | bytes]) -> Path:
    """Work of agent-1, merged into the epic; the agent has ended."""
    path = project.add("auth", "agent-1")
    project.commit(path, files, "work")
    project.json("merge", "auth")
    project.end_agent("auth", "agent-1")
    return path


def test_the_epic_is_merged_checked_and_cleaned_up(project: GitProject) -> None:
    path = merged_work(project, {"a.txt": "a\n"})
    shared = Path(project.ccpm("worktree", "add", "auth", "--shared").out.rstrip("\n"))
    project.write({"unrelated.txt": "mine\n"})
    report = project.json("finish", "auth", "--check", "test -e a.txt")
    assert (report["into"], report["merged"], report["checks"]) == ("trunk", True, 1)
    assert (project.path / "a.txt").read_text() == "a\n"
    assert project.git("status", "--porcelain") == "?? unrelated.txt"
    assert project.git("log", "-1", "--format=%s", "trunk") == "Merge epic/auth"
    assert sorted(report["cleaned"]) == ["epic/auth", "epic/auth--agent-1"]
    assert not path.exists() and not shared.exists()
    again = project.json("finish", "auth")
    assert (again["to"], again["cleaned"]) == (report["to"], [])
    project.check_repository()


def test_a_failing_check_leaves_everything_as_it_is(project: GitProject) -> None:
    path = merged_work(project, {"a.txt": "a\n"})
    before = project.head("trunk")
    report = project.json("finish", "auth", "--check", "false", status=1)
    assert (report["merged"], report["failed"][0]["status"]) == (False, 1)
    assert project.head("trunk") == before
    assert path.exists() and project.has("epic/auth")


@pytest.mark.parametrize(
    ("break_it", "status", "words"),
    [
        ("open task", 75, "has open tasks: #001"),
        ("unmerged agent", 75, "branches of agents are not merged into the epic yet: epic/auth--agent-2"),
        ("dirty checkout", 75, "trunk is checked out in"),
        ("conflict", 12, "epic/auth does not merge into trunk: base.txt"),
    ],
)
def test_what_is_not_ready_is_refused(break_it: str, status: int, words: str, project: GitProject) -> None:
    merged_work(project, {"base.txt": "theirs\n"})
    if break_it == "open task":
        project.write({".claude/epics/auth/001.md": "---\nname: t\nstatus: open\n---\n"})
    if break_it == "unmerged agent":
        project.commit(project.add("auth", "agent-2"), {"b.txt": "b\n"}, "more")
    if break_it == "dirty checkout":
        project.write({"base.txt": "being edited\n"})
    if break_it == "conflict":
        project.commit(project.path, {"base.txt": "ours\n"}, "ours")
    before = project.head("trunk"), (project.path / "base.txt").read_text()
    done = project.ccpm("worktree", "finish", "auth", status=status)
    assert words in done.err
    assert (project.head("trunk"), (project.path / "base.txt").read_text()) == before
    if break_it == "open task":
        assert project.json("finish", "auth", "--partial")["merged"]
        assert project.has("epic/auth")


def test_what_the_remote_has_meanwhile_is_merged_with_and_pushed(project: GitProject, tmp_path: Path) -> None:
    bare = tmp_path / "remote.git"
    project.git("clone", "-q", "--bare", str(project.path), str(bare))
    project.git("remote", "add", "origin", str(bare))
    project.git("fetch", "-q")
    project.git("remote", "set-head", "origin", "trunk")
    merged_work(project, {"a.txt": "a\n"})
    project.git("clone", "-q", str(bare), str(tmp_path / "other"))
    theirs = project.commit(tmp_path / "other", {"theirs.txt": "x\n"}, "theirs")
    project.git("push", "-q", at=tmp_path / "other")
    report = project.json("finish", "auth", "--push")
    assert report["pushed"] is True
    assert project.git("--git-dir", str(bare), "rev-parse", "trunk") == report["to"] == project.head("trunk")
    assert project.head("trunk^1") == theirs
    assert (project.path / "theirs.txt").exists() and (project.path / "a.txt").exists()


def test_a_push_without_a_remote_is_refused_before_anything_is_merged(project: GitProject) -> None:
    merged_work(project, {"a.txt": "a\n"})
    before = project.head("trunk")
    done = project.ccpm("worktree", "finish", "auth", "--push", status=69)
    assert "no remote to push to; nothing was merged" in done.err and "git remote add origin" in done.err
    assert project.head("trunk") == before


def test_a_push_goes_to_a_remote_that_does_not_say_what_its_default_branch_is(
    project: GitProject, tmp_path: Path
) -> None:
    bare = tmp_path / "remote.git"
    project.git("init", "-q", "--bare", str(bare))
    project.git("remote", "add", "origin", str(bare))
    merged_work(project, {"a.txt": "a\n"})
    report = project.json("finish", "auth", "--push")
    assert project.git("--git-dir", str(bare), "rev-parse", "trunk") == report["to"]


def test_branches_of_living_agents_stay_and_the_report_says_why(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    project.commit(path, {"a.txt": "a\n"}, "work")
    project.json("merge", "auth")
    done = project.ccpm("worktree", "finish", "auth")
    mine, epic, _ = done.out.splitlines()
    assert (
        mine
        == "kept      epic/auth--agent-1  agent-1 is alive; when it has unregistered: ccpm-worktree finish 'auth'"
    )
    assert epic == "kept      epic/auth  branches of its agents are left"
    project.end_agent("auth", "agent-1")
    assert project.json("finish", "auth")["kept"] == []
    assert not path.exists() and not project.has("epic/auth")


def test_the_command_archives_the_epic_too(project: GitProject) -> None:
    merged_work(project, {"a.txt": "a\n"})
    done = subprocess.run(
        ["bash", SCRIPTS / "epic-merge.sh", "auth", "--check", "test -e a.txt"],
        cwd=project.path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (project.path / "a.txt").exists()
    assert (project.path / ".claude/epics/.archived/auth/epic.md").exists()


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_who_asks_the_command_for_help_merges_and_archives_nothing(word: str, project: GitProject) -> None:
    merged_work(project, {"a.txt": "a\n"})
    asked = ["bash", str(SCRIPTS / "epic-merge.sh"), "auth", word]
    done = subprocess.run(asked, cwd=project.path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ccpm-worktree finish")
    assert (project.path / ".claude/epics/auth/epic.md").exists()


@pytest.mark.parametrize(("options", "closes"), [([], True), (["--partial"], False)])
def test_the_command_prints_one_object_with_json(
    options: list[str], closes: bool, project: GitProject
) -> None:
    merged_work(project, {"a.txt": "a\n"})
    merge = ["bash", str(SCRIPTS / "epic-merge.sh"), "auth", "--json", *options]
    done = subprocess.run(merge, cwd=project.path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["merged"]["epic"] == "auth"
    assert bool(printed["closed"]) is closes
    merge[2] = "nowhere"
    refused = subprocess.run(merge, cwd=project.path, capture_output=True, text=True)
    assert refused.returncode == json.loads(refused.stdout)["code"] == 66
