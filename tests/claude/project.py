"""A project with CCPM in it, and sessions of Claude Code that work there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from fakes.model import Model

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "tests/docs/example"
LIMIT = 120.0
"""Seconds after which a session counts as stuck."""


def _find() -> str:
    """The executable of the platform package that npm chose; the one of the main package is made by an install script."""
    packages = REPOSITORY / "build/claude/node_modules/@anthropic-ai"
    found = sorted(path for path in packages.glob("claude-code-*/claude*") if os.access(path, os.X_OK))
    return str(found[0]) if found else ""


CLAUDE = _find()


class Ended(NamedTuple):
    """How a session ended: its exit status, what it printed, and what it said on standard error."""

    status: int
    out: str
    err: str


class Project:
    """`base` holds the project's folder (`top`) and an empty home."""

    def __init__(self, base: Path) -> None:
        self.base = base.resolve()
        self.top = self.base / "project"
        self.home = self.base / "home"

    def create(self) -> None:
        """A git repository with CCPM installed and an epic `auth`, all committed."""
        self.home.mkdir()
        self.top.mkdir()
        shutil.copytree(EXAMPLE, self.top / ".claude")
        (self.top / "src/db").mkdir(parents=True)
        (self.top / "src/db/schema.sql").write_text("create table users;\n")
        (self.top / "src/main.py").write_text("print('hello')\n")
        self.must("git", "init", "-q", "-b", "main", ".")
        self.must("bash", str(REPOSITORY / "install.sh"), "--yes", str(self.top))
        self.must("git", "add", "-A")
        self.must("git", "commit", "-q", "-m", "start")

    def must(self, *command: str) -> str:
        """The standard output of a command in the project that has to succeed."""
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.top,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    def environment(self, **variables: str) -> dict[str, str]:
        git = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}
        path = os.environ.get("PATH", os.defpath)
        return {**git, "HOME": str(self.home), "PATH": path, "LC_ALL": "C.UTF-8", **variables}

    def start(self, model: Model, prompt: str, *options: str, **variables: str) -> subprocess.Popen[str]:
        """A running session `claude -p PROMPT OPTIONS…` in the project. Its end is awaited with `finish`."""
        return subprocess.Popen(
            [CLAUDE, "-p", prompt, *options],
            cwd=self.top,
            env=self.environment(**model.environment(), **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def claude(self, model: Model, prompt: str, *options: str, **variables: str) -> Ended:
        """A whole session."""
        return finish(self.start(model, prompt, *options, **variables))

    def talk(self, model: Model, prompts: list[str]) -> Ended:
        """One session that is given several prompts, each when the one before it is answered."""
        streams = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
        said = [{"type": "user", "message": {"role": "user", "content": prompt}} for prompt in prompts]
        done = subprocess.run(
            [CLAUDE, "-p", *streams],
            cwd=self.top,
            env=self.environment(**model.environment()),
            input="".join(json.dumps(one) + "\n" for one in said),
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


def finish(session: subprocess.Popen[str]) -> Ended:
    try:
        out, err = session.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        session.kill()
        session.communicate()
        raise
    return Ended(session.returncode, out, err)
