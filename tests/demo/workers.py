"""The worker processes: started, watched, stopped at gates, ended.

A gate makes an interleaving certain: a worker that reaches it leaves its pid and its fences there and waits until the
gate is opened. It belongs to a point of a task, not to a worker, because nobody knows beforehand who takes the task.
Only the first worker that comes is held up.

Each worker is started in a session of its own, so that nothing it leaves running goes unnoticed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from demo.project import EPIC, Project

WORKER = Path(__file__).resolve().parent / "worker.sh"


@dataclass(frozen=True)
class Visitor:
    """Who waits at a gate, and the leases {resource: token} it holds there."""

    agent: str
    pid: int
    fences: dict[str, int]


class Gate:
    """A point of a task at which the first worker that comes waits: `Gate(project, "002", "step-5")`."""

    def __init__(self, project: Project, task: str, point: str) -> None:
        self._folder = project.notes / "gates" / f"{task}.{point}"
        self._folder.mkdir(parents=True)

    def visitor(self) -> Visitor | None:
        try:
            text = (self._folder / "visitor").read_text()
        except FileNotFoundError:
            return None
        if not text.endswith("\n"):
            return None
        agent, pid, fences = text.split()
        pairs = (fence.rsplit(":", 1) for fence in fences.split(","))
        return Visitor(agent, int(pid), {resource: int(token) for resource, token in pairs})

    def open(self) -> None:
        (self._folder / "open").touch()


class Crew:
    """The workers of one run, by agent id."""

    def __init__(self, project: Project, size: int, steps: int, pace: float) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for number in range(1, size + 1):
            agent = f"worker-{number}"
            with (project.notes / f"{agent}.err").open("wb") as words:
                self._running[agent] = subprocess.Popen(
                    ["bash", str(WORKER), EPIC, str(steps), str(pace)],
                    cwd=project.top,
                    env={**project.environment(), "CCPM_AGENT_ID": agent, "DEMO_NOTES": str(project.notes)},
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=words,
                    start_new_session=True,
                )

    def statuses(self) -> dict[str, int | None]:
        """How each worker ended (-9: killed by signal 9), None while it runs."""
        return {agent: process.poll() for agent, process in self._running.items()}

    def kill(self, agent: str) -> None:
        process = self._running[agent]
        process.send_signal(signal.SIGKILL)
        process.wait()

    def pause(self, agent: str) -> None:
        """Stop the worker and return when it has stopped."""
        pid = self._running[agent].pid
        os.kill(pid, signal.SIGSTOP)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"{agent} ended before it could be stopped")

    def resume(self, agent: str) -> None:
        self._running[agent].send_signal(signal.SIGCONT)

    def leftovers(self, patience: float = 5.0) -> list[str]:
        """The workers of whose sessions a process still runs after `patience` seconds."""
        deadline = time.monotonic() + patience
        while True:
            left = [agent for agent, process in self._running.items() if _runs(process.pid)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.05)

    def end(self) -> None:
        """End whatever still runs."""
        for process in self._running.values():
            if process.poll() is None or _runs(process.pid):
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.wait()


def _runs(group: int) -> bool:
    """Whether a process of that group runs. A zombie does not: who adopts it may reap it late, or never."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS refuses where only zombies are left
        return False
    return any(found == group and not state.startswith("Z") for found, state in _groups())


def _groups() -> Iterator[tuple[int, str]]:
    """(process group, state) of every process, from proc(5) where there is one, else from ps(1)."""
    if Path("/proc/self/stat").exists():
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            except (OSError, ValueError):  # it ended meanwhile
                continue
            yield int(group), state
        return
    listed = subprocess.run(
        ["ps", "-A", "-o", "pgid=", "-o", "stat="], capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        words = line.split()
        yield int(words[0]), words[1]
