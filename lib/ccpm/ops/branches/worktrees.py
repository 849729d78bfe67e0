"""Worktrees of agents: one folder and one branch for each, made from the epic's branch, marked while in use.

    add(actor, "auth", "agent-3f0c")   ../epic-auth-agent-3f0c on branch epic/auth--agent-3f0c, based on epic/auth

Guarantees
- Any number of agents may add at once: what git does to shared files happens under one lock (two `git worktree add` at
  once collide on config.lock); checking the files out, which takes long, happens outside of it.
- Killed anywhere and run again, `add` finishes what it began. Running it twice gives the same worktree.
- A worktree is marked (git's own lock, core/worktree_marks.py) from before its first file until it is removed here, so
  that no `git worktree prune` or `remove` takes it away under its agent.

Non-guarantee: submodules are not checked out; the result says so.
"""

from __future__ import annotations

import os
import time

from ccpm.core import branch_names, names, worktree_marks
from ccpm.core.worktree_marks import Mark
from ccpm.errors import Busy, NotFound, NotYours, Unavailable, UsageError
from ccpm.external.git import refs, worktrees
from ccpm.external.git.repository import Repository
from ccpm.external.git.worktrees import Worktree
from ccpm.files import clock, events, process
from ccpm.ops import identity
from ccpm.ops.actor import Actor
from ccpm.ops.branches import epic_branch, worktree_agents, worktree_files
from ccpm.ops.plan import plans

ADMIN = "worktrees"
"""The resource that is held while git changes what all worktrees share."""

PATIENCE = 120.0
"""Seconds to wait for that lock: many agents may start at once, and each holds it for a fraction of a second."""


def add(actor: Actor, epic: str, agent: str = "") -> dict[str, object]:
    """A worktree for `agent` (by default the actor) on its own branch of `epic`, and what it is: {path, branch, epic,
    agent, base, new, brought, notes}.

    NotFound (66): no such epic. NotYours (77): that branch or folder is another agent's. Unavailable (69): no
    repository, or one without a commit. IOFailure (74): something else lies at the path.
    """
    agent = names.check_agent(agent or actor.agent)
    plans.load_epic(actor.top, epic)
    repository = Repository.around(actor.top)
    branch = branch_names.agent_branch(epic, agent)
    path = os.path.join(parent_folder(repository), branch_names.agent_folder(epic, agent))
    return _added(actor, repository, Mark(worktree_marks.PREPARING, agent, epic, _now()), branch, path)


def add_for_epic(actor: Actor, epic: str) -> dict[str, object]:
    """A worktree on the branch of `epic` itself, for agents that share one; the same result as `add`."""
    plans.load_epic(actor.top, epic)
    repository = Repository.around(actor.top)
    path = os.path.join(parent_folder(repository), branch_names.epic_folder(epic))
    mark = Mark(worktree_marks.PREPARING, "", epic, _now())
    return _added(actor, repository, mark, branch_names.epic_branch(epic), path)


def add_where_possible(actor: Actor, epic: str) -> dict[str, object] | None:
    """As `add_for_epic`; None in a project without git, or without a commit that a worktree could be made of."""
    try:
        return add_for_epic(actor, epic)
    except Unavailable:
        return None


def adopt(actor: Actor, name: str, epic: str = "", agent: str = "") -> dict[str, object]:
    """A worktree for Claude Code, called from its hook WorktreeCreate: the same result as `add`.

    With an epic it is that of `agent` (by default `name`) in `epic`, with the same names, base and rules. Without one
    it is what Claude Code would make: `.claude/worktrees/<name>` on branch `worktree-<name>`, but with the up-to-date
    default branch as its base, and with the files of .worktreeinclude.
    """
    word = plain_word(name)
    agent = names.check_agent(agent or word)
    if epic:
        return add(actor, epic, agent)
    repository = Repository.around(actor.top)
    path = os.path.join(actor.top, ".claude", "worktrees", word)
    lives_in = worktree_marks.process_of(process.owner(agent, identity.process_of()))
    mark = Mark(worktree_marks.PREPARING, agent, "", _now(), process=lives_in)
    return _added(actor, repository, mark, branch_names.plain_branch(word), path)


def plain_word(name: str) -> str:
    """`name` as the folder of a worktree without an epic, and as a part of its branch."""
    word = names.escape(name.strip()).replace("..", ".%2E")[:100].rstrip(".")
    if not word:
        raise UsageError("a worktree needs a name")
    return word


def parent_folder(repository: Repository) -> str:
    """Where worktrees are put: beside the checkout (with `project/.bare`: in `project`), or in $CCPM_WORKTREES."""
    named = os.environ.get("CCPM_WORKTREES")
    if named:
        return os.path.realpath(named)
    inside = os.path.dirname(repository.common) == repository.top and repository.is_bare
    return repository.top if inside else os.path.dirname(repository.top)


def source_of(repository: Repository) -> str:
    """The worktree from which a new one gets its untracked files: the main one; "" in a bare repository."""
    return "" if repository.is_bare else repository.top


def resource_of(path: str) -> str:
    """What `add` and `remove` of one worktree hold: the name tells which one, the checksum of its path apart."""
    from zlib import crc32

    return f"worktree-{names.escape(os.path.basename(path))[:150]}-{crc32(os.fsencode(path)):08x}"


