"""ccpm-hook: what Claude Code calls at the events of a session (docs/HOOKS.md). JSON in, JSON out.

Guarantees
- It never hangs a session: after `DEADLINE` seconds it ends by itself, as one that failed.
- Where it fails, it says so to the user, and lets the tool call pass; with `--block-on-failure` it refuses the call.
- It stops a tool by a refusal alone: its exit status is 0, and 1 for arguments that it does not know.
- With CCPM_HOOK_SHADOW=1 it refuses nothing: it tells the user what it would have refused, and logs that.
"""

from __future__ import annotations

import os
import sys

from ccpm.cli.arguments import Parser, split_verb, usage
from ccpm.cli.output import print_json, speaker
from ccpm.errors import NO, OK, CcpmError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ccpm.ops.claude.hooks import Call

PROGRAM = "ccpm-hook"
_say = speaker(PROGRAM)
VERBS = {
    "SessionStart": "a session begins: identity, registration, a few lines of context",
    "SubagentStart": "a subagent begins",
    "PreToolUse": "an edit or a Bash command is about to run: refused where the file is another agent's",
    "PostToolUse": "a tool has run: sign of life, messages, versions of edited plans",
    "Stop": "a turn is over: locks are released, tasks and files stay",
    "SubagentStop": "a subagent has ended: all that it had is free",
    "SessionEnd": "a session has ended: all that it had is free",
    "WorktreeCreate": "a worktree is needed: made by the rules of ccpm-worktree; prints its path",
    "WorktreeRemove": "a worktree is to go: what is unsaved in it is rescued first",
}
DEADLINE = {"SessionEnd": 1.2, "WorktreeCreate": 240.0, "WorktreeRemove": 50.0}
"""Seconds for an event, else `USUAL`. Claude Code gives a SessionEnd 1.5 s, the others as long as the settings say."""
USUAL = 8.0

LARGEST = 64 << 20
"""Bytes of input that are read."""


def run(argv: list[str]) -> int:
    try:
        event, strict, blocks = _arguments(argv)
    except UsageError as error:
        from ccpm.cli import report

        report(PROGRAM, error, False)
        return NO  # not 2, with which a hook blocks a tool: this one may only be older than the settings that call it
    if not event:
        sys.stdout.write(usage(PROGRAM, VERBS))
        return OK
    _set_deadline(event, blocks)
    if event == "WorktreeCreate":
        return _create_worktree()
    afterwards: list[Callable[[], None]] = []
    try:
        answer = _answer(event, strict, afterwards)
    except Exception as error:
        answer = _failure(event, blocks, _words(error))
    if answer:
        print_json(answer)
        sys.stdout.flush()
    for action in afterwards:
        action()
    return OK


def _create_worktree() -> int:
    """Standard output is the path, and nothing else may be there. A status of 1 makes Claude Code give up."""
    try:
        from ccpm.ops.claude import hook_worktrees

        path = hook_worktrees.create(_call("WorktreeCreate", False), _say)
    except Exception as error:
        _say(_words(error))
        return NO
    sys.stdout.write(f"{path}\n")
    return OK


def _answer(event: str, strict: bool, afterwards: list[Callable[[], None]]) -> dict[str, Any]:
    from ccpm.ops.claude import hooks

    call = _call(event, strict)
    answer = hooks.answer(call)
    if _is_set("CCPM_HOOK_SHADOW"):
        answer = hooks.shadowed(call, answer)
    afterwards += call.afterwards
    return answer


def _call(event: str, strict: bool) -> Call:
    from ccpm.core import quick_json
    from ccpm.ops.claude import hooks

    data = quick_json.loads(sys.stdin.buffer.read(LARGEST))
    if not isinstance(data, dict):
        raise UsageError("standard input is not the JSON object that Claude Code gives a hook")
    return hooks.Call(event, data, strict)


def _words(error: Exception) -> str:
    if isinstance(error, CcpmError):
        return f"{error.message} ({error.hint})" if error.hint else error.message
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    if os.environ.get("CCPM_DEBUG"):
        raise error
    return f"{type(error).__name__}: {error}; set CCPM_DEBUG=1 for a traceback"


def _arguments(argv: list[str]) -> tuple[str, bool, bool]:
    """(event, whether files have to be claimed, whether a failure blocks). Settings in the environment serve where the
    command in the settings file is to stay as it is."""
    event, rest = split_verb(PROGRAM, argv, VERBS)
    if event == "help":
        return "", False, False
    parser = Parser(PROGRAM, event, VERBS[event])
    parser.add_argument(
        "--strict", action="store_true", help="an edit needs a claim (also: CCPM_HOOK_STRICT=1)"
    )
    parser.add_argument(
        "--block-on-failure",
        action="store_true",
        help="refuse the call where the hook itself fails (also: CCPM_HOOK_BLOCK=1)",
    )
    args = parser.parse_args(rest)
    return (
        event,
        args.strict or _is_set("CCPM_HOOK_STRICT"),
        args.block_on_failure or _is_set("CCPM_HOOK_BLOCK"),
    )


def _is_set(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def _failure(event: str, blocks: bool, what: str) -> dict[str, Any]:
    """The answer of a hook that failed: words for the user; the call passes, or is refused."""
    text = f"{PROGRAM} {event} failed: {what}"
    if event == "PreToolUse" and blocks:
        reason = f"CCPM cannot tell whether this is allowed: {text}. Tell the user."
        decision = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        return {"hookSpecificOutput": {"hookEventName": event, **decision}}
    passed = "; the call was let through" if event == "PreToolUse" else ""
    return {"systemMessage": text + passed}


def _set_deadline(event: str, blocks: bool) -> None:
    """End this process when its time is over. The module `signal` costs an import of `enum`; the one below does not."""
    import _signal  # type: ignore[import-not-found,unused-ignore]

    seconds = DEADLINE.get(event, USUAL)

    def expire(*_: object) -> NoReturn:
        import json

        what = f"no answer within {seconds:g} s"
        if event == "WorktreeCreate":
            os.write(2, f"{PROGRAM}: {what}\n".encode())
            os._exit(NO)
        os.write(1, (json.dumps(_failure(event, blocks, what)) + "\n").encode())
        os._exit(OK)

    _signal.signal(_signal.SIGALRM, expire)
    _signal.setitimer(_signal.ITIMER_REAL, seconds)
