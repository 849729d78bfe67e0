"""Linked worktrees: which there are, adding and dropping one, and the mark that says what it is used for.

The mark is git's own lock of a worktree (gitrepository-layout(5): `worktrees/<id>/locked` holds the reason): while it
is there, `git worktree prune`, `remove` and `move` of anybody else leave the worktree alone.
"""

from __future__ import annotations

import os

from ccpm.errors import io_failure
from ccpm.external.git.repository import Repository
from ccpm.files import atomic
from ccpm.files.root import first_line


class Worktree:
    """A worktree as git lists it. `branch` is "" when HEAD is detached, `head` "" when there is no commit yet, `mark`
    the reason of its lock ("" without one), `admin` its folder below the common directory ("" for the main
    worktree)."""

    __slots__ = ("admin", "branch", "head", "is_bare", "is_missing", "mark", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.head = ""
        self.branch = ""
        self.mark = ""
        self.admin = ""
        self.is_bare = False
        self.is_missing = not os.path.isdir(path)


def all_of(repository: Repository) -> list[Worktree]:
    """Every worktree of `repository`, the main one first."""
    found: list[Worktree] = []
    for field in repository.run("worktree", "list", "--porcelain", "-z").fields:
        key, _, value = field.partition(" ")
        if key == "worktree":
            found.append(Worktree(value))
        elif key == "HEAD":
            found[-1].head = "" if set(value) == {"0"} else value
        elif key == "branch":
            found[-1].branch = value.removeprefix("refs/heads/")
        elif key == "locked":
            found[-1].mark = value or "locked"
        elif key == "bare":
            found[-1].is_bare = True
    folders = _admin_folders(repository)
    for worktree in found[1:]:
        worktree.admin = folders.get(worktree.path, "")
    return found


def find(repository: Repository, path: str) -> Worktree | None:
    real = os.path.realpath(path)
    return next((one for one in all_of(repository) if os.path.realpath(one.path) == real), None)


def on_branch(repository: Repository, branch: str) -> list[Worktree]:
    return [one for one in all_of(repository) if one.branch == branch and not one.is_bare]


def rebasing(repository: Repository, branch: str) -> list[Worktree]:
    """The worktrees that are rebasing `branch`: they have its commits, but a detached HEAD meanwhile, and move it at
    the end."""
    names = [os.path.join(folder, "head-name") for folder in ("rebase-merge", "rebase-apply")]
    found = []
    for one in all_of(repository):
        heads = [first_line(os.path.join(one.admin or repository.common, name)) for name in names]
        if f"refs/heads/{branch}" in heads:
            found.append(one)
    return found


def add(repository: Repository, path: str, what: str, mark: str) -> Worktree:
    """A new worktree at `path` on the branch `what` (detached where `what` is a commit), with no file in it yet."""
    detach = [] if repository.text("for-each-ref", f"refs/heads/{what}") else ["--detach"]
    options = ("--no-checkout", "--lock", "--reason", mark, *detach)
    repository.run("worktree", "add", "--quiet", *options, path, what)
    made = find(repository, path)
    assert made
    return made


def write_mark(worktree: Worktree, mark: str) -> None:
    atomic.replace(os.path.join(worktree.admin, "locked"), mark.encode("utf-8", "surrogateescape"))
    worktree.mark = mark


def detach(worktree: Worktree) -> None:
    """Let the worktree stand on its commit instead of its branch, so that the branch can go before the worktree does.
    HEAD is written as git would (gitrepository-layout(5)); the folder may be gone already."""
    atomic.replace(os.path.join(worktree.admin, "HEAD"), f"{worktree.head}\n".encode())


def put_aside(worktree: Worktree) -> None:
    """Take the folder from its place in one step: from then on what lies at its path is not what was there."""
    if os.path.isdir(worktree.path):
        _remove_folder(_aside(worktree))
        try:
            os.rename(worktree.path, _aside(worktree))
        except OSError as error:
            raise io_failure(f"remove {worktree.path}", error) from error


def drop(worktree: Worktree) -> None:
    """Remove the folder, also what a run that was killed has only put aside. The caller has made sure that nothing in
    it is missed."""
    put_aside(worktree)
    _remove_folder(_aside(worktree))


def _aside(worktree: Worktree) -> str:
    """No folder of a worktree begins with a dot (core/branch_names.py)."""
    folder, name = os.path.split(worktree.path)
    return os.path.join(folder, f".{name}.removed")


def _remove_folder(path: str) -> None:
    import shutil

    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise io_failure(f"remove {path}", error) from error


def forget(repository: Repository, worktree: Worktree) -> None:
    """Take a worktree whose folder is gone off git's list."""
    repository.run("worktree", "remove", "--force", "--force", worktree.path)


def _admin_folders(repository: Repository) -> dict[str, str]:
    """{path of a worktree: its folder below the common directory}."""
    base = os.path.join(repository.common, "worktrees")
    found = {}
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        folder = os.path.join(base, name)
        try:
            with open(os.path.join(folder, "gitdir"), encoding="utf-8", errors="surrogateescape") as file:
                found[os.path.dirname(file.readline().rstrip("\n"))] = folder
        except OSError:
            continue  # git is just making or removing it
    return found
