"""What the git hooks decide: whether a commit may be made, by whom it is, and how many there are.

Who commits is the agent that the environment names; else the agent that is registered in this linked worktree, if it
is the only one; else whoever the session is (ops/identity.py). Agents that live in the same process as the committer
(the subagents of one Claude Code session in one worktree) cannot be told apart here: their files are let pass, and
the hook of Claude Code keeps them apart before anything is written.

A commit is refused if a staged file belongs to another living agent, whoever staged it: so a commit does not sweep
up what others have in the index. Files that nobody claims are refused if another living agent has staged them in the
same worktree (ops/team/staging.py); a claim counts more than who staged. Of a merge that is being concluded, only
files count that differ from both sides.
"""

from __future__ import annotations

import os

from ccpm.errors import CcpmError, NotYours
from ccpm.external.git import committing
from ccpm.files import checkout, events, process
from ccpm.ops import identity
from ccpm.ops.actor import Actor
from ccpm.ops.team import agents, ownership, registries, staging
from ccpm.ops.wording import quoted

_SHOWN = 10
"""Files that a refusal names one by one."""


def committer(top: str, named: str | None = None) -> str:
    """The id of the agent that commits in the current directory."""
    if named or os.environ.get("CCPM_AGENT_ID") or os.environ.get("AGENT_ID"):
        return identity.agent_id(named)
    here = checkout.worktree_of(top, os.getcwd())
    if here and here != top:
        living = {agent.id for agent in registries.living(top) if agent.worktree == here}
        if len(living) == 1:
            return living.pop()
    return identity.agent_id()


def check_staged(actor: Actor) -> None:
    """NotYours (77) if a file that is staged in the current worktree belongs to another living agent. In shadow mode it
    is only said, and logged."""
    worktree = checkout.worktree_of(actor.top, os.getcwd())
    if not worktree:
        return
    paths = committing.staged(worktree)
    living = {agent.id for agent in registries.living(actor.top)}
    swept = _unclaimed(actor.top, worktree, staging.others(actor.top, worktree, actor.agent, paths))
    found = ownership.find(actor.top, [os.path.join(worktree, path) for path in paths], actor.agent)
    relatives = family(actor) if found or swept else set()
    theirs = {
        path: (who, f"staged by {who} at {when}")
        for path, (who, when) in swept.items()
        if who in living and who not in relatives
    }
    theirs |= {
        os.path.relpath(path, worktree): (
            claim.agent,
            f"belongs to {claim.agent} by {claim.what}, since {claim.since}",
        )
        for path, claim in found.items()
        if claim.agent not in relatives
    }
    if not theirs:
        return
    is_person = actor.agent not in living and identity.is_unnamed(actor.agent)
    concluded = committing.concluded(worktree)
    mine = [path for path in paths if path not in theirs]
    refusal = _refused(theirs, mine, is_person, concluded)
    if os.environ.get("CCPM_HOOK_SHADOW", "") in ("", "0"):
        raise refusal
    events.append(actor.top, "hook.shadow", agent=actor.agent, tool="git commit", reason=refusal.message)
    actor.say(f"{refusal.message} (let through: CCPM_HOOK_SHADOW is set)")


def _unclaimed(top: str, worktree: str, swept: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    loaded, _ = ownership.load(top)  # one that cannot be read does not keep the others from being asked
    claimed = ownership.find(top, [os.path.join(worktree, path) for path in swept], "", (loaded, []))
    return {path: told for path, told in swept.items() if os.path.join(worktree, path) not in claimed}


def trailer_for(actor: Actor, source: str) -> str:
    """The line `Agent: …` for the message of a commit, "" where it is not to have one: the committer is no registered
    agent, or the commit is an older one that is only being moved or mended."""
    git_dir = committing.path_in(os.getcwd(), "--git-dir")
    moved = ("rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD")
    if source == "commit" or any(os.path.exists(os.path.join(git_dir, name)) for name in moved):
        return ""
    return (
        f"Agent: {actor.agent}"
        if any(agent.id == actor.agent for agent in registries.living(actor.top))
        else ""
    )


def add_trailer(actor: Actor, path: str, source: str) -> None:
    """Add the trailer to the message in `path`. An empty message stays empty: git is to refuse it."""
    line = trailer_for(actor, source)
    if line and committing.has_message(path):
        committing.add_trailer(path, line)


def note_index(actor: Actor) -> None:
    """The index of the current worktree was written: what is new in it was staged by the actor, if it is registered,
    else by a person. Where no agent lives, that matters to nobody."""
    worktree = checkout.worktree_of(actor.top, os.getcwd())
    living = {agent.id for agent in registries.living(actor.top)}
    if worktree and living:
        staging.note(actor.top, worktree, actor.agent if actor.agent in living else "")


def count(actor: Actor) -> None:
    """After a commit: a sign of life, and the commits counted anew, in every epic that knows the committer."""
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"):
        os.environ.pop(name, None)  # git set them for this worktree; other agents work in others
    if registries.known_epics(actor.top, actor.agent):
        try:
            agents.heartbeat(actor)
        except CcpmError:
            pass  # it is dead, or has just left: the commit is made, and nothing depends on the number


def family(actor: Actor) -> set[str]:
    """The agents that live in the actor's process."""
    living = registries.living(actor.top)
    own = next((agent.owner for agent in living if agent.id == actor.agent), None)
    if own is None or not own.pid:
        own = process.owner(actor.agent, _process(actor))
    return {agent.id for agent in living if agent.owner.is_same_process(own)}


def _process(actor: Actor) -> int:
    # A terminal's session is no family: each of its agents was named on purpose.
    return identity.process_of(actor.agent) if os.environ.get("CLAUDE_CODE_SESSION_ID") else 0


def _refused(
    theirs: dict[str, tuple[str, str]], mine: list[str], is_person: bool, concluded: str
) -> NotYours:
    """`theirs`: {path: (whose it is, the reason in words)}. `concluded`: what this commit ends, and can only end as a
    whole (external/git/committing.py)."""
    lines = [f"  {path}  {why}" for path, (_, why) in list(theirs.items())[:_SHOWN]]
    more = f"\n  … and {len(theirs) - _SHOWN} more" if len(theirs) > _SHOWN else ""
    own = " ".join(map(quoted, mine[:_SHOWN]))
    ways = [f"commit only your own files: git commit -m MESSAGE -- {own}"] if own and not concluded else []
    claimed = next((path for path, (_, why) in theirs.items() if why.startswith("belongs")), "")
    first = next(iter(theirs))
    ways.append(
        f"ask for it: ccpm-agent request {quoted(claimed)} --reason WHY"
        if claimed
        else f"wait until {theirs[first][0]} has committed it, or leave it out: git restore --staged {quoted(first)}"
    )
    if concluded:
        ways.append(f"give the {concluded} up: git {concluded} --abort")
    if is_person:
        ways.append("commit them all the same: git commit --no-verify")
    return NotYours(
        f"this commit has {len(theirs)} file{'s' * (len(theirs) > 1)} of other agents:\n"
        + "\n".join(lines)
        + more,
        "; or ".join(ways),
        files={path: who for path, (who, _) in theirs.items()},
    )
