"""What a hook says to a change of a file, as pure functions: what kind of file it is, and the words for a refusal.

Contract: `kind_of` tells from a path alone what rules a file has. Each `…_denial` gives the reason that the agent
reads: what, whose, since when, and the command that is its next step. Paths are relative to the project's top.
"""

from __future__ import annotations

ORDINARY = "ordinary"
PLAN = "plan"
COPY = "copy"
STATE = "state"

_STATE = ("locks", "metrics", "tracker")
_EPIC_STATE = ("agents.json", "work.json", "sync-journal.jsonl")


class Kind:
    """`name`: ORDINARY, PLAN (shared, at the root: a task, an epic, a PRD), COPY (a worktree's own copy of shared
    state), STATE (written by helpers only). `epic`, and `task`: the name of the file in it without its ending."""

    __slots__ = ("epic", "name", "task")

    def __init__(self, name: str, epic: str = "", task: str = "") -> None:
        self.name = name
        self.epic = epic
        self.task = task


def kind_of(relative: str, is_root: bool, shared: tuple[str, ...]) -> Kind:
    """The kind of the file `relative` (to its worktree). `is_root`: whether that worktree is the coordination root;
    `shared`: the folders of `.claude/` that exist once for all."""
    names = relative.split("/")
    if len(names) < 3 or names[0] != ".claude" or names[1] not in shared:
        return Kind(ORDINARY)
    if not is_root:
        return Kind(COPY)
    if names[1] in _STATE or (names[1] == "epics" and names[-1] in _EPIC_STATE):
        return Kind(STATE)
    if names[1] == "epics" and len(names) > 3:
        return Kind(PLAN, names[2], names[-1].removesuffix(".md"))
    return Kind(PLAN)


def resources_of(kind: Kind, escaped: str) -> list[str]:
    """The resources whose holder alone may change the file; `escaped`: its epic as in the names of resources."""
    if not kind.epic:
        return []
    tasks = [f"task-{kind.task}", f"task-{escaped[:120]}.{kind.task}"] if kind.task.isascii() else []
    return [f"epic-{escaped}", *tasks]


def owned_denial(path: str, agent: str, what: str, since: str) -> str:
    return (
        f"{path} belongs to {agent}: {what}, since {since}. Leave it as it is, and do not write it in another way. "
        f"Ask for it: ccpm-agent request {_quoted(path)} --reason '…'  "
        f"(whose it is now: ccpm-agent check {_quoted(path)})"
    )


def large_denial(folder: str, agent: str, what: str, since: str) -> str:
    return (
        f"{folder} has too many files to look at each, and some may belong to {agent}: {what}, since {since}. "
        "Change the parts of it that are not theirs, each by its name"
    )


def locked_denial(path: str, resource: str, holder: str) -> str:
    return (
        f"{path} is part of {resource}, which is held by {holder}. Wait until it is free: ccpm-lock check {resource}; "
        "a single key or note needs no lock: ccpm-fm-cas update, ccpm-work note"
    )


def copy_denial(path: str, root: str) -> str:
    return (
        f"{path} in a worktree is a copy that nobody reads: the plan is {root}/{path}. "
        f"Change that one through the helpers, which find it from here: "
        f"ccpm-fm-cas update {_quoted(path)} KEY=VALUE, ccpm-work note TASK TEXT, ccpm-atomic-write {_quoted(path)}"
    )


def state_denial(path: str) -> str:
    return (
        f"{path} is state that only the helpers write. Use ccpm-lock for locks, ccpm-agent for the registry, "
        "ccpm-work for the board, ccpm-sync for the journal; ccpm-lock list and ccpm-agent list show what there is"
    )


def unclaimed_denial(path: str) -> str:
    return (
        f"{path} is nobody's, and here an agent claims what it changes. Claim it first: "
        f"ccpm-agent claim . STREAM {_quoted(path)}  (instead of `.`, which is your own, name the epic)"
    )


def by_command(program: str, reason: str) -> str:
    """`reason` for a command line in which `program` ("" = a redirection) writes the file."""
    return (
        f"{program or 'a redirection'} in this command would write a file that you may not change. {reason}"
    )


def _quoted(path: str) -> str:
    """`path` as a word of a shell."""
    plain = (
        path.isascii() and path.replace("/", "").replace(".", "").replace("-", "").replace("_", "").isalnum()
    )
    return path if plain else "'" + path.replace("'", "'\\''") + "'"
