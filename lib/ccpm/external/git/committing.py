"""What a git hook asks git while a commit is being made: which files, which message."""

from __future__ import annotations

import os

from ccpm.external.git import output, run


def path_in(folder: str, *question: str) -> str:
    """What `git rev-parse QUESTION` answers about the repository around `folder`, as an absolute path free of symbolic
    links; "" outside of git."""
    answer = os.fsdecode(output(folder, "rev-parse", *question)).rstrip("\n")
    return os.path.realpath(os.path.join(folder, answer)) if answer else ""


def concluded(worktree: str) -> str:
    """What the commit that is being made concludes, as a command of git ("merge", "cherry-pick"); "" for a commit of
    its own, which may be one of some files only."""
    git_dir = path_in(worktree, "--git-dir")
    heads = {"MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick"}
    return next((word for name, word in heads.items() if os.path.exists(os.path.join(git_dir, name))), "")


def staged(worktree: str) -> list[str]:
    """Files that the commit which is being made in `worktree` changes, relative to it. Of a merge, those that are like
    neither side: what only came in with the other branch is not changed by who concludes the merge."""
    question = (
        "diff",
        "--cached",
        "--name-only",
        "-z",
        "--no-renames",
        "--no-ext-diff",
        "--ignore-submodules=none",
    )
    paths = os.fsdecode(output(worktree, *question)).split("\0")
    merged = run(worktree, "rev-parse", "--verify", "--quiet", "MERGE_HEAD").strip()
    if merged:
        other = set(os.fsdecode(output(worktree, *question, merged)).split("\0"))
        paths = [path for path in paths if path in other]
    return [path for path in paths if path]


def staged_content(worktree: str) -> dict[str, str]:
    """{path: mode and object} of all that is staged in `worktree`; of a deletion, the object is zeros."""
    question = ("diff", "--cached", "--raw", "--no-abbrev", "-z", "--no-renames", "--ignore-submodules=none")
    fields = os.fsdecode(output(worktree, *question)).split("\0")
    found = {}
    for entry, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, content, *_ = entry.split()
        found[path] = f"{mode} {content}"
    return found


def has_message(path: str) -> bool:
    """Whether the commit message in the file `path` says anything besides comments."""
    with open(path, "rb") as file:
        lines = file.read().split(b"\n# ------------------------ >8 ---")[0].splitlines()
    return any(line.strip() and not line.startswith(b"#") for line in lines)


def add_trailer(path: str, line: str) -> None:
    """Add the trailer `line` to the commit message in the file `path`, unless it has one of that name."""
    real = os.path.abspath(path)
    options = ("--in-place", "--if-exists", "doNothing", "--trailer", line)
    run(os.path.dirname(real), "interpret-trailers", *options, real)
