"""What Claude Code's hooks do: who a call comes from, and one function for each event.

Contract: `Call` reads the JSON that Claude Code gives a hook; `answer(call)` carries out its event and gives what the
hook answers ({}: nothing, the tool call goes its ordinary way). The format of both is Claude Code's (its "Hooks
reference").

Who acts: in a session the agent of ops/identity.py; in a subagent `agent-<agent_id>`. A subagent acts under its
session: what the session's own agent claims does not stand against it. Between two subagents, and from a subagent to
its session, claims stand as between any two agents.

Guarantee: before a tool runs, nothing is written. Non-guarantee: a change that the text of a Bash command does not show
for certain is not seen here; commits and merges are checked again (git hooks, ccpm-worktree).
"""

from __future__ import annotations

import os

from ccpm.files import root
from ccpm.ops import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ccpm.ops.team.quick_look import QuickLook

EDITS = {"Edit": "file_path", "Write": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
"""Tool: the key of its input that names the file."""


class Call:
    """One call of a hook. `agent` acts, under the `session`'s own agent (the same, outside of subagents), in the folder
    `cwd` of the project `top` ("": no project). `tool` with its `input`; `data`: all that was given. `afterwards`: what
    is to be done once the answer is written."""

    __slots__ = (
        "_looks",
        "afterwards",
        "agent",
        "cwd",
        "data",
        "event",
        "input",
        "session",
        "strict",
        "tool",
        "top",
    )

    def __init__(self, event: str, data: dict[str, Any], strict: bool = False) -> None:
        self.event = event
        self.data = data
        self.strict = strict
        self.afterwards: list[Callable[[], None]] = []
        self._looks: dict[str, QuickLook] = {}
        self.cwd = os.path.realpath(_text(data, "cwd") or os.getcwd())
        self.session = identity.session_agent(_text(data, "session_id"))
        subagent = _text(data, "agent_id")
        self.agent = identity.subagent(subagent) if subagent else self.session
        self.tool = _text(data, "tool_name")
        found = data.get("tool_input")
        self.input: dict[str, Any] = found if isinstance(found, dict) else {}
        named = os.environ.get("CCPM_ROOT", "")
        self.top = os.path.realpath(named) if os.path.isdir(named) else root.of_directory(self.cwd)

    @property
    def is_subagent(self) -> bool:
        return self.agent != self.session

    def look(self, top: str) -> QuickLook:
        """What stands against the agent in the project `top`, looked at once a call."""
        if top not in self._looks:
            from ccpm.ops.team.quick_look import QuickLook

            self._looks[top] = QuickLook(top, self.agent, self.session)
        return self._looks[top]

    def edited(self) -> str:
        """The file that an edit tool names, free of symbolic links; "" for other tools."""
        key = EDITS.get(self.tool)
        path = _text(self.input, key) if key else ""
        return os.path.realpath(os.path.join(self.cwd, path)) if path and "\0" not in path else ""


def answer(call: Call) -> dict[str, Any]:
    """What the hook answers to `call`."""
    if call.event == "PreToolUse":
        return _before_tool(call)
    if not call.top:
        return {}
    if call.event == "WorktreeRemove":
        from ccpm.ops.claude import hook_worktrees

        return hook_worktrees.remove(call)
    if call.event == "PostToolUse":
        from ccpm.ops.claude import hook_after

        return hook_after.tool(call)
    from ccpm.ops.claude import hook_sessions

    return hook_sessions.EVENTS[call.event](call) if call.event in hook_sessions.EVENTS else {}


def deny(reason: str) -> dict[str, Any]:
    return _specific("PreToolUse", permissionDecision="deny", permissionDecisionReason=f"CCPM: {reason}")


def shadowed(call: Call, answer: dict[str, Any]) -> dict[str, Any]:
    """`answer` as one that refuses nothing: a refusal becomes a message for the user and an event in the log."""
    found = answer.get("hookSpecificOutput") or {}
    if found.get("permissionDecision") != "deny":
        return answer
    reason = str(found.get("permissionDecisionReason"))
    if call.top:
        from ccpm.files import events

        events.append(call.top, "hook.shadow", agent=call.agent, tool=call.tool, reason=reason)
    return {"systemMessage": f"{reason} (let through: CCPM_HOOK_SHADOW is set)"}


def context(event: str, lines: list[str]) -> dict[str, Any]:
    """Lines for the agent to read; {} without any."""
    return _specific(event, additionalContext="\n".join(lines)) if lines else {}


def _specific(event: str, **fields: object) -> dict[str, Any]:
    return {"hookSpecificOutput": {"hookEventName": event, **fields}}


def _before_tool(call: Call) -> dict[str, Any]:
    from ccpm.ops.claude import hook_changes

    if call.tool == "Bash":
        command = _text(call.input, "command")
        reason = hook_changes.denial_of_command(call, command)
        if reason:
            return deny(reason)
        fresh = hook_changes.with_identity(call, command)
        return (
            _specific("PreToolUse", updatedInput={**call.input, "command": fresh}) if fresh != command else {}
        )
    path = call.edited()
    reason = hook_changes.denial_of_edit(call, path) if path else ""
    return deny(reason) if reason else {}


def _text(data: dict[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""
