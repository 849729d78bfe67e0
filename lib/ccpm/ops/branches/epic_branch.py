"""The branch of an epic: made from the project's default branch, whatever its name, as it is on the remote now."""

from __future__ import annotations

from ccpm.core import branch_names
from ccpm.errors import NotFound, Unavailable, VersionConflict
from ccpm.external.git import refs, trees
from ccpm.external.git.repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FETCH = 20.0
"""Seconds that a remote may take to say where its default branch is; then the local copy has to do."""


def head(repository: Repository, epic: str) -> str:
    """The commit of the branch of `epic`, "" if it has none."""
    return refs.read(repository, branch_names.HEADS + branch_names.epic_branch(epic))


def require(repository: Repository, epic: str) -> str:
    """As `head`; NotFound (66) without a branch."""
    found = head(repository, epic)
    if not found:
        branch = branch_names.epic_branch(epic)
        raise NotFound(f"epic {epic!r} has no branch {branch}", f"ccpm-worktree add '{epic}' makes it")
    return found


def ensure(repository: Repository, epic: str, say: Callable[[str], None]) -> str:
    """The commit of the branch of `epic`, which is made if there is none. The caller holds the lock of worktrees."""
    found = head(repository, epic)
    if found:
        return found
    start = default_commit(repository, say)
    branch = branch_names.epic_branch(epic)
    try:
        refs.move(repository, branch_names.HEADS + branch, start, refs.NOTHING)
    except VersionConflict as error:
        if found := head(repository, epic):  # somebody made it by hand at this moment
            return found
        raise VersionConflict(
            f"branch {branch} cannot be made: {error.message}",
            f"a branch `epic`, or one below {branch}/, is in its way (a ref is a file, and a file is no folder): "
            f"rename it: git branch -m OLD NEW",
        ) from error
    return start


def default_commit(repository: Repository, say: Callable[[str], None]) -> str:
    """Where new work starts: the newer one of the default branch here and on its remote. Unavailable (69) in a
    repository without a commit."""
    name, remote = refs.default_branch(repository)
    if not name:
        raise Unavailable("the repository has no commit yet", "make a first commit, then run it again")
    local = refs.read(repository, branch_names.HEADS + name)
    if not remote:
        return local
    theirs = fetched(repository, remote, name, say)
    if not local or not theirs:
        return local or theirs
    if trees.is_ancestor(repository, local, theirs):
        return theirs
    if not trees.is_ancestor(repository, theirs, local):
        say(f"{name} and {remote}/{name} have gone different ways; starting from the local one")
    return local


def fetched(repository: Repository, remote: str, name: str, say: Callable[[str], None]) -> str:
    """The commit of the branch `name` on `remote`, as it is there now, or was when it could last be reached."""
    quiet = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    answer = repository.run(
        "fetch", "--quiet", "--no-tags", remote, name, variables=quiet, allow=tuple(range(256)), seconds=FETCH
    )
    if answer.status:
        last = answer.err.splitlines()[-1] if answer.err else f"status {answer.status}"
        say(f"{remote} cannot be reached, going on with what is here ({last})")
    return refs.read(repository, f"refs/remotes/{remote}/{name}")
