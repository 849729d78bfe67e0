"""The throw-away project of a demo: a git repository with the installed tools and the example epic.

BASE/reading list/    the repository (the blank in its name is on purpose)
BASE/notes/           what workers and driver noted down, outside of the repository and of the tools
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).resolve().parent / "example"
EPIC = "reading-list"

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.org",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.org",
}


@dataclass(frozen=True)
class Project:
    """Where things are below `base`."""

    base: Path

    @property
    def top(self) -> Path:
        return self.base / "reading list"

    @property
    def notes(self) -> Path:
        return self.base / "notes"

    @property
    def epic(self) -> Path:
        return self.top / ".claude" / "epics" / EPIC

    @property
    def claude(self) -> Path:
        return self.top / ".claude"

    def environment(self) -> dict[str, str]:
        """What a process of the demo inherits: the user's environment without his agents, locks and git settings."""
        ours = ("CCPM_", "CLAUDE", "GIT_", "DEMO_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        kept.pop("AGENT_ID", None)
        kept["PATH"] = f"{self.claude / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"
        return {**kept, **_GIT, "TMPDIR": str(self.notes / "tmp")}

    def run(
        self, *command: str, agent: str = "demo-driver", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the repository, with the installed tools first on PATH; its status is the caller's."""
        return subprocess.run(
            command,
            cwd=self.top,
            env={**self.environment(), "CCPM_AGENT_ID": agent, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def must(self, *command: str, variables: dict[str, str] | None = None) -> str:
        """Like `run`, for what has to succeed: its standard output."""
        done = self.run(*command, variables=variables)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
        return done.stdout


def create() -> Project:
    """A fresh project: repository, tools, epic, first commit."""
    project = Project(Path(tempfile.mkdtemp(prefix="ccpm-demo-")).resolve())
    try:
        (project.notes / "tmp").mkdir(parents=True)
        project.top.mkdir()
        project.must("git", "init", "-q", "-b", "main", ".")
        project.must("bash", str(REPOSITORY / "install.sh"), str(project.top), "--yes")
        for folder in ("prds", "epics"):
            shutil.copytree(EXAMPLE / folder, project.claude / folder, dirs_exist_ok=True)
        project.must("git", "add", "-A")
        project.must("git", "commit", "-q", "-m", "Plan the reading list")
    except BaseException:
        remove(project)
        raise
    return project


def remove(project: Project) -> None:
    shutil.rmtree(project.base, ignore_errors=True)
