"""What would be lost with a worktree: the kinds of work that exist nowhere else.

Contract: `look` reads, and writes only objects (a snapshot in git's object store). A worktree without findings can go:
all its files are in commits that other refs lead to, or can be made anew (ignored files that .worktreeinclude does not
name, checked-out submodules whose commits their remotes have).
"""

from __future__ import annotations

import os

from ccpm.core import branch_names
from ccpm.external.git import refs, snapshot, trees
from ccpm.external.git.repository import Repository
from ccpm.external.git.snapshot import Snapshot
from ccpm.external.git.worktrees import Worktree
from ccpm.ops.branches import worktree_files

_SHOWN = 5
_OPERATIONS = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase or am",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "sequence of picks",
    "BISECT_LOG": "bisect",
}
"""What git leaves in the folder of a worktree while an operation is under way."""

_POINTERS = (
    "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "rebase-merge/orig-head",
    "rebase-merge/autostash", "rebase-merge/stopped-sha", "rebase-apply/orig-head", "rebase-apply/autostash",
)  # fmt: skip


class Finding:
    """One kind of unsaved work, with the paths or commits that it is."""

    __slots__ = ("kind", "what")

    def __init__(self, kind: str, what: list[str]) -> None:
        self.kind = kind
        self.what = what

    def __str__(self) -> str:
        shown = ", ".join(self.what[:_SHOWN])
        more = f", and {len(self.what) - _SHOWN} more" if len(self.what) > _SHOWN else ""
        return f"{self.kind}: {shown}{more}"


class Unsaved:
    """The state of a worktree: its `head` commit ("" without one), its `branch`, a `snapshot` of it, `commits` that
    only it knows, `refs` {name: commit} and `stashes` {commit: words} that lead to some of them, `findings`, and the
    `nested` repositories in it that have unsaved work themselves."""

    __slots__ = (
        "branch", "commits", "findings", "head", "nested", "path", "refs", "repository", "snapshot", "stashes",
    )  # fmt: skip

    def __init__(self, repository: Repository, path: str, head: str, branch: str, taken: Snapshot) -> None:
        self.repository = repository
        self.path = path
        self.head = head
        self.branch = branch
        self.snapshot = taken
        self.commits: list[str] = []
        self.refs: dict[str, str] = {}
        self.stashes: dict[str, str] = {}
        self.findings: list[Finding] = []
        self.nested: dict[str, Unsaved] = {}

    def find(self, kind: str, what: list[str]) -> None:
        if what:
            self.findings.append(Finding(kind, what))

    def is_as(self, other: Unsaved) -> bool:
        """Whether nothing has changed between the two looks."""
        return (
            (self.head, self.branch, self.snapshot.tree, self.snapshot.index, self.commits)
            == (other.head, other.branch, other.snapshot.tree, other.snapshot.index, other.commits)
            and self.nested.keys() == other.nested.keys()
            and all(one.is_as(other.nested[path]) for path, one in self.nested.items())
        )


def look(repository: Repository, worktree: Worktree, source: str, keeps_branch: bool = False) -> Unsaved:
    """What of `worktree` is unsaved. `source`: the worktree that its listed files came from. `keeps_branch`: its branch
    stays, so that commits on it are safe."""
    listed = (
        tuple(worktree_files.changed(repository, source, worktree.path)) if not worktree.is_missing else ()
    )
    found = _look(repository, worktree.path, worktree.admin, worktree.head, worktree.branch, listed)
    found.find("ignored files that .worktreeinclude names", list(listed))
    if worktree.head and not worktree.branch:
        found.find("commits of a detached HEAD", only_here(repository, worktree.head, ""))
    elif worktree.head and not keeps_branch:
        found.find(
            "commits that are merged and pushed nowhere",
            only_here(repository, worktree.head, worktree.branch),
        )
    stashed = _stashes(repository, worktree.branch)
    found.find("stashed", [words for _, words in stashed])
    found.commits += [commit for commit, _ in stashed]
    return found


def _look(
    repository: Repository, path: str, git_dir: str, head: str, branch: str, listed: tuple[str, ...]
) -> Unsaved:
    taken = snapshot.take(repository, path, git_dir, exact=True, listed=listed)
    found = Unsaved(repository, path, head, branch, taken)
    empty = repository.run("hash-object", "-t", "tree", "-w", "--stdin").text
    base = trees.tree_of(repository, head) if head else empty
    index = taken.index or base
    found.find("unmerged", taken.unmerged)
    if taken.index:
        found.find("staged", sorted(trees.changes(repository, base, index)))
    now = trees.changes(repository, index, taken.tree or index)
    changed = sorted(file for file, kind in now.items() if kind != "A" and file not in taken.unmerged)
    found.find("changed", changed)
    found.find("untracked", sorted(file for file, kind in now.items() if kind == "A" and file not in listed))
    under_way = [words for name, words in _OPERATIONS.items() if os.path.exists(os.path.join(git_dir, name))]
    found.find("in progress", under_way[:1])
    pointed = _pointed_to(repository, git_dir)
    found.commits += pointed
    found.refs = {name: commit for commit, name in pointed.items() if name.startswith("refs/worktree/")}
    found.find("refs of this worktree alone", sorted(found.refs))
    for place in taken.nested:
        inner = _look_inside(os.path.join(path, place))
        if inner and inner.findings:
            found.nested[place] = inner
            found.find(f"a repository of its own in {place}", [str(one) for one in inner.findings])
    return found


