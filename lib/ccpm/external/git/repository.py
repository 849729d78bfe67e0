"""git, run without a shell: one repository, its commands, their answers.

Contract
    repository = Repository.around(top)               Unavailable (69) without git or without a repository
    repository.text("rev-parse", "HEAD")              standard output without the last newline
    repository.run("diff", …, at=worktree, allow=(1,))  an Answer; a status that is not allowed is an IOFailure (74)

Guarantees
- Commands run in the repository meant, whatever GIT_DIR, GIT_INDEX_FILE and their kin a hook has set around us.
- Paths pass through as the bytes that they are (surrogateescape); nothing is ever quoted or parsed by a shell.
- A command that met another process's lock file (config.lock, packed-refs.lock) is tried again for `PATIENCE` seconds.

Non-guarantee: a lock file that a killed git left behind is not removed; the error names it.
"""

from __future__ import annotations

import os
import time

from ccpm.errors import IOFailure, Unavailable

PATIENCE = 5.0
"""Seconds for which a command that finds a lock file of another git process is repeated."""

OLDEST = (2, 38)
"""The first git with `merge-tree --write-tree` (its release notes)."""

TIMED_OUT = 124
"""The status of a command that was stopped (that of timeout(1))."""

_OUTSIDE = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH",
)  # fmt: skip
"""What git sets for its hooks. A helper that runs below a hook means its own repository."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen


class Answer:
    """How a git command ended: `status`, `out` (bytes), `err` (text)."""

    __slots__ = ("err", "out", "status")

    def __init__(self, status: int, out: bytes, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def text(self) -> str:
        return os.fsdecode(self.out).rstrip("\n")

    @property
    def fields(self) -> list[str]:
        """NUL-terminated fields (`-z`)."""
        return os.fsdecode(self.out).split("\0")[:-1]


class Repository:
    """The repository with the common directory `common`, of the project at `top`."""

    __slots__ = ("_identity", "common", "top")

    def __init__(self, top: str, common: str) -> None:
        self.top = top
        self.common = common
        self._identity: dict[str, str] | None = None

    @classmethod
    def around(cls, top: str) -> Repository:
        """The repository of the project at `top`; also where `top` only holds a bare one (project/.bare)."""
        for folder in (top, os.path.join(top, ".bare"), os.curdir):
            if not os.path.isdir(folder):
                continue
            answer = _run(["-C", folder, "rev-parse", "--path-format=absolute", "--git-common-dir"])
            if answer.status == 0:
                return cls(top, os.path.realpath(answer.text))
        raise Unavailable(
            f"{top} is no git repository", "worktrees and merges need one: git init, and a first commit"
        )

    @classmethod
    def create(cls, path: str) -> Repository:
        """A new repository in the folder `path`, which is made if it is not there."""
        arguments = ["init", "--quiet", path]
        answer = _run(arguments)
        if answer.status:
            raise _failure(tuple(arguments), answer)
        return cls(path, os.path.join(os.path.realpath(path), ".git"))

    @property
    def is_bare(self) -> bool:
        return self.text("config", "--bool", "core.bare", allow=(0, 1)) == "true"

    def run(
        self,
        *arguments: str,
        at: str = "",
        stdin: bytes = b"",
        variables: dict[str, str] | None = None,
        allow: tuple[int, ...] = (0,),
        seconds: float | None = None,
    ) -> Answer:
        """`git ARGUMENTS` in the worktree `at` (without it: on the repository alone).

        IOFailure (74) with git's own words if it ends with a status that is not in `allow`. `seconds`: how long it may
        take, then it is stopped and its status is `TIMED_OUT`.
        """
        where = ["-C", at] if at else [f"--git-dir={self.common}"]
        deadline = time.monotonic() + PATIENCE
        pause = 0.01
        while True:
            answer = _run([*where, *arguments], stdin, variables, seconds, self.common)
            if answer.status in allow:
                return answer
            if not _met_a_lock(answer.err) or time.monotonic() > deadline:
                raise _failure(arguments, answer)
            time.sleep(pause * (1 + os.getpid() % 7 / 7))
            pause = min(pause * 2, 0.3)

    def text(self, *arguments: str, at: str = "", allow: tuple[int, ...] = (0,)) -> str:
        return self.run(*arguments, at=at, allow=allow).text

    def lines(self, *arguments: str, at: str = "", allow: tuple[int, ...] = (0,)) -> list[str]:
        return self.run(*arguments, at=at, allow=allow).text.splitlines()

    def start(self, *arguments: str) -> Popen[bytes]:
        """`git ARGUMENTS` with pipes to its standard input, output and error, for a conversation."""
        import subprocess

        pipe = subprocess.PIPE
        argv = ["git", f"--git-dir={self.common}", *arguments]
        return subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(None), cwd=self.common
        )

    def identity(self) -> dict[str, str]:
        """Variables under which a commit can be made: the user's own identity, else one of ours. A rescue must not
        fail because nobody has set user.name."""
        if self._identity is None:
            known = _run(["-C", self.common, "var", "GIT_COMMITTER_IDENT"]).status == 0
            name, address = ("", "") if known else ("CCPM", "ccpm@localhost")
            self._identity = {
                f"GIT_{role}_{key}": value
                for role in ("AUTHOR", "COMMITTER")
                for key, value in (("NAME", name), ("EMAIL", address))
                if value
            }
        return self._identity

    def require_merge_tree(self) -> None:
        """Unavailable (69) if this git is older than `OLDEST`."""
        words = self.text("version").split()
        numbers = [int(part) for part in words[2].split(".")[:2] if part.isdigit()]
        if tuple(numbers) < OLDEST:
            raise Unavailable(f"git {words[2]} cannot merge without a work tree", "install git 2.38 or newer")


def _run(
    arguments: list[str],
    stdin: bytes = b"",
    variables: dict[str, str] | None = None,
    seconds: float | None = None,
    folder: str | None = None,
) -> Answer:
    """`folder`: where it starts. Our own current directory may be the one that was just removed."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", *arguments],
            input=stdin,
            capture_output=True,
            env=_environment(variables),
            timeout=seconds,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(TIMED_OUT, b"", f"fatal: no answer within {seconds:g} s")
    except FileNotFoundError:
        raise Unavailable("git is not installed, or not in PATH", "install git 2.38 or newer") from None
    return Answer(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace").strip())


def clean_environment() -> dict[str, str]:
    """Our environment without what git sets for its hooks: for commands that shall see their own repository."""
    return {name: value for name, value in os.environ.items() if name not in _OUTSIDE}


def _environment(variables: dict[str, str] | None) -> dict[str, str]:
    fixed = {"LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    return {**clean_environment(), **fixed, **(variables or {})}


def _met_a_lock(words: str) -> bool:
    return ".lock': File exists" in words or "could not lock config file" in words


def _failure(arguments: tuple[str, ...], answer: Answer) -> IOFailure:
    words = answer.err.splitlines() or [f"status {answer.status}"]
    telling = next((line for line in words if line.startswith(("fatal:", "error:"))), words[0])
    shown = " ".join(argument for argument in arguments[:3] if not argument.startswith("-"))
    hint = "if no git command runs here, a killed one left the lock file that the message names"
    return IOFailure(
        f"git {shown} failed: {telling.partition(': ')[2] or telling}",
        hint if _met_a_lock(answer.err) else "",
        status=answer.status,
        stderr=answer.err[-2000:],
    )
