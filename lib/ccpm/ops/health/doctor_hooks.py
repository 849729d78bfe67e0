"""The doctor's checks of hooks: whether Claude Code's settings call ours, and what they call answers; whether git's are
there.

Contract: `check_claude(top)` reads `.claude/settings.json` and `settings.local.json`, and runs the command that stands
there for PreToolUse as Claude Code does, with a call that changes nothing (before a tool runs, that hook writes
nothing). The other events would act, so of them only the wiring is looked at.
"""

from __future__ import annotations

import os

from ccpm.core import hook_settings
from ccpm.errors import Malformed, NotFound
from ccpm.external import hook_call
from ccpm.files import json_record
from ccpm.ops.team import git_hooks

OK, WARN, FAIL = "ok", "warn", "fail"

SETTINGS = (hook_settings.PATH, ".claude/settings.local.json")
EVENTS = tuple(hook_settings.EVENTS)
ASKED = "PreToolUse"
HELPER = "ccpm-hook"
_INSTALL = "install CCPM again (bash install.sh): it writes them into .claude/settings.json"


def check_claude(top: str) -> tuple[str, str, str]:
    wired: dict[str, list[str]] = {}
    for name in SETTINGS:
        try:
            data = json_record.read(os.path.join(top, name))
        except Malformed as error:
            return FAIL, f"{name} is not JSON: Claude Code ignores it ({error.message})", f"mend it: {name}"
        for event, command in _commands(data):
            if HELPER in command:
                wired.setdefault(event, []).append(command)
    if not wired:
        return (
            WARN,
            "no hooks in .claude/settings.json: agents are asked, not held, to keep to their files",
            _INSTALL,
        )
    missing = [event for event in EVENTS if event not in wired]
    if ASKED in missing:
        return FAIL, f"{HELPER} is wired, but not for {ASKED}: no edit is checked", _INSTALL
    for command in wired[ASKED]:
        problem = hook_call.problem(command, ASKED, top)
        if problem:
            return FAIL, f"the hook does not answer ({command}): {problem}", _INSTALL
    if missing:
        return WARN, f"{HELPER} answers, but is not wired for {', '.join(missing)}", _INSTALL
    return OK, f"{HELPER} is wired for {len(wired)} events and answers", ""


def check_git(top: str) -> tuple[str, str, str]:
    """Whether git calls ours at a commit."""
    try:
        missing = [os.path.basename(path) for path, is_there in git_hooks.status(top) if not is_there]
    except NotFound:
        return OK, "in no git repository: there are no commits to check", ""
    if missing:
        what = f"git has no hook of CCPM as {', '.join(missing)}: commits are not checked"
        return WARN, what, "ccpm-agent hooks install"
    return OK, "git calls CCPM at each commit", ""


CHECKS = {"hooks": check_claude, "git hooks": check_git}


def _commands(settings: dict[str, object]) -> list[tuple[str, str]]:
    """(event, command) of every hook in `settings`, whatever else stands there."""
    found = []
    hooks = settings.get("hooks")
    for event, groups in hooks.items() if isinstance(hooks, dict) else ():
        for group in groups if isinstance(groups, list) else ():
            inner = group.get("hooks") if isinstance(group, dict) else None
            for hook in inner if isinstance(inner, list) else ():
                command = hook.get("command") if isinstance(hook, dict) else None
                if isinstance(command, str):
                    found.append((event, command))
    return found
