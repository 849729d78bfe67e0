"""Removing worktrees. Work is never destroyed (promise P9): unsaved work refuses the removal, or is rescued before it.

The order, each step durable before the next, so that a kill anywhere leaves a state that the next run completes: look
→ save (refs/ccpm/rescue/…) → look again → mark as being removed → folder put aside → branch → folder → git's entry →
registry. Once the folder of a worktree so marked is put aside, all that was in it is safe; what is left is taken away
by whoever comes by: `remove` again, `prune`, `add` for the same agent, the coordinator. A folder that is still in its
place is looked at anew.

Non-guarantee: a program that goes on writing into the folder while it is being put aside writes into nothing.
"""

from __future__ import annotations

import os

from ccpm.core import branch_names, worktree_marks
from ccpm.core.worktree_marks import Mark
from ccpm.errors import Busy, CcpmError, NotYours, UsageError, VersionConflict
from ccpm.external.git import refs, worktrees
from ccpm.external.git.repository import Repository
from ccpm.external.git.worktrees import Worktree
from ccpm.files import events, root
from ccpm.ops.actor import Actor
from ccpm.ops.branches import rescue, unsaved, worktree_agents
from ccpm.ops.branches.worktrees import ADMIN, PATIENCE, of_agent, resource_of, source_of
from ccpm.ops.plan import plans

_OPERATION = "worktree-remove"

_LOOKS = 3
"""How often a worktree is looked at until two looks agree; then somebody is still writing into it."""


def remove(actor: Actor, epic: str, agent: str, with_rescue: bool = False) -> dict[str, object]:
    """Remove the worktree of `agent` in `epic` ("": of the epic itself), and the branch that was made for it: {path,
    branch, saved, …}. Other branches stay, also where one of them is checked out there.

    Busy (75) names unsaved work, unless `with_rescue`. NotYours (77) while another live agent works there.
    """
    repository = Repository.around(actor.top)
    worktree = of_agent(repository, epic, agent)
    return _remove(actor, repository, worktree, with_rescue, keeps_branch=False, apart=(actor.agent,))


def remove_path(actor: Actor, path: str, with_rescue: bool = False) -> dict[str, object]:
    """As `remove`, for the worktree at `path`."""
    repository = Repository.around(actor.top)
    worktree = worktrees.find(repository, path)
    if worktree is None or not worktree.admin:
        raise UsageError(f"{path} is no linked worktree of this repository", "ccpm-worktree list")
    return _remove(actor, repository, worktree, with_rescue, keeps_branch=False, apart=(actor.agent,))


def retire(actor: Actor, path: str) -> dict[str, object]:
    """Remove the worktree at `path` for Claude Code, called from its hook WorktreeRemove, which cannot refuse: what is
    unsaved is rescued. Commits stay on their branch, for the coordinator to merge."""
    repository = Repository.around(actor.top)
    worktree = worktrees.find(repository, path)
    if worktree is None or not worktree.admin:
        return {"path": path, "branch": "", "saved": None}
    return _remove(actor, repository, worktree, True, keeps_branch=True, apart=None)


def prune(actor: Actor, epic: str = "", with_rescue: bool = False) -> list[dict[str, object]]:
    """Remove the worktrees in which nobody living works, and finish what was left half done. Commits stay on their
    branches. One result each; those with unsaved work, unless `with_rescue`, are kept and have a `refused`.
    NotFound (66) if there is neither such an epic nor a worktree of it."""
    repository = Repository.around(actor.top)
    results: list[dict[str, object]] = []
    there = [(one, worktree_marks.parse(one.mark)) for one in worktrees.all_of(repository)[1:]]
    if epic and not any(mark and mark.epic == epic for _, mark in there):
        plans.load_epic(actor.top, epic)
    for worktree, mark in there:
        if mark is None or mark.state == worktree_marks.CHECKING or (epic and mark.epic != epic):
            continue
        is_left = mark.state == worktree_marks.REMOVING or worktree.is_missing
        if not is_left and (not mark.agent or worktree_agents.at_work(actor.store, worktree.path, mark)):
            continue
        try:
            results.append(_remove(actor, repository, worktree, with_rescue, keeps_branch=True))
        except NotYours:
            continue  # somebody has begun to work there
        except CcpmError as error:
            results.append({"path": worktree.path, "branch": worktree.branch, "refused": error.message})
    return results


