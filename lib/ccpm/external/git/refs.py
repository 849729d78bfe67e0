"""Refs: read, and move by compare-and-swap.

`Moving` is a move in two steps, so that something can be decided between them: git holds the lock of the ref from
`prepare` on, and `commit` is one rename (git-update-ref(1), --stdin). Killed in between, git sees the end of its input
and lets go: the ref stays.
"""

from __future__ import annotations

from ccpm.errors import VersionConflict
from ccpm.external.git.repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen

NOTHING = "0" * 40
"""As the old value of a ref: it must not exist. As the new one: delete it. (git takes it for SHA-256 too.)"""


class Moving:
    """`with Moving(repository, {ref: (new, old)}) as moving: … moving.commit()`.

    Entering raises VersionConflict (10) if a ref is not at its old value any more. Left without `commit`, nothing has
    moved. All refs move, or none.
    """

    __slots__ = ("_moves", "_process", "_repository")

    def __init__(self, repository: Repository, moves: dict[str, tuple[str, str]]) -> None:
        self._repository = repository
        self._moves = moves
        self._process: Popen[bytes] | None = None

    def __enter__(self) -> Moving:
        self._process = self._repository.start("update-ref", "--stdin", "-z")
        words = ["start\0"]
        for ref, (new, old) in self._moves.items():
            words.append(f"delete {ref}\0{old}\0" if new == NOTHING else f"update {ref}\0{new}\0{old}\0")
        try:
            self._say("".join(words))
            self._ask("prepare")
        except BaseException:
            self.__exit__()
            raise
        return self

    def commit(self) -> None:
        self._ask("commit")

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process:
            process.communicate()

    def _ask(self, word: str) -> None:
        assert self._process
        assert self._process.stdout
        assert self._process.stderr
        self._say(f"{word}\0")
        while line := self._process.stdout.readline():
            if line == f"{word}: ok\n".encode():
                return
        refs = ", ".join(ref.removeprefix("refs/heads/") for ref in self._moves)
        said = self._process.stderr.read().decode("utf-8", "replace").strip()
        raise VersionConflict(
            f"{refs} moved in the meantime, or is locked; nothing was changed ({said})",
            "run the command again: it starts from what is there now",
        )

    def _say(self, words: str) -> None:
        assert self._process
        assert self._process.stdin
        try:
            self._process.stdin.write(words.encode("utf-8", "surrogateescape"))
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # git has ended: the answer that does not come tells


def move(repository: Repository, ref: str, new: str, old: str) -> None:
    """Set `ref` to `new` if it is at `old`, else VersionConflict (10). `NOTHING`: see there."""
    with Moving(repository, {ref: (new, old)}) as moving:
        moving.commit()


def read(repository: Repository, ref: str) -> str:
    """The commit that `ref` leads to, "" if there is none."""
    return repository.text("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", allow=(0, 1, 128))


def branches(repository: Repository, *prefixes: str) -> dict[str, str]:
    """{branch: commit} of the local branches that begin with one of `prefixes`."""
    found = {}
    patterns = sorted({f"refs/heads/{prefix.rpartition('/')[0]}" for prefix in prefixes})
    for line in repository.lines("for-each-ref", "--format=%(objectname) %(refname)", *patterns):
        commit, _, ref = line.partition(" ")
        name = ref.removeprefix("refs/heads/")
        if name.startswith(prefixes):
            found[name] = commit
    return found


def default_branch(repository: Repository) -> tuple[str, str]:
    """(branch, remote) that work starts from: what the remote says it is, else init.defaultBranch, else what the main
    worktree has checked out, else the only branch that is no epic's. ("", "") if there is none yet."""
    for remote in remotes(repository):
        head = repository.text("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD", allow=(0, 1, 128))
        name = head.removeprefix(f"refs/remotes/{remote}/")
        if head and read(repository, head):
            return name, remote
    there = branches(repository, "")
    named = repository.text("config", "init.defaultBranch", allow=(0, 1))
    current = repository.text("symbolic-ref", "--quiet", "--short", "HEAD", allow=(0, 1, 128))
    others = [name for name in there if not name.startswith("epic/")]
    for name in (named, current if not current.startswith("epic/") else "", "main", "master", *others):
        if name in there:
            return name, ""
    return "", ""


def remotes(repository: Repository) -> list[str]:
    """Their names, `origin` first."""
    return sorted(repository.lines("remote"), key=lambda name: name != "origin")
