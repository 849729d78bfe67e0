"""Whether an agent may change a file: the decision before an edit tool or a Bash command runs. Read-only.

The common path is a file that nobody claims: it costs a few looks at folders. What decides about claims is loaded only
where there are some.
"""

from __future__ import annotations

import os

from ccpm.core import hook_decisions, names
from ccpm.core.hook_decisions import COPY, ORDINARY, STATE
from ccpm.files import checkout, glance, root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.core.shell_programs import Write
    from ccpm.ops.claude.hooks import Call

MOST_FILES = 20_000
"""Files below one folder that are looked at, when a command removes or moves it: about a second of work. Of a larger
one it is asked what could be below it."""


def denial_of_edit(call: Call, path: str) -> str:
    """Why the agent may not change the file `path` (absolute, free of symbolic links), "" if it may."""
    top, worktree, relative = _place(call, path)
    if not relative:
        return ""
    reason = _denial(call, top, worktree, relative)
    if not reason and call.strict and not relative.startswith(".claude/"):
        from ccpm.ops.team import ownership

        reason = "" if ownership.owner_of(top, relative) else hook_decisions.unclaimed_denial(relative)
    return reason


def denial_of_command(call: Call, command: str) -> str:
    """Why a Bash command may not run: the first file that it certainly writes and the agent may not change."""
    if not _may_write(command):
        return ""
    from ccpm.core import shell_writes

    for write in shell_writes.writes(command):
        reason = _denial_of_write(call, write)
        if reason:
            return hook_decisions.by_command(write.program, reason)
    return ""


def with_identity(call: Call, command: str) -> str:
    """`command` with the agent's id in each call of our own helpers and scripts; as it is outside of subagents: the
    shells of a session know it already (ops/claude/hook_sessions.py)."""
    if not call.is_subagent or not ("ccpm" in command or "commands/pm/" in command):
        return command
    from ccpm.core import shell_writes

    return shell_writes.with_agent(command, call.agent, _helpers(), _takes_agent)


def in_plan(top: str, path: str) -> str:
    """`path`, or where it is below `.claude` if the folder there is a link to where the plan is kept."""
    for folder in ("epics", "prds"):
        link = f"{top}/.claude/{folder}"
        if os.path.islink(link) and root.is_inside(path, real := os.path.realpath(link)):
            return link + path[len(real) :]
    return path


def _denial_of_write(call: Call, write: Write) -> str:
    path = _path_of(call, write)
    if not path:
        return ""
    source = _named(call, write, write.source) if write.source else ""
    if source and os.path.isdir(source):
        return _denial_of_tree(call, source, path, write.program)
    if not (write.is_tree and os.path.isdir(path) and not os.path.islink(path)):
        folder, name = os.path.split(path)
        reason = _denial_in(call, folder, [name], write.program)
    else:
        reason = _denial_of_tree(call, path, path, write.program)
    return _denial_of_undoing(call, path, write) if reason and write.undone_to is not None else reason


def _denial_of_tree(call: Call, source: str, target: str, program: str) -> str:
    """Why the agent may not change the files below `target` that are there below `source`."""
    left = MOST_FILES
    for folder, folders, found in os.walk(source):
        folders[:] = sorted(name for name in folders if name != ".git")  # our own come first
        reason = _denial_in(call, target + folder[len(source) :], found, program) if found else ""
        left -= len(found)
        if reason or left < 0:
            return reason or _denial_below(call, target)
    return ""


def _denial_of_undoing(call: Call, path: str, write: Write) -> str:
    """Why the agent may not take back what was changed at or below `path`: what was not, git leaves as it is."""
    from ccpm.external import git

    _, worktree, _ = _place(call, f"{path}/." if os.path.isdir(path) else path)
    changed = (
        os.path.split(f"{worktree}/{name}")
        for name in git.files_unlike(worktree, write.undone_to or "", path)
    )
    return next(
        filter(None, (_denial_in(call, folder, [name], write.program) for folder, name in changed)), ""
    )


def _denial_in(call: Call, folder: str, names: list[str], program: str) -> str:
    """Why the agent may not change the files `names` of a folder, "" if it may change them all."""
    top, worktree, first = _place(call, f"{folder}/{names[0]}")
    if not first:
        return ""
    prefix = first[: len(first) - len(names[0])]
    if call.look(top).is_empty and not prefix.lower().startswith(".claude/"):
        return ""
    return next(filter(None, (_denial(call, top, worktree, prefix + name, program) for name in names)), "")


