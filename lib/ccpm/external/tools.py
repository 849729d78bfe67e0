"""Programs on this machine that the workflow can use. Nothing here talks to a network."""

from __future__ import annotations

SECONDS = 10.0


def first_line(*command: str) -> str | None:
    """The first line that `command` prints; None if there is no such program, or it fails or takes too long."""
    import subprocess

    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").partition("\n")[0] if done.returncode == 0 else None


def has_github_token() -> bool:
    """Whether gh is logged in, as far as can be told without asking GitHub."""
    return first_line("gh", "auth", "token") is not None