def finish_left(actor: Actor, repository: Repository, epic: str, with_rescue: bool) -> list[dict[str, str]]:
    """Finish the removals of worktrees of `epic` that a kill left half done; those that cannot be: {branch, agent,
    why}."""
    kept = []
    for worktree in worktrees.all_of(repository)[1:]:
        mark = worktree_marks.parse(worktree.mark)
        if mark and mark.epic == epic and mark.state == worktree_marks.REMOVING:
            try:
                _remove(actor, repository, worktree, with_rescue, keeps_branch=True)
            except CcpmError as error:
                kept.append({"branch": worktree.branch, "agent": mark.agent, "why": error.message})
    return kept


def remove_merged(actor: Actor, repository: Repository, worktree: Worktree, with_rescue: bool) -> None:
    """As `remove`, for a worktree whose branch is merged. The branch stays: it is the coordinator's to delete."""
    _remove(actor, repository, worktree, with_rescue, keeps_branch=True, apart=(actor.agent,))


def clear(actor: Actor, repository: Repository, worktree: Worktree) -> None:
    """Take a worktree whose folder is gone away, for one that holds its lock; what its index has is saved."""
    _take_away(actor, repository, worktree, with_rescue=True, keeps_branch=True)


def _remove(
    actor: Actor,
    repository: Repository,
    worktree: Worktree,
    with_rescue: bool,
    keeps_branch: bool,
    apart: tuple[str, ...] | None = (),
) -> dict[str, object]:
    """`apart`: the agents whose being there does not matter; None: nobody's does. What is there, and who, is looked at
    under the lock of the worktree: whoever makes it or removes it has that, maybe for long."""
    with actor.holding(resource_of(worktree.path), _OPERATION, PATIENCE):
        there = worktrees.find(repository, worktree.path)
        if there is None:
            return _result(worktree, False, "")
        if apart is not None and not there.is_missing:
            _require_free(actor, there, apart)
        return _take_away(actor, repository, there, with_rescue, keeps_branch)


def _require_free(actor: Actor, worktree: Worktree, apart: tuple[str, ...]) -> None:
    mark = worktree_marks.parse(worktree.mark)
    if worktree.mark and mark is None:
        raise NotYours(
            f"{worktree.path} is locked by somebody else ({worktree.mark})",
            f"git worktree unlock '{worktree.path}', if its owner agrees",
        )
    for agent, since in worktree_agents.at_work(actor.store, worktree.path, mark).items():
        if agent not in apart:
            raise NotYours(
                f"{worktree.path} is in use by {agent} since {since}",
                f"wait until that agent has ended, or let it do this itself: "
                f"ccpm-worktree remove --path '{worktree.path}' --agent {agent}",
            )


def _take_away(
    actor: Actor, repository: Repository, worktree: Worktree, with_rescue: bool, keeps_branch: bool
) -> dict[str, object]:
    mark = worktree_marks.parse(worktree.mark) or Mark(
        worktree_marks.IN_USE, *branch_names.split(worktree.branch)[::-1], ""
    )
    keeps_branch = keeps_branch or worktree.branch != _made_for(mark, worktree)
    # a folder that is still there after a kill may have been worked in since
    was_saved = mark.state == worktree_marks.REMOVING and worktree.is_missing
    if not was_saved and mark.state != worktree_marks.CHECKING:
        _refuse_inner(repository, worktree)
        saved = _save(actor, repository, worktree, mark, with_rescue or bool(mark.saved), keeps_branch)
        mark = mark.changed_to(worktree_marks.REMOVING, saved.ref if saved else "")
        worktrees.write_mark(worktree, str(mark))
    worktrees.put_aside(worktree)
    was_deleted = not keeps_branch and _delete_branch(repository, worktree)
    worktrees.drop(worktree)
    with actor.holding(ADMIN, _OPERATION, PATIENCE):
        worktrees.forget(repository, worktree)
    if mark.epic:
        worktree_agents.forget(actor.store, mark.epic, worktree.path)
    fields = {"epic": mark.epic, "agent": mark.agent, "path": worktree.path, "saved": mark.saved}
    events.append(actor.top, "worktree.removed", **fields)
    return _result(worktree, was_deleted, mark.saved)


