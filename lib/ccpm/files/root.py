"""The coordination root: the one place where all agents of a project keep their shared state.

Contract: $CCPM_ROOT, else the main worktree of the git repository around the directory (through the git common dir,
read from the files that gitrepository-layout(5) documents: no git process), else the nearest ancestor that has
`.claude/`. The home directory is no project merely because it holds Claude Code's own ~/.claude.

A bare repository has no main worktree: the folder around it serves if that has `.claude/` (the `project/.bare` +
`project/main` layout) or the repository is its `.git`, else the bare repository itself.
"""

from __future__ import annotations

import os

from ccpm.errors import IOFailure, NotFound, UsageError, io_failure

SHARED = ("epics", "prds", "locks", "metrics", "tracker", "backups")
"""The folders of `.claude/` that exist once for all worktrees."""


def find(start: str | None = None) -> str:
    """The absolute, symlink-free path of the coordination root. NotFound (66) if there is none."""
    named = os.environ.get("CCPM_ROOT")
    if named:
        if not os.path.isdir(named):
            raise NotFound(f"CCPM_ROOT names no directory: {named}", "set it to the project's top folder")
        return os.path.realpath(named)
    where = os.path.realpath(start) if start else _current()
    found = of_directory(where)
    if not found:
        raise NotFound(
            f"no project around {where}: neither a git repository nor a folder with .claude/",
            "run it inside the project, or set CCPM_ROOT to the project's top folder",
        )
    return found


def guarded_at(path: str) -> str:
    """The folder at which the file `path` (absolute, symlink-free) has its guard, "" if it has none: the top of its
    repository, else the folder in whose `.claude/` shared state it is. Neither $CCPM_ROOT nor $HOME count: they are not
    the same for all writers."""
    top = of_directory(os.path.dirname(path), needs_repository=True)
    if top:
        return top
    head, inside, below = path.rpartition("/.claude/")
    return head if inside and below.partition("/")[0] in SHARED else ""


def of_file(path: str) -> str:
    """The root of the project that the file `path` (absolute, symlink-free) is in, or "" when it is in none."""
    named = os.environ.get("CCPM_ROOT")
    if named:
        real = os.path.realpath(named)
        if is_inside(path, real) and os.path.isdir(real):
            return real
    return of_directory(os.path.dirname(path))


def of_directory(where: str, needs_repository: bool = False) -> str:
    """The root for a real directory path, or "". `needs_repository`: only that of a git repository counts."""
    fallback = ""
    folder = where
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isdir(git):
            return folder
        if os.path.isfile(git):
            return _main_worktree(git, folder)
        if _is_bare(folder):
            return _of_bare(folder)
        if (
            not (fallback or needs_repository)
            and os.path.isdir(os.path.join(folder, ".claude"))
            and (folder == where or folder != os.path.realpath(os.path.expanduser("~")))
        ):
            fallback = folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return fallback
        folder = parent


def resolve(path: str) -> str:
    """The real file that a path argument means, absolute and free of symbolic links (the target is edited, the link
    stays).

    `.claude/epics/…` and the other `SHARED` folders always mean the copy at the root, from any directory and also
    when named through a linked worktree: the copy that is checked out there is nobody's shared state.
    """
    if not path or "\0" in path:
        what = "is empty" if not path else "contains a NUL byte"
        raise UsageError(f"the file name {what}", "name a file; a variable in the command may be empty")
    if path.startswith(tuple(f".claude/{folder}/" for folder in SHARED)):
        return os.path.realpath(os.path.join(find(), path))
    absolute = os.path.realpath(os.path.join(_current(), path))
    head, tail = absolute, ""
    while True:
        head, inside, below = head.rpartition("/.claude/")
        if not inside:
            return absolute
        tail = f"{below}/.claude/{tail}" if tail else below
        if tail.partition("/")[0] in SHARED and os.path.isfile(os.path.join(head, ".git")):
            return os.path.realpath(os.path.join(of_directory(head), ".claude", tail))


def is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def locks_dir(root: str) -> str:
    return f"{root}/.claude/locks"


def state_dir(root: str) -> str:
    return f"{root}/.claude/locks/.state"


def metrics_dir(root: str) -> str:
    return f"{root}/.claude/metrics"


def library() -> str:
    """The folder `lib` of the installation that this code is part of."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def make_dir(path: str) -> None:
    """`path` with its parents; IOFailure (74) says what stands in the way."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise io_failure(f"create {path}", error) from error


def _current() -> str:
    """The current directory; getcwd(3) gives it free of symbolic links."""
    try:
        return os.getcwd()
    except OSError as error:
        raise IOFailure(
            "the current directory is gone", "cd to an existing folder", errno=error.errno
        ) from error


def _main_worktree(git_file: str, folder: str) -> str:
    """The main worktree for a `.git` FILE: that of a linked worktree, or `folder` itself for a submodule."""
    line = first_line(git_file)
    if not line.startswith("gitdir: "):
        return folder
    git_dir = os.path.join(folder, line[8:])
    common = first_line(os.path.join(git_dir, "commondir"))
    if not common:  # a submodule, or `git init --separate-git-dir`: its own repository
        return _of_bare(os.path.realpath(git_dir)) if _setting(git_dir, "bare").lower() == "true" else folder
    common = os.path.realpath(os.path.join(git_dir, common))
    if os.path.basename(common) != ".git" and (worktree := _setting(common, "worktree")):
        return os.path.realpath(os.path.join(common, worktree))  # a worktree of a submodule
    return _of_bare(common)


def _of_bare(common: str) -> str:
    around = os.path.dirname(common)
    is_root = os.path.basename(common) == ".git" or os.path.isdir(os.path.join(around, ".claude"))
    return around if is_root else common


def _is_bare(folder: str) -> bool:
    return (
        os.path.isfile(os.path.join(folder, "HEAD"))
        and os.path.isdir(os.path.join(folder, "objects"))
        and (os.path.isdir(os.path.join(folder, "refs")))
    )


def _setting(git_dir: str, name: str) -> str:
    """`core.NAME` of a repository, "" if it is not set. No other section of git has a `bare` or a `worktree`."""
    try:
        with open(os.path.join(git_dir, "config"), encoding="utf-8", errors="surrogateescape") as config:
            for line in config:
                key, _, value = line.partition("=")
                if key.strip().lower() == name:
                    return value.strip().strip('"')
    except OSError:
        pass
    return ""


def first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""
