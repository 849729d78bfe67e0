"""The agents of the second act: who they are, where they work, and how they are run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from demo.project import Project

EPIC = "shelves"
CHECK = "sh check.sh"
SCRIPT = Path(__file__).with_name("agent.sh")

CHECK_SCRIPT = """\
#!/bin/sh
# The project's check: every part can be run.
set -e
for part in src/*.sh; do sh "$part" >/dev/null; done
"""


class Team:
    """The agents of EPIC in `project`; `run` acts for one of them, in its own worktree once it has one."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.worktrees: dict[str, Path] = {}

    def run(self, agent: str, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.worktrees.get(agent, self.project.top),
            env=self.environment(agent, **variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def must(self, agent: str, *command: str) -> str:
        done = self.run(agent, *command)
        if done.returncode:
            raise RuntimeError(
                f"{agent}: {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    def environment(self, agent: str, **variables: str) -> dict[str, str]:
        return {**self.project.environment(), "CCPM_AGENT_ID": agent, **variables}

    def join(self, agent: str) -> None:
        """Give the agent a worktree."""
        self.worktrees[agent] = Path(self.must(agent, "ccpm-worktree", "add", EPIC))

    def start(self, agent: str, pace: float, **variables: str) -> subprocess.Popen[bytes]:
        """Let the agent work off tasks, as a process of its own."""
        return subprocess.Popen(
            ["bash", str(SCRIPT), EPIC, str(self.worktrees[agent]), str(pace)],
            env=self.environment(agent, **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def write(self, agent: str, file: str, text: str) -> None:
        path = self.worktrees[agent] / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, agent: str, message: str) -> subprocess.CompletedProcess[str]:
        self.must(agent, "git", "add", "-A", "src")
        return self.run(agent, "git", "commit", "-q", "-m", message)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here, with its session."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()
