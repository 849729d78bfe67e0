"""Run a helper under strace(1): list its system calls, kill it in front of one, make one fail.

Contract
    project = Project(folder)                       a throw-away project; project.run(...) calls a helper in it
    calls = trace(project, command)                 the calls of one clean run that can matter, in order
    kill_at(project, command, call)                 SIGKILL before that call takes effect
    fail_at(project, command, call, "error=EIO")    that call fails, or lies about its result

The helper is started as bin/ccpm starts it (`python -S -E lib/main.py`), so every kill hits the real executable. The
tree under test is $CCPM_LIB_UNDER_TEST, by default the repository's lib: a seeded bug is tried on a copy.

A call is named by (name, n): strace counts the calls of one name in one process. That is exact as long as the helper
does the same again, so `kill_at` compares what it hit with what it was to hit.

What a default sweep leaves out: calls of the interpreter on its own files. They change nothing on disk, so a kill in
front of one leaves the same state as a kill in front of our next call. CCPM_SWEEP=full kills there as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

LIB = Path(os.environ.get("CCPM_LIB_UNDER_TEST") or Path(__file__).parents[2] / "lib").resolve()
PYTHON = (LIB / ".python").read_text().strip()
IS_FULL = os.environ.get("CCPM_SWEEP") == "full"

PROMPT = 15.0
"""Seconds within which a command after a crash has to end: less than the patience of a guard (20 s)."""

ENOUGH = int(os.environ.get("TEST_ENOUGH") or 8)
"""Failures after which a sweep does not go on: a broken tree breaks everywhere, a seeded bug needs but one."""

SLEEPY = 3 * (1 if "PYTEST_XDIST_WORKER" in os.environ else 2)
"""Points at a time of commands that mostly sleep."""

WORKERS = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2

_MATTERS = (
    "open openat creat read pread64 readv write pwrite64 writev close fsync fdatasync sync_file_range fallocate "
    "rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir mkdir mkdirat mknod mknodat "
    "flock fcntl ftruncate truncate chmod fchmod fchmodat chown fchown fchownat lchown "
    "setxattr fsetxattr listxattr flistxattr getxattr fgetxattr utimensat pselect6 select poll getdents64 "
    "kill exit_group"
).split()
"""Calls that change files, locks or processes, or that hold a position between two that do. A `?` tells strace to
pass over those that this architecture does not have."""

_CALL = re.compile(
    r"^(?:(?P<pid>\d+) +)?(?P<name>\w+)\((?P<arguments>.*)"
    r"(?:\) += (?P<result>\?|-?\w+)(?P<rest>.*)| <unfinished \.\.\.>)$"
)
"""A call is `unfinished` where another thread's line comes in between: as a rule the one that the process died in."""


class Done(NamedTuple):
    """How a command ended: its exit status (-N: by signal N), standard output and standard error."""

    status: int
    out: str
    err: str


