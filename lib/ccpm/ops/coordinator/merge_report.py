"""What a coordinator did and why, as plain data: what was merged, what was held back and who has to do what about
it."""

from __future__ import annotations

import re

from ccpm.core import branch_names
from ccpm.external.git import trees
from ccpm.external.git.repository import Repository
from ccpm.external.git.trees import Commit
from ccpm.ops.branches.agent_branches import Branch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MERGED = re.compile(r"^Merged: (\S+) ([0-9a-f]+) (\S+)$", re.MULTILINE)
_SHOWN = 10


def message(epic: str, branches: list[Branch]) -> str:
    """The message of a merge; its lines `Merged:` say which branch, commit and agent came in."""
    names = ", ".join(branch.agent for branch in branches[:_SHOWN])
    more = f" and {len(branches) - _SHOWN} more" if len(branches) > _SHOWN else ""
    lines = [f"Merged: {branch.name} {branch.tip} {branch.agent}" for branch in branches]
    return "\n".join([f"Merge {names}{more} into {branch_names.epic_branch(epic)}", "", *lines, ""])


def epic_message(epic: str) -> str:
    return f"Merge {branch_names.epic_branch(epic)}\n\nEpic: {epic}\n"


def conflict(
    repository: Repository, head: str, branch: Branch, files: list[str], order: list[str]
) -> dict[str, Any]:
    """A branch that does not merge with the epic's branch at `head`: the files, both sides' commits in them, and who
    should do what."""
    base = trees.merge_base(repository, head, branch.tip)
    theirs = _touching(trees.log(repository, f"{base}..{branch.tip}"), files)
    agents, merges = _agents_of(repository, f"{base}..{head}")
    ours = [
        one for one in _touching(trees.log(repository, f"{base}..{head}"), files) if one.oid not in merges
    ]
    others = sorted({agents[commit.oid] for commit in ours if agents.get(commit.oid)})
    epic = branch_names.epic_branch(branch.epic)
    merged_first = f"{', '.join(others)} came first" if others else f"{epic} has it already"
    return {
        "branch": branch.name,
        "agent": branch.agent,
        "files": files,
        "commits": [commit.describe() for commit in theirs],
        "merged_commits": [{**one.describe(), "agent": agents.get(one.oid, "")} for one in ours],
        "with": others,
        "order": order,
        "rebase": branch.agent,
        "advice": f"{branch.agent} should bring {epic} into its branch ({merged_first}): "
        f"git merge {epic}, mend {', '.join(files[:5])}, commit; then merge again",
    }


def _touching(commits: list[Commit], files: list[str]) -> list[Commit]:
    wanted = set(files)
    return [commit for commit in commits if wanted & set(commit.files)]


def _agents_of(repository: Repository, revisions: str) -> tuple[dict[str, str], set[str]]:
    """({commit: agent} for the commits that merges of ours on the epic's branch brought in, those merges)."""
    found: dict[str, str] = {}
    merges = set()
    form = "--format=%H%x00%P%x00%B%x00"
    fields = repository.run("log", "--first-parent", "--merges", form, revisions).fields
    for merge, parents, text in zip(fields[0::3], fields[1::3], fields[2::3], strict=True):
        for _, tip, agent in _MERGED.findall(text):
            merges.add(merge.strip())
            for commit in repository.lines("rev-list", tip, f"^{parents.split()[0]}"):
                found.setdefault(commit, agent)
    return found, merges


def status(report: dict[str, Any]) -> int:
    """The exit status: 12 with a conflict, 77 where a branch was held back for its files, 1 for a failed check, 0."""
    if report["conflicts"]:
        return 12
    if report["held"]:
        return 77
    return 1 if report["failed"] else 0
