"""Removing worktrees. Work is never destroyed (promise P9): unsaved work refuses the removal, or is rescued before it.

The order, each step durable before the next, so that a kill anywhere leaves a state that the next run completes: look
→ save (refs/ccpm/rescue/…) → look again → mark as being removed → branch → folder → git's entry → registry. Once a
worktree is marked as being removed, all that was in it is safe; what is left of it is taken away by whoever comes by:
`remove` again, `prune`, `add` for the same agent, the coordinator.
"""

from __future__ import annotations

from ccpm.core import branch_names, worktree_marks
from ccpm.core.worktree_marks import Mark
from ccpm.errors import Busy, CcpmError, NotYours, UsageError, VersionConflict
from ccpm.external.git import refs, worktrees
from ccpm.external.git.repository import Repository
from ccpm.external.git.worktrees import Worktree
from ccpm.files import events, root
from ccpm.ops.actor import Actor
from ccpm.ops.branches import rescue, unsaved, worktree_agents
from ccpm.ops.branches import worktrees as use_case
from ccpm.ops.locking.holding import Holding

_LOOKS = 3
"""How often a worktree is looked at until two looks agree; then somebody is still writing into it."""


def remove(actor: Actor, epic: str, agent: str, with_rescue: bool = False) -> dict[str, object]:
    """Remove the worktree of `agent` in `epic` ("": of the epic itself) and its branch: {path, branch, saved, …}.

    Busy (75) names unsaved work, unless `with_rescue`. NotYours (77) while another live agent works there.
    """
    repository = Repository.around(actor.top)
    worktree = use_case.of_agent(repository, epic, agent)
    _check_free(actor, worktree)
    return _remove(actor, repository, worktree, with_rescue, keeps_branch=not agent)


def remove_path(actor: Actor, path: str, with_rescue: bool = False) -> dict[str, object]:
    """As `remove`, for the worktree at `path`."""
    repository = Repository.around(actor.top)
    worktree = worktrees.find(repository, path)
    if worktree is None or not worktree.admin:
        raise UsageError(f"{path} is no linked worktree of this repository", "ccpm-worktree list")
    _check_free(actor, worktree)
    return _remove(actor, repository, worktree, with_rescue, keeps_branch=False)


def retire(actor: Actor, path: str) -> dict[str, object]:
    """Remove the worktree at `path` for Claude Code, called from its hook WorktreeRemove, which cannot refuse: what is
    unsaved is rescued. Commits stay on their branch, for the coordinator to merge."""
    repository = Repository.around(actor.top)
    worktree = worktrees.find(repository, path)
    if worktree is None or not worktree.admin:
        return {"path": path, "branch": "", "saved": None}
    return _remove(actor, repository, worktree, True, keeps_branch=True)


def prune(actor: Actor, epic: str = "", with_rescue: bool = False) -> list[dict[str, object]]:
    """Remove the worktrees of agents that are not alive, and finish what was left half done. Commits stay on their
    branches. One result each; those with unsaved work, unless `with_rescue`, are kept and have a `refused`."""
    repository = Repository.around(actor.top)
    results = []
    for worktree in worktrees.all_of(repository)[1:]:
        mark = worktree_marks.parse(worktree.mark)
        if mark is None or mark.state == worktree_marks.CHECKING or (epic and mark.epic != epic):
            continue
        is_left = mark.state == worktree_marks.REMOVING or worktree.is_missing
        if not is_left and (not mark.agent or worktree_agents.is_live(actor.store, mark.epic, mark.agent)):
            continue
        try:
            results.append(_remove(actor, repository, worktree, with_rescue, keeps_branch=True))
        except CcpmError as error:
            results.append({"path": worktree.path, "branch": worktree.branch, "refused": error.message})
    return results


def finish_left(actor: Actor, repository: Repository, epic: str) -> None:
    """Finish the removals of worktrees of `epic` that a kill left half done."""
    for worktree in worktrees.all_of(repository)[1:]:
        mark = worktree_marks.parse(worktree.mark)
        if mark and mark.epic == epic and mark.state == worktree_marks.REMOVING:
            _remove(actor, repository, worktree, False, keeps_branch=True)


def remove_merged(
    actor: Actor, repository: Repository, worktree: Worktree, with_rescue: bool
) -> dict[str, object]:
    """As `remove`, for a worktree whose agent is gone and whose branch is merged."""
    return _remove(actor, repository, worktree, with_rescue, keeps_branch=False)


