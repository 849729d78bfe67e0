"""A throw-away git project with epics, driven through the public executables, as agents do.

project = GitProject(tmp_path / "my project", branch="trunk")
path = project.add("auth", "agent-1")
project.commit(path, {"file.txt": "text\n"}, "subject")
project.ccpm("worktree", "merge", "auth", status=12)
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from race.tree import Done, environment, finish

GIT = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}


class GitProject:
    def __init__(self, path: Path, branch: str = "main", epics: tuple[str, ...] = ("auth",)) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", branch)
        self.write({".gitignore": ".env\nbuild/\n.claude/*\n!.claude/settings.json\n"})
        for epic in epics:
            self.epic(epic)
        self.commit(path, {"base.txt": "".join(f"line {n}\n" for n in range(20))}, "base")

    def epic(self, name: str, **keys: str) -> None:
        lines = [f"name: {json.dumps(name)}", "status: in-progress", *(f"{k}: {v}" for k, v in keys.items())]
        text = "\n".join(["---", *lines, "---", "", f"# Epic: {name}", ""])
        self.write({f".claude/epics/{name}/epic.md": text})

    def write(self, files: dict[str, str | bytes], at: Path | None = None) -> None:
        for name, text in files.items():
            file = (at or self.path) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, at: Path, files: dict[str, str | bytes], subject: str) -> str:
        """Write `files`, commit all that changed in `at`; the commit."""
        self.write(files, at)
        self.git("add", "-A", at=at)
        self.git("commit", "-q", "--allow-empty", "-m", subject, at=at)
        return self.head("HEAD", at)

    def head(self, ref: str = "HEAD", at: Path | None = None) -> str:
        return self.git("rev-parse", "--verify", f"{ref}^{{commit}}", at=at)

    def has(self, ref: str) -> bool:
        done = subprocess.run(
            ["git", "-C", self.path, "rev-parse", "--verify", "--quiet", ref], capture_output=True
        )
        return done.returncode == 0

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(["git", "-C", at or self.path, *arguments], capture_output=True)
        assert done.returncode == 0, f"git {arguments}: {done.stderr.decode()}"
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def start(
        self, helper: str, *arguments: str, at: Path | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        env = {**environment(), **GIT, **variables}
        argv = [env["PATH"].split(":")[0] + f"/ccpm-{helper}", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            argv, cwd=at or self.path, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def ccpm(
        self, helper: str, *arguments: str, status: int = 0, at: Path | None = None, **variables: str
    ) -> Done:
        done = finish(self.start(helper, *arguments, at=at, **variables), limit=120)
        assert done.status == status, f"{helper} {arguments} ended with {done.status}: {done.err}\n{done.out}"
        return done

    def json(self, *arguments: str, status: int = 0, at: Path | None = None, **variables: str) -> Any:
        """What `ccpm-worktree ARGUMENTS --json` prints."""
        return json.loads(self.ccpm("worktree", *arguments, "--json", status=status, at=at, **variables).out)

    def add(self, epic: str, agent: str) -> Path:
        return Path(self.ccpm("worktree", "add", epic, "--agent", agent).out.rstrip("\n"))

    def registry(self, epic: str) -> Path:
        return self.path / ".claude" / "epics" / epic / "agents.json"

    def end_agent(self, epic: str, agent: str) -> None:
        """Let the registry say that `agent` is dead."""
        registry = json.loads(self.registry(epic).read_text())
        registry["agents"][agent] |= {
            "status": "dead",
            "ended": "2025-11-04T04:16:21Z",
            "why": "a test says so",
        }
        self.registry(epic).write_text(json.dumps(registry))

    def check_repository(self) -> None:
        """git finds nothing wrong: no damage, no ref that leads nowhere."""
        done = subprocess.run(
            ["git", "-C", self.path, "fsck", "--full", "--no-progress", "--no-dangling"],
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
