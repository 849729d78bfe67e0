"""What all benchmarks share: how much to measure, a throw-away project, started processes, workers that are talked to.

Every process that is started here is ended here, by its pid, also when a benchmark fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = REPOSITORY / "bin"
LIB = REPOSITORY / "lib"
PYTHON = (LIB / ".python").read_text().strip()
WORKER = [PYTHON, "-S", "-E", str(Path(__file__).with_name("worker.py")), str(LIB)]


@dataclass(frozen=True)
class Scale:
    is_quick: bool

    def pick(self, full: int, quick: int) -> int:
        return quick if self.is_quick else full

    def seconds(self, full: float) -> float:
        return 0.15 if self.is_quick else full


@dataclass(frozen=True)
class Project:
    """A folder with .claude/ of its own; `base` also holds what does not belong to the project."""

    base: Path

    @property
    def top(self) -> Path:
        return self.base / "project"

    @classmethod
    @contextlib.contextmanager
    def create(cls, where: str | None = None) -> Iterator[Project]:
        """In the folder `where`, by default that of temporary files; removed at the end."""
        base = Path(tempfile.mkdtemp(prefix="ccpm-bench-", dir=where)).resolve()
        try:
            project = cls(base)
            (project.top / ".claude").mkdir(parents=True)
            (project.top / ".git").mkdir()  # ends the search for the root
            yield project
        finally:
            shutil.rmtree(base, ignore_errors=True)

    def environment(self, agent: str = "bench") -> dict[str, str]:
        path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {"HOME": str(self.base), "PATH": path, "LC_ALL": "C", "CCPM_AGENT_ID": agent}

    def must(self, *command: str, agent: str = "bench") -> str:
        """Run a command in the project that has to succeed; its standard output."""
        done = subprocess.run(
            command,
            cwd=self.top,
            env=self.environment(agent),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def waiters(self, resource: str) -> int:
        """How many stand in the queue of `resource`."""
        path = self.top / ".claude/locks/.state" / f"{resource}.queue"
        try:
            return len(json.loads(path.read_text()))
        except FileNotFoundError:
            return 0


def clean_python(project: Project) -> str:
    """The pinned interpreter in a virtual environment without packages: what a script would start."""
    folder = project.base / "venv"
    if not folder.exists():
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python3")


def spawn(argv: list[str], environment: dict[str, str], stdin: str = os.devnull, expect: int = 0) -> float:
    """Seconds from the start of `argv` to its end. Output is dropped; another status than `expect` is an error."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    begun = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)
    _, raw = os.waitpid(pid, 0)
    took = time.perf_counter() - begun
    status = os.waitstatus_to_exitcode(raw)
    if status != expect:
        raise RuntimeError(f"{' '.join(argv)} ended with {status}, not {expect}")
    return took


def shuffled(names: list[str], round_: int) -> list[str]:
    """Another order in each round, the same in each run: nobody always comes after the slow one."""
    order = list(names)
    random.Random(round_).shuffle(order)
    return order


def until(condition: object, seconds: float = 20.0) -> None:
    """Wait until the callable `condition` holds."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the benchmark waits for does not come")
        time.sleep(0.001)


class Worker:
    """A process of worker.py: it gets one JSON line for each order and answers with one."""

    def __init__(self, project: Project, agent: str) -> None:
        self._process = subprocess.Popen(
            WORKER,
            cwd=project.top,
            env=project.environment(agent),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def send(self, do: str, **arguments: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def receive(self) -> dict[str, object]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended with status {self._process.wait()}")
        answer = json.loads(line)
        if "bug" in answer:
            raise RuntimeError(f"a worker failed: {answer['bug']}")
        return dict(answer)

    def ask(self, do: str, **arguments: object) -> dict[str, object]:
        self.send(do, **arguments)
        return self.receive()

    @property
    def stream(self) -> IO[str]:
        """What select(2) may wait on: it is readable when an answer has come."""
        assert self._process.stdout
        return self._process.stdout

    def kill(self) -> float:
        """SIGKILL; when it was sent, on the monotonic clock."""
        at = time.monotonic()
        self._process.kill()
        return at

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()


@contextlib.contextmanager
def workers(project: Project, count: int) -> Iterator[list[Worker]]:
    """`count` workers, ready: their modules are loaded."""
    crew: list[Worker] = []
    try:
        for index in range(count):
            crew.append(Worker(project, f"agent-{index}"))
        for worker in crew:
            worker.ask("ready")
        yield crew
    finally:
        for worker in crew:
            worker.end()


def together(crew: list[Worker], do: str, **arguments: object) -> list[dict[str, object]]:
    """Give all the same order, to begin at the same moment; their answers."""
    at = time.monotonic() + 0.05 + 0.002 * len(crew)
    for worker in crew:
        worker.send(do, at=at, **arguments)
    return [worker.receive() for worker in crew]
