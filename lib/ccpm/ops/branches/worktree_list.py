"""Which worktrees there are, whose they are, and how far their branches are."""

from __future__ import annotations

from ccpm.core import branch_names, worktree_marks
from ccpm.external.git import trees, worktrees
from ccpm.external.git.repository import Repository
from ccpm.external.git.worktrees import Worktree
from ccpm.files.store import Store
from ccpm.ops.branches import epic_branch, worktree_agents
from ccpm.ops.plan import plans


def describe_all(top: str, epic: str = "") -> list[dict[str, object]]:
    """Every linked worktree (of `epic`, if it is given): {path, branch, epic, agent, state, since, live, ahead, dirty}.

    `ahead`: commits that the epic's branch does not have; `dirty`: whether files differ from HEAD.
    NotFound (66) if there is neither such an epic nor a worktree of it.
    """
    repository = Repository.around(top)
    found = []
    for one in worktrees.all_of(repository)[1:]:
        mark = worktree_marks.parse(one.mark)
        if mark is None and not one.branch.startswith("epic/"):
            continue
        if epic and not _is_of(epic, one, mark):
            continue
        found.append(_describe(top, repository, one, mark))
    if epic and not found:
        plans.load_epic(top, epic)
    return found


def _is_of(epic: str, worktree: Worktree, mark: worktree_marks.Mark | None) -> bool:
    part = branch_names.part_of(epic)
    return mark.epic == epic if mark else branch_names.split(worktree.branch)[0] == part


def _describe(
    top: str, repository: Repository, worktree: Worktree, mark: worktree_marks.Mark | None
) -> dict[str, object]:
    epic = mark.epic if mark else branch_names.split(worktree.branch)[0]
    agent = mark.agent if mark else branch_names.split(worktree.branch)[1]
    base = epic_branch.head(repository, epic) if epic else ""
    ahead = trees.count(repository, worktree.head, f"^{base}") if base and worktree.head else 0
    return {
        "path": worktree.path,
        "branch": worktree.branch,
        "epic": epic,
        "agent": agent,
        "state": "missing" if worktree.is_missing else mark.state if mark else "unmarked",
        "since": mark.since if mark else "",
        "live": bool(worktree_agents.at_work(Store(top), worktree.path, mark)),
        "ahead": ahead,
        "dirty": not worktree.is_missing and _is_dirty(repository, worktree),
    }


def _is_dirty(repository: Repository, worktree: Worktree) -> bool:
    return bool(repository.text("status", "--porcelain", at=worktree.path))
