"""One call of a hook, as Claude Code makes it: through a shell, JSON on standard input, JSON or nothing back."""

from __future__ import annotations

import os

SECONDS = 10.0
"""The timeout that the settings give our hooks."""


def problem(command: str, event: str, top: str) -> str:
    """What is wrong with the answer of `command` to an `event` that asks for nothing, or "" if it is right."""
    import json
    import subprocess

    call = {
        "session_id": "ccpm-doctor",
        "cwd": top,
        "hook_event_name": event,
        "tool_name": "Bash",
        "tool_input": {"command": "true"},
    }
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            input=json.dumps(call).encode(),
            capture_output=True,
            cwd=top,
            env={**os.environ, "CLAUDE_PROJECT_DIR": top},
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS:g} s"
    words = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1][:200]
    if done.returncode:
        return f"it exits with {done.returncode}" + (f": {words}" if words else "")
    if not done.stdout.strip():
        return ""
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return f"its answer is not JSON: {done.stdout[:60]!r}"
    if isinstance(answer, dict) and "systemMessage" in answer:
        return str(answer["systemMessage"])[:200]
    return "" if isinstance(answer, dict) else "its answer is no JSON object"