class Call(NamedTuple):
    """One system call. `paths`: the files of the project that it names or has open, relative, in order."""

    name: str
    nth: int
    arguments: str
    result: str
    paths: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it touches the project, the standard streams, or ends the process."""
        standard = self.name in ("read", "write") and re.match(r"[012][<,]", self.arguments)
        return bool(self.paths or standard) or self.name == "exit_group"

    @property
    def shape(self) -> tuple[str, tuple[str, ...]]:
        """What two runs have in common of this call: tickets are times."""
        return self.name, tuple(re.sub(r"\d{9,}", "N", path) for path in self.paths)

    def __str__(self) -> str:
        return f"{self.name} #{self.nth} ({', '.join(self.paths) or self.arguments[:40]})"


class Command(NamedTuple):
    """A helper's name with its arguments, and its standard input. `bound`: with --pid of the helper's own process.
    `has_children`: it starts others, which are not to be traced, killed or failed."""

    arguments: tuple[str, ...]
    stdin: bytes = b""
    bound: bool = False
    has_children: bool = False

    @property
    def argv(self) -> list[str]:
        argv = [PYTHON, "-S", "-E", str(LIB / "main.py"), *self.arguments]
        return ["/bin/sh", "-c", 'exec "$@" --pid $$', "sh", *argv] if self.bound else argv


class Project:
    """A folder with .claude/, in which helpers are run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Project:
        (path / ".claude").mkdir(parents=True)
        (path / ".git").mkdir()  # ends the search for the root here
        return cls(path)

    def copy(self, path: Path) -> Project:
        shutil.copytree(self.path, path, symlinks=True)
        return Project(path)

    def run(self, *arguments: str, stdin: bytes = b"") -> Done:
        return self.start(Command(arguments, stdin).argv, stdin)

    def ok(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run a helper that has to succeed, promptly; its standard output."""
        done = self.run(*arguments, stdin=stdin)
        assert done.status == 0, f"{' '.join(arguments)} ended with {done.status}: {done.err}"
        return done.out

    def start(self, argv: list[str], stdin: bytes) -> Done:
        done = subprocess.run(
            argv, cwd=self.path, env=environment(), input=stdin, capture_output=True, timeout=PROMPT
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def tree(self) -> set[str]:
        """Everything in the project but its folders, relative."""
        found = set()
        for folder, _, files in os.walk(self.path):
            found |= {os.path.relpath(os.path.join(folder, name), self.path) for name in files}
        return found


def environment() -> dict[str, str]:
    return {"HOME": "/nonexistent", "PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def trace(project: Project, command: Command, is_warm: bool = False) -> tuple[Done, list[Call]]:
    """Run `command` once undisturbed; how it ended, and its calls that matter, in order. `is_warm`: it has run in
    this tree before, so that the interpreter finds all its byte code."""
    if not is_warm:
        project.copy(project.path.with_name(project.path.name + "-warm")).start(command.argv, command.stdin)
    log = project.path.with_suffix(".trace")
    names = ",".join(f"?{name}" for name in _MATTERS)
    is_fast = not command.has_children
    options = _strace(log, f"trace={names}", is_fast=is_fast, follow=is_fast)
    done = project.start(options + command.argv, command.stdin)
    calls = _parse(log, project.path)
    log.unlink()
    return done, calls


def kill_at(project: Project, command: Command, call: Call, is_exact: bool = True) -> bool:
    """Run `command` and kill it in front of `call`; False if it never came there.

    `is_exact`: whether it has to be the call of the clean run. Commands that sleep may differ in a round or two.
    """
    log = project.path.with_suffix(".trace")
    # No --seccomp-bpf: with it the signal arrives only after the call.
    inject = f"inject={call.name}:signal=KILL:when={call.nth}"
    options = _strace(log, f"trace={call.name}", inject, follow=not command.has_children)
    done = project.start(options + command.argv, command.stdin)
    hit = _parse(log, project.path)
    log.unlink()
    if done.status != -9 and not is_exact:
        return False
    assert done.status == -9, f"it ended with {done.status} before {call}"
    assert hit[-1].result == "?", f"{call} had taken effect"
    assert not is_exact or hit[-1].shape == call.shape, f"hit {hit[-1]} instead of {call}"
    return True


def fail_at(project: Project, command: Command, call: Call, fault: str, is_exact: bool = True) -> Done:
    """Run `command` with `fault` (strace's `error=EIO`, `retval=1`) in place of `call`; `is_exact`: see `kill_at`."""
    log = project.path.with_suffix(".trace")
    inject = f"inject={call.name}:{fault}:when={call.nth}"
    options = _strace(log, f"trace={call.name}", inject, is_fast=True)
    done = project.start(options + command.argv, command.stdin)
    hit = [line for line in log.read_text(errors="replace").splitlines() if "(INJECTED)" in line]
    log.unlink()
    assert hit or not is_exact, f"{call} was not reached"
    return done


def each(calls: Iterable[Call], check: Callable[[int, Call], None], workers: int = WORKERS) -> int:
    """`check(index, call)` for all calls, by `workers` at a time; how many there were. Gives up at `ENOUGH`
    failures."""
    numbered = list(enumerate(calls))
    failures: list[str] = []

    def attempt(index: int, call: Call) -> None:
        if len(failures) < ENOUGH:
            try:
                check(index, call)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failures.append(f"{call}: {error}")

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda point: attempt(*point), numbered))
    assert not failures, f"{len(failures)} of {len(numbered)} points:\n" + "\n".join(failures)
    return len(numbered)


def _strace(log: Path, *expressions: str, is_fast: bool = False, follow: bool = True) -> list[str]:
    argv = ["strace", "-y", "-s", "64", "-o", str(log), *(["-f"] if follow else [])]
    if is_fast and _has_seccomp():
        argv.append("--seccomp-bpf")
    for expression in expressions:
        argv += ["-e", expression]
    return [*argv, "--"]


_seccomp: list[bool] = []


def _has_seccomp() -> bool:
    """Whether strace can let the kernel pass over the calls that nobody asked for: three times faster."""
    if not _seccomp:
        command = ["strace", "-f", "--seccomp-bpf", "-e", "trace=close", "-o", os.devnull, "true"]
        done = subprocess.run(command, capture_output=True)
        _seccomp.append(done.returncode == 0 and not done.stderr)
    return _seccomp[0]


def _parse(log: Path, project: Path) -> list[Call]:
    inside = re.compile(re.escape(str(project)) + r"(/[^\">]*)?")
    counts: Counter[str] = Counter()
    calls = []
    main = ""
    for line in log.read_text(errors="replace").splitlines():
        match = _CALL.match(line)
        if not match:
            continue
        main = main or match["pid"]
        if match["pid"] != main:
            continue  # a child: strace counts its calls apart
        name = match["name"]
        counts[name] += 1
        arguments = re.sub(r"AT_FDCWD<[^>]*>", "AT_FDCWD", match["arguments"])
        paths = tuple((found or "/")[1:] or "." for found in inside.findall(arguments))
        calls.append(Call(name, counts[name], arguments, match["result"] or "?", paths))
    return calls