def clear(actor: Actor, repository: Repository, worktree: Worktree) -> None:
    """Finish the removal of `worktree`, or take it away when its folder is gone; what its index has is saved."""
    _finish_or_save(actor, repository, worktree, True, True)


def _check_free(actor: Actor, worktree: Worktree) -> None:
    mark = worktree_marks.parse(worktree.mark)
    if worktree.mark and mark is None:
        raise NotYours(
            f"{worktree.path} is locked by somebody else ({worktree.mark})",
            f"git worktree unlock '{worktree.path}', if its owner agrees",
        )
    is_others = mark is not None and mark.agent not in ("", actor.agent)
    if mark and is_others and mark.state == worktree_marks.IN_USE and _is_live(actor, mark):
        raise NotYours(
            f"{worktree.path} is in use by {mark.agent} since {mark.since}",
            "wait until that agent has ended, or let it remove its worktree itself",
        )


def _is_live(actor: Actor, mark: Mark) -> bool:
    return worktree_agents.is_live(actor.store, mark.epic, mark.agent)


def _remove(
    actor: Actor, repository: Repository, worktree: Worktree, with_rescue: bool, keeps_branch: bool
) -> dict[str, object]:
    with Holding(
        actor.store,
        use_case.resource_of(worktree.path),
        actor.agent,
        "worktree-remove",
        actor.fences,
        actor.say,
        use_case.PATIENCE,
    ):
        return _finish_or_save(actor, repository, worktree, with_rescue, keeps_branch)


def _finish_or_save(
    actor: Actor, repository: Repository, worktree: Worktree, with_rescue: bool, keeps_branch: bool
) -> dict[str, object]:
    mark = worktree_marks.parse(worktree.mark) or Mark(
        worktree_marks.IN_USE, *branch_names.split(worktree.branch)[::-1], ""
    )
    saved = None
    if mark.state not in (worktree_marks.REMOVING, worktree_marks.CHECKING):
        _refuse_inner(repository, worktree)
        saved = _save(actor, repository, worktree, mark, with_rescue, keeps_branch)
        mark = mark.changed_to(worktree_marks.REMOVING, saved.ref if saved else "")
        worktrees.write_mark(worktree, str(mark))
    branch = "" if keeps_branch else _delete_branch(repository, worktree)
    worktrees.drop(worktree)
    with Holding(
        actor.store,
        use_case.ADMIN,
        actor.agent,
        "worktree-remove",
        actor.fences,
        actor.say,
        use_case.PATIENCE,
    ):
        worktrees.forget(repository, worktree)
    if mark.epic:
        worktree_agents.forget(actor.store, mark.epic, worktree.path)
    fields = {"epic": mark.epic, "agent": mark.agent, "path": worktree.path, "saved": mark.saved}
    events.append(actor.top, "worktree.removed", **fields)
    return {
        "path": worktree.path,
        "branch": worktree.branch,
        "branch_deleted": bool(branch),
        "saved": mark.saved or None,
        "restore": rescue.restore_command(mark.saved) if mark.saved else None,
    }


def _save(
    actor: Actor,
    repository: Repository,
    worktree: Worktree,
    mark: Mark,
    with_rescue: bool,
    keeps_branch: bool,
) -> rescue.Saved | None:
    """Make sure that nothing in `worktree` is only there: the rescue that was needed for it, None if none was."""
    source = use_case.source_of(repository)
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


def _refuse_inner(repository: Repository, worktree: Worktree) -> None:
    for other in worktrees.all_of(repository):
        if other.path != worktree.path and root.is_inside(other.path, worktree.path):
            raise Busy(
                f"another worktree lies inside of {worktree.path}: {other.path}",
                f"remove that one first: ccpm-worktree remove --path '{other.path}'",
                path=other.path,
            )


def _delete_branch(repository: Repository, worktree: Worktree) -> str:
    """Delete the branch of `worktree` if all its commits are elsewhere, and if it is still where it was looked at; its
    name, "" if it stays."""
    if not worktree.branch or not worktree.head:
        return ""
    if unsaved.only_here(repository, worktree.head, worktree.branch):
        return ""
    worktrees.detach(worktree)
    try:
        refs.move(repository, branch_names.HEADS + worktree.branch, refs.NOTHING, worktree.head)
    except VersionConflict:
        return ""
    return worktree.branch
