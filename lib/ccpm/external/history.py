"""What the history in git tells about a plan: who worked on which issue when, what was merged, what changed lately.

Contract: a few short git processes, whatever the size of the plan; a folder without git, or no git at all, simply tells
nothing. Commits belong to an issue by a line `Issue #12: …` (or `Task 12: …`) of their message, branches to a task by
`issue-12`, `task-12` or `12-…` in their name.
"""

from __future__ import annotations

import re

from ccpm.core import branch_names
from ccpm.external import git

_NAMED = re.compile(r"^(?:Issue|Task) ?#?0*(\d+):", re.MULTILINE)
_MAINS = ("main", "master", "trunk")


class Branch:
    """`name`, and whether its last commit `is_merged` into the main branch. The main branch itself is none of these."""

    __slots__ = ("is_merged", "name")

    def __init__(self, name: str, is_merged: bool) -> None:
        self.name = name
        self.is_merged = is_merged


class Changes:
    """Since a moment: `subjects` of commits, newest first, and the `files` below `.claude/` that they touched."""

    __slots__ = ("files", "subjects")

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.files: list[str] = []


def commits(top: str) -> dict[str, list[float]]:
    """{issue number: times (epoch seconds) of the commits that name it, on all branches, newest first}."""
    found: dict[str, list[float]] = {}
    pattern = "--grep=^(Issue|Task) ?#?[0-9]+:"
    text = git.run(top, "log", "--all", "--extended-regexp", pattern, "-z", "--format=%ct %B")
    for entry in filter(None, text.split("\0")):
        when, _, message = entry.partition(" ")
        for number in dict.fromkeys(_NAMED.findall(message)):
            found.setdefault(number, []).append(float(when))
    return found


def branches(top: str) -> list[Branch]:
    """Every local branch but the main one."""
    refs = dict(
        _pairs(
            git.run(
                top, "for-each-ref", "--format=%(refname) %(symref)", "refs/heads", "refs/remotes/origin/HEAD"
            )
        )
    )
    names = [name.removeprefix("refs/heads/") for name in refs if name.startswith("refs/heads/")]
    main = refs.get("refs/remotes/origin/HEAD", "").rpartition("/")[2]
    if main not in names:
        main = next((name for name in _MAINS if name in names), "HEAD")
    listed = git.run(
        top, "for-each-ref", f"--merged={main}", "--format=%(refname:short)", "refs/heads"
    ).split()
    merged = set(listed)
    return [Branch(name, name in merged) for name in names if name != main]


def of_epic(found: list[Branch], epic: str) -> list[Branch]:
    """Those of an epic and of its agents: `epic/auth`, `epic/auth--agent-7`."""
    heads = (branch_names.epic_branch(epic), f"epic/{epic}")
    agents = tuple(head + between for head in heads for between in ("--", "/", "-agent"))
    return [branch for branch in found if branch.name in heads or branch.name.startswith(agents)]


def merged_into(top: str, branch: str) -> set[str]:
    """The local branches whose last commit `branch` has; none if there is no such branch."""
    listed = git.run(top, "for-each-ref", f"--merged={branch}", "--format=%(refname:short)", "refs/heads")
    return {*listed.split()} - {branch}


def of_issue(found: list[Branch], number: str) -> list[Branch]:
    """Those that name an issue or a task."""
    named = re.compile(rf"(?:^|[/_-])(?:task|issue)-0*{number}(?:$|[/_-])|(?:^|/)0*{number}-", re.IGNORECASE)
    return [branch for branch in found if named.search(branch.name)]


def changes_since(top: str, since: str) -> Changes:
    """What the commits on local branches since the time `since` did."""
    text = git.run(
        top,
        "log",
        "--branches",
        "HEAD",
        f"--since={since}",
        "--no-merges",
        "--name-status",
        "-z",
        "--format=%x01%s",
    )
    changes = Changes()
    tokens = iter(text.split("\0"))
    for token in tokens:
        token = token.lstrip("\n")
        if token.startswith("\1"):
            changes.subjects.append(token[1:])
        elif token:
            path = next(tokens, "")
            if token[0] in "RC":  # renamed or copied: from, to
                path = next(tokens, "")
            if ".claude/" in path:
                changes.files.append(path)
    return changes


def tracked(top: str) -> set[str]:
    """The files of the plan that git has."""
    return set(git.run(top, "ls-files", "-z", "--", ".claude/epics", ".claude/prds").split("\0"))


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines()]


def renames(top: str, folder: str) -> list[tuple[str, str]]:
    """(old path, new path), relative to `top`, of every file below `folder` that a commit renamed; the newest first."""
    options = ("--relative", "--diff-filter=R", "--find-renames", "--name-status", "-z", "--format=")
    fields = git.run(top, "log", *options, "--", folder).split("\0")
    return [
        (fields[at + 1], fields[at + 2])
        for at, field in enumerate(fields[:-2])
        if field.strip()[:1] == "R" and field.strip()[1:].isdigit()
    ]
