"""Promise P9 for worktrees: unsaved work of every kind refuses the removal or is rescued, and comes back byte for byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from worktrees.project import GitProject

CRLF = b"one\r\ntwo \xff\x00\r\n"
Kind = Callable[[GitProject, Path], None]


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    project = GitProject(tmp_path / "my project")
    project.write({".worktreeinclude": ".env\nlocal/\n", ".env": "SECRET=1\n"})
    project.commit(project.path, {".gitattributes": "*.txt text=auto\n"}, "attributes")
    return project


def untracked(project: GitProject, path: Path) -> None:
    project.write({"new file.txt": CRLF, 'deep/er/\nodd " ü': "odd\n"}, path)
    (path / "link").symlink_to("nowhere")
    (path / "tool").write_text("#!/bin/sh\n")
    (path / "tool").chmod(0o755)


def changed(project: GitProject, path: Path) -> None:
    project.write({"base.txt": "git would store\r\nother line ends\r\n"}, path)
    (path / ".gitignore").unlink()


def staged(project: GitProject, path: Path) -> None:
    project.write({"base.txt": CRLF, "added.txt": "added\n"}, path)
    project.git("add", "-A", at=path)


def staged_and_changed_again(project: GitProject, path: Path) -> None:
    staged(project, path)
    project.write({"base.txt": "third\n", "added.txt": "changed again\n"}, path)


def stashed(project: GitProject, path: Path) -> None:
    project.write({"base.txt": "put aside\n"}, path)
    project.git("stash", "push", "-q", at=path)


def commits_of_a_detached_head(project: GitProject, path: Path) -> None:
    project.git("switch", "-q", "--detach", at=path)
    project.commit(path, {"lone.txt": "lone\n"}, "on no branch")


def unmerged_and_unpushed_commits(project: GitProject, path: Path) -> None:
    project.commit(path, {"done.txt": "done\n"}, "done, merged nowhere")


def a_submodule_with_a_commit_of_its_own(project: GitProject, path: Path) -> None:
    library = GitProject(path.parent / "library")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "vendor/lib")
    project.git(*add, at=path)
    project.git("commit", "-qm", "a submodule", at=path)
    project.commit(path / "vendor/lib", {"inner.txt": CRLF}, "in the submodule")
    project.write({"loose.txt": "loose\n"}, path / "vendor/lib")


def a_repository_inside(project: GitProject, path: Path) -> None:
    inner = GitProject(path / "experiment", epics=())
    project.write({"loose.txt": CRLF}, inner.path)


def a_repository_inside_of_one_inside(project: GitProject, path: Path) -> None:
    GitProject(path / "lib1", epics=())
    inner = GitProject(path / "lib1" / "lib2", epics=())
    project.write({"loose.txt": CRLF}, inner.path)


def a_repository_inside_that_hides_its_commits(project: GitProject, path: Path) -> None:
    """Two stashes, a commit that only a tag leads to, one on another branch; and a remote that has the rest."""
    origin = GitProject(path.parent / "origin", epics=())
    project.git("clone", "-q", str(origin.path), str(path / "inner"))
    inner = path / "inner"
    for words in ("first", "second"):
        project.write({"base.txt": f"{words}\n"}, inner)
        project.git("stash", "push", "-q", "-m", words, at=inner)
    for words in ("tagged", "branched"):
        project.git("switch", "-q", "--detach", "origin/main", at=inner)
        project.commit(inner, {f"{words}.txt": "x\n"}, words)
        project.git(*(["tag", "-am", "x"] if words == "tagged" else ["branch"]), words, at=inner)
    project.git("switch", "-q", "main", at=inner)


def a_repository_in_an_ignored_folder(project: GitProject, path: Path) -> None:
    GitProject(path / "build" / "tool", epics=())


def refs_of_the_worktree_alone(project: GitProject, path: Path) -> None:
    branch = project.git("symbolic-ref", "HEAD", at=path)
    project.git("switch", "-q", "--detach", at=path)
    lone = project.commit(path, {"lone.txt": "lone\n"}, "on a ref of the worktree")
    project.git("update-ref", "refs/worktree/kept", lone, at=path)
    project.git("switch", "-q", branch.removeprefix("refs/heads/"), at=path)


def ignored_but_listed(project: GitProject, path: Path) -> None:
    project.write({".gitignore": ".env\nlocal/\nbuild/\n", ".env": CRLF, "local/notes": "only here\n"}, path)
    project.git("add", ".gitignore", at=path)


def a_merge_with_conflicts(project: GitProject, path: Path) -> None:
    project.git("branch", "-q", "other", at=path)
    project.commit(path, {"base.txt": "mine\n"}, "mine")
    project.git("switch", "-q", "other")
    theirs = project.commit(project.path, {"base.txt": "theirs\n"}, "theirs")
    project.git("switch", "-q", "main")
    project.git("branch", "-q", "-D", "other")
    merge = ["git", "-C", path, "merge", "-q", theirs]
    assert subprocess.run(merge, capture_output=True).returncode == 1


def a_rebase_in_progress(project: GitProject, path: Path) -> None:
    base = project.head(at=path)
    project.commit(path, {"base.txt": "mine\n"}, "mine")
    project.git("switch", "-q", "--detach", base)
    onto = project.commit(project.path, {"base.txt": "theirs\n"}, "theirs")
    project.git("switch", "-q", "main")
    rebase = ["git", "-C", path, "rebase", "-q", onto]
    assert subprocess.run(rebase, capture_output=True).returncode == 1


def hidden_from_git_status(project: GitProject, path: Path) -> None:
    project.git("update-index", "--assume-unchanged", "base.txt", at=path)
    project.git("update-index", "--skip-worktree", ".gitattributes", at=path)
    project.write({"base.txt": "hidden\n", ".gitattributes": "# hidden as well\n"}, path)


def new_and_only_intended(project: GitProject, path: Path) -> None:
    project.write({"intended.txt": "not yet added\n"}, path)
    project.git("add", "--intent-to-add", "intended.txt", at=path)


KINDS: dict[Kind, str] = {
    untracked: "untracked: ",
    changed: "changed: .gitignore, base.txt",
    staged: "staged: added.txt, base.txt",
    staged_and_changed_again: "changed: added.txt, base.txt",
    stashed: "stashed: WIP on epic/auth--agent-1",
    commits_of_a_detached_head: "commits of a detached HEAD: ",
    unmerged_and_unpushed_commits: "commits that are merged and pushed nowhere: ",
    a_submodule_with_a_commit_of_its_own: "a repository of its own in vendor/lib",
    a_repository_inside: "a repository of its own in experiment",
    a_repository_inside_of_one_inside: "a repository of its own in lib1: ",
    a_repository_inside_that_hides_its_commits: "a repository of its own in inner: commits that no remote has",
    a_repository_in_an_ignored_folder: "a repository of its own in build/tool: commits that no remote has",
    refs_of_the_worktree_alone: "refs of this worktree alone: refs/worktree/kept",
    ignored_but_listed: "ignored files that .worktreeinclude names: .env, local/notes",
    a_merge_with_conflicts: "in progress: merge",
    a_rebase_in_progress: "in progress: rebase",
    hidden_from_git_status: "changed: .gitattributes, base.txt",
    new_and_only_intended: "untracked: intended.txt",
}


def content(path: Path) -> dict[str, object]:
    """Every file below `path`, git's own left out: its bytes or link target, and whether it can be executed."""
    found: dict[str, object] = {}
    for where, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            file = Path(where) / name
            if name == ".git":
                continue
            is_link = file.is_symlink()
            data: object = os.readlink(file) if is_link else (file.read_bytes(), file.stat().st_mode & 0o111)
            found[str(file.relative_to(path))] = data
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_unsaved_work_refuses_the_removal_and_its_rescue_brings_it_back(
    kind: Kind, project: GitProject
) -> None:
    path = project.add("auth", "agent-1")
    kind(project, path)
    before = content(path)
    commits = project.git("rev-list", "HEAD", at=path)
    index = project.git("ls-files", "--stage", at=path)

    refused = project.ccpm("worktree", "remove", "auth", "--agent", "agent-1", status=75)
    assert KINDS[kind] in refused.err
    assert content(path) == before
    assert project.git("ls-files", "--stage", at=path) == index

    gone = project.json("remove", "auth", "--agent", "agent-1", "--rescue")
    assert gone["saved"].startswith("refs/ccpm/rescue/agent-1/")
    assert gone["restore"] == f"ccpm-worktree restore {gone['saved']}"
    assert not path.exists()
    # a HEAD that is not on the branch leaves the branch as it is
    assert project.has("epic/auth--agent-1") == (kind in (commits_of_a_detached_head, a_rebase_in_progress))
    reachable = project.git("rev-list", gone["saved"])
    assert set(commits.split()) <= set(reachable.split())

    # what only the object store has does not count: git may collect it
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("prune", "--expire=now")
    back = project.json("restore", gone["saved"])
    assert back["path"] == str(path)
    assert content(path) == before
    if kind not in (a_merge_with_conflicts, a_rebase_in_progress, new_and_only_intended):
        assert project.git("ls-files", "--stage", at=path) == index
    if kind is stashed:
        assert project.git("rev-parse", "refs/stash") in reachable
    if kind is a_submodule_with_a_commit_of_its_own:
        assert project.git("log", "-1", "--format=%s", at=path / "vendor/lib") == "in the submodule"
    if kind is a_repository_inside_that_hides_its_commits:
        inner = path / "inner"
        lonely = project.git("log", "--format=%s", "tagged", "branched", "--not", "main", at=inner)
        assert set(lonely.split()) == {"tagged", "branched"}
        stashed_files = [project.git("show", f"stash@{{{n}}}:base.txt", at=inner) for n in (0, 1)]
        assert stashed_files == ["second", "first"]
        assert project.git("stash", "list", "--format=%gs", at=inner).splitlines() == [
            "On main: second",
            "On main: first",
        ]
    if kind is refs_of_the_worktree_alone:
        subject = project.git("log", "-1", "--format=%s", "refs/worktree/kept", at=path)
        assert subject == "on a ref of the worktree"


