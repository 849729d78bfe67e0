"""What a crash test knows of a command: how to prepare it, and what must hold afterwards.

A case prepares a project, names its command, and judges the project after the command was killed, failed or done:

    check_interrupted   killed or failed anywhere: each file is whole, old or new; nothing is lost
    check_failed        exit 74: additionally, the old content stands unless the message says otherwise
    check_succeeded     exit 0: the new content is there
    recover             the next commands succeed promptly; check_tidy: they leave exactly the expected files
"""

from __future__ import annotations

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
    is_durable = True
    """Whether what is published has to survive a power cut. One ends the process that a bound lease is about."""

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
