"""The commands that the crash tests kill and fail, each with what must hold afterwards.

A case prepares a project, names its command, and judges the project after the command was killed, failed or done:

    check_interrupted   killed or failed anywhere: each file is whole, old or new; nothing is lost
    check_failed        exit 74: additionally, the old content stands unless the message says otherwise
    check_succeeded     exit 0: the new content is there
    recover             the next commands succeed promptly, and leave exactly the expected files
"""

from __future__ import annotations

import re

from crash.harness import Command, Project

EVENTS = ".claude/metrics/events.jsonl"
PERHAPS = {EVENTS, ".claude/locks/.state/.waits.guard"}
"""What may be there or not after a crash: the log, and the guard of the deadlock check."""

LOCK = ".claude/locks/task-1.lock"
GUARD = ".claude/locks/.state/task-1.guard"
QUEUE = ".claude/locks/.state/task-1.queue"


class Case:
    """Base of all cases; see the module."""

    status = 0
    """The exit status of an undisturbed run."""
    is_exact = True
    """Whether two runs make the same calls in the same order."""
    files: frozenset[str] = frozenset()
    """The files of a tidy project after `recover`."""
    starts_at = ""
    """The file whose last flock(2) begins the part that is swept; "": all of it. For what another case sweeps."""
    published: tuple[str, ...] = ()
    """The files that the command publishes by renaming, in order."""

    def prepare(self, project: Project) -> Command:
        raise NotImplementedError

    def start(self, project: Project) -> None:
        """What runs beside the command, or shortly before it."""

    def check_interrupted(self, project: Project) -> None:
        raise NotImplementedError

    def check_failed(self, project: Project, message: str) -> None:
        """After exit 74 with `message`."""

    def check_succeeded(self, project: Project) -> None:
        raise NotImplementedError

    def check_short(self, project: Project, path: str, missing: int) -> None:
        """After exit 0 although one write to `path` claimed `missing` bytes that it never wrote: the rest is there."""
        raise NotImplementedError

    def recover(self, project: Project) -> None:
        raise NotImplementedError

    def check_tidy(self, project: Project) -> None:
        tree = project.tree()
        assert tree - PERHAPS == set(self.files), f"litter or loss: {sorted(tree ^ self.files - PERHAPS)}"


class AtomicWrite(Case):
    """A first write into a project that has no .claude/locks yet."""

    old = b"old line\n" * 300
    new = b"new line, and longer\n" * 400
    published = ("notes.txt",)
    files = frozenset({"notes.txt", ".claude/locks/.state/.file-notes.txt.guard"})
    options: tuple[str, ...] = ()

    def prepare(self, project: Project) -> Command:
        (project.path / "notes.txt").write_bytes(self.old)
        (project.path / "notes.txt").chmod(0o640)
        return Command(("atomic-write", "notes.txt", *self.options, "--agent", "a"), self.stdin)

    @property
    def stdin(self) -> bytes:
        return self.new

    def check_interrupted(self, project: Project) -> None:
        found = project.read("notes.txt")
        assert found in (self.old, self.new), f"torn: {len(found or b'')} bytes, {found and found[:40]!r}"
        mode = (project.path / "notes.txt").stat().st_mode & 0o7777
        assert mode == 0o640, f"mode {mode:o}"

    def check_failed(self, project: Project, message: str) -> None:
        expected = self.new if "has its new content" in message else self.old
        assert project.read("notes.txt") == expected, "exit 74, but the file does not say so"

    def check_succeeded(self, project: Project) -> None:
        assert project.read("notes.txt") == self.new

    def check_short(self, project: Project, path: str, missing: int) -> None:
        if path == ".notes.txt.ccpm-tmp":
            assert project.read("notes.txt") == self.new[missing:]

    def recover(self, project: Project) -> None:
        project.ok("atomic-write", "notes.txt", "--agent", "b", stdin=b"next\n")
        assert project.read("notes.txt") == b"next\n"


