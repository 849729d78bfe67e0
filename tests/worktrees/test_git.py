"""The plumbing: what git is asked, and what is made of its answers."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from ccpm.errors import IOFailure, Unavailable, VersionConflict
from ccpm.external.git import refs, trees
from ccpm.external.git.refs import Moving
from ccpm.external.git.repository import Repository
from worktrees.project import GitProject


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "my project", epics=())


@pytest.fixture
def repository(project: GitProject) -> Repository:
    return Repository.around(str(project.path))


def test_the_log_names_the_files_of_each_commit_however_they_are_called(
    project: GitProject, repository: Repository
) -> None:
    base = project.head()
    odd = project.commit(project.path, {"a\nb": "x", ' "ü" \t': "x"}, "odd  names")
    empty = project.commit(project.path, {}, "nothing")
    last = project.commit(project.path, {"z": "x"}, "last\n\nAgent: agent-7")
    found = trees.log(repository, f"{base}..HEAD")
    assert [(one.oid, one.subject, one.agent) for one in found] == [
        (last, "last", "agent-7"), (empty, "nothing", ""), (odd, "odd  names", "")
    ]  # fmt: skip
    assert [sorted(one.files) for one in found] == [["z"], [], [' "ü" \t', "a\nb"]]


def test_a_merge_counts_with_what_was_typed_into_it_only(project: GitProject, repository: Repository) -> None:
    base = project.head()
    project.git("switch", "-q", "-c", "side")
    project.commit(project.path, {"side.txt": "x"}, "side")
    project.git("switch", "-q", "main")
    project.commit(project.path, {"main.txt": "x"}, "main")
    project.git("merge", "-q", "--no-commit", "side")
    project.write({"typed.txt": "x", "main.txt": "changed in the merge"})
    merge = project.commit(project.path, {}, "merge")
    files = {one.oid: sorted(one.files) for one in trees.log(repository, f"{base}..HEAD")}
    assert files[merge] == ["main.txt", "typed.txt"]


def test_a_conflict_that_leaves_no_file_unmerged_is_one_all_the_same(
    project: GitProject, repository: Repository
) -> None:
    one, two = directory_split(project)
    assert trees.merge(repository, one, two)[1] == ["a"]


def directory_split(project: GitProject) -> tuple[str, str]:
    """Two commits: one moves the files of a folder to two others, one adds a file to it."""
    base = project.commit(project.path, {"a/f1": "1\n", "a/f2": "2\n"}, "a folder")
    project.write({"b/x": "x\n", "c/x": "x\n"})
    for file, folder in (("f1", "b"), ("f2", "c")):
        project.git("mv", f"a/{file}", f"{folder}/{file}")
    one = project.commit(project.path, {}, "moved apart")
    project.git("switch", "-q", "--detach", base)
    two = project.commit(project.path, {"a/new": "new\n"}, "one more")
    project.git("switch", "-q", "main")
    return one, two


def test_a_merge_in_the_object_store_names_conflicts_and_touches_nothing(
    project: GitProject, repository: Repository
) -> None:
    base = project.head()
    one = project.commit(project.path, {"base.txt": "one\n"}, "one")
    project.git("checkout", "-q", "--detach", base)
    two = project.commit(project.path, {"base.txt": "two\n", "other.txt": "x\n"}, "two")
    before = project.git("status", "--porcelain=v2", "--branch")
    assert trees.merge(repository, one, two)[1] == ["base.txt"]
    tree, conflicts = trees.merge(repository, base, two)
    assert (tree, conflicts) == (trees.tree_of(repository, two), [])
    assert project.git("status", "--porcelain=v2", "--branch") == before
    with pytest.raises(IOFailure, match="merge-tree"):
        trees.merge(repository, base, "0" * 40)


def test_a_move_that_is_not_committed_leaves_the_ref_and_no_lock(
    project: GitProject, repository: Repository
) -> None:
    old = project.head()
    new = project.commit(project.path, {"a": "x"}, "a")
    project.git("branch", "moved", old)
    with Moving(repository, {"refs/heads/moved": (new, old)}):
        busy = subprocess.run(["git", "-C", project.path, "branch", "-f", "moved", new], capture_output=True)
        assert busy.returncode == 128, "git holds the lock of the ref by now"
    assert project.head("moved") == old
    refs.move(repository, "refs/heads/moved", new, old)
    assert project.head("moved") == new
    with pytest.raises(VersionConflict, match="moved moved in the meantime"):
        refs.move(repository, "refs/heads/moved", new, old)
    with pytest.raises(VersionConflict):
        refs.move(repository, "refs/heads/moved", old, refs.NOTHING)
    refs.move(repository, "refs/heads/moved", refs.NOTHING, new)
    assert not project.has("moved")


def test_several_refs_move_together_or_not_at_all(project: GitProject, repository: Repository) -> None:
    old = project.head()
    new = project.commit(project.path, {"a": "x"}, "a")
    for name in ("one", "two"):
        project.git("branch", name, old)
    moves = {"refs/heads/one": (new, old), "refs/heads/two": (new, new)}
    with pytest.raises(VersionConflict), Moving(repository, moves) as moving:
        moving.commit()
    assert project.head("one") == old


def test_a_lock_file_of_another_git_is_waited_for(project: GitProject, repository: Repository) -> None:
    lock = project.path / ".git" / "config.lock"
    lock.touch()
    threading.Timer(0.3, lock.unlink).start()
    repository.run("config", "some.key", "value")
    assert project.git("config", "some.key") == "value"


def test_a_helper_below_a_git_hook_means_its_own_repository(
    project: GitProject, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    assert repository.text("rev-parse", "HEAD") == repository.text("rev-parse", "HEAD", at=str(project.path))


def test_without_an_identity_a_commit_has_ours(
    project: GitProject, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER")) or name in ("EMAIL", "USER", "LOGNAME"):
            monkeypatch.delenv(name)
    project.git("config", "user.useConfigOnly", "true")
    commit = trees.commit(repository, trees.tree_of(repository, "HEAD"), [], "text\n")
    assert repository.text("log", "-1", "--format=%an %ce", commit) == "CCPM ccpm@localhost"


def test_no_git_and_an_old_git_are_said(
    project: GitProject, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho git version 2.30.1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))
    with pytest.raises(Unavailable, match=r"git 2\.30\.1 cannot merge without a work tree"):
        repository.require_merge_tree()
    fake.unlink()
    with pytest.raises(Unavailable, match="git is not installed"):
        repository.text("version")
