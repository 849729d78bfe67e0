"""A project whose remote is on the fake GitHub, helpers that run in it through the real gh, and what both sides say
then.

`Project(folder, hub).run("sync", "epic", "auth")` starts the helper as bin/ccpm does. A `gh` that kills can stand in
front of the real one: `run(…, kill=Kill(at=3, when="after"))` kills the helper at its third request, before it is
sent or after it was carried out and before its answer is known.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from fakes.running import FakeGitHub

LIB = Path(os.environ.get("CCPM_LIB_UNDER_TEST") or Path(__file__).parents[2] / "lib").resolve()
PYTHON = (LIB / ".python").read_text().strip()
LIMIT = 120.0

FAST = "spacing=0.001,per_minute=100000,per_hour=100000,points=1000000"
"""Rules of the budget, and of the fake, under which nobody waits."""

FAKE_FAST = "per_minute=100000,per_hour=100000,points=1000000"

EPIC = ".claude/epics/auth"

_KILLER = """#!/bin/sh
count=$(($(cat "$TEST_COUNT" 2>/dev/null) + 1))
echo "$count" >"$TEST_COUNT"
[ "$count" = "$TEST_KILL_AT" ] || exec "$TEST_GH" "$@"
[ "$TEST_KILL_WHEN" = before ] || "$TEST_GH" "$@" >/dev/null 2>&1
kill -KILL "$PPID"
sleep 5
"""


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


class Kill(NamedTuple):
    """Kill the helper at its request number `at`: `when` "before" it is sent, or "after" it was carried out."""

    at: int
    when: str


class Project:
    """`hub`: the fake GitHub that its gh talks to; None: the real gh, which reaches nothing."""

    def __init__(
        self, path: Path, hub: FakeGitHub | None = None, remote: str = "https://github.com/octo/shop.git"
    ) -> None:
        self.path = path
        self.hub = hub
        if not path.exists():
            (path / ".claude").mkdir(parents=True)
            git = path / ".git"
            subprocess.run(["git", "init", "-q", str(path)], check=True)
            if remote:
                with (git / "config").open("a") as config:
                    config.write(f'[remote "origin"]\n\turl = {remote}\n')

    def copy(self, path: Path, hub: FakeGitHub | None = None) -> Project:
        shutil.copytree(self.path, path, symlinks=True)
        return Project(path, hub or self.hub)

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, name: str) -> str:
        return (self.path / name).read_text()

    def make_epic(self, tasks: int, name: str = "auth") -> None:
        """An epic whose tasks depend on the first one and on each other, and name each other in their text."""
        self.write(
            f".claude/epics/{name}/epic.md", f"---\nname: {name}\nstatus: backlog\n---\n\n# Epic: {name}\n"
        )
        for number in range(1, tasks + 1):
            before = f"{number - 1:03d}" if number > 1 else ""
            depends = f"[001, {before}]" if number > 2 else f"[{before}]"
            self.write(
                f".claude/epics/{name}/{number:03d}.md",
                f"---\nname: Task {number}\nstatus: open\ndepends_on: {depends}\nparallel: true\n---\n\n{text_of(number)}",
            )

    def environment(self, **more: str) -> dict[str, str]:
        base = {"HOME": "/nonexistent", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        base |= {"CCPM_GITHUB_RULES": FAST, "CCPM_SYNC_LOOKUPS": "0,0.05,0.1"}
        base |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        return {**base, **(self.hub.env if self.hub else {}), **more}

    def start(self, *arguments: str, kill: Kill | None = None, **more: str) -> subprocess.Popen[str]:
        environment = self.environment(**more)
        if kill:
            environment |= self._killer(kill)
        return subprocess.Popen(
            [PYTHON, "-S", "-E", str(LIB / "main.py"), *arguments],
            cwd=self.path,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, stdin: str = "", kill: Kill | None = None, **more: str) -> Done:
        process = self.start(*arguments, kill=kill, **more)
        out, err = process.communicate(stdin, timeout=LIMIT)
        return Done(process.returncode, out, err)

    def ok(self, *arguments: str, stdin: str = "", **more: str) -> dict[str, Any]:
        """Run a helper with --json that has to succeed; its data."""
        done = self.run(*arguments, "--json", stdin=stdin, **more)
        assert done.status == 0, f"{' '.join(arguments)} ended with {done.status}: {done.err}"
        return done.data

    def _killer(self, kill: Kill) -> dict[str, str]:
        folder = self.path.parent / f"{self.path.name}-killer"
        folder.mkdir(exist_ok=True)
        (folder / "gh").write_text(_KILLER)
        (folder / "gh").chmod(0o755)
        (folder / "count").write_text("0")
        gh = shutil.which("gh")
        assert gh
        return {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "TEST_COUNT": str(folder / "count"),
            "TEST_GH": gh,
            "TEST_KILL_AT": str(kill.at),
            "TEST_KILL_WHEN": kill.when,
        }


def text_of(number: int) -> str:
    return f"# Task {number}\n\nAfter 001 and 002 comes 003; see 1.md, #{number} and [001].\n\n---\n\ndepends_on: [001]\n"


def check_synced(project: Project, tasks: int, first: int = 1, name: str = "auth") -> None:
    """Nothing twice, nothing lost, files and references right. `first`: the number of the epic's issue."""
    assert project.hub
    state = project.hub.state()
    mine = [
        issue for issue in state["issues"] if f"epic:{name}" in [label["name"] for label in issue["labels"]]
    ]
    titles = [issue["title"] for issue in sorted(mine, key=lambda issue: str(issue["number"]).zfill(6))]
    assert titles == [f"Epic: {name}", *(f"Task {n}" for n in range(1, tasks + 1))], (
        f"twice or lost: {titles}"
    )
    by_title = {issue["title"]: issue for issue in mine}
    parent = by_title[f"Epic: {name}"]["number"]
    numbers = {n: by_title[f"Task {n}"]["number"] for n in range(1, tasks + 1)}
    assert sorted(state["children"][str(parent)]) == sorted(numbers.values())
    folder = project.path / ".claude/epics" / name
    names = {f"{number}.md" for number in numbers.values()} | {
        "epic.md",
        "github-mapping.md",
        "sync-state.json",
    }
    assert {path.name for path in folder.iterdir()} == names
    for n, number in numbers.items():
        block, body = (folder / f"{number}.md").read_text().split("\n---\n", 1)
        assert body == "\n" + text_of(n)
        before = [numbers[n - 1]] if n > 1 else []
        depends = [numbers[1], *before] if n > 2 else before
        assert f"\ndepends_on: [{', '.join(map(str, depends))}]\n" in block, block
        assert f"\ngithub: https://github.com/octo/shop/issues/{number}" in block, block
        issue_body = by_title[f"Task {n}"]["body"]
        assert re.sub(r"\n\n<!-- ccpm:[0-9a-f-]{36} -->$", "", issue_body) == text_of(n).strip("\n")
    assert f"github: https://github.com/octo/shop/issues/{parent}\n" in (folder / "epic.md").read_text()