def of_agent(repository: Repository, epic: str, agent: str) -> Worktree:
    """The worktree of `agent` in `epic` ("": of the epic itself). NotFound (66) names those there are."""
    branch = branch_names.agent_branch(epic, agent) if agent else branch_names.epic_branch(epic)
    everything = worktrees.all_of(repository)
    marks = {one: worktree_marks.parse(one.mark) for one in everything[1:]}
    its_own = [one for one, mark in marks.items() if mark and (mark.epic, mark.agent) == (epic, agent)]
    if found := its_own or [one for one, mark in marks.items() if one.branch == branch and not mark]:
        return found[0]
    there = ", ".join(os.path.basename(one.path) for one in everything[1:]) or "none"
    whose = f"agent {agent!r} has no worktree" if agent else "there is no worktree"
    raise NotFound(f"{whose} for epic {epic!r}; there are: {there}", "ccpm-worktree list")


def _added(actor: Actor, repository: Repository, mark: Mark, branch: str, path: str) -> dict[str, object]:
    notes: list[str] = []
    with actor.holding(resource_of(path), "worktree-add", PATIENCE):
        found = _existing(actor, repository, mark, branch, path)
        is_new = found is None
        if found is None:
            found = _make(actor, repository, mark, branch, path)
        state = worktree_marks.parse(found.mark)
        brought: list[str] = []
        is_unfinished = state.state == worktree_marks.PREPARING if state else found.mark == _GIT_IS_ADDING
        if is_unfinished and not has_files(found):
            brought = worktree_files.bring(repository, source_of(repository), found.path)
            repository.run("checkout", "--quiet", "--force", at=found.path)
        worktrees.write_mark(found, str(mark.changed_to(worktree_marks.IN_USE)))
        if os.path.exists(os.path.join(found.path, ".gitmodules")):
            notes.append(
                f"submodules are not checked out there; git -C '{found.path}' submodule update --init"
            )
        base = repository.text("rev-parse", "HEAD", at=found.path)
        if mark.epic and mark.agent:
            worktree_agents.record(actor.store, mark.epic, mark.agent, found.path, branch, base)
    if is_new:
        fields = {"epic": mark.epic, "agent": mark.agent, "path": found.path, "branch": branch}
        events.append(actor.top, "worktree.added", base=base, **fields)
    return {
        "path": found.path,
        "branch": branch,
        "epic": mark.epic,
        "agent": mark.agent,
        "base": base,
        "new": is_new,
        "brought": brought,
        "notes": notes,
    }


def has_files(worktree: Worktree) -> bool:
    """Whether everything was put there: git writes the index when it has checked out the last file, and from then on
    what lies in the worktree is somebody's."""
    return os.path.exists(os.path.join(worktree.admin, "index"))


_GIT_IS_ADDING = "initializing"
"""The reason that git itself gives while `worktree add` runs; what is left of one that was killed."""


def _existing(actor: Actor, repository: Repository, mark: Mark, branch: str, path: str) -> Worktree | None:
    """The worktree that is there for this branch already, or None once the place is free for a new one."""
    main, *linked = worktrees.all_of(repository)
    if main.branch == branch and not main.is_bare:
        raise Busy(
            f"the main checkout {main.path} has {branch} checked out",
            "switch it to another branch: git switch",
        )
    for one in linked:
        if one.branch != branch and one.path != path:
            continue
        theirs = worktree_marks.parse(one.mark)
        if theirs and theirs.agent != mark.agent:
            raise NotYours(
                f"{one.path} is the worktree of {theirs.agent or 'the epic'} since {theirs.since}",
                "use another agent id: ids that differ only in a leading `agent-` share a branch",
            )
        if one.is_missing:
            unfinished = theirs.state == worktree_marks.PREPARING if theirs else one.mark == _GIT_IS_ADDING
            _clear(actor, repository, one, is_empty=unfinished)
            continue
        if one.branch != branch:
            raise Busy(
                f"{one.path} has {one.branch or 'a detached HEAD'} checked out, not {branch}",
                f"put {branch} back there, or remove that worktree: ccpm-worktree remove",
                path=one.path,
            )
        return one
    return None


def _clear(actor: Actor, repository: Repository, worktree: Worktree, is_empty: bool) -> None:
    """Finish a removal, or take a worktree whose folder is gone off the list; what was staged in it is saved first."""
    from ccpm.ops.branches import removal

    if is_empty:
        worktrees.forget(repository, worktree)
    else:
        removal.clear(actor, repository, worktree)


def _make(actor: Actor, repository: Repository, mark: Mark, branch: str, path: str) -> Worktree:
    with actor.holding(ADMIN, "worktree-add", PATIENCE):
        if mark.epic:
            start = epic_branch.ensure(repository, mark.epic, actor.say)
        else:
            start = epic_branch.default_commit(repository, actor.say)
        if not refs.read(repository, branch_names.HEADS + branch):
            refs.move(repository, branch_names.HEADS + branch, start, refs.NOTHING)
        make_room(path)
        return worktrees.add(repository, path, branch, str(mark))


def make_room(path: str) -> None:
    """What a killed `git worktree add` left at `path` and git does not know any more: an empty folder, or one with
    nothing but a link to git's side of it. Anything else is somebody's."""
    try:
        inside = os.listdir(path)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        inside = [path]
    if inside == [".git"] and os.path.isfile(os.path.join(path, ".git")):
        os.unlink(os.path.join(path, ".git"))
    elif inside:
        raise Busy(
            f"{path} is there and is no worktree of this repository",
            "move it away, or set CCPM_WORKTREES to another folder for worktrees",
            path=path,
        )


def _now() -> str:
    return clock.to_iso(time.time())
