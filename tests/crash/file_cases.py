"""The cases of ccpm-atomic-write and ccpm-fm-cas."""

from __future__ import annotations

import re

from crash.case import GUARD, LOCK, Case
from crash.harness import Command, Project


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
