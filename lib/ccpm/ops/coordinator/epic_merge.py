"""An epic goes into the default branch, the same way as agents' branches go into the epic's: merged in the object
store, checked in a worktree of its own, moved there by compare-and-swap under the epic's merge lock.

What was merged is cleaned up: worktrees of agents that are gone, their branches, the epic's own branch and worktree, by
the rules of removal. Killed anywhere, the next run goes on: what is merged already is not merged again.

Non-guarantee: the plan is not touched. Completing and archiving the epic, and closing its issues, comes after it
(commands/pm/epic-merge.sh).
"""

from __future__ import annotations

import os

from ccpm.core import branch_names
from ccpm.errors import Busy, MergeConflict, NotFound, Unavailable, VersionConflict
from ccpm.external.git import refs, trees
from ccpm.external.git.repository import Repository
from ccpm.files import events
from ccpm.ops.actor import Actor
from ccpm.ops.branches import agent_branches, checkouts, cleanup, epic_branch
from ccpm.ops.coordinator import merge_report
from ccpm.ops.coordinator.merge_check import Checker, Result
from ccpm.ops.coordinator.merge_lease import MergeLease
from ccpm.ops.coordinator.merging import Options
from ccpm.ops.plan import plans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ATTEMPTS = 5


def finish(
    actor: Actor, epic: str, options: Options, is_partial: bool = False, push: bool = False
) -> dict[str, Any]:
    """Merge the branch of `epic` into the default branch: {epic, into, from, to, merged, check, failed, cleaned, …}.

    `is_partial`: also while tasks are open; then nothing is cleaned up. `push`: push the default branch afterwards.
    Busy (75): open tasks, agents' branches that are not merged yet, uncommitted work in a checkout of one of the two
    branches, a default branch that has gone another way than its remote. MergeConflict (12) names the files.
    Unavailable (69), and nothing is merged, if it is to be pushed and there is no remote.
    """
    plan = plans.load_epic(actor.top, epic)
    _require_closed(plan, is_partial)
    command = plans.text(plan.folder.epic, "check") if options.check is None else options.check
    repository = Repository.around(actor.top)
    repository.require_merge_tree()
    remote = _remote(repository) if push else ""
    with MergeLease(actor, epic, "epic-merge", options.ttl, options.timeout) as lease:
        checker = Checker(actor, repository, lease, epic, command, options.limit)
        try:
            run = _Finishing(actor, repository, lease, checker, epic)
            report = run.run()
            if not report["failed"] and not is_partial:
                report |= cleanup.after_epic(actor, repository, lease, epic, run.head, options.rescue)
        finally:
            checker.close()
    if remote and not report["failed"]:
        _push(repository, remote, report["into"])
        report["pushed"] = True
    return report


class _Finishing:
    """One merge into the default branch."""

    def __init__(
        self, actor: Actor, repository: Repository, lease: MergeLease, checker: Checker, epic: str
    ) -> None:
        self.actor = actor
        self.repository = repository
        self.lease = lease
        self.checker = checker
        self.epic = epic
        self.into, self.remote = refs.default_branch(repository)
        if not self.into or self.into == branch_names.epic_branch(epic):
            raise NotFound(
                "the repository has no default branch", "git config init.defaultBranch NAME names it"
            )
        self.head = ""

    def run(self) -> dict[str, Any]:
        epic_head = epic_branch.head(self.repository, self.epic)
        notes = checkouts.finish(self.repository, self.into)
        self._require_merged_agents(epic_head)
        for branch in (self.into, branch_names.epic_branch(self.epic)):
            checkouts.require_clean(self.repository, branch)
        report: dict[str, Any] = {"epic": self.epic, "into": self.into, "check": self.checker.command}
        for attempt in range(1, _ATTEMPTS + 1):
            old, base = self._base()
            self.head = base
            try:
                result = self._merge(old, base, epic_head)
                break
            except VersionConflict:
                if attempt == _ATTEMPTS:
                    raise
        failed = [] if result.passed else [{"status": result.status, "log": result.log, "tail": result.tail}]
        merged = result.passed and bool(epic_head)
        report |= {"from": base, "to": self.head, "merged": merged, "failed": failed, "notes": notes}
        return {**report, "checks": self.checker.runs}

    def _base(self) -> tuple[str, str]:
        """(where the local default branch is, where the merge starts: the newer one of it and its remote)."""
        local = refs.read(self.repository, branch_names.HEADS + self.into)
        theirs = ""
        if self.remote:
            theirs = epic_branch.fetched(self.repository, self.remote, self.into, self.actor.say)
        if not theirs or (local and trees.is_ancestor(self.repository, theirs, local)):
            return local, local
        if local and not trees.is_ancestor(self.repository, local, theirs):
            raise Busy(
                f"{self.into} and {self.remote}/{self.into} have gone different ways; nothing was merged",
                f"bring them together first: git switch {self.into} && git pull",
            )
        return local, theirs

    def _merge(self, old: str, base: str, epic_head: str) -> Result:
        repository = self.repository
        if not epic_head or trees.is_ancestor(repository, epic_head, base):
            return Result(True, 0)
        tree, files = trees.merge(repository, base, epic_head)
        if files:
            epic = branch_names.epic_branch(self.epic)
            raise MergeConflict(
                f"{epic} does not merge into {self.into}: {', '.join(files[:10])}",
                f"bring {self.into} into the epic on a branch of an agent, mend the files, and merge that: "
                f"ccpm-worktree add '{self.epic}', git merge {self.into}, ccpm-worktree merge '{self.epic}'",
                files=files,
                into=self.into,
            )
        commit = trees.commit(repository, tree, [base, epic_head], merge_report.epic_message(self.epic))
        result = self.checker.run(commit, tree)
        self.lease.check()
        if result.passed:
            moving = checkouts.Following(repository, self.into, old, commit)
            moving.carry_out(self.lease, old or refs.NOTHING)
            self.head = commit
            fields = {"epic": self.epic, "by": self.actor.agent, "commit": commit, "branches": [self.into]}
            events.append(self.actor.top, "merge.moved", **fields)
        return result

    def _require_merged_agents(self, epic_head: str) -> None:
        if not epic_head:
            return
        left = agent_branches.of_epic(
            self.repository, self.actor.store, self.epic, epic_head, with_uncommitted=False
        )
        if left:
            raise Busy(
                f"branches of agents are not merged into the epic yet: {', '.join(one.name for one in left)}",
                f"merge them first (ccpm-worktree merge '{self.epic}'), or remove their worktrees with --rescue",
                branches=[one.name for one in left],
            )


def _require_closed(plan: plans.Epic, is_partial: bool) -> None:
    left = [f"#{task.id}" for task in plan.plan.tasks if not task.is_closed]
    if left and not is_partial:
        raise Busy(
            f"epic {plan.name!r} has open tasks: {' '.join(left)}",
            "close them first, or merge what is there so far with --partial",
            open=left,
        )


def _remote(repository: Repository) -> str:
    """The remote that the default branch is pushed to."""
    _, remote = refs.default_branch(repository)
    there = [remote] if remote else refs.remotes(repository)
    if not there:
        raise Unavailable(
            "there is no remote to push to; nothing was merged",
            "git remote add origin URL, or leave out --push",
        )
    return there[0]


def _push(repository: Repository, remote: str, branch: str) -> None:
    """Push `branch`. IOFailure (74) with git's words if that fails; the merge stands."""
    quiet = {"GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")}
    repository.run("push", "--quiet", remote, f"{branch}:{branch}", variables=quiet)
