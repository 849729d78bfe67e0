"""The checkout of a branch that is moved from outside: what is somebody's in it bars the merge, and nothing else does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from worktrees.project import GitProject

MERGES = ["merge", "finish"]


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "p")


def checkout_for(project: GitProject, verb: str) -> Path:
    """The checkout that follows when `verb` merges; for `finish`, what agents did is merged into the epic before."""
    if verb == "merge":
        return Path(project.ccpm("worktree", "add", "auth", "--shared").out.rstrip("\n"))
    project.json("merge", "auth")
    return project.path


@pytest.mark.parametrize("verb", MERGES)
@pytest.mark.parametrize(
    ("added", "local"),
    [("build/app.log", "build/app.log"), ("build/a/b", "build/a"), ("build", "build/deep/app.log")],
)
def test_ignored_files_where_the_merge_adds_some_bar_it(
    added: str, local: str, verb: str, project: GitProject
) -> None:
    path = project.add("auth", "agent-1")
    project.write({added: "theirs\n"}, path)
    project.git("add", "--force", added, at=path)
    project.git("commit", "-q", "-m", "an ignored file", at=path)
    at = checkout_for(project, verb)
    project.write({local: "mine\n"}, at)
    before = project.head(at=at)
    refused = project.ccpm("worktree", verb, "auth", status=75)
    assert f"files in {at} are in the way of the merge: {local}\n" in refused.err
    assert "hint: commit, stash or move them" in refused.err
    assert (at / local).read_text() == "mine\n"
    assert project.head(at=at) == before
    (at / local).rename(project.path.parent / "elsewhere")
    project.ccpm("worktree", verb, "auth")
    assert (at / added).read_text() == "theirs\n"


@pytest.mark.parametrize("verb", MERGES)
def test_a_folder_takes_the_place_of_a_file_and_a_file_that_of_a_folder(
    verb: str, project: GitProject
) -> None:
    project.commit(project.path, {"file": "x\n", "folder/a": "a\n", "folder/b/c": "c\n"}, "files")
    path = project.add("auth", "agent-1")
    project.git("rm", "-q", "-r", "file", "folder", at=path)
    project.commit(path, {"file/inner": "inner\n", "folder": "now a file\n"}, "swapped")
    at = checkout_for(project, verb)
    project.json(verb, "auth")
    assert (at / "file" / "inner").read_text() == "inner\n"
    assert (at / "folder").read_text() == "now a file\n"
    assert project.git("status", "--porcelain", at=at) == ""


@pytest.mark.parametrize("verb", MERGES)
def test_a_file_whose_name_changes_in_case_only_is_not_in_its_own_way(verb: str, project: GitProject) -> None:
    project.commit(project.path, {"docs/Read.md": "x\n"}, "a file")
    path = project.add("auth", "agent-1")
    project.git("mv", "docs/Read.md", "docs/read.md", at=path)
    project.git("commit", "-q", "-m", "lower case", at=path)
    at = checkout_for(project, verb)
    (project.path / ".git" / "info" / "exclude").write_text("read.md\n")
    (at / "docs" / "read.md").hardlink_to(at / "docs" / "Read.md")  # one file by two names, as without case
    project.json(verb, "auth")
    assert (at / "docs" / "read.md").read_text() == "x\n"


@pytest.mark.parametrize("verb", MERGES)
def test_a_submodule_that_has_not_followed_a_merge_does_not_bar_the_next_one(
    verb: str, project: GitProject, tmp_path: Path
) -> None:
    library = GitProject(tmp_path / "library")
    allow = ("-c", "protocol.file.allow=always")
    project.git(*allow, "submodule", "--quiet", "add", str(library.path), "sub")
    project.git("commit", "-q", "-m", "a submodule")
    newer = library.commit(library.path, {"newer.txt": "x\n"}, "newer")
    path = project.add("auth", "agent-1")
    project.git("update-index", "--cacheinfo", f"160000,{newer},sub", at=path)
    project.git("commit", "-q", "-m", "the newer library", at=path)
    at = checkout_for(project, verb)
    project.git(*allow, "submodule", "--quiet", "update", "--init", at=at)
    project.json(verb, "auth")
    assert project.git("status", "--porcelain", at=at) == "M sub".rjust(6)
    project.commit(project.add("auth", "agent-2"), {"a.txt": "a\n"}, "more")
    project.json("merge", "auth")
    if verb == "finish":
        project.json("finish", "auth")
    assert (at / "a.txt").exists()
    assert project.git("rev-parse", "HEAD:sub", at=at) == newer


@pytest.mark.parametrize("verb", MERGES)
def test_a_branch_is_not_moved_while_it_is_being_rebased(verb: str, project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    project.commit(path, {"a.txt": "a\n"}, "work")
    at = checkout_for(project, verb)
    onto = project.head(at=at)
    project.commit(at, {"base.txt": "mine\n"}, "mine")
    theirs = project.git("commit-tree", "-p", onto, "-m", "theirs", empty_tree(project))
    rebase = ["git", "-C", at, "rebase", "-q", "--onto", theirs, onto]
    assert subprocess.run(rebase, capture_output=True).returncode == 1
    branch = "main" if verb == "finish" else "epic/auth"
    before = project.head(branch)
    refused = project.ccpm("worktree", verb, "auth", status=75)
    assert f"{branch} is being rebased in {at}" in refused.err
    assert project.head(branch) == before
    project.git("rebase", "--abort", at=at)
    project.json(verb, "auth")
    assert (at / "a.txt").exists()


def empty_tree(project: GitProject) -> str:
    return project.git("hash-object", "-t", "tree", "-w", "/dev/null")
