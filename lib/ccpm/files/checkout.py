"""Which checkout of a repository a file is in, and what is checked out there; read from git's files, without a process.

Contract: gitrepository-layout(5) and gitglossary(7) name the files that are read here. What cannot be read is "".
"""

from __future__ import annotations

import os

from ccpm.files import root


def locate(top: str, path: str) -> tuple[str, str]:
    """(the worktree of the project `top` that `path` is in, `path` relative to it with `/`); ("", "") if it is in none.

    `path`: absolute and free of symbolic links, or relative to `top`. The same file in two worktrees has one relative
    path. A repository inside the project that is not the project's own (a submodule) counts as part of it.
    """
    if not os.path.isabs(path):
        path = os.path.normpath(os.path.join(top, path))
    folder = os.path.dirname(path)
    while True:
        if folder == top or (
            os.path.lexists(os.path.join(folder, ".git")) and root.of_directory(folder) == top
        ):
            return folder, path[len(folder.rstrip("/")) + 1 :]
        parent = os.path.dirname(folder)
        if parent == folder:
            return "", ""
        folder = parent


def worktree_of(top: str, folder: str) -> str:
    """The worktree of the project `top` that the directory `folder` is in, "" if it is in none."""
    return locate(top, os.path.join(folder, "."))[0]


def branch_of(worktree: str) -> str:
    """The branch that is checked out, "" for a detached HEAD or without git."""
    head = root.first_line(os.path.join(git_dir_of(worktree), "HEAD"))
    return head[16:] if head.startswith("ref: refs/heads/") else ""


def git_dir_of(worktree: str) -> str:
    """The folder with the HEAD and the index of a worktree."""
    git = os.path.join(worktree, ".git")
    if os.path.isdir(git):
        return git
    line = root.first_line(git)
    return os.path.normpath(os.path.join(worktree, line[8:])) if line.startswith("gitdir: ") else git
