"""The coordinator: merges what agents have done into the epic's branch, which only ever holds what passed its check.

One run, under the epic's merge lock (ops/coordinator/merge_lease.py):
1. The branches of the epic's agents that have something new are put in order (ops/coordinator/merge_candidates.py).
A branch with
   commits in a file that another living agent owns is held back (promise P8).
2. The next batch is merged in the object store, branch by branch; one that does not merge is set aside. The result is
   one commit whose first parent is the epic's branch and whose other parents are the branches.
3. The project's check runs on that commit in a worktree of its own (ops/coordinator/merge_check.py).
4. Passed: the epic's branch moves there, by compare-and-swap and fenced. Failed: the batch is halved until the guilty
   branch is alone (core/merge_batches.py); it is held back, the others go on.
5. Branches that are merged, and whose agents are gone, are cleaned up with their worktrees, by the rules of removal.

Guarantees
- Every commit in the first-parent history of the epic's branch that comes from here passed the check: a batch is one
  commit, so that no unchecked result in the middle of it is ever on the branch.
- Killed anywhere, the branch is where it was or at a checked commit; the next run goes on from there.
- A coordinator that lost its lease moves nothing. A branch that somebody else moved is never overwritten.
"""

from __future__ import annotations

from ccpm.core import branch_names, leases
from ccpm.core.merge_batches import Batches
from ccpm.errors import VersionConflict
from ccpm.external.git import refs, trees
from ccpm.external.git.repository import Repository
from ccpm.files import events
from ccpm.ops.actor import Actor
from ccpm.ops.branches import agent_branches, checkouts, cleanup, epic_branch
from ccpm.ops.branches.agent_branches import Branch
from ccpm.ops.branches.branch_conflicts import Results
from ccpm.ops.coordinator import merge_candidates, merge_notes, merge_report
from ccpm.ops.coordinator.merge_check import Checker
from ccpm.ops.coordinator.merge_lease import MergeLease
from ccpm.ops.plan import plans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHECK_LIMIT = 3600.0
"""Seconds that one check may take unless asked otherwise."""

_ATTEMPTS = 5
"""How often a run starts anew when somebody else moved the branch under it."""


class Options:
    """`check`: the command, None for the `check:` of the epic. `limit`: its longest time, seconds. `rescue`: whether
    unsaved work is rescued where merged worktrees are cleaned up (else they are kept). `ttl`, `timeout`: of the merge
    lock, seconds."""

    __slots__ = ("check", "limit", "rescue", "timeout", "ttl")

    def __init__(
        self,
        check: str | None = None,
        limit: float = CHECK_LIMIT,
        rescue: bool = False,
        ttl: float = leases.DEFAULT_TTL,
        timeout: float = leases.DEFAULT_TIMEOUT,
    ) -> None:
        self.check = check
        self.limit = limit
        self.rescue = rescue
        self.ttl = ttl
        self.timeout = timeout


def merge(actor: Actor, epic: str, options: Options) -> dict[str, Any]:
    """Merge the branches of the agents of `epic`; a report (ops/coordinator/merge_report.py gives its exit status).

    NotFound (66): no such epic, or no branch of it. Busy (75): another coordinator is at work, or a checkout of the
    epic's branch is not clean. LeaseLost (11): the merge lock was lost; nothing moved after that.
    """
    plan = plans.load_epic(actor.top, epic)
    command = plans.text(plan.folder.epic, "check") if options.check is None else options.check
    repository = Repository.around(actor.top)
    repository.require_merge_tree()
    epic_branch.require(repository, epic)
    with MergeLease(actor, epic, "epic-merge-agents", options.ttl, options.timeout) as lease:
        checker = Checker(actor, repository, lease, epic, command, options.limit)
        try:
            return Coordinator(actor, repository, lease, checker, epic, options).run()
        finally:
            checker.close()


