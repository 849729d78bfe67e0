"""The files that a fresh worktree needs and git does not bring: those that `.worktreeinclude` names.

The file lies at the project's top, in the syntax of .gitignore; a file is brought if it matches and git ignores it (the
rule of Claude Code's own `.worktreeinclude`). Tracked files are never overwritten.
"""

from __future__ import annotations

import os

from ccpm.errors import io_failure
from ccpm.external.git.repository import Repository

NAME = ".worktreeinclude"


def bring(repository: Repository, source: str, target: str) -> list[str]:
    """Copy the listed files of the worktree `source` to `target`; their paths. IOFailure (74) if one cannot be
    copied."""
    import shutil

    paths = listed(repository, source, source) if source else []
    for path in paths:
        there = os.path.join(target, path)
        try:
            os.makedirs(os.path.dirname(there), exist_ok=True)
            shutil.copy2(os.path.join(source, path), there, follow_symlinks=False)
        except FileExistsError:  # a symbolic link that a run before this one has brought
            continue
        except OSError as error:
            raise io_failure(f"copy {path} to {target}", error) from error
    return paths


def changed(repository: Repository, source: str, worktree: str) -> list[str]:
    """The listed files of `worktree` that are not, byte for byte, those of `source`: work that git does not see."""
    found = set(listed(repository, worktree, worktree))
    if source:
        found.update(listed(repository, source, worktree))
    return sorted(path for path in found if not source or _differ(source, worktree, path))


def listed(repository: Repository, patterns: str, worktree: str) -> list[str]:
    """The ignored files of `worktree` that match the `.worktreeinclude` of the worktree `patterns`."""
    file = os.path.join(patterns, NAME)
    if not os.path.isfile(file):
        return []
    options = ("ls-files", "--others", "--ignored", "-z", f"--exclude-from={file}")
    matching = [path for path in repository.run(*options, at=worktree).fields if not path.endswith("/")]
    if not matching:
        return []
    data = b"".join(os.fsencode(path) + b"\0" for path in matching)
    return repository.run("check-ignore", "-z", "--stdin", at=worktree, stdin=data, allow=(0, 1)).fields


def _differ(source: str, worktree: str, path: str) -> bool:
    one, other = os.path.join(source, path), os.path.join(worktree, path)
    if os.path.islink(one) or os.path.islink(other):
        return not (os.path.islink(one) and os.path.islink(other) and os.readlink(one) == os.readlink(other))
    try:
        with open(one, "rb") as a, open(other, "rb") as b:
            return a.read() != b.read()
    except OSError:
        return True
