"""What is left of agents that are gone, once their branches are merged: removed by the rules of removal, or kept and
said.

A branch of a living agent stays, merged or not, and one that is checked out where a living agent works: it goes on
working there.
"""

from __future__ import annotations

from ccpm.core import branch_names, worktree_marks
from ccpm.errors import Busy, CcpmError
from ccpm.external.git import refs, trees, worktrees
from ccpm.external.git.repository import Repository
from ccpm.external.git.worktrees import Worktree
from ccpm.ops.actor import Actor
from ccpm.ops.branches import removal, worktree_agents
from ccpm.ops.coordinator.merge_lease import MergeLease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def after_merge(
    actor: Actor, repository: Repository, lease: MergeLease, epic: str, head: str, with_rescue: bool
) -> dict[str, Any]:
    """Remove the branches of `epic` that `head` has and whose agents are gone, with their worktrees: {cleaned, kept}.
    LeaseLost (11) as soon as the lease is: nothing is removed after that."""
    lease.check()
    cleaned, kept = [], removal.finish_left(actor, repository, epic, with_rescue)
    tips = refs.branches(repository, branch_names.agent_branch_prefix(epic))
    owners = worktree_agents.of_branches(actor.store, epic, list(tips))
    places = _places(repository)
    for name, tip in tips.items():
        lease.renew()
        place = places.get(name)
        was_tried = any(one["branch"] == name for one in kept)
        is_needed = bool(_user(actor, epic, owners[name], place))
        if was_tried or is_needed or not trees.is_ancestor(repository, tip, head):
            continue
        lease.check()
        try:
            if place:
                removal.remove_merged(actor, repository, place, with_rescue)
            lease.move(repository, {branch_names.HEADS + name: (refs.NOTHING, tip)})
            cleaned.append(name)
        except CcpmError as error:
            kept.append({"branch": name, "agent": owners[name], "why": error.message})
    return {"cleaned": cleaned, "kept": kept}


def _places(repository: Repository) -> dict[str, Worktree]:
    return {one.branch: one for one in worktrees.all_of(repository)[1:] if one.branch}


def _user(actor: Actor, epic: str, agent: str, place: Worktree | None) -> str:
    """Who needs a branch of `agent` that is checked out at `place`: that agent, or anybody who works there; "" if
    all of them are gone."""
    if worktree_agents.is_live(actor.store, epic, agent):
        return agent
    mark = worktree_marks.parse(place.mark) if place else None
    return next(iter(worktree_agents.at_work(actor.store, place.path, mark)), "") if place else ""


def after_epic(
    actor: Actor, repository: Repository, lease: MergeLease, epic: str, head: str, with_rescue: bool
) -> dict[str, Any]:
    """As `after_merge`, for an epic that is finished: its own worktree and branch go too, once no branch of an agent is
    left, unless `head` does not have all that is on it. Whatever stays is in `kept`, with the reason."""
    done = after_merge(actor, repository, lease, epic, head, with_rescue)
    left = list(refs.branches(repository, branch_names.agent_branch_prefix(epic)))
    told = {one["branch"] for one in done["kept"]}
    places = _places(repository)
    for name, agent in worktree_agents.of_branches(actor.store, epic, left).items():
        if name not in told:
            user = _user(actor, epic, agent, places.get(name)) or agent
            why = f"{user} is alive; when it has unregistered: ccpm-worktree finish '{epic}'"
            done["kept"].append({"branch": name, "agent": agent, "why": why})
    branch = branch_names.epic_branch(epic)
    tip = refs.read(repository, branch_names.HEADS + branch)
    if not tip:
        return done
    lease.check()
    try:
        if left:
            raise Busy(
                "branches of its agents are left", f"ccpm-worktree finish '{epic}', once they are gone"
            )
        if not trees.is_ancestor(repository, tip, head):
            raise Busy(f"it got commits meanwhile that are not merged; again: ccpm-worktree finish '{epic}'")
        _remove_epic(actor, repository, branch, with_rescue)
        lease.move(repository, {branch_names.HEADS + branch: (refs.NOTHING, tip)})
        done["cleaned"].append(branch)
    except CcpmError as error:
        done["kept"].append({"branch": branch, "agent": "", "why": error.message})
    return done


def _remove_epic(actor: Actor, repository: Repository, branch: str, with_rescue: bool) -> None:
    for worktree in worktrees.on_branch(repository, branch):
        if not worktree.admin:
            raise Busy(f"the main checkout {worktree.path} has {branch} checked out", "git switch")
        removal.remove_merged(actor, repository, worktree, with_rescue)
