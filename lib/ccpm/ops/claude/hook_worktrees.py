"""Worktrees that Claude Code asks for (`isolation: worktree`, `claude -w`), made and removed by our rules.

Claude Code's hook WorktreeCreate stands in the place of its own `git worktree add`. So a failure of ours would stop the
work, and `create` makes the worktree that Claude Code would have made, if the one by our rules cannot be made.
"""

from __future__ import annotations

import os

from ccpm.core import branch_names
from ccpm.errors import CcpmError, NotFound
from ccpm.external.git import refs
from ccpm.external.git import worktrees as git_worktrees
from ccpm.external.git.repository import Repository
from ccpm.ops import identity
from ccpm.ops.actor import Actor
from ccpm.ops.branches import removal, worktrees
from ccpm.ops.team import registries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ccpm.ops.claude.hooks import Call

_SUBAGENT = "agent-"
"""How the names of worktrees begin that are made for a subagent; its id follows."""


def create(call: Call, say: Callable[[str], None]) -> str:
    """The path of a worktree for the name in the call: that of the agent in its session's epic, if it has just one,
    else one beside the others of Claude Code. `say` is told what went wrong on the way."""
    name = str(call.data.get("name") or "")
    is_subagents = name.startswith(_SUBAGENT) and name[len(_SUBAGENT) :].isalnum()
    agent = identity.subagent(name[len(_SUBAGENT) :]) if is_subagents else call.session
    if not call.top:
        raise NotFound(f"no project around {call.cwd}", "run it in a git repository")
    try:
        known = registries.known_epics(call.top, call.session)
        epic = known[0] if len(known) == 1 else ""
        return str(worktrees.adopt(Actor(call.session, {}, say, call.top), name, epic, agent)["path"])
    except (CcpmError, OSError) as error:
        say(f"no worktree by the rules of CCPM: {error}; making one as git does")
        return _plainly(call, name)


def remove(call: Call) -> dict[str, Any]:
    """Take a worktree away. Claude Code cannot be told no: what is unsaved in it is rescued first."""
    path = call.data.get("worktree_path")
    if not isinstance(path, str) or not call.top:
        return {}
    gone = removal.retire(Actor(call.session, {}, top=call.top), os.path.realpath(path))
    if not gone["saved"]:
        return {}
    return {"systemMessage": f"CCPM saved what was only in {path}. To bring it back: {gone['restore']}"}


def _plainly(call: Call, name: str) -> str:
    """A worktree as git makes it, in the first place of that name in which nothing of anybody's is: neither a folder
    that is no whole worktree, nor a branch that is checked out elsewhere. A branch that is there stays as it is."""
    repository = Repository.around(call.top)
    known = {os.path.realpath(one.path): one for one in git_worktrees.all_of(repository)}
    taken = {one.branch for one in known.values()}
    first, number = worktrees.plain_word(name), 1
    while True:
        word = first if number == 1 else f"{first}-{number}"
        path, branch = os.path.join(call.top, ".claude", "worktrees", word), branch_names.plain_branch(word)
        found = known.get(os.path.realpath(path))
        if found and not found.is_missing and worktrees.has_files(found):
            return path
        if not found and branch not in taken and not os.path.lexists(path):
            is_there = refs.read(repository, branch_names.HEADS + branch)
            what = (path, branch) if is_there else ("-b", branch, path)
            repository.run("worktree", "add", "--quiet", *what)
            return path
        number += 1
