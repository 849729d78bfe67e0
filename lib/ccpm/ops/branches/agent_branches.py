"""The branches of agents as they are now, uncommitted work included.

The uncommitted work of a worktree becomes a commit in the object store (external/git/snapshot.py): the worktree, its
index and its branch stay untouched, and the same files always give the same commit, so that results about it can be
kept.
"""

from __future__ import annotations

from ccpm.core import branch_names, worktree_marks
from ccpm.core.branch_conflicts import Changed
from ccpm.errors import IOFailure
from ccpm.external.git import refs, snapshot, trees, worktrees
from ccpm.external.git.repository import Repository
from ccpm.external.git.snapshot import Snapshot
from ccpm.external.git.worktrees import Worktree
from ccpm.files import plan_tree
from ccpm.files.store import Store
from ccpm.ops.branches import epic_branch, worktree_agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    One = TypeVar("One")
    Other = TypeVar("Other")

_ATTEMPTS = 3
_FIXED = {"NAME": "CCPM", "EMAIL": "ccpm@localhost"}


class Branch:
    """The branch of `agent` in `epic`: its `tip`, `work` (the tip, or a commit of its uncommitted work on top), `base`
    (where it left the epic's branch) and what it `changed` since. `worktree` is None without one."""

    __slots__ = ("agent", "base", "changed", "epic", "is_live", "name", "tip", "work", "worktree")

    def __init__(self, epic: str, name: str, agent: str, tip: str, worktree: Worktree | None) -> None:
        self.epic = epic
        self.name = name
        self.agent = agent
        self.tip = tip
        self.work = tip
        self.base = ""
        self.changed = Changed({})
        self.is_live = False
        self.worktree = worktree

    @property
    def is_dirty(self) -> bool:
        return self.work != self.tip


def of_epic(
    repository: Repository, store: Store, epic: str, head: str, with_uncommitted: bool
) -> list[Branch]:
    """The branches of `epic`, whose own branch is at `head`, that have something it does not have."""
    tips = refs.branches(repository, branch_names.agent_branch_prefix(epic))
    owners = worktree_agents.of_branches(store, epic, list(tips))
    places = {}
    for worktree in worktrees.all_of(repository)[1:]:
        if worktree.branch in tips and not worktree.is_missing:
            places[worktree.branch] = worktree
            mark = worktree_marks.parse(worktree.mark)
            if mark and mark.agent:
                owners[worktree.branch] = mark.agent
    found = [Branch(epic, name, owners[name], tip, places.get(name)) for name, tip in tips.items()]
    for _ in in_parallel(lambda branch: _look(repository, store, branch, head, with_uncommitted), found):
        pass
    return [branch for branch in found if branch.work != branch.base and branch.base]


def epics(top: str) -> list[str]:
    """The epics of the project whose branches are compared."""
    return sorted(folder.name for folder in plan_tree.load(top).epics if not folder.is_archived)


def head_of(repository: Repository, epic: str) -> str:
    """The commit that the branches of `epic` are compared with; "" in a repository without a commit."""
    found = epic_branch.head(repository, epic)
    if found:
        return found
    name, _ = refs.default_branch(repository)
    return refs.read(repository, branch_names.HEADS + name) if name else ""


def _look(repository: Repository, store: Store, branch: Branch, head: str, with_uncommitted: bool) -> None:
    branch.is_live = worktree_agents.is_live(store, branch.epic, branch.agent)
    if with_uncommitted and branch.worktree:
        branch.work = _with_uncommitted(repository, branch.worktree, branch.tip)
    branch.base = trees.merge_base(repository, head, branch.work)
    if branch.base and branch.base != branch.work:
        branch.changed = Changed(trees.changes(repository, branch.base, branch.work))


def _with_uncommitted(repository: Repository, worktree: Worktree, tip: str) -> str:
    taken = _take(repository, worktree)
    if taken.tree == trees.tree_of(repository, tip):
        return tip
    when = {"DATE": repository.text("log", "-1", "--format=@%ct +0000", tip)}
    fixed = {
        f"GIT_{who}_{key}": text
        for who in ("AUTHOR", "COMMITTER")
        for key, text in {**_FIXED, **when}.items()
    }
    return trees.commit(repository, taken.tree, [tip], "uncommitted work\n", fixed)


def _take(repository: Repository, worktree: Worktree) -> Snapshot:
    """A snapshot of a worktree in which somebody works: a file may vanish while it is being read."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return snapshot.take(repository, worktree.path, worktree.admin)
        except IOFailure:
            continue
    return snapshot.take(repository, worktree.path, worktree.admin)


def in_parallel(work: Callable[[One], Other], things: Iterable[One]) -> Iterator[Other]:
    """`work` on each of `things`: each waits for git most of the time."""
    import os
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        yield from pool.map(work, things)