class AtomicAppend(AtomicWrite):
    options = ("--append",)
    new = AtomicWrite.old + b"one more line\n"

    @property
    def stdin(self) -> bytes:
        return b"one more line\n"

    def check_short(self, project: Project, path: str, missing: int) -> None:
        if path == ".notes.txt.ccpm-tmp":
            assert project.read("notes.txt") == self.new[missing:]


class FencedWrite(AtomicWrite):
    """A write that holds two guards: of the file, and of the resource whose token it carries."""

    files = AtomicWrite.files | {GUARD, LOCK}

    def prepare(self, project: Project) -> Command:
        token = project.ok("lock", "acquire", "task-1", "--agent", "a").strip()
        command = super().prepare(project)
        return Command((*command.arguments, "--fence", f"task-1:{token}"), command.stdin)

    def recover(self, project: Project) -> None:
        super().recover(project)
        project.ok("lock", "renew", "task-1", "--agent", "a")


class FrontmatterSet(Case):
    old = (
        b"---\nname: A task\nstatus: open   # the default\nversion: 1\nupdated: 2025-01-01T00:00:00Z\n"
        b"depends_on: [001, 010]\n---\n\n# A task\n\nstatus: open is also a line of the text\n"
    )
    new = old.replace(b"status: open ", b"status: closed ", 1).replace(b"version: 1", b"version: 2")
    published = ("001.md",)
    files = frozenset({"001.md", ".claude/locks/.state/.file-001.md.guard"})

    def prepare(self, project: Project) -> Command:
        (project.path / "001.md").write_bytes(self.old)
        change = ("--expect-version", "1", "status=closed")
        return Command(("fm-cas", "set", "001.md", *change, "--agent", "a"))

    def content(self, project: Project) -> bytes:
        found = project.read("001.md")
        assert found is not None, "the file is gone"
        return re.sub(rb"\nupdated: \d{4}-.*Z\n", b"\nupdated: 2025-01-01T00:00:00Z\n", found)

    def check_interrupted(self, project: Project) -> None:
        found = self.content(project)
        assert found in (self.old, self.new), f"torn: {found!r}"

    def check_failed(self, project: Project, message: str) -> None:
        is_written = "has its new content" in message or "standard output" in message
        assert self.content(project) == (self.new if is_written else self.old)

    def check_succeeded(self, project: Project) -> None:
        assert self.content(project) == self.new

    def check_short(self, project: Project, path: str, missing: int) -> None:
        if path == ".001.md.ccpm-tmp":
            assert self.content(project) == self.new[missing:]
            (project.path / "001.md").write_bytes(self.new)  # strace tore it, not we

    def recover(self, project: Project) -> None:
        version = b"1" if b"version: 1" in self.content(project) else b"2"
        done = project.run("fm-cas", "set", "001.md", "--expect-version", version.decode(), "status=blocked")
        assert done.status == 0, done.err
        assert b"status: blocked" in self.content(project)


class LockCase(Case):
    """What the cases of ccpm-lock share. Tokens before the command: 1 to `newest`."""

    files = frozenset({GUARD})
    newest = 2

    def use_up_tokens(self, project: Project) -> None:
        for _ in range(2):
            project.ok("lock", "acquire", "task-1", "--agent", "before")
            project.ok("lock", "release", "task-1", "--agent", "before")

    def record(self, project: Project) -> dict[str, str] | None:
        """The lock record as its keys and values, after a check that it is whole; None if there is none."""
        data = project.read(LOCK)
        if data is None:
            return None
        lines = data.decode().split("\n")
        assert (lines[0], lines[-2:]) == ("---", ["---", ""]), f"torn record: {data!r}"
        record = dict(line.split(": ", 1) for line in lines[1:-2])
        assert {"agent_id", "pid", "acquired", "expires", "operation", "token"} <= set(record), record
        return record

    def check_interrupted(self, project: Project) -> None:
        self.record(project)

    def take_anew(self, project: Project, timeout: float) -> None:
        """Another agent gets the resource with a token newer than any before, and gives it back."""
        seen = int((self.record(project) or {"token": self.newest})["token"])
        token = project.ok("lock", "acquire", "task-1", "--agent", "next", "--timeout", str(timeout))
        assert int(token) > seen, f"token {token.strip()} after {seen}"
        project.ok("lock", "release", "task-1", "--token", token.strip())


