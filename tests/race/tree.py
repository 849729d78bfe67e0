"""The tree under test, and how the race tests start things in it.

    LIB                       its lib folder: $CCPM_LIB_UNDER_TEST, by default the repository's
    project.run("lock", …)    a helper through its public launcher, bin/ccpm-lock, to the end
    project.start("lock", …)  the same, running
    play("queue.in_order", project, waiters=8)
                              a scene (tests/race/scenes): processes forked from one interpreter that call the library;
                              for tests of the algorithm, where the start of a helper would only blur the race

The seeded bugs (tests/race/seeded_bugs.py) run these same tests against a changed copy of the tree.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
LIB = Path(os.environ.get("CCPM_LIB_UNDER_TEST") or TESTS.parent / "lib").resolve()
BIN = LIB.parent / "bin"
PYTHON = (LIB / ".python").read_text().strip()

LIMIT = float(os.environ.get("TEST_LIMIT") or 60)
"""Seconds after which a helper or a scene counts as stuck: few where a seeded bug is to make it so."""


class Done(NamedTuple):
    """How a helper ended: its exit status (-N: by signal N), standard output and standard error."""

    status: int
    out: str
    err: str


class Project:
    """A folder with .claude/, in which helpers are run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".claude").mkdir(parents=True)
        (path / ".git").mkdir()  # ends the search for the root here

    @property
    def locks(self) -> Path:
        return self.path / ".claude" / "locks"

    def record(self, resource: str) -> Path:
        return self.locks / f"{resource}.lock"

    def start(self, helper: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        argv = [str(BIN / f"ccpm-{helper}"), *arguments]
        return self.spawn(argv, **variables)

    def spawn(self, argv: list[str], **variables: str) -> subprocess.Popen[str]:
        """`argv` with pipes for its standard streams; it inherits no other descriptor."""
        pipe = subprocess.PIPE
        env = {**environment(), **variables}
        return subprocess.Popen(argv, cwd=self.path, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run(self, helper: str, *arguments: str, stdin: str = "", **variables: str) -> Done:
        return finish(self.start(helper, *arguments, **variables), stdin)

    def ok(self, helper: str, *arguments: str, stdin: str = "", **variables: str) -> str:
        """Run a helper that has to succeed; its standard output without the last newline."""
        done = self.run(helper, *arguments, stdin=stdin, **variables)
        assert done.status == 0, f"{helper} {' '.join(arguments)} ended with {done.status}: {done.err}"
        return done.out.rstrip("\n")

    def check(self, resource: str) -> dict[str, Any]:
        """What `ccpm-lock check --json` says."""
        found: dict[str, Any] = json.loads(self.run("lock", "check", resource, "--json").out)
        return found

    def events(self, kind: str) -> list[dict[str, Any]]:
        log = self.path / ".claude" / "metrics" / "events.jsonl"
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [event for event in events if event["event"] == kind]


def finish(process: subprocess.Popen[str], stdin: str = "", limit: float = LIMIT) -> Done:
    """Wait for a started helper; kill it and fail when it takes longer than `limit` seconds."""
    try:
        out, err = process.communicate(stdin, timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {limit:g} s: {process.args}\n{out}{err}") from None
    return Done(process.returncode, out, err)


def environment() -> dict[str, str]:
    return {
        "HOME": "/nonexistent",
        "PATH": f"{BIN}:{os.defpath}",
        "LC_ALL": "C.UTF-8",
        "CCPM_LIB_UNDER_TEST": str(LIB),
    }


def play(scene: str, project: Project, limit: float = LIMIT, **options: object) -> dict[str, Any]:
    """Run a scene in an interpreter of its own and return what it reports."""
    script = str(TESTS / "race" / "play.py")
    argv = [PYTHON, "-S", "-E", script, scene, str(project.path), str(limit), json.dumps(options)]
    done = finish(project.spawn(argv), limit=limit + 10)
    assert done.status == 0, f"scene {scene} failed:\n{done.err}"
    report: dict[str, Any] = json.loads(done.out)
    return report
