"""The cases of a process that waits for a lock. Where it is in its rounds differs from run to run."""

from __future__ import annotations

import subprocess

from crash.case import GUARD, LOCK, QUEUE
from crash.harness import PROMPT, Command, Project, environment
from crash.lock_cases import LockCase


class WaitInVain(LockCase):
    """A waiter is killed in the queue, or while it leaves it: those behind it must not notice."""

    status = 75
    is_exact = False
    newest = 3
    files = frozenset({GUARD, LOCK})

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        project.ok("lock", "acquire", "task-1", "--agent", "holder")
        return Command(("lock", "acquire", "task-1", "--agent", "a", "--timeout", "0.1"))

    def check_interrupted(self, project: Project) -> None:
        record = self.record(project)
        assert record is not None
        assert record["agent_id"] == "holder"

    def check_succeeded(self, project: Project) -> None:
        self.check_interrupted(project)

    def check_short(self, project: Project, path: str, missing: int) -> None:
        self.check_interrupted(project)

    def recover(self, project: Project) -> None:
        project.ok("lock", "release", "task-1", "--agent", "holder")
        project.ok("lock", "acquire", "task-1", "--agent", "next", "--timeout", "0")


class WaitAndTake(LockCase):
    """A waiter gets the resource when its holder releases it, and leaves the queue in the same step."""

    is_exact = False
    starts_at = GUARD
    newest = 3
    files = frozenset({GUARD, LOCK})

    def __init__(self) -> None:
        self.releasers: dict[Project, subprocess.Popen[bytes]] = {}

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        project.ok("lock", "acquire", "task-1", "--agent", "holder")
        return Command(("lock", "acquire", "task-1", "--agent", "a", "--ttl", "0.2"))

    def start(self, project: Project) -> None:
        """As soon as somebody is in the queue, the holder lets go."""
        script = 'until [ -e "$0" ]; do sleep 0.01; done; exec "$@"'
        release = Command(("lock", "release", "task-1", "--agent", "holder")).argv
        self.releasers[project] = subprocess.Popen(
            ["/bin/sh", "-c", script, QUEUE, *release],
            cwd=project.path,
            env=environment(),
            stderr=subprocess.DEVNULL,
        )

    def check_interrupted(self, project: Project) -> None:
        if not (project.path / QUEUE).exists() and (self.record(project) or {}).get("agent_id") == "holder":
            self.releasers[project].kill()  # the waiter never came to wait
            project.ok("lock", "release", "task-1", "--agent", "holder")
        self.releasers.pop(project).wait(PROMPT)
        self.record(project)

    def recover(self, project: Project) -> None:
        project.ok("lock", "acquire", "task-1", "--agent", "next", "--timeout", "10")