class Acquire(LockCase):
    """A lease without a process: after a kill it is free at once, or when it expires."""

    published = (LOCK,)
    ttl = "0.6"

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        return Command(("lock", "acquire", "task-1", "--agent", "a", "--ttl", self.ttl))

    def check_failed(self, project: Project, message: str) -> None:
        assert self.record(project) is None, "exit 74, but the resource is held"

    def check_succeeded(self, project: Project) -> None:
        record = self.record(project)
        assert record is not None
        assert (record["agent_id"], int(record["token"])) == ("a", self.newest + 1)

    def check_short(self, project: Project, path: str, missing: int) -> None:
        whole = b"---\nagent_id: a\npid: "
        record = project.read(LOCK) or b""
        if path == ".claude/locks/.task-1.lock.ccpm-tmp":
            assert record.startswith(whole[missing:]), record
            (project.path / LOCK).unlink()  # strace tore it, not we: nobody could read it before its time
        elif path == GUARD:
            assert project.read(GUARD) == b"%020d\n" % (self.newest + 1)
        assert record.endswith(b"\n---\n"), record

    def recover(self, project: Project) -> None:
        self.take_anew(project, timeout=10)


class AcquireBound(Acquire):
    """A lease of the killed process itself, the first in its project: free at once."""

    ttl = "300"
    newest = 0

    def prepare(self, project: Project) -> Command:
        return Command(("lock", "acquire", "task-1", "--agent", "a", "--ttl", self.ttl), bound=True)

    def check_short(self, project: Project, path: str, missing: int) -> None:
        if path != GUARD:  # a hole where there was no counter yet: only strace can make one
            super().check_short(project, path, missing)

    def recover(self, project: Project) -> None:
        self.take_anew(project, timeout=0)


class TakeOver(Acquire):
    """The lock of a dead owner is taken over."""

    newest = 3

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        ended = Command(("lock", "acquire", "task-1", "--agent", "dead"), bound=True)
        assert project.start(ended.argv, b"").status == 0
        return Command(("lock", "acquire", "task-1", "--agent", "a", "--ttl", self.ttl))

    def check_failed(self, project: Project, message: str) -> None:
        record = self.record(project)
        assert record is None or record["agent_id"] == "dead", "exit 74, but the resource is held"


class Join(Acquire):
    """A second shared holder: the first one must survive whatever happens to the second."""

    newest = 3

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        project.ok("lock", "acquire", "task-1", "--agent", "first", "--shared")
        return Command(("lock", "acquire", "task-1", "--agent", "a", "--ttl", self.ttl, "--shared"))

    def holders(self, project: Project) -> list[str]:
        return re.findall(r'"agent_id": "(\w+)"', (self.record(project) or {"holders": ""})["holders"])

    def check_interrupted(self, project: Project) -> None:
        assert self.holders(project) in (["first"], ["first", "a"])

    def check_failed(self, project: Project, message: str) -> None:
        assert self.holders(project) == ["first"], "exit 74, but the resource is held"

    def check_succeeded(self, project: Project) -> None:
        assert self.holders(project) == ["first", "a"]

    def check_short(self, project: Project, path: str, missing: int) -> None:
        if path == GUARD:
            super().check_short(project, path, missing)
        elif path == ".claude/locks/.task-1.lock.ccpm-tmp":
            assert (project.read(LOCK) or b"").startswith(b"---\nagent_id: first\n"[missing:])
            (project.path / LOCK).unlink()

    def recover(self, project: Project) -> None:
        if project.read(LOCK):
            project.ok("lock", "release", "task-1", "--agent", "first")
        self.take_anew(project, timeout=10)


class Release(LockCase):
    newest = 3

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        project.ok("lock", "acquire", "task-1", "--agent", "a")
        return Command(("lock", "release", "task-1", "--agent", "a"))

    def check_interrupted(self, project: Project) -> None:
        record = self.record(project)
        assert record is None or (record["agent_id"], record["token"]) == ("a", "3")

    def check_succeeded(self, project: Project) -> None:
        assert self.record(project) is None

    def check_short(self, project: Project, path: str, missing: int) -> None:
        self.check_succeeded(project)

    def recover(self, project: Project) -> None:
        done = project.run("lock", "release", "task-1", "--token", "3")
        was_held = self.record(project) is not None
        assert done.status in (0, 11), done.err  # 11: it was free already, so token 3 is none
        assert not was_held
        self.take_anew(project, timeout=0)


