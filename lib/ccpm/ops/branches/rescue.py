"""Saving what is in a worktree to `refs/ccpm/rescue/<agent>/<time>`, and bringing it back.

A rescue is a commit, in the form of a stash: its tree has all files of the worktree byte for byte (tracked,
untracked, and the ignored ones that .worktreeinclude names), its first parent is HEAD, its second one the index, and
further parents keep what only the worktree knew (the other side of a merge, stashed work). Repositories inside the
worktree get a ref each.

Guarantee: nothing of the worktree is touched by `save`, and all of it can be reached from the refs when it returns.
"""

from __future__ import annotations

import os
import time

from ccpm.core import branch_names, worktree_marks
from ccpm.core.worktree_marks import Mark
from ccpm.errors import NotFound, VersionConflict
from ccpm.external.git import refs, snapshot, trees, worktrees
from ccpm.external.git.repository import Repository
from ccpm.files import clock, events
from ccpm.ops.actor import Actor
from ccpm.ops.branches.unsaved import Unsaved

_KEYS = ("Agent", "Epic", "Path", "Branch", "Head", "Index", "Nested")


class Saved:
    """One rescue: its `ref` and `commit`, and the fields of its message; `nested`: (ref, path) of the repositories
    inside, `refs`: (commit, name) and `stashes`: (commit, words) of what led to commits."""

    __slots__ = ("commit", "fields", "nested", "ref", "refs", "stashes")

    def __init__(self, ref: str, commit: str, message: str) -> None:
        self.ref = ref
        self.commit = commit
        self.fields: dict[str, str] = dict.fromkeys(_KEYS, "")
        self.nested: list[tuple[str, str]] = []
        self.refs: list[tuple[str, str]] = []
        self.stashes: list[tuple[str, str]] = []
        pairs = {"Nested": self.nested, "Ref": self.refs, "Stash": self.stashes}
        for line in message.splitlines():
            key, colon, value = line.partition(": ")
            if colon and key in pairs:
                one, _, other = value.partition(" ")
                pairs[key].append((one, other))
            elif colon and key in self.fields and not self.fields[key]:
                self.fields[key] = value

    def describe(self) -> dict[str, object]:
        fields = {key.lower(): self.fields[key] for key in _KEYS if key != "Nested"}
        return {"ref": self.ref, "commit": self.commit, **fields, "restore": restore_command(self.ref)}


def restore_command(ref: str) -> str:
    return f"ccpm-worktree restore {ref}"


def save(actor: Actor, repository: Repository, unsaved: Unsaved, mark: Mark) -> Saved:
    """Save everything that `unsaved` found; the rescue that leads to it."""
    stamp = clock.to_iso(time.time()).replace("-", "").replace(":", "")
    nested = _save_nested(repository, unsaved, mark, branch_names.rescue_ref(mark.agent, stamp))
    message = _message(unsaved, mark, nested)
    commit = _commit(unsaved, message)
    if same := _same(repository, Saved("", commit, message)):
        return same
    ref = _keep(repository, branch_names.rescue_ref(mark.agent, stamp), commit)
    what = [str(finding) for finding in unsaved.findings]
    events.append(actor.top, "worktree.rescued", agent=mark.agent, epic=mark.epic, ref=ref, what=what)
    return Saved(ref, commit, message)


def _save_nested(repository: Repository, unsaved: Unsaved, mark: Mark, ref: str) -> list[tuple[str, str]]:
    """Save the repositories inside, and those inside of them: (ref, path) of each."""
    kept = []
    for number, (path, inner) in enumerate(sorted(unsaved.nested.items()), 1):
        name = f"{ref}-nested-{number}"
        message = _message(inner, mark, _save_nested(repository, inner, mark, name))
        kept.append((_fetch(repository, inner, _commit(inner, message), name), path))
    return kept


