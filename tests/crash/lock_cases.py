"""The cases of ccpm-lock that do not wait: acquire, release, renew."""

from __future__ import annotations

import re

from crash.case import GUARD, LOCK, Case
from crash.harness import Command, Project


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
            assert (project.read(GUARD) or b"").startswith(b"%020d " % (self.newest + 1))
        assert record.endswith(b"\n---\n"), record

    def recover(self, project: Project) -> None:
        self.take_anew(project, timeout=10)


class AcquireBound(Acquire):
    """A lease of the killed process itself, the first in its project: free at once."""

    ttl = "300"
    newest = 0
    is_durable = False

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