def _look_inside(path: str) -> Unsaved | None:
    """A submodule, or a repository that somebody made inside; None if it is clean and its commits are elsewhere."""
    inner = Repository.around(path)
    git_dir = inner.text("rev-parse", "--absolute-git-dir", at=path)
    head = inner.text("rev-parse", "--verify", "--quiet", "HEAD", at=path, allow=(0, 1, 128))
    branch = inner.text("symbolic-ref", "--quiet", "--short", "HEAD", at=path, allow=(0, 1, 128))
    found = _look(inner, path, git_dir, head, branch, ())
    found.refs |= _refs_of(inner, path)
    found.stashes = dict(_stash(inner, path))
    tips = dict.fromkeys([*([head] if head else []), *found.refs.values(), *found.stashes])
    every = "".join(f"{commit}\n" for commit in tips).encode()
    lonely = inner.run("rev-list", "--stdin", "--not", "--remotes", at=path, stdin=every).text.split()
    found.find("commits that no remote has", [commit[:12] for commit in lonely])
    found.commits += [commit for commit in tips if commit in set(lonely)]
    if not found.findings and not inner.lines("remote", at=path):
        found.find("a repository without a remote", [os.path.basename(path)])
    return found


def _refs_of(repository: Repository, path: str) -> dict[str, str]:
    """{name: commit} of the refs of a repository; not those that repeat a remote's, not the stash, and none of ours."""
    form = "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)"
    found = {}
    for line in repository.lines("for-each-ref", form, at=path):
        name, *things = line.split(" ")
        kinds = dict(zip(things[0::2], things[1::2], strict=True))
        if "commit" in kinds and not name.startswith(("refs/remotes/", "refs/stash", "refs/ccpm/")):
            found[name] = kinds["commit"]
    return found


def only_here(repository: Repository, head: str, branch: str) -> list[str]:
    """The commits of `head` that no other ref than `branch` leads to, as `<short id> <subject>`, newest first.

    Not `--all` alone: that counts the HEAD of every worktree, and so the one that is to go.
    """
    exclude = [f"--exclude={branch_names.HEADS}{branch}"] if branch else []
    return repository.lines("log", "--format=%h %s", head, "--not", "--single-worktree", *exclude, "--all")


def _stashes(repository: Repository, branch: str) -> list[tuple[str, str]]:
    """(commit, words) of the stash entries made on `branch` that no rescue has saved."""
    names = (f"WIP on {branch}:", f"On {branch}:") if branch else ("WIP on (no branch):", "On (no branch):")
    found = []
    for commit, words in _stash(repository):
        if words.startswith(names):
            known = repository.lines(
                "rev-list", "--max-count=1", commit, "--not", f"--glob={branch_names.RESCUE}*"
            )
            if known:
                found.append((commit, words))
    return found


def _stash(repository: Repository, at: str = "") -> list[tuple[str, str]]:
    """(commit, words) of every entry of the stash, newest first."""
    if not repository.text("for-each-ref", "refs/stash", at=at):
        return []
    lines = repository.lines("log", "-g", "--format=%H %gs", "refs/stash", at=at)
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def _pointed_to(repository: Repository, git_dir: str) -> dict[str, str]:
    """{commit: which} of those that only the worktree's own files and refs lead to: the other side of a merge, what a
    rebase works on."""
    named = {}
    for name in _POINTERS:
        try:
            with open(os.path.join(git_dir, name), encoding="ascii", errors="replace") as file:
                named.update({line.split()[0]: name for line in file if line.strip()})
        except OSError:
            continue
    # refs/bisect, refs/worktree and refs/rewritten are the worktree's own
    for where, _, files in os.walk(os.path.join(git_dir, "refs")):
        for name in files if os.path.realpath(git_dir) != repository.common else []:
            with open(os.path.join(where, name), encoding="ascii", errors="replace") as file:
                named[file.readline().strip()] = os.path.relpath(os.path.join(where, name), git_dir)
    return {commit: name for commit, name in named.items() if _is_lonely(repository, commit)}


def _is_lonely(repository: Repository, commit: str) -> bool:
    """Whether `commit` is one, and no ref leads to it."""
    if not refs.read(repository, commit):
        return False
    return bool(repository.lines("rev-list", "--max-count=1", "--single-worktree", commit, "--not", "--all"))
