"""Checkouts of a branch that is moved from outside: they follow, but only where nothing of anybody's is in the way.

Before the branch moves, every checkout of it has to be clean (`require_clean`), and the update has to be possible
(`Following.prepare`). Then the move is written down in the worktree's git folder, the branch moves, and the files
follow with a two-way merge (git-read-tree(1)), which touches only files that are as they were. Killed in between, the
next run finds the note and lets the files follow (`finish`).

Non-guarantee: between the look and the update somebody may begin to edit. Then git refuses the update, the files stay
as they are, and the note stays for the next run.
"""

from __future__ import annotations

import os

from ccpm.core import branch_names
from ccpm.errors import Busy, CcpmError, IOFailure
from ccpm.external.git import trees, worktrees
from ccpm.external.git.repository import Repository
from ccpm.external.git.worktrees import Worktree
from ccpm.files import atomic, root
from ccpm.ops.coordinator.merge_lease import MergeLease

NOTE = "ccpm-following"
_SHOWN = 5


def require_clean(repository: Repository, branch: str) -> None:
    """Busy (75) if a checkout of `branch` has uncommitted changes, or is rebasing it. In the main checkout the shared
    folders of `.claude/` (the plan) do not count: they change all the time, and by our own hand. Nor do submodules:
    what is checked out in them follows no branch, and read-tree leaves them alone."""
    for worktree in worktrees.rebasing(repository, branch):
        raise Busy(
            f"{branch} is being rebased in {worktree.path}",
            f"git -C '{worktree.path}' rebase --continue, or --abort; nothing was merged",
            path=worktree.path,
        )
    for worktree in worktrees.on_branch(repository, branch):
        if worktree.is_missing:
            continue
        changed = _changed(repository, worktree)
        if changed:
            more = f", and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
            raise Busy(
                f"{branch} is checked out in {worktree.path} with uncommitted changes: "
                f"{', '.join(changed[:_SHOWN])}{more}",
                "commit or stash them there, then run it again; nothing was merged",
                path=worktree.path,
                changed=changed,
            )


class Following:
    """The checkouts of `branch` that follow its move from `old` to `new`."""

    __slots__ = ("_branch", "_new", "_old", "_repository", "_worktrees")

    def __init__(self, repository: Repository, branch: str, old: str, new: str) -> None:
        self._branch = branch
        self._repository = repository
        self._old = old
        self._new = new
        self._worktrees = [one for one in worktrees.on_branch(repository, branch) if not one.is_missing]

    def prepare(self, token: int) -> None:
        """Busy (75), and nothing is written down, if a file is in the way in one of them. `token`: of the coordinator,
        part of the note's name: one that lost its lease does not touch the notes of the next one."""
        for worktree in self._worktrees:
            _refresh(self._repository, worktree)
            _require_room(self._repository, worktree, self._old, self._new)
            try:
                self._repository.run("read-tree", "-m", "-u", "-n", self._old, self._new, at=worktree.path)
            except IOFailure as error:
                raise _obstructed(worktree, error.message) from error
        for worktree in self._worktrees:
            atomic.replace(_note(self._repository, worktree, token), f"{self._old} {self._new}\n".encode())

    def carry_out(self, lease: MergeLease, old: str) -> list[str]:
        """Move the branch from `old` under `lease`, and let the files follow; for each checkout in which git refused,
        what to do. Nothing is left behind if the branch does not move."""
        lease.check()
        require_clean(self._repository, self._branch)
        self.prepare(lease.token)
        try:
            lease.move(self._repository, {branch_names.HEADS + self._branch: (self._new, old)})
        except CcpmError:
            for worktree in self._worktrees:
                atomic.remove(_note(self._repository, worktree, lease.token))
            raise
        followed = [
            _follow(self._repository, worktree, _note(self._repository, worktree, lease.token))
            for worktree in self._worktrees
        ]
        return [words for words in followed if words]