class ReleaseShared(LockCase):
    """One of two shared holders leaves: the other one's lease must stand."""

    newest = 4
    published = (LOCK,)

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        for agent in ("a", "other"):
            project.ok("lock", "acquire", "task-1", "--agent", agent, "--shared")
        return Command(("lock", "release", "task-1", "--agent", "a"))

    def holders(self, project: Project) -> list[str]:
        return re.findall(r'"agent_id": "(\w+)"', (self.record(project) or {"holders": ""})["holders"])

    def check_interrupted(self, project: Project) -> None:
        assert self.holders(project) in (["a", "other"], ["other"])

    def check_succeeded(self, project: Project) -> None:
        assert self.holders(project) == ["other"]

    def check_short(self, project: Project, path: str, missing: int) -> None:
        if path == ".claude/locks/.task-1.lock.ccpm-tmp":
            assert (project.read(LOCK) or b"").startswith(b"---\nagent_id: other\n"[missing:])
            (project.path / LOCK).unlink()

    def recover(self, project: Project) -> None:
        for token in ("3", "4"):
            assert project.run("lock", "release", "task-1", "--token", token).status in (0, 11)
        self.take_anew(project, timeout=0)


class Renew(LockCase):
    newest = 3
    published = (LOCK,)

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        project.ok("lock", "acquire", "task-1", "--agent", "a", "--ttl", "300")
        return Command(("lock", "renew", "task-1", "--agent", "a", "--ttl", "900"))

    def check_interrupted(self, project: Project) -> None:
        record = self.record(project)
        assert record is not None, "the lease is gone"
        assert (record["agent_id"], record["token"]) == ("a", "3")
        assert record["ttl"] in ("300", "900")

    def check_failed(self, project: Project, message: str) -> None:
        ttl = (self.record(project) or {"ttl": "none"})["ttl"]
        is_renewed = "has its new content" in message or "standard output" in message
        assert ttl == ("900" if is_renewed else "300")

    def check_succeeded(self, project: Project) -> None:
        assert (self.record(project) or {"ttl": "none"})["ttl"] == "900"

    def check_short(self, project: Project, path: str, missing: int) -> None:
        record = project.read(LOCK) or b""
        assert record.endswith(b"\n---\n"), record
        if path == ".claude/locks/.task-1.lock.ccpm-tmp":
            assert record.startswith(b"---\nagent_id: a\n"[missing:]), record
            (project.path / LOCK).unlink()

    def recover(self, project: Project) -> None:
        if project.read(LOCK):
            assert project.ok("lock", "renew", "task-1", "--token", "3") == "3\n"
            project.ok("lock", "release", "task-1", "--agent", "a")
        self.take_anew(project, timeout=0)


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
    """A waiter gets the resource when the lease of its holder ends, and leaves the queue in the same step."""

    is_exact = False
    starts_at = GUARD
    files = frozenset({GUARD, LOCK})

    def prepare(self, project: Project) -> Command:
        self.use_up_tokens(project)
        return Command(("lock", "acquire", "task-1", "--agent", "a", "--ttl", "0.2"))

    def start(self, project: Project) -> None:
        project.ok("lock", "acquire", "task-1", "--agent", "holder", "--ttl", "0.7")

    def recover(self, project: Project) -> None:
        project.ok("lock", "acquire", "task-1", "--agent", "next", "--timeout", "10")


MAIN = (AtomicWrite, FrontmatterSet, Acquire, Release, Renew)
ALL = (
    AtomicWrite, AtomicAppend, FencedWrite, FrontmatterSet, Acquire, AcquireBound, TakeOver, Join, Release,
    ReleaseShared, Renew, WaitInVain, WaitAndTake,
)  # fmt: skip
