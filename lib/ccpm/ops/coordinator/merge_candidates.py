"""What a coordinator knows of the branches it is to merge: which tasks they are for, and whose files they changed."""

from __future__ import annotations

import re

from ccpm.core import branch_names, merge_order
from ccpm.core.branch_conflicts import may_meet
from ccpm.core.plan import EpicPlan, Task
from ccpm.external.git import refs, trees
from ccpm.external.git.repository import Repository
from ccpm.external.git.trees import Commit
from ccpm.ops.branches.agent_branches import Branch
from ccpm.ops.branches.branch_conflicts import Results
from ccpm.ops.distribution import board
from ccpm.ops.plan import plans
from ccpm.ops.team import ownership, registries

_ISSUE = re.compile(r"(?:Issue|Task) #?([0-9][\w.-]*)")


class Offence:
    """A file that a branch changed and that another living agent owns: the newest `commit` that did, and the
    `claim`."""

    __slots__ = ("agent", "claim", "commit", "file")

    def __init__(self, file: str, commit: str, agent: str, claim: ownership.Claim) -> None:
        self.file = file
        self.commit = commit
        self.agent = agent
        self.claim = claim

    def describe(self) -> dict[str, object]:
        owner = {"owner": self.claim.agent, "through": self.claim.what, "since": self.claim.since}
        return {"file": self.file, "commit": self.commit, "agent": self.agent, **owner}


def in_order(
    top: str, repository: Repository, epic: str, branches: list[Branch], results: Results
) -> list[Branch]:
    """`branches` in the order in which they are merged (core/merge_order.py)."""
    commits = {branch.name: trees.log(repository, f"{branch.base}..{branch.tip}") for branch in branches}
    needs = _needs(top, epic, branches, commits)
    candidates = []
    for branch in branches:
        others = [one for one in branches if one is not branch and may_meet(one.changed, branch.changed)]
        conflicts = sum(bool(results.of(branch.tip, one.tip)) for one in others)
        since = min((commit.when for commit in commits[branch.name]), default=0)
        candidates.append(merge_order.Candidate(branch.name, needs[branch.name], conflicts, since))
    by_name = {branch.name: branch for branch in branches}
    return [by_name[name] for name in merge_order.order(candidates)]


def offences(top: str, repository: Repository, head: str, branches: list[Branch]) -> dict[str, list[Offence]]:
    """{branch: the files in its commits that are not its agent's to change} (promise P8).

    What the epic's branch (at `head`) or the default branch has is nobody's offence. A commit is its agent's, as the
    trailer `Agent:` says; else it belongs to the agent of the branch that it was made on: of all that contain it, the
    one with the fewest commits.
    """
    known = [f"^{commit}" for commit in (head, *_default_heads(repository))]
    logs = {branch.name: trees.log(repository, branch.tip, *known) for branch in branches}
    makers: dict[str, str] = {}
    for branch in sorted(branches, key=lambda branch: len(logs[branch.name])):
        for commit in logs[branch.name]:
            makers.setdefault(commit.oid, commit.agent or branch.agent)
    claimed: dict[str, dict[str, ownership.Claim]] = {}
    for agent in sorted(set(makers.values())):
        files = {
            file for log in logs.values() for one in log if makers[one.oid] == agent for file in one.files
        }
        claimed[agent] = ownership.find(top, sorted(files), agent)
    found: dict[str, list[Offence]] = {}
    for branch in branches:
        first: dict[str, Offence] = {}
        for commit in logs[branch.name]:
            agent = makers[commit.oid]
            for file in commit.files:
                if file in claimed[agent]:
                    first.setdefault(file, Offence(file, commit.oid, agent, claimed[agent][file]))
        if first:
            found[branch.name] = [first[file] for file in sorted(first)]
    return found


def _default_heads(repository: Repository) -> list[str]:
    """The commits of the default branch, here and on its remote."""
    name, remote = refs.default_branch(repository)
    found = [branch_names.HEADS + name] if name else []
    found += [f"refs/remotes/{remote}/{name}"] if remote else []
    return [commit for ref in found if (commit := refs.read(repository, ref))]


def _needs(
    top: str, epic: str, branches: list[Branch], commits: dict[str, list[Commit]]
) -> dict[str, frozenset[str]]:
    """{branch: the branches with tasks that one of its own tasks depends on, directly or not}."""
    plan = plans.load_epic(top, epic)
    record = board.load(board.board_path(top, plan)).get("tasks") or {}
    streams = registries.read(top, epic).streams.values()
    tasks: dict[str, set[str]] = {}
    for branch in branches:
        named = [key for key, entry in record.items() if entry.get("branch") == branch.name]
        named += [stream.issue for stream in streams if stream.owner == branch.agent and stream.issue]
        named += [match[1] for one in commits[branch.name] if (match := _ISSUE.match(one.subject))]
        found = [plan.plan.find(name) for name in dict.fromkeys(named)]
        tasks[branch.name] = {task.key for task in found if task}
    before = {task.key: _all_before(plan.plan, task) for task in plan.plan.tasks}
    needed = {name: {key for mine in keys for key in before[mine]} for name, keys in tasks.items()}
    return {
        name: frozenset(other for other, keys in tasks.items() if other != name and keys & needed[name])
        for name in tasks
    }


def _all_before(plan: EpicPlan, task: Task) -> set[str]:
    """The keys of all tasks that `task` depends on, directly or not."""
    found: set[str] = set()
    waiting = [task]
    while waiting:
        for blocker in plan.dependencies(waiting.pop()):
            if blocker.task and blocker.task.key not in found:
                found.add(blocker.task.key)
                waiting.append(blocker.task)
    return found
