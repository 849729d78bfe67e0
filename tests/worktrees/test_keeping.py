"""Promise P9 for what is around a worktree: branches that were not made for it, agents that work in it, work that comes
while it is being made or removed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from race.crew import until
from race.tree import finish
from worktrees.project import GitProject


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "p")


def register(project: GitProject, agent: str, at: Path) -> None:
    project.ccpm("agent", "register", "auth", "--agent", agent, at=at)


@pytest.mark.parametrize("branch", ["epic/auth", "main", "epic/auth--agent-2", "feature"])
def test_a_branch_that_was_not_made_for_a_worktree_stays_when_that_goes(
    branch: str, project: GitProject
) -> None:
    path = project.add("auth", "agent-1")
    other = project.add("auth", "agent-2")
    project.git("branch", "feature")
    project.git("switch", "-q", "--detach")
    project.git("switch", "-q", "--detach", at=other)
    project.git("switch", "-q", branch, at=path)
    gone = project.json("remove", "auth", "--agent", "agent-1")
    assert (gone["branch"], gone["branch_deleted"], path.exists()) == (branch, False, False)
    assert project.has(f"refs/heads/{branch}")
    assert project.has("refs/heads/epic/auth--agent-1")


def test_a_worktree_is_told_by_its_agent_not_by_what_is_checked_out_in_it(project: GitProject) -> None:
    paths = [project.add("auth", agent) for agent in ("agent-1", "agent-2")]
    for path in paths:
        project.git("switch", "-q", "--detach", at=path)
    project.git("switch", "-q", "epic/auth--agent-2", at=paths[0])
    project.json("remove", "auth", "--agent", "agent-2")
    assert [path.exists() for path in paths] == [True, False]


def test_a_branch_checked_out_where_it_was_not_made_is_cleaned_up_when_it_is_merged(
    project: GitProject,
) -> None:
    paths = [project.add("auth", agent) for agent in ("agent-1", "agent-2")]
    project.commit(paths[1], {"done.txt": "done\n"}, "done")
    project.git("switch", "-q", "--detach", at=paths[1])
    project.git("switch", "-q", "epic/auth--agent-2", at=paths[0])
    project.end_agent("auth", "agent-1")
    assert project.json("merge", "auth")["cleaned"] == ["epic/auth--agent-1"], "agent-2 lives"
    assert project.has("refs/heads/epic/auth--agent-2")
    project.end_agent("auth", "agent-2")
    assert "epic/auth--agent-2" in project.json("merge", "auth")["cleaned"]
    assert not project.has("refs/heads/epic/auth--agent-2")
    assert not paths[0].exists()


@pytest.mark.parametrize("is_checked_out", [False, True])
def test_commits_that_come_onto_the_epic_while_it_is_being_merged_are_kept(
    is_checked_out: bool, project: GitProject
) -> None:
    path = project.add("auth", "agent-1")
    project.commit(path, {"a.txt": "a\n"}, "work")
    project.json("merge", "auth")
    project.ccpm("agent", "unregister", "auth", "--agent", "agent-1")
    if is_checked_out:
        project.ccpm("worktree", "add", "auth", "--shared")
    late = project.git("commit-tree", "-p", "epic/auth", "-m", "late", "epic/auth^{tree}")
    check = f"git update-ref refs/heads/epic/auth {late}"
    report = project.json("finish", "auth", "--check", check)
    assert report["merged"] is True
    assert "epic/auth" not in report["cleaned"]
    assert [one["branch"] for one in report["kept"]] == ["epic/auth"]
    assert project.head("epic/auth") == late
    assert "epic/auth" in project.json("finish", "auth")["cleaned"]


@pytest.mark.parametrize("by", [("merge", "auth"), ("prune",)], ids=lambda by: by[0])
def test_a_worktree_that_an_agent_is_just_getting_is_not_taken_away(
    by: tuple[str, ...], project: GitProject, tmp_path: Path
) -> None:
    project.add("auth", "agent-1")
    hook = project.path / ".git" / "hooks" / "post-checkout"
    begun, go = tmp_path / "begun", tmp_path / "go"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n: >'{begun}'\nwhile [ ! -e '{go}' ]; do sleep 0.02; done\n")
    hook.chmod(0o755)
    adding = project.start("worktree", "add", "auth", "--agent", "agent-9")
    until(begun.exists)
    cleaning = project.start("worktree", *by, "--agent", "other", "--json")
    waiting = '"waiting": ["other"]'
    until(lambda: cleaning.poll() is not None or waiting in project.ccpm("lock", "list", "--json").out)
    go.touch()
    done, cleaned = finish(adding), finish(cleaning)
    assert (done.status, cleaned.status) == (0, 0), (done.err, cleaned.err)
    assert Path(done.out.rstrip("\n")).exists(), cleaned.out
    assert project.has("refs/heads/epic/auth--agent-9")


@pytest.mark.parametrize("by", ["remove", "prune", "merge", "add"])
def test_work_that_comes_after_a_removal_was_killed_is_not_destroyed(by: str, project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    admin = project.path / ".git" / "worktrees" / path.name
    since = "agent=agent-1 epic=auth since=2025-11-04T04:16:21Z"
    admin.joinpath("locked").write_text(f"ccpm removing {since}")
    project.write({"late.txt": "late\n"}, path)
    if by != "add":
        project.end_agent("auth", "agent-1")
    arguments = {"remove": ["auth", "--agent", "agent-1"], "prune": [], "merge": ["auth"]}
    if by == "add":
        assert project.add("auth", "agent-1") == path
    else:
        done = finish(project.start("worktree", by, *arguments[by]))
        assert "untracked: late.txt" in done.out + done.err
    assert (path / "late.txt").read_text() == "late\n"
    if by != "add":
        saved = project.json(by, *arguments[by], "--rescue")
        (rescue,) = project.json("rescued")
        assert project.git("show", f"{rescue['ref']}:late.txt") == "late", saved


def test_what_is_written_where_a_worktree_was_is_left_alone(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    admin = project.path / ".git" / "worktrees" / path.name
    subprocess.run(["rm", "-r", path], check=True)
    admin.joinpath("locked").write_text("ccpm removing agent=agent-1 epic=auth since=2025-11-04T04:16:21Z")
    project.write({"late.txt": "late\n"}, path)
    refused = project.ccpm("worktree", "remove", "auth", "--agent", "agent-1", "--rescue", status=75)
    assert "its link to the repository (.git) is gone" in refused.err
    assert (path / "late.txt").exists()
    (path / "late.txt").unlink()
    path.rmdir()
    project.json("remove", "auth", "--agent", "agent-1")
    assert project.json("list") == []


def test_a_worktree_that_agents_share_is_not_removed_under_them(project: GitProject) -> None:
    shared = Path(project.ccpm("worktree", "add", "auth", "--shared").out.rstrip("\n"))
    register(project, "agent-a", shared)
    refused = project.ccpm("worktree", "remove", "auth", "--shared", "--agent", "agent-b", status=77)
    assert "is in use by agent-a since" in refused.err
    assert f"ccpm-worktree remove --path '{shared}' --agent agent-a" in refused.err
    assert project.json("list")[0]["live"] is True
    report = project.json("finish", "auth")
    assert "is in use by agent-a" in report["kept"][0]["why"]
    assert shared.exists() and project.has("refs/heads/epic/auth")
    project.ccpm("worktree", "remove", "auth", "--shared", "--agent", "agent-a")
    assert not shared.exists()


@pytest.mark.parametrize("by", [("merge", "auth"), ("prune",)], ids=lambda by: by[0])
def test_a_guest_keeps_the_worktree_of_an_agent_that_has_left(
    by: tuple[str, ...], project: GitProject
) -> None:
    path = project.add("auth", "agent-1")
    register(project, "guest", path)
    project.ccpm("agent", "unregister", "auth", "--agent", "agent-1")
    project.json(*by, "--agent", "other")
    assert path.exists()
    project.ccpm("agent", "unregister", "auth", "--agent", "guest")
    project.json(*by, "--agent", "other")
    assert not path.exists()


def test_without_an_epic_a_worktree_stays_until_its_process_is_known_to_be_gone(project: GitProject) -> None:
    path = project.path / ".claude" / "worktrees" / "mine"
    call = {"hook_event_name": "WorktreeCreate", "session_id": "s1", "cwd": str(project.path), "name": "mine"}
    hook = project.start("hook", "WorktreeCreate")
    hook.communicate(json.dumps(call))
    assert path.exists()
    assert project.json("prune", "--rescue", "--agent", "other") == []
    project.ccpm("worktree", "remove", "--path", str(path), "--agent", "other", status=77)
    assert path.exists()

    locked = project.path / ".git" / "worktrees" / "mine" / "locked"
    ended = subprocess.Popen(["true"])
    ended.wait()
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():
        pytest.skip("whether a process is gone is told by /proc here")
    space = os.readlink("/proc/self/ns/pid")[5:-1]
    words = f"process={ended.pid}/1/{boot.read_text().strip()}/{space}/{os.uname().nodename}"
    locked.write_text(f"ccpm in-use agent=agent-s1 epic= since=2025-11-04T04:16:21Z {words}")
    assert [one["path"] for one in project.json("prune", "--agent", "other")] == [str(path)]
    assert not path.exists()
    assert project.has("refs/heads/worktree-mine")


def test_add_does_not_check_out_over_what_somebody_edited(project: GitProject) -> None:
    """Killed between the checkout and the mark: the worktree is whole, and somebody has begun to work in it."""
    project.write({".worktreeinclude": ".env\n", ".env": "SECRET=1\n"})
    path = project.add("auth", "agent-1")
    locked = project.path / ".git" / "worktrees" / path.name / "locked"
    locked.write_text("ccpm preparing agent=agent-1 epic=auth since=2025-11-04T04:16:21Z")
    edits = {"base.txt": "edited\n", ".env": "SECRET=2\n"}
    project.write({**edits}, path)
    assert project.add("auth", "agent-1") == path
    assert {name: (path / name).read_text() for name in edits} == edits
    assert "ccpm in-use" in locked.read_text()
