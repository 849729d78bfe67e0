"""Evidence that a task was done: commits, an uncommitted diff, or a reason why there is no code.

Contract: `Evidence.find` gives one line that says what was found, or raises UsageError (2) saying what would count.
Commits that nobody named are looked for: of the agent (the trailer `Agent: <id>`) or of the task (`Issue #N:`, `#N`),
made since the task was claimed, on any branch.

Non-guarantee: whether the commits do what the task asks is for reviews and checks.
"""

from __future__ import annotations

from ccpm.core.plan import Task
from ccpm.errors import NotFound, UsageError
from ccpm.external import git
from ccpm.ops.actor import Actor
from ccpm.ops.plan import plans


class Evidence:
    """What the caller offers: names of `commits`, `is_diff` for the uncommitted changes of the current worktree, or
    `no_code`, the reason why there is nothing to show. All empty: look for commits."""

    __slots__ = ("commits", "is_diff", "no_code")

    def __init__(self, commits: tuple[str, ...] = (), is_diff: bool = False, no_code: str = "") -> None:
        self.commits = commits
        self.is_diff = is_diff
        self.no_code = no_code

    def find(self, actor: Actor, task: Task, since: str) -> str:
        """The evidence in a line. `since`: the time of the claim. UsageError (2), NotFound (66) for a wrong commit."""
        if self.no_code:
            return f"no code: {' '.join(self.no_code.split())}"
        if self.commits:
            return "commits " + " ".join(_commit(actor.top, name) for name in self.commits)
        if self.is_diff:
            return _diff()
        issue = plans.issue_of(task.github) or task.id.lstrip("0")
        found = git.commits_for(actor.top, [f"^Agent: {actor.agent}$", f"^Issue #{issue}\\b"], since)
        if found:
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            return "commits " + " ".join(found[:5]) + more
        raise UsageError(
            f"nothing shows that #{task.id} is done: no commit of {actor.agent} or for Issue #{issue}"
            f" since {since or 'the beginning'}",
            "commit your work, name it with --commit SHA, or say why there is none: --no-code 'reason'",
            task=task.id,
        )


def _commit(top: str, name: str) -> str:
    sha = git.commit_of(top, name)
    if not sha:
        raise NotFound(f"there is no commit {name!r} in {top}", "git log shows the commits")
    return sha[:12]


def _diff() -> str:
    files = git.changed_files(".")
    if not files:
        raise UsageError(
            "the current worktree has no uncommitted change outside .claude/",
            "run it in the worktree of the work, or name a commit: --commit SHA",
        )
    return f"diff of {len(files)} files: {' '.join(files[:5])}{' …' if len(files) > 5 else ''}"