def test_a_clean_and_merged_worktree_goes_with_its_branch(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    project.commit(path, {"done.txt": "done\n"}, "done")
    project.git("update-ref", "refs/heads/epic/auth", project.head(at=path))
    project.write({"build/output": "can be made anew\n"}, path)
    gone = project.json("remove", "auth", "--agent", "agent-1")
    assert (gone["saved"], gone["branch_deleted"], path.exists()) == (None, True, False)
    assert project.json("list") == []
    assert '"worktree": ""' in project.registry("auth").read_text()
    assert project.json("rescued") == []


def test_a_worktree_of_a_live_agent_is_not_removed_by_another(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    refused = project.ccpm(
        "worktree", "remove", "--path", str(path), "--agent", "agent-2", "--rescue", status=77
    )
    assert "is in use by agent-1 since" in refused.err
    project.end_agent("auth", "agent-1")
    project.ccpm("worktree", "remove", "--path", str(path), "--agent", "agent-2")
    assert not path.exists()


def test_prune_takes_the_worktrees_of_dead_agents_and_keeps_their_commits(project: GitProject) -> None:
    paths = {
        agent: project.add("auth", agent) for agent in ("live", "dead-clean", "dead-dirty", "dead-committed")
    }
    project.write({"loose.txt": "loose\n"}, paths["dead-dirty"])
    tip = project.commit(paths["dead-committed"], {"done.txt": "done\n"}, "done")
    for agent in ("dead-clean", "dead-dirty", "dead-committed"):
        project.end_agent("auth", agent)
    first = project.ccpm("worktree", "prune", "auth", "--agent", "coordinator", status=1)
    assert "untracked: loose.txt" in first.err
    assert [agent for agent, path in paths.items() if path.exists()] == ["live", "dead-dirty"]
    assert project.head("epic/auth--agent-dead-committed") == tip
    second = project.json("prune", "--agent", "coordinator", "--rescue")
    assert project.git("show", f"{second[0]['saved']}:loose.txt") == "loose"
    assert [agent for agent, path in paths.items() if path.exists()] == ["live"]


def test_a_removal_that_was_killed_is_finished_and_never_taken_for_lost_work(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    project.commit(path, {"done.txt": "done\n"}, "done, merged nowhere")
    admin = project.path / ".git" / "worktrees" / path.name
    admin.joinpath("locked").write_text(
        "ccpm removing agent=agent-1 epic=auth since=2025-11-04T04:16:21Z saved=refs/ccpm/rescue/agent-1/x"
    )
    aside = path.rename(path.with_name(f".{path.name}.removed"))
    (aside / "base.txt").unlink()
    gone = project.json("remove", "auth", "--agent", "agent-1")
    assert gone["saved"] == "refs/ccpm/rescue/agent-1/x"
    assert not path.exists() and not aside.exists()
    assert gone["branch_deleted"] is False, "nothing else leads to its commit"
    assert project.json("list") == []


def test_a_worktree_inside_of_another_has_to_go_first(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    project.git("worktree", "add", "-q", "--detach", str(path / "inner"))
    refused = project.ccpm("worktree", "remove", "auth", "--agent", "agent-1", "--rescue", status=75)
    assert "another worktree lies inside" in refused.err
    assert (path / "inner" / "base.txt").exists()


def test_a_rescue_of_an_unknown_name_is_not_found(project: GitProject) -> None:
    assert "there are: none" in project.ccpm("worktree", "restore", "refs/x", status=66).err


@pytest.mark.parametrize("verb", ["prune", "list"])
def test_an_epic_that_is_not_there_is_66(project: GitProject, verb: str) -> None:
    done = project.ccpm("worktree", verb, "nope", status=66)
    assert "no epic 'nope'; there are: auth" in done.err
    project.ccpm("worktree", verb, "auth")


def test_a_rescue_with_the_same_files_and_other_commits_is_another_one(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    refs_of_the_worktree_alone(project, path)
    first = project.json("remove", "auth", "--agent", "agent-1", "--rescue")["saved"]
    project.json("restore", first)
    tree = "refs/worktree/kept^{tree}"
    newer = project.git("commit-tree", "-p", "refs/worktree/kept", "-m", "only words", tree, at=path)
    project.git("update-ref", "refs/worktree/kept", newer, at=path)
    second = project.json("remove", "auth", "--agent", "agent-1", "--rescue")["saved"]
    assert newer in project.git("rev-list", second)