class Coordinator:
    """One run over the branches of `epic`; see the module."""

    def __init__(
        self,
        actor: Actor,
        repository: Repository,
        lease: MergeLease,
        checker: Checker,
        epic: str,
        options: Options,
    ) -> None:
        self.actor = actor
        self.repository = repository
        self.lease = lease
        self.checker = checker
        self.epic = epic
        self.options = options
        self.branch = branch_names.epic_branch(epic)
        self.results = Results(repository)
        self.head = ""
        self.decided: set[str] = set()
        self.aside: dict[str, list[str]] = {}
        self.report: dict[str, Any] = {
            "epic": epic,
            "branch": self.branch,
            "check": checker.command,
            "order": [],
            **{
                key: []
                for key in (
                    "merged",
                    "conflicts",
                    "failed",
                    "held",
                    "uncommitted",
                    "cleaned",
                    "kept",
                    "notes",
                )
            },
        }

    def run(self) -> dict[str, Any]:
        self.report["notes"] += checkouts.finish(self.repository, self.branch)
        checkouts.require_clean(self.repository, self.branch)
        self.head = self.report["from"] = epic_branch.require(self.repository, self.epic)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._merge_all()
                break
            except VersionConflict:
                if attempt == _ATTEMPTS:
                    raise
                self.head = epic_branch.require(self.repository, self.epic)
        self._report_conflicts()
        self.report |= cleanup.after_merge(
            self.actor, self.repository, self.lease, self.epic, self.head, self.options.rescue
        )
        self.results.keep()
        self.report |= {"to": self.head, "checks": self.checker.runs}
        merge_notes.tell(self.actor, self.report)
        return self.report

    def _merge_all(self) -> None:
        """Round after round, until one merges nothing and finds nobody guilty: what was set aside in it does not merge
        with the branch as it is."""
        while True:
            self.lease.renew()
            ordered = self._candidates()
            self.aside = {}
            before = self.head, len(self.decided)
            batches = Batches([branch.name for branch in ordered])
            by_name = {branch.name: branch for branch in ordered}
            while names := batches.next():
                self._try([by_name[name] for name in names], batches)
            if (self.head, len(self.decided)) == before:
                return

    def _candidates(self) -> list[Branch]:
        """What is to be merged now, in order; branches that changed what they do not own are held back."""
        found = agent_branches.of_epic(self.repository, self.actor.store, self.epic, self.head, False)
        offences = merge_candidates.offences(self.actor.top, self.repository, self.head, found)
        for branch in found:
            if branch.name in offences and branch.name not in self.decided:
                self._hold(branch, offences[branch.name])
        left = [branch for branch in found if branch.name not in self.decided]
        ordered = merge_candidates.in_order(self.actor.top, self.repository, self.epic, left, self.results)
        self.report["order"] = self.report["order"] or [branch.name for branch in ordered]
        return ordered

    def _try(self, batch: list[Branch], batches: Batches) -> None:
        """Merge `batch` into one commit, check it, and move the epic's branch there if it passed."""
        tree, included = self._build(batch)
        for branch in batch:
            if branch not in included:
                batches.set_aside(branch.name)
        if not included:
            return
        parents = [self.head, *(branch.tip for branch in included)]
        commit = trees.commit(self.repository, tree, parents, merge_report.message(self.epic, included))
        result = self.checker.run(commit, tree)
        self.lease.check()  # without it the check may have been disturbed: it says nothing about a branch
        if result.passed:
            self._move(commit)
            batches.passed()
            self._note_merged(included, commit)
        else:
            batches.failed()
            if len(included) == 1:
                self._blame(included[0], result.status, result.log, result.tail)

    def _build(self, batch: list[Branch]) -> tuple[str, list[Branch]]:
        """(the tree of the epic's branch with `batch` merged into it, those that could be)."""
        tip, tree = self.head, trees.tree_of(self.repository, self.head)
        included: list[Branch] = []
        for branch in batch:
            self.lease.renew()
            merged, files = trees.merge(self.repository, tip, branch.tip)
            if files:
                self.aside[branch.name] = files
                continue
            tree = merged
            tip = trees.commit(self.repository, tree, [tip, branch.tip], f"{branch.name}\n")
            included.append(branch)
        return tree, included

    def _move(self, commit: str) -> None:
        following = checkouts.Following(self.repository, self.branch, self.head, commit)
        self.report["notes"] += following.carry_out(self.lease, self.head)
        self.head = commit

    def _note_merged(self, included: list[Branch], commit: str) -> None:
        for branch in included:
            self.decided.add(branch.name)
            self.report["merged"].append({"branch": branch.name, "agent": branch.agent, "commit": commit})
        names = [branch.name for branch in included]
        fields = {"epic": self.epic, "by": self.actor.agent, "commit": commit, "branches": names}
        events.append(self.actor.top, "merge.moved", **fields)

    def _hold(self, branch: Branch, found: list[merge_candidates.Offence]) -> None:
        self.decided.add(branch.name)
        files = [offence.describe() for offence in found]
        self.report["held"].append({"branch": branch.name, "agent": branch.agent, "files": files})
        fields = {"epic": self.epic, "branch": branch.name, "agent": branch.agent}
        events.append(self.actor.top, "merge.held", files=[one.file for one in found], **fields)

    def _blame(self, branch: Branch, status: int | None, log: str, tail: str) -> None:
        self.decided.add(branch.name)
        entry = {"branch": branch.name, "agent": branch.agent, "commit": branch.tip}
        base = self.checker.run(self.head, trees.tree_of(self.repository, self.head))
        broken = not base.passed
        self.report["failed"].append(
            {**entry, "status": status, "log": log, "tail": tail, "base_fails": broken}
        )
        fields = {"epic": self.epic, "branch": branch.name, "agent": branch.agent, "status": status}
        events.append(self.actor.top, "merge.failed", **fields)

    def _report_conflicts(self) -> None:
        for name, tip in refs.branches(self.repository, branch_names.agent_branch_prefix(self.epic)).items():
            if not trees.merge_base(self.repository, tip, self.head):
                self.report["notes"].append(f"{name} has no commit in common with {self.branch}: not merged")
        branches = agent_branches.of_epic(self.repository, self.actor.store, self.epic, self.head, True)
        for branch in branches:
            if branch.is_dirty:
                self.report["uncommitted"].append({"branch": branch.name, "agent": branch.agent})
            if branch.name in self.aside and branch.name not in self.decided:
                files = trees.merge(self.repository, self.head, branch.tip)[1]
                order = [*(one["branch"] for one in self.report["merged"]), branch.name]
                found = merge_report.conflict(self.repository, self.head, branch, files, order)
                self.report["conflicts"].append(found)
                fields = {"epic": self.epic, "branch": branch.name, "agent": branch.agent}
                events.append(self.actor.top, "merge.conflict", files=files, **fields)
