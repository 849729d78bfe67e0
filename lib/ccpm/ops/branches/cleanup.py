"""What is left of agents that are gone, once their branches are merged: removed by the rules of removal, or kept and
said.

A branch of a living agent stays, merged or not: it goes on working there.
"""

from __future__ import annotations

from ccpm.core import branch_names, worktree_marks
from ccpm.errors import CcpmError
from ccpm.external.git import refs, trees, worktrees
from ccpm.external.git.repository import Repository
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
    removal.finish_left(actor, repository, epic)
    tips = refs.branches(repository, branch_names.agent_branch_prefix(epic))
    owners = worktree_agents.of_branches(actor.store, epic, list(tips))
    places = {one.branch: one for one in worktrees.all_of(repository)[1:] if one.branch}
    cleaned, kept = [], []
    for name, tip in tips.items():
        lease.renew()
        place = places.get(name)
        mark = worktree_marks.parse(place.mark) if place else None
        agent = (mark.agent if mark else "") or owners[name]
        if not trees.is_ancestor(repository, tip, head) or worktree_agents.is_live(actor.store, epic, agent):
            continue
        lease.check()
        try:
            if place:
                removal.remove_merged(actor, repository, place, with_rescue)
            else:
                lease.move(repository, {branch_names.HEADS + name: (refs.NOTHING, tip)})
            cleaned.append(name)
        except CcpmError as error:
            kept.append({"branch": name, "agent": agent, "why": error.message})
    return {"cleaned": cleaned, "kept": kept}