def _result(worktree: Worktree, was_deleted: bool, saved: str) -> dict[str, object]:
    return {
        "path": worktree.path,
        "branch": worktree.branch,
        "branch_deleted": was_deleted,
        "saved": saved or None,
        "restore": rescue.restore_command(saved) if saved else None,
    }


def _made_for(mark: Mark, worktree: Worktree) -> str:
    """The branch that was made for the worktree and goes with it; "" for that of an epic, which does not."""
    if not mark.epic:
        return branch_names.plain_branch(os.path.basename(worktree.path))
    return branch_names.agent_branch(mark.epic, mark.agent) if mark.agent else ""


def _save(
    actor: Actor,
    repository: Repository,
    worktree: Worktree,
    mark: Mark,
    with_rescue: bool,
    keeps_branch: bool,
) -> rescue.Saved | None:
    """Make sure that nothing in `worktree` is only there: the rescue that was needed for it, None if none was."""
    _require_link(worktree)
    source = source_of(repository)
    saved, before = None, None
    for _ in range(_LOOKS):
        found = unsaved.look(repository, worktree, source, keeps_branch)
        if before and found.is_as(before):
            return saved
        if found.findings and not with_rescue:
            raise Busy(
                f"{worktree.path} has unsaved work: " + "; ".join(str(one) for one in found.findings),
                "commit and merge it, or save it with --rescue, which tells how to bring it back",
                path=worktree.path,
                unsaved=[{"kind": one.kind, "what": one.what} for one in found.findings],
            )
        if found.findings:
            saved = rescue.save(actor, repository, found, mark)
        before = found
        worktree = worktrees.find(repository, worktree.path) or worktree
    raise Busy(
        f"somebody still writes into {worktree.path}: it changed while it was being saved",
        "end the program that works there, then run it again; what was saved so far is kept",
        path=worktree.path,
    )


def _require_link(worktree: Worktree) -> None:
    """A folder without its `.git` is none that git can look into: it would look into the repository around it."""
    if not worktree.is_missing and not os.path.lexists(os.path.join(worktree.path, ".git")):
        raise Busy(
            f"{worktree.path} is there, but its link to the repository (.git) is gone",
            f"bring it back (git worktree repair '{worktree.path}'), or move the folder away; then run it again",
            path=worktree.path,
        )


def _refuse_inner(repository: Repository, worktree: Worktree) -> None:
    for other in worktrees.all_of(repository):
        if other.path != worktree.path and root.is_inside(other.path, worktree.path):
            raise Busy(
                f"another worktree lies inside of {worktree.path}: {other.path}",
                f"remove that one first: ccpm-worktree remove --path '{other.path}'",
                path=other.path,
            )


def _delete_branch(repository: Repository, worktree: Worktree) -> bool:
    """Delete the branch of `worktree` if all its commits are elsewhere, and if it is still where it was looked at;
    whether it is gone."""
    if not worktree.branch or not worktree.head:
        return False
    if unsaved.only_here(repository, worktree.head, worktree.branch):
        return False
    worktrees.detach(worktree)
    try:
        refs.move(repository, branch_names.HEADS + worktree.branch, refs.NOTHING, worktree.head)
    except VersionConflict:
        return False
    return True
