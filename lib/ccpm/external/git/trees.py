"""Commits and trees without a work tree: what changed, what a merge gives, a commit of a tree."""

from __future__ import annotations

from ccpm.errors import IOFailure
from ccpm.external.git.repository import Repository

_CONFLICT = 1


def merge(repository: Repository, ours: str, theirs: str) -> tuple[str, list[str]]:
    """(the merged tree, [files in conflict]) of two commits. Nothing is checked out, no ref moves.

    A conflict that leaves no file unmerged (a directory that was renamed to several places) has the paths that git's
    message is about.
    """
    options = ("--write-tree", "-z", "--name-only")
    answer = repository.run("merge-tree", *options, ours, theirs, allow=(0, _CONFLICT))
    if not answer.fields:
        raise IOFailure(f"git merge-tree gave no tree for {ours[:12]} and {theirs[:12]}: {answer.err[:200]}")
    tree, *rest = answer.fields
    files = rest[: rest.index("")] if "" in rest else rest
    if answer.status == _CONFLICT and not files:
        files = _named(rest[1:]) or ["."]
    return tree, sorted(set(files))


def _named(fields: list[str]) -> list[str]:
    """The paths of the messages about conflicts in git-merge-tree(1)'s INFORMATIONAL MESSAGES: each is a number of
    paths, the paths, a type and a text."""
    found = []
    while fields:
        end = 1 + int(fields[0])
        if fields[end].startswith("CONFLICT"):
            found += fields[1:end]
        fields = fields[end + 2 :]
    return found


def commit(
    repository: Repository,
    tree: str,
    parents: list[str],
    message: str,
    variables: dict[str, str] | None = None,
    at: str = "",
) -> str:
    """A commit of `tree`, in the object store only."""
    arguments = [word for parent in parents for word in ("-p", parent)]
    environment = {**repository.identity(), **(variables or {})}
    data = message.encode("utf-8", "surrogateescape")
    command = ("-c", "commit.gpgSign=false", "commit-tree", tree, *arguments, "-F", "-")
    return repository.run(*command, at=at, stdin=data, variables=environment).text


def tree_of(repository: Repository, commit: str) -> str:
    return repository.text("rev-parse", f"{commit}^{{tree}}")


def merge_base(repository: Repository, one: str, other: str) -> str:
    """The best common ancestor, "" if the two have none."""
    return repository.text("merge-base", one, other, allow=(0, 1))


def is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    answer = repository.run("merge-base", "--is-ancestor", older, newer, allow=(0, 1))
    return answer.status == 0


def changes(repository: Repository, old: str, new: str) -> dict[str, str]:
    """{path: A, M, D or T} between two trees or commits. A rename is a D and an A."""
    fields = repository.run("diff-tree", "-r", "-z", "--no-renames", "--name-status", old, new).fields
    return dict(zip(fields[1::2], (kind[:1] for kind in fields[0::2]), strict=True))


class Commit:
    """A commit of a log: `oid`, `author`, `when` (seconds of the epoch), `subject`, the `agent` that its trailer
    `Agent:` names ("" without one), and the `files` that it changed against all its parents."""

    __slots__ = ("agent", "author", "files", "oid", "subject", "when")

    def __init__(self, oid: str, when: int, author: str, subject: str, agent: str) -> None:
        self.agent = agent
        self.oid = oid
        self.when = when
        self.author = author
        self.subject = subject
        self.files: list[str] = []

    def describe(self) -> dict[str, object]:
        return {"commit": self.oid, "at": self.when, "author": self.author, "subject": self.subject}


def log(repository: Repository, *revisions: str) -> list[Commit]:
    """The commits of `revisions` (as git-rev-list(1) reads them), newest first.

    A merge counts with the files that differ from every parent: what somebody typed into it, not what it brought.
    """
    form = "%x01%H %ct %an%x02%s%x02%(trailers:key=Agent,valueonly,separator=%x20)"
    options = ("-z", "--no-renames", "--name-only", "-c", "--topo-order", f"--format={form}")
    found: list[Commit] = []
    for field in repository.run("log", *options, *revisions).fields:
        if field.startswith("\1"):
            head, subject, agent = field[1:].split("\2", 2)
            oid, when, author = head.split(" ", 2)
            found.append(Commit(oid, int(when), author, subject, agent.strip()))
        elif field.strip("\n"):
            # git puts a newline between the header of a commit and its first file, also with -z
            found[-1].files.append(field if found[-1].files else field.lstrip("\n"))
    return found


def count(repository: Repository, *revisions: str) -> int:
    return int(repository.text("rev-list", "--count", *revisions))