def describe_all(top: str) -> list[dict[str, object]]:
    """Every rescue as plain data, oldest first."""
    return [saved.describe() for saved in all_of(Repository.around(top))]


def all_of(repository: Repository) -> list[Saved]:
    """Every rescue there is, oldest first; those of nested repositories are part of theirs."""
    found = []
    form = "--format=%(refname)%00%(objectname)%00%(contents)%00"
    fields = repository.run("for-each-ref", form, branch_names.RESCUE).fields
    for ref, commit, message in zip(fields[0::3], fields[1::3], fields[2::3], strict=True):
        name = ref.strip()
        if "-nested-" not in name.rpartition("/")[2]:
            found.append(Saved(name, commit, message))
    return found


def restore(actor: Actor, ref: str, into: str = "") -> dict[str, object]:
    """Bring the rescue `ref` back as a worktree: {path, branch, ref}. Its files, its index and its branch are as they
    were; the rescue stays. `into`: where to (default: where it was, or beside what is there now)."""
    from ccpm.ops.branches import worktree_files
    from ccpm.ops.branches.worktrees import ADMIN, resource_of, source_of

    repository = Repository.around(actor.top)
    full = ref if ref.startswith("refs/") else branch_names.RESCUE + ref
    known = {saved.ref: saved for saved in all_of(repository)}
    if full not in known:
        there = ", ".join(known) or "none"
        raise NotFound(f"there is no rescue {full}; there are: {there}", "ccpm-worktree rescued")
    saved = known[full]
    mark = Mark(
        worktree_marks.PREPARING, saved.fields["Agent"], saved.fields["Epic"], clock.to_iso(time.time())
    )
    path = _free_path(os.path.abspath(into) if into else saved.fields["Path"])
    with actor.holding(resource_of(path), "worktree-restore"):
        with actor.holding(ADMIN, "worktree-restore"):
            branch = _branch_for(repository, saved)
            worktree = worktrees.add(
                repository, path, branch or saved.fields["Head"] or saved.commit, str(mark)
            )
        repository.run("checkout", "--quiet", "--force", at=path)
        worktree_files.bring(repository, source_of(repository), path)
        _bring_back(repository, repository, path, saved)
        worktrees.write_mark(worktree, str(mark.changed_to(worktree_marks.IN_USE)))
    events.append(actor.top, "worktree.restored", agent=mark.agent, ref=full, path=path)
    return {"path": path, "branch": branch, "ref": full}


def _same(repository: Repository, new: Saved) -> Saved | None:
    """The rescue of the same state that a run which was killed has made already."""
    for old in all_of(repository):
        is_same = old.fields == new.fields and old.nested == new.nested
        if is_same and _content(repository, old.commit) == _content(repository, new.commit):
            return old
    return None


def _content(repository: Repository, commit: str) -> tuple[str, ...]:
    """What is in a rescue, apart from when it and its commit of the index were made."""
    lines = repository.lines("log", "--no-walk=unsorted", "--format=%T %H %s", commit, f"{commit}^@")
    own, *parents = [line.split(" ", 2) for line in lines]
    return own[0], *(tree if subject == "index" else name for tree, name, subject in parents)


def _commit(unsaved: Unsaved, message: str) -> str:
    repository, taken = unsaved.repository, unsaved.snapshot
    parents = [unsaved.head] if unsaved.head else []
    tree = taken.tree or (trees.tree_of(repository, unsaved.head) if unsaved.head else "")
    if taken.index:
        parents.append(trees.commit(repository, taken.index, parents[:1], "index\n"))
    parents += [commit for commit in unsaved.commits if commit not in parents]
    return trees.commit(repository, tree, parents, message)


