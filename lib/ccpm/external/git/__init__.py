"""What git knows, read by one short process each; a directory without git, or no git at all, simply knows nothing."""

from __future__ import annotations

import os

SECONDS = 10.0
"""How long one git command may take before it counts as silent."""


def run(top: str, *arguments: str) -> str:
    """The output of `git ARGUMENTS` in `top`; "" if git is missing, fails or takes too long."""
    return output(top, *arguments).decode("utf-8", "replace")


def output(top: str, *arguments: str) -> bytes:
    """The same as `run`, byte for byte."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-C", top, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


def commits_for(top: str, patterns: list[str], since: str) -> list[str]:
    """Short names of the commits on any branch, newest first, whose message has a line that matches one of `patterns`
    (extended regular expressions), committed since the time `since` ("": ever)."""
    greps = [f"--grep={pattern}" for pattern in patterns]
    limit = [f"--since={since}"] if since else []
    return run(top, "log", "--all", "--format=%h", "--extended-regexp", *limit, *greps).split()


def commit_of(top: str, name: str) -> str:
    """The full name of the commit that `name` means, "" if it means none."""
    return run(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()


def changed_files(folder: str) -> list[str]:
    """Files of the worktree around `folder` with uncommitted changes, untracked ones included, without `.claude/`."""
    text = run(folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    paths = [entry[3:] for entry in text.split("\0") if len(entry) > 3]
    return [path for path in paths if not path.startswith(".claude/")]


def files_unlike(worktree: str, commit: str, path: str) -> list[str]:
    """Files at or below `path` (absolute) that differ from `commit` ("": the index), relative to the worktree."""
    if commit.startswith("-"):
        return []  # git takes no commit of such a name either, but would take it for an option
    question = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
    return [
        name
        for name in os.fsdecode(output(worktree, *question, *filter(None, [commit]), "--", path)).split("\0")
        if name
    ]


def whereabouts(folder: str) -> dict[str, str]:
    """{worktree, branch} around `folder`; {} outside of git. A detached HEAD has the branch ""."""
    top = run(folder, "rev-parse", "--show-toplevel").strip()
    branch = run(folder, "symbolic-ref", "--quiet", "--short", "HEAD").strip()
    return {"worktree": top, "branch": branch} if top else {}


def head(worktree: str) -> str:
    """The commit that is checked out in `worktree`, "" if there is none."""
    return run(worktree, "rev-parse", "--verify", "--quiet", "HEAD").strip()


def count_commits(worktree: str, base: str, agent: str, is_its_own: bool) -> int:
    """How many commits since `base` ("": since ever) on any local branch are those of `agent`: they say so in their
    trailer `Agent:`, or, where the worktree `is_its_own`, they say nothing and are on what is checked out there."""
    form = "--format=%H %(trailers:key=Agent,valueonly,separator=%x20)"
    since = [f"^{base}"] if base else []
    lines = run(worktree, "log", form, "--branches", "HEAD", *since).splitlines()
    here = set(run(worktree, "rev-list", "HEAD", *since).split()) if is_its_own else set()
    count = 0
    for line in lines:
        commit, _, named = line.partition(" ")
        count += agent in named.split() if named.strip() else commit in here
    return count


def closing_commits(top: str) -> dict[int, list[tuple[float, str]]]:
    """{issue: the commits (when, short) whose messages close it, oldest first} on the current branch of `top`:
    `Closes #12`, `fixes: #12`, the keywords of GitHub (docs.github.com, "Linking a pull request to an issue")."""
    import re

    word = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d{1,15})\b", re.IGNORECASE)
    found: dict[int, list[tuple[float, str]]] = {}
    fields = run(top, "log", "--reverse", "-z", "--format=%h%x00%ct%x00%B", "HEAD").split("\0")
    for commit, when, message in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        for number in word.findall(message):
            found.setdefault(int(number), []).append((float(when), commit))
    return found