def finish(repository: Repository, branch: str) -> list[str]:
    """Let checkouts follow in which a run before this one was killed; for each that cannot, what to do."""
    found = []
    for worktree in worktrees.on_branch(repository, branch):
        if worktree.is_missing:
            continue
        folder = worktree.admin or repository.common
        notes = sorted(name for name in os.listdir(folder) if name.startswith(NOTE))
        found += [_follow(repository, worktree, os.path.join(folder, note)) for note in notes]
    return [words for words in found if words]


def _follow(repository: Repository, worktree: Worktree, note: str) -> str:
    """Let `worktree` follow what the file `note` says; "" if it did, else what to do."""
    with open(note, encoding="ascii") as file:
        old, new = file.read().split()
    head = repository.text("rev-parse", "HEAD", at=worktree.path)
    index = repository.run("write-tree", at=worktree.path, allow=(0, 128)).text
    if head == old or index == trees.tree_of(repository, head):
        atomic.remove(note)  # the branch did not move, or the files have followed
        return ""
    _refresh(repository, worktree)
    try:
        _require_room(repository, worktree, old, head)
        repository.run("read-tree", "-m", "-u", old, head, at=worktree.path)
    except (IOFailure, Busy) as error:
        return (
            f"{worktree.path} still has the files of {old[:10]} ({error.message}); "
            f"git -C '{worktree.path}' read-tree -m -u {old[:10]} {new[:10]} brings those of {new[:10]}"
        )
    atomic.remove(note)
    return ""


def _in_the_way(repository: Repository, worktree: Worktree, old: str, new: str) -> list[str]:
    """What lies untracked in `worktree` where `new` brings files that `old` does not have. git itself refuses to
    overwrite such files, unless they are ignored."""
    kinds = trees.changes(repository, old, new)
    added = [path for path, kind in kinds.items() if kind == "A"]
    goes = {path for path, kind in kinds.items() if kind == "D"}
    by_case = {path.casefold(): path for path in goes}
    found = set()
    for path in added:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            place = "/".join(parts[:depth])
            file = os.path.join(worktree.path, place)
            if not os.path.lexists(file):
                break  # there is nothing below either
            old_name = by_case.get(place.casefold(), "")
            if place in goes or (old_name and _is_one(os.path.join(worktree.path, old_name), file)):
                break  # a tracked file that makes room, maybe under a name that only differs in case
            if os.path.islink(file) or not os.path.isdir(file):
                found.add(place)
                break
        else:
            found.update(_files_below(worktree.path, path) - goes)
    return sorted(found)


def _is_one(path: str, other: str) -> bool:
    return os.path.lexists(path) and os.path.samestat(os.lstat(path), os.lstat(other))


def _files_below(top: str, folder: str) -> set[str]:
    return {
        os.path.relpath(os.path.join(where, name), top)
        for where, _, names in os.walk(os.path.join(top, folder))
        for name in names
    }


def _require_room(repository: Repository, worktree: Worktree, old: str, new: str) -> None:
    if local := _in_the_way(repository, worktree, old, new):
        more = f", and {len(local) - _SHOWN} more" if len(local) > _SHOWN else ""
        raise _obstructed(worktree, f"{', '.join(local[:_SHOWN])}{more}")


def _obstructed(worktree: Worktree, what: str) -> Busy:
    return Busy(
        f"files in {worktree.path} are in the way of the merge: {what}",
        "commit, stash or move them, then run it again",
        path=worktree.path,
    )


def _refresh(repository: Repository, worktree: Worktree) -> None:
    """Let git look whether files whose times have changed are still the same: read-tree takes them for edited ones."""
    repository.run("update-index", "-q", "--refresh", at=worktree.path, allow=(0, 1))


def _changed(repository: Repository, worktree: Worktree) -> list[str]:
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all")
    fields = repository.run("status", *options, at=worktree.path).fields
    paths = [field[3:] for field in fields]
    if os.path.realpath(worktree.path) != repository.top:
        return paths
    shared = tuple(f".claude/{folder}/" for folder in root.SHARED)
    return [path for path in paths if not path.startswith(shared)]


def _note(repository: Repository, worktree: Worktree, token: int) -> str:
    return os.path.join(worktree.admin or repository.common, f"{NOTE}-{token}")