def _denial_below(call: Call, folder: str) -> str:
    """Why a folder with too many files to look at each of them may not be changed as a whole."""
    top, _, relative = _place(call, f"{folder}/.")
    claim = call.look(top).claim_below(relative[:-2]) if relative else None
    return (
        hook_decisions.large_denial(relative[:-2] or ".", claim.agent, claim.what, claim.since)
        if claim
        else ""
    )


def _place(call: Call, path: str) -> tuple[str, str, str]:
    """(the project that a file belongs to, the worktree it is in, its path there); empty outside of projects."""
    path = in_plan(call.top, path)
    top = root.of_file(path)
    return (top, *checkout.locate(top, path)) if top else ("", "", "")


def _denial(call: Call, top: str, worktree: str, relative: str, program: str = "") -> str:
    folded = _folded(top, relative)
    kind = hook_decisions.kind_of(folded, worktree == top, root.SHARED)
    if kind.name == COPY:
        # git may take a checked-out copy back to what is committed: that forks nothing
        return "" if program.startswith("git") else hook_decisions.copy_denial(relative, top)
    if kind.name == STATE:
        return hook_decisions.state_denial(relative)
    if kind.name != ORDINARY:
        reason = _locked(call, top, relative, kind)
        if reason:
            return reason
    claim = call.look(top).claim_on(relative)
    return hook_decisions.owned_denial(relative, claim.agent, claim.what, claim.since) if claim else ""


def _locked(call: Call, top: str, relative: str, kind: hook_decisions.Kind) -> str:
    """Why shared state may not be changed: its epic or task is held by another agent."""
    for resource in hook_decisions.resources_of(kind, names.escape(kind.epic)):
        if not os.path.lexists(f"{root.locks_dir(top)}/{resource}.lock"):
            continue
        from ccpm.files.store import Store
        from ccpm.ops import wording
        from ccpm.ops.locking import lock_state
        from ccpm.ops.team import lives

        store = Store(top)
        holders = lives.living(store, lock_state.look(store, resource).holders)
        if holders and not any(lease.owner.agent in (call.agent, call.session) for lease in holders):
            return hook_decisions.locked_denial(relative, resource, wording.holders(holders))
    return ""


def _folded(top: str, relative: str) -> str:
    """`relative` in lower case where that is the same file, as far as the names of our own folders go."""
    if relative[:8].lower() != ".claude/" or not os.path.exists(os.path.join(top, ".CLAUDE")):
        return relative
    return relative.lower()


def _may_write(command: str) -> bool:
    return any(sign in command for sign in (">", "rm", "mv", "cp", "sed", "tee", "truncate", "git", "unlink"))


def _path_of(call: Call, write: Write) -> str:
    """The file or folder that `write` means, free of symbolic links; "" where a folder that the command enters is
    missing."""
    path = _named(call, write, write.path)
    if not path:
        return ""
    if write.name and os.path.isdir(path):
        path = os.path.join(path, write.name)
    if write.follows_links or (
        write.is_tree and os.path.isdir(path) and not os.path.islink(path.rstrip("/"))
    ):
        return os.path.realpath(path)
    folder, name = os.path.split(path.rstrip("/"))
    return os.path.join(os.path.realpath(folder), name)


def _named(call: Call, write: Write, path: str) -> str:
    """`path`, which the command names, as an absolute one; "" where a folder that it enters before is missing."""
    folder = os.path.join(call.cwd, *write.where)
    return os.path.join(folder, path) if os.path.isdir(folder) and "\0" not in path else ""


def _helpers() -> list[str]:
    """The names of our executables, from the folder that they are in."""
    return [name[5:] for name in glance.listing(beside("bin")) if name.startswith("ccpm-")]


def _takes_agent(script: str) -> bool:
    """Whether one of our command scripts hands `--agent` on: it passes its arguments on, or knows that one."""
    try:
        with open(beside(f"commands/pm/{script}.sh"), encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError):
        return False
    return '"$@"' in text or "--agent" in text


def beside(name: str) -> str:
    """A file or folder of this CCPM, which lies beside its `lib`."""
    lib = root.library()
    return os.path.join(os.path.dirname(lib), name)
