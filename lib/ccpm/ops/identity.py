"""Who is asking: the agent id that a command acts for.

First that is set: the `--agent` option, $CCPM_AGENT_ID, $AGENT_ID, `agent-$CLAUDE_CODE_SESSION_ID`, else one derived
from the login session (setsid(2)): the same for all commands of one terminal, another one in the next terminal.
"""

from __future__ import annotations

import os

from ccpm.core import names
from ccpm.errors import NotFound
from ccpm.files import root

FENCE_ROOT = "CCPM_FENCE_ROOT"
"""The variable that names the project whose fences $CCPM_FENCE has; without it, they are of the project at hand."""

SESSION = "CLAUDE_CODE_SESSION_ID"

_login_session = ""


def agent_id(named: str | None = None) -> str:
    found = named or _of_environment(os.environ.get(SESSION, ""))
    return names.check_agent(found) if found else _of_login_session()


def mark_session(environment: dict[str, str]) -> None:
    """Make the $CCPM_AGENT_ID of `environment` count for the commands of this session (see `_of_environment`)."""
    environment.pop("CCPM_AGENT_SESSION", None)
    if environment.get(SESSION):
        environment["CCPM_AGENT_SESSION"] = environment[SESSION]


def session_agent(session: str) -> str:
    """The agent of the Claude Code session `session`: every command in it acts for that one, if it names no other."""
    return names.check_agent(_of_environment(session) or agent_id())


def subagent(claude_id: str) -> str:
    """The agent of a subagent, which Claude Code knows as `claude_id`."""
    return names.check_agent("agent-" + names.escape(claude_id)[: names.LONGEST - 6])


def _of_environment(session: str) -> str | None:
    """$CCPM_AGENT_ID, $AGENT_ID, or the session's own. A session that was started by another one has that one's
    $CCPM_AGENT_ID in its environment: $CCPM_AGENT_SESSION tells for which session it was set
    (ops/claude/hook_sessions.py)."""
    named = os.environ.get("CCPM_AGENT_ID")
    if session and os.environ.get("CCPM_AGENT_SESSION", session) != session:
        named = None
    return named or os.environ.get("AGENT_ID") or (f"agent-{session}" if session else None)


def _of_login_session() -> str:
    """Worked out once a process: the id of its session stays, and is no other process's pid meanwhile."""
    global _login_session
    if not _login_session:
        from ccpm.files import process

        leader = os.getsid(0)
        _login_session = f"agent-{process.host()[:60]}-s{leader}-{process.start_of(leader) or '0'}"
    return _login_session


def is_unnamed(agent: str) -> bool:
    """Whether nothing but the login session tells who `agent` is: a person at a terminal, most likely."""
    return agent == _of_login_session()


def carried_fences(option: str | None = None) -> dict[str, int]:
    """The fences {resource: token} of --fence and of $CCPM_FENCE, if those are of this project; the option wins.
    ops/locking/fences.py checks those of another project wherever something is written."""
    carried = names.parse_fences(os.environ.get("CCPM_FENCE", ""))
    there = os.environ.get(FENCE_ROOT)
    if carried and there and os.path.realpath(there) != _project_at_hand():
        carried = {}
    return {**carried, **names.parse_fences(option or "")}


def _project_at_hand() -> str:
    """Its root, "" outside of projects: a file may be written there too."""
    try:
        return root.find()
    except NotFound:
        return ""


def process_of(named: str | None = None) -> int:
    """The pid of the process that the asking agent lives in, 0 if none is known.

    For a Claude Code session that is the process in front of the oldest one above us that was told the session's id
    (each Bash call is told it); for an agent that is named after its login session, that session's leader. An agent
    that was named in another way says with `--pid` what it lives in.
    """
    session = os.environ.get(SESSION)
    if session:
        from ccpm.files import process

        return process.teller_of(SESSION, session)
    if named or os.environ.get("CCPM_AGENT_ID") or os.environ.get("AGENT_ID"):
        return 0
    return os.getsid(0)
