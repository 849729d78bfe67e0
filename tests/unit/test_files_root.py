"""The coordination root, against repositories that git itself made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ccpm.errors import IOFailure, NotFound, UsageError
from ccpm.files import root


def git(where: Path, *arguments: str) -> None:
    command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments]
    subprocess.run(command, cwd=where, check=True, capture_output=True)


def commit(where: Path) -> None:
    (where / "README.md").write_text("x\n")
    git(where, "add", ".")
    git(where, "commit", "-m", "first")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with Claude Code's own ~/.claude, and everything else below it."""
    monkeypatch.delenv("CCPM_ROOT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".claude").mkdir()
    return tmp_path


@pytest.fixture
def repository(home: Path) -> Path:
    """A repository with one commit and a .claude/ that is checked out everywhere."""
    path = home / "project"
    path.mkdir()
    git(path, "init")
    (path / ".claude" / "epics").mkdir(parents=True)
    (path / ".claude" / "epics" / "epic.md").write_text("x\n")
    (path / "src").mkdir()
    (path / "src" / "code.py").write_text("x\n")
    commit(path)
    return path


def test_a_main_worktree_is_its_own_root_from_any_folder_in_it(repository: Path) -> None:
    assert root.find(str(repository)) == str(repository)
    assert root.find(str(repository / "src")) == str(repository)
    assert root.find(str(repository / ".git")) == str(repository)


def test_a_linked_worktree_has_the_root_of_the_main_one(repository: Path, home: Path) -> None:
    git(repository, "worktree", "add", str(home / "linked"))
    assert root.find(str(home / "linked" / "src")) == str(repository)


def test_an_agent_worktree_inside_claude_has_the_root_around_it(repository: Path) -> None:
    nested = repository / ".claude" / "worktrees" / "agent-x"
    git(repository, "worktree", "add", str(nested))
    assert root.find(str(nested)) == str(repository)
    assert root.find(str(nested / ".claude" / "epics")) == str(repository)


def test_a_worktree_with_a_relative_gitdir_is_followed(repository: Path, home: Path) -> None:
    """`git worktree add` of git 2.48 with worktree.useRelativePaths writes such files."""
    git(repository, "worktree", "add", str(home / "linked"))
    (home / "linked" / ".git").write_text("gitdir: ../project/.git/worktrees/linked\n")
    assert root.find(str(home / "linked")) == str(repository)


def test_a_linked_worktree_reached_through_a_symbolic_link(repository: Path, home: Path) -> None:
    git(repository, "worktree", "add", str(home / "linked"))
    (home / "link").symlink_to(home / "linked")
    assert root.find(str(home / "link")) == str(repository)


@pytest.fixture
def submodule(repository: Path, home: Path) -> Path:
    library = home / "library"
    library.mkdir()
    git(library, "init")
    commit(library)
    git(repository, "submodule", "add", str(library), "sub")
    return repository / "sub"


def test_a_submodule_is_a_project_of_its_own(submodule: Path) -> None:
    assert root.find(str(submodule)) == str(submodule)


def test_a_linked_worktree_of_a_submodule_has_the_submodule_as_its_root(submodule: Path, home: Path) -> None:
    git(submodule, "worktree", "add", str(home / "linked"))
    assert root.find(str(home / "linked")) == str(submodule)


def bare_with_worktrees(home: Path, repository: Path, bare: str) -> Path:
    around = home / "around"
    around.mkdir()
    git(home, "clone", "--bare", str(repository), str(around / bare))
    for name in ("one", "two"):
        git(around / bare, "worktree", "add", "-b", name, str(around / name))
    return around


@pytest.mark.parametrize("bare", [".bare", ".git", "project.git"])
def test_all_worktrees_of_a_bare_repository_share_one_root(home: Path, repository: Path, bare: str) -> None:
    around = bare_with_worktrees(home, repository, bare)
    places = [around / "one", around / "two" / "src", around / bare]
    expected = around if bare == ".git" else around / bare
    assert {root.find(str(place)) for place in places} == {str(expected)}
    (around / ".claude").mkdir()
    assert {root.find(str(place)) for place in places} == {str(around)}


def test_around_a_bare_git_folder_is_the_same_root_as_in_its_worktrees(home: Path, repository: Path) -> None:
    around = bare_with_worktrees(home, repository, ".git")
    assert root.find(str(around)) == root.find(str(around / "one"))


def test_a_bare_repository_named_by_a_git_file_beside_its_worktrees(home: Path, repository: Path) -> None:
    """The layout with `project/.git` = `gitdir: ./.bare`."""
    around = bare_with_worktrees(home, repository, ".bare")
    (around / ".git").write_text("gitdir: ./.bare\n")
    (around / ".claude").mkdir()
    assert {root.find(str(place)) for place in (around, around / "one", around / "two")} == {str(around)}


def test_without_git_the_nearest_folder_with_claude_counts(home: Path) -> None:
    inner = home / "plain" / "inner"
    (inner / "deep").mkdir(parents=True)
    (home / "plain" / ".claude").mkdir()
    assert root.find(str(inner / "deep")) == str(home / "plain")
    (inner / ".claude").mkdir()
    assert root.find(str(inner / "deep")) == str(inner)


def test_a_repository_further_up_wins_over_a_nearer_claude_folder(repository: Path) -> None:
    (repository / "src" / ".claude").mkdir()
    assert root.find(str(repository / "src")) == str(repository)


def test_the_home_directory_is_no_project_of_the_folders_below_it(home: Path) -> None:
    (home / "elsewhere").mkdir()
    with pytest.raises(NotFound, match="no project around") as raised:
        root.find(str(home / "elsewhere"))
    assert "CCPM_ROOT" in raised.value.hint
    assert root.find(str(home)) == str(home), "whoever works in it means it"


def test_ccpm_root_decides_from_anywhere(
    repository: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = home / "other"
    other.mkdir()
    monkeypatch.setenv("CCPM_ROOT", str(other))
    assert root.find(str(repository)) == str(other)
    monkeypatch.chdir(home)
    monkeypatch.setenv("CCPM_ROOT", "other/../other")
    assert root.find() == str(other)


def test_ccpm_root_that_is_no_folder_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPM_ROOT", str(home / "absent"))
    with pytest.raises(NotFound, match="CCPM_ROOT names no directory"):
        root.find()


def test_a_folder_that_is_gone_is_a_clear_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = home / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(IOFailure, match="current directory is gone"):
        root.find()


def test_a_file_has_the_root_it_lies_in_whatever_the_current_directory(
    repository: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert root.of_file(str(repository / "src" / "code.py")) == str(repository)
    assert root.of_file(str(repository / "not" / "there" / "yet.md")) == str(repository)
    assert root.of_file(str(home / "loose.md")) == str(home), "home itself, being the file's own folder"
    (home / "x").mkdir()
    assert root.of_file(str(home / "x" / "loose.md")) == ""
    monkeypatch.setenv("CCPM_ROOT", str(home / "x"))
    assert root.of_file(str(home / "x" / "loose.md")) == str(home / "x")
    assert root.of_file(str(repository / "README.md")) == str(repository), "CCPM_ROOT is another project"


def test_shared_folders_mean_those_at_the_root(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nested = repository / ".claude" / "worktrees" / "agent-x"
    git(repository, "worktree", "add", str(nested))
    shared = str(repository / ".claude" / "epics" / "epic.md")
    monkeypatch.chdir(nested / "src")
    assert root.resolve(".claude/epics/epic.md") == shared
    assert root.resolve(str(nested / ".claude" / "epics" / "epic.md")) == shared
    assert root.resolve("../.claude/epics/epic.md") == shared
    monkeypatch.chdir(nested / ".claude" / "epics")
    assert root.resolve("epic.md") == shared


def test_other_files_of_a_worktree_are_its_own(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nested = repository / ".claude" / "worktrees" / "agent-x"
    git(repository, "worktree", "add", str(nested))
    monkeypatch.chdir(nested)
    assert root.resolve("src/code.py") == str(nested / "src" / "code.py")
    assert root.resolve(".claude/settings.json") == str(nested / ".claude" / "settings.json")
    assert root.resolve(str(repository / "src" / "code.py")) == str(repository / "src" / "code.py")


def test_a_symbolic_link_means_its_target(
    repository: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "link.md").symlink_to(repository / "README.md")
    monkeypatch.chdir(home)
    assert root.resolve("link.md") == str(repository / "README.md")


def test_a_claude_folder_that_is_a_symbolic_link(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = home / "elsewhere"
    (elsewhere / "epics").mkdir(parents=True)
    project = home / "project"
    project.mkdir()
    git(project, "init")
    (project / ".claude").symlink_to(elsewhere)
    monkeypatch.chdir(project)
    assert root.find() == str(project)
    assert root.resolve(".claude/epics/a.md") == str(elsewhere / "epics" / "a.md")
    assert root.resolve(str(project / ".claude" / "epics" / "a.md")) == str(elsewhere / "epics" / "a.md")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        root.resolve(name)


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"gitdir: \n", b"gitdir: /nowhere\n", b"\xff\xfe"])
def test_a_broken_git_file_leaves_the_folder_itself(home: Path, content: bytes) -> None:
    (home / "odd").mkdir()
    (home / "odd" / ".git").write_bytes(content)
    assert root.find(str(home / "odd")) == str(home / "odd")


def test_folders_are_made_and_what_stands_in_the_way_is_named(home: Path) -> None:
    root.make_dir(str(home / "a" / "b"))
    assert os.path.isdir(home / "a" / "b")
    (home / "file").write_text("x")
    with pytest.raises(IOFailure, match="cannot create"):
        root.make_dir(str(home / "file" / "b"))