def _message(unsaved: Unsaved, mark: Mark, nested: list[tuple[str, str]]) -> str:
    lines = [f"Rescue of {os.path.basename(unsaved.path)}", ""]
    lines += [str(finding) for finding in unsaved.findings]
    lines += ["", f"Agent: {mark.agent}", f"Epic: {mark.epic}", f"Path: {unsaved.path}"]
    lines += [f"Branch: {unsaved.branch}", f"Head: {unsaved.head}"]
    lines += [f"Index: {unsaved.snapshot.index}"] + [f"Nested: {ref} {path}" for ref, path in nested]
    kept = set(unsaved.commits)
    lines += [f"Ref: {commit} {name}" for name, commit in unsaved.refs.items() if commit in kept]
    lines += [f"Stash: {commit} {words}" for commit, words in unsaved.stashes.items() if commit in kept]
    return "\n".join(lines) + "\n"


def _keep(repository: Repository, ref: str, commit: str) -> str:
    """Make `ref`, or the first of `ref`-2, `ref`-3, … that is free, lead to `commit`; its name."""
    number = 1
    while True:
        name = ref if number == 1 else f"{ref}-{number}"
        if not refs.read(repository, name):
            try:
                refs.move(repository, name, commit, refs.NOTHING)
                return name
            except VersionConflict:
                if number > 100:
                    raise
        number += 1


def _fetch(repository: Repository, inner: Unsaved, commit: str, ref: str) -> str:
    """Take `commit` with all it leads to from the repository inside a worktree into the project's own."""
    there = "refs/ccpm/rescued"
    inner.repository.run("update-ref", there, commit)
    number = 1
    while refs.read(repository, name := ref if number == 1 else f"{ref}-{number}"):
        number += 1
    always = ("-c", "protocol.file.allow=always", "-c", "fetch.recurseSubmodules=false")
    source = inner.repository.common
    repository.run(
        *always, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", source, f"+{there}:{name}"
    )
    return name


def _branch_for(repository: Repository, saved: Saved) -> str:
    """The branch to check out: the one that was, if it is where it was or can be made there; else "" (detached)."""
    branch, head = saved.fields["Branch"], saved.fields["Head"]
    if not branch or not head:
        return ""
    there = refs.read(repository, branch_names.HEADS + branch)
    if not there:
        refs.move(repository, branch_names.HEADS + branch, head, refs.NOTHING)
    elif there != head or worktrees.on_branch(repository, branch):
        return ""
    return branch


def _bring_back(project: Repository, repository: Repository, path: str, saved: Saved) -> None:
    """Files, index, refs, stashes and nested repositories of `saved`, to the worktree `path` of `repository`."""
    snapshot.write_exact(repository, path, trees.tree_of(repository, saved.commit))
    index, head = saved.fields["Index"], saved.fields["Head"]
    if index or not head:
        repository.run("read-tree", index or "--empty", at=path)
    repository.run("update-index", "-q", "--refresh", at=path, allow=(0, 1))
    for commit, name in saved.refs:
        if not repository.text("for-each-ref", name, at=path):
            repository.run("update-ref", name, commit, at=path)
    for commit, words in reversed(saved.stashes):
        repository.run("stash", "store", "--quiet", "--message", words, commit, at=path)
    for inner_ref, place in saved.nested:
        _restore_nested(project, inner_ref, os.path.join(path, place))


def _restore_nested(repository: Repository, ref: str, path: str) -> None:
    commit = refs.read(repository, ref)
    saved = Saved(ref, commit, repository.text("log", "-1", "--format=%B", commit))
    inner = Repository.create(path)
    inner.run("fetch", "--quiet", "--no-tags", repository.common, f"{ref}:{ref}", at=path)
    head, branch = saved.fields["Head"], saved.fields["Branch"] or "restored"
    if head:
        inner.run("checkout", "--quiet", "--force", "-B", branch, head, at=path)
    _bring_back(repository, inner, path, saved)


def _free_path(path: str) -> str:
    number, found = 1, path
    while os.path.lexists(found):
        found = f"{path}-restored" + (f"-{number}" if number > 1 else "")
        number += 1
    return found
