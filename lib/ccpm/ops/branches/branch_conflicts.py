"""Conflicts before they happen: claims that overlap, and branches of agents that will not merge.

Every pair of branches of an epic's agents is merged in the object store (git-merge-tree(1)); their worktrees are not
touched, and uncommitted work counts. Pairs that cannot meet (core/branch_conflicts.py) are skipped; the results of the
others are kept by the two commits, so that looking again costs only what is new.
"""

from __future__ import annotations

import os

from ccpm.core import branch_conflicts as rules
from ccpm.core import branch_names, patterns
from ccpm.core import registry as registry_rules
from ccpm.core.branch_conflicts import Changed
from ccpm.external.git import trees
from ccpm.external.git.repository import Repository
from ccpm.files import json_record
from ccpm.files.store import Store
from ccpm.ops.branches import agent_branches
from ccpm.ops.branches.agent_branches import Branch
from ccpm.ops.team import lives, registries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KEPT = 4000
"""Results of pairs that are kept; of 32 agents there are 496 pairs."""

Pair = tuple[str, str]


class Results:
    """What merging two commits gives, {(one, other): [files in conflict]}, kept in the common directory."""

    __slots__ = ("_fresh", "_known", "_path", "_repository", "merged")

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._path = os.path.join(repository.common, "ccpm", "conflicts.json")
        self._known: dict[str, Any] = json_record.read(self._path)
        self._fresh: dict[str, list[str]] = {}
        self.merged = 0

    def of(self, one: str, other: str) -> list[str]:
        key = " ".join(sorted((one, other)))
        found = self._known.get(key, self._fresh.get(key))
        if not isinstance(found, list):
            self.merged += 1
            found = self._fresh[key] = trees.merge(self._repository, one, other)[1]
        return [str(file) for file in found]

    def keep(self) -> None:
        if self._fresh:
            with json_record.Changing(self._path) as record:
                everything = [*record.data.items(), *self._fresh.items()]
                record.data = dict(everything[-_KEPT:])
                record.save()


def find(top: str, epic: str = "") -> dict[str, Any]:
    """Everything that is in conflict, in `epic` or between any two agents: {claims, conflicts, branches, pairs,
    skipped, merged}. `merged` counts the pairs that were merged for it; the other ones were known."""
    repository = Repository.around(top)
    repository.require_merge_tree()
    store = Store(top)
    branches: list[Branch] = []
    heads: dict[str, str] = {}
    for name in [registries.check_epic(top, epic)] if epic else agent_branches.epics(top):
        heads[name] = agent_branches.head_of(repository, name)
        if heads[name]:
            branches += agent_branches.of_epic(repository, store, name, heads[name], with_uncommitted=True)
    results = Results(repository)
    behind = _behind(repository, branches, heads, results)
    found = [_describe_one(repository, branch, files) for branch, files in behind.items() if files]
    pairs = [(one, other) for number, one in enumerate(branches) for other in branches[number + 1 :]]
    meeting = [(one, other) for one, other in pairs if rules.may_meet(one.changed, other.changed)]
    answers = agent_branches.in_parallel(lambda pair: results.of(pair[0].work, pair[1].work), meeting)
    for (one, other), files in zip(meeting, answers, strict=True):
        known = frozenset(behind[one]) | frozenset(behind[other])
        files = rules.news(files, one.changed, other.changed, known)
        if files:
            found.append(_describe(repository, one, other, files))
    results.keep()
    return {
        "claims": overlapping_claims(top, epic),
        "conflicts": found,
        "branches": len(branches),
        "pairs": len(pairs),
        "skipped": len(pairs) - len(meeting),
        "merged": results.merged,
    }


def overlapping_claims(top: str, epic: str = "") -> list[dict[str, str]]:
    """Pairs of live streams of different agents that could mean one file: {path, one, other, …}. None can come about by
    `claim`; registries may be older, or edited by hand."""
    live = [
        (registry, stream)
        for registry, held in registries.listing(top)
        for stream in registry.streams.values()
        if stream.is_live and _lives(registry, stream.owner, held)
    ]
    found = []
    for number, (registry, stream) in enumerate(live):
        for others, other in live[number + 1 :]:
            if stream.owner == other.owner or (epic and epic not in (registry.epic, others.epic)):
                continue
            path = patterns.meet(patterns.readable(stream.files), patterns.readable(other.files))
            if path:
                one = {"agent": stream.owner, "stream": stream.name, "epic": registry.epic}
                two = {"other_agent": other.owner, "other_stream": other.name, "other_epic": others.epic}
                found.append({"path": path, **one, **two})
    return found


def _lives(registry: registry_rules.Registry, agent: str, held: lives.Held) -> bool:
    entry = registry.agents.get(agent)
    return entry is None or lives.judge(entry, held)[0] != registry_rules.GONE


def _behind(
    repository: Repository, branches: list[Branch], heads: dict[str, str], results: Results
) -> dict[Branch, list[str]]:
    """{branch: [files in which it conflicts with the branch of its epic, as that is now]}."""
    moved: dict[Pair, Changed] = {}
    found: dict[Branch, list[str]] = {}
    for branch in branches:
        head = heads[branch.epic]
        found[branch] = []
        if branch.base == head:
            continue
        key = (branch.base, head)
        if key not in moved:
            moved[key] = Changed(trees.changes(repository, *key))
        if rules.may_meet(branch.changed, moved[key]):
            found[branch] = results.of(branch.work, head)
    return found


def _describe(repository: Repository, one: Branch, other: Branch, files: list[str]) -> dict[str, Any]:
    sides = [_side(repository, branch, files) for branch in (one, other)]
    return {"files": files, "one": sides[0], "other": sides[1]}


def _describe_one(repository: Repository, branch: Branch, files: list[str]) -> dict[str, Any]:
    epic = branch_names.epic_branch(branch.epic)
    merged = {"agent": "", "epic": branch.epic, "branch": epic, "live": True, "since": {}}
    head = agent_branches.head_of(repository, branch.epic)
    merged["since"] = _since(repository, branch.base, head, files)
    return {"files": files, "one": _side(repository, branch, files), "other": merged}


def _side(repository: Repository, branch: Branch, files: list[str]) -> dict[str, Any]:
    return {
        "agent": branch.agent,
        "epic": branch.epic,
        "branch": branch.name,
        "live": branch.is_live,
        "uncommitted": branch.is_dirty,
        "since": _since(repository, branch.base, branch.work, files),
    }


def _since(repository: Repository, base: str, tip: str, files: list[str]) -> dict[str, Any]:
    """{file: the first commit that changed it between `base` and `tip`}; its id is "" if that is not committed yet."""
    first: dict[str, Any] = {}
    for commit in trees.log(repository, f"{base}..{tip}"):
        for file in commit.files:
            if file in files:
                first[file] = commit.describe()
                if commit.subject == "uncommitted work" and commit.author == "CCPM":
                    first[file] = {"commit": "", "at": 0, "subject": commit.subject}
    return first
