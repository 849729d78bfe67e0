"""Claude Code's settings file with CCPM's hooks in it, and without them.

Contract: `with_hooks(text)` gives the text of a settings file (None: there is none) with exactly the hooks of this
version, `without_hooks(text)` without any of ours; everything else in it stays as it is, to the byte. A hook is ours if
its command calls `.claude/bin/ccpm-hook`. Malformed (65) for a file that could not be merged: it is not JSON, or
`hooks` is not what Claude Code's documentation of hooks says.
"""

from __future__ import annotations

from ccpm.core import json_text
from ccpm.errors import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = ".claude/settings.json"
MARK = "/.claude/bin/ccpm-hook"

EVENTS = {
    "SessionStart": ("", 30),
    "SubagentStart": ("", 30),
    "PreToolUse": ("Edit|Write|MultiEdit|NotebookEdit|Bash", 30),
    "PostToolUse": ("*", 30),
    "Stop": ("", 30),
    "SubagentStop": ("", 30),
    "SessionEnd": ("", 2),
    "WorktreeCreate": ("", 300),
    "WorktreeRemove": ("", 60),
}
"""Event: its matcher, and the seconds after which Claude Code gives up. Our own deadline (cli/hook.py) comes first."""

_HINT = f"mend {PATH}, then run it again; --no-hooks installs without it"


def entry(event: str, folder: str = '"$CLAUDE_PROJECT_DIR"/.claude/bin') -> dict[str, Any]:
    """What stands for `event` in the settings; `folder`: where the executables are, as a shell reads it."""
    matcher, timeout = EVENTS[event]
    command = f"{folder}/ccpm-hook {event}"
    hook = {"type": "command", "command": command, "timeout": timeout}
    return {**({"matcher": matcher} if matcher else {}), "hooks": [hook]}


def with_hooks(text: str | None) -> str:
    if text is None or not text.strip():
        import json

        return json.dumps({"hooks": {event: [entry(event)] for event in EVENTS}}, indent=2) + "\n"
    hooks = _hooks(text)
    if all(_ours(hooks, event) == ([entry(event)] if event in EVENTS else []) for event in (*hooks, *EVENTS)):
        return text
    text = without_hooks(text)
    if "hooks" not in json_text.parse(text):
        return json_text.append(text, [], {event: [entry(event)] for event in EVENTS}, "hooks")
    for event in EVENTS:
        if event in _hooks(text):
            text = json_text.append(text, ["hooks", event], entry(event))
        else:
            text = json_text.append(text, ["hooks"], [entry(event)], event)
    return text


def without_hooks(text: str) -> str:
    """The text without our hooks, and without what is empty when they are gone."""
    while place := _find_ours(_hooks(text)):
        text = json_text.remove(text, place)
        for list_, whole in ((place[:4], place[:3]), (place[:2], place[:2]), (place[:1], place[:1])):
            if _at(text, list_):
                break
            text = json_text.remove(text, whole)
    return text


def is_empty(text: str) -> bool:
    """Whether nothing is set."""
    return not text.strip() or json_text.parse(text) == {}


def _find_ours(hooks: dict[str, list[Any]]) -> list[str | int]:
    """The place of the first hook that is ours, [] if there is none."""
    for event, entries in hooks.items():
        for number, one in enumerate(entries):
            for place, hook in enumerate(_commands(one)):
                if _is_ours(hook):
                    return ["hooks", event, number, "hooks", place]
    return []


def _ours(hooks: dict[str, list[Any]], event: str) -> list[Any]:
    """The entries of `event` in which a hook is ours."""
    return [one for one in hooks.get(event, []) if any(map(_is_ours, _commands(one)))]


def _commands(one: object) -> list[Any]:
    found = one.get("hooks") if isinstance(one, dict) else None
    return found if isinstance(found, list) else []


def _is_ours(hook: object) -> bool:
    return isinstance(hook, dict) and MARK in str(hook.get("command", ""))


def _at(text: str, place: list[str | int]) -> Any:
    found = json_text.parse(text)
    for name in place:
        found = found[name]
    return found


def _hooks(text: str) -> dict[str, list[Any]]:
    """The `hooks` of the settings: {event: entries}."""
    try:
        settings = json_text.parse(text) if text.strip() else {}
    except ValueError as error:
        raise Malformed(f"{PATH} is not JSON: {error}; nothing was changed", _HINT) from error
    hooks = settings.get("hooks", {}) if isinstance(settings, dict) else None
    if not isinstance(hooks, dict) or not all(isinstance(entries, list) for entries in hooks.values()):
        raise Malformed(f"{PATH} does not hold hooks as Claude Code wants them; nothing was changed", _HINT)
    return hooks
