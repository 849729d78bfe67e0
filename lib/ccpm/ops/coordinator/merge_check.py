"""The project's check, run on a merged result in a worktree of its own: nobody works there, and it starts from
nothing.

The worktree is the coordinator's own, by its fencing token: one that lost its lease and does not know it yet cannot
disturb the checks of the next one. Each run is on exactly the files of the commit and those that .worktreeinclude
brings; what a run before it left (build outputs) is removed. Its output goes to a file, which is kept if it fails.
The lease is renewed while it runs; when that is lost, the check is stopped. If the coordinator is killed, so is the
check (external/child.py).
"""

from __future__ import annotations

import os
import time

from ccpm.core import branch_names, worktree_marks
from ccpm.core.worktree_marks import Mark
from ccpm.errors import LeaseLost
from ccpm.external.child import Child
from ccpm.external.git import worktrees
from ccpm.external.git.repository import Repository, clean_environment
from ccpm.external.git.worktrees import Worktree
from ccpm.files import clock
from ccpm.ops.actor import Actor
from ccpm.ops.branches import worktree_files
from ccpm.ops.branches.worktrees import ADMIN, PATIENCE, make_room, parent_folder, source_of
from ccpm.ops.coordinator.merge_lease import MergeLease

GRACE = 5.0
"""Seconds between TERM and KILL for a check that is stopped."""

_TAIL = 20
_LOGS = 20
"""Logs of failed checks that are kept, for each epic."""
_INTERRUPTED = 130
"""The status of a command that Ctrl-C ended: on a terminal the signal goes to the check itself."""

_RUN = 'cd -- "$1" && exec >"$2" 2>&1 </dev/null && eval "$3"'


class Result:
    """How a check ended: `passed`, its exit `status` (None: it took too long), `log` (where its output is; "" if it
    passed) and the `tail` of that."""

    __slots__ = ("log", "passed", "status", "tail")

    def __init__(self, passed: bool, status: int | None, log: str = "", tail: str = "") -> None:
        self.passed = passed
        self.status = status
        self.log = log
        self.tail = tail


class Checker:
    """Runs `command` (by sh(1); "": everything passes) for at most `limit` seconds on commits. `runs` counts."""

    __slots__ = ("_actor", "_known", "_lease", "_repository", "_worktree", "command", "epic", "limit", "runs")

    def __init__(
        self,
        actor: Actor,
        repository: Repository,
        lease: MergeLease,
        epic: str,
        command: str,
        limit: float,
    ) -> None:
        self._actor = actor
        self._repository = repository
        self._lease = lease
        self._worktree: Worktree | None = None
        self._known: dict[str, Result] = {}
        self.epic = epic
        self.command = command
        self.limit = limit
        self.runs = 0

    def run(self, commit: str, tree: str) -> Result:
        """The result for `commit`, whose files are those of `tree`; the same files are checked once."""
        if not self.command:
            return Result(True, 0)
        if tree not in self._known:
            self._actor.say(f"checking {commit[:10]}: {self.command}")
            self._known[tree] = self._run(commit)
        return self._known[tree]

    def close(self) -> None:
        """Remove the worktree of the checks."""
        if self._worktree:
            self._remove(self._worktree)
            self._worktree = None

    def _run(self, commit: str) -> Result:
        path = self._prepare(commit).path
        log = self._log_path(commit)
        self.runs += 1
        argv = ["sh", "-c", _RUN, "sh", path, log, self.command]
        with Child(argv, {**clean_environment(), "CCPM_EPIC": self.epic, "CCPM_COMMIT": commit}) as child:
            status = self._wait(child)
            if child.forwarded or status == _INTERRUPTED:
                raise SystemExit(128 + (child.forwarded or 2))
        if status == 0:
            os.unlink(log)
            return Result(True, 0)
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        return Result(False, status, log, "\n".join(lines[-_TAIL:]))

    def _wait(self, child: Child) -> int | None:
        """The status of the check, None if it took longer than `limit`. LeaseLost (11) stops it."""
        deadline = clock.boot() + self.limit
        while clock.boot() < deadline:
            left = max(0.0, deadline - clock.boot())
            status = child.wait(min(self._lease.seconds_to_renewal(), left))
            if status is not None:
                return status
            try:
                self._lease.renew()
            except LeaseLost:
                child.stop(self._lease.grace(GRACE))
                raise
        child.stop(GRACE)
        return None

    def _prepare(self, commit: str) -> Worktree:
        repository = self._repository
        if self._worktree is None:
            self._sweep()
            self._worktree = self._make(commit)
        path = self._worktree.path
        repository.run("clean", "-ffdxq", at=path)
        repository.run("checkout", "--quiet", "--force", "--detach", commit, at=path)
        repository.run("clean", "-ffdxq", at=path)
        worktree_files.bring(repository, source_of(repository), path)
        return self._worktree

    def _sweep(self) -> None:
        """Remove the worktrees of coordinators that came before: killed ones, or ones that lost the lock to us. What
        such a one is still running there says nothing any more."""
        self._lease.check()
        for worktree in worktrees.all_of(self._repository)[1:]:
            mark = worktree_marks.parse(worktree.mark)
            if mark and mark.state == worktree_marks.CHECKING and mark.epic == self.epic:
                self._remove(worktree)

    def _remove(self, worktree: Worktree) -> None:
        worktrees.drop(worktree)
        with self._actor.holding(ADMIN, "merge-check", PATIENCE):
            if worktrees.find(self._repository, worktree.path):
                worktrees.forget(self._repository, worktree)

    def _make(self, commit: str) -> Worktree:
        mark = Mark(worktree_marks.CHECKING, self._actor.agent, self.epic, clock.to_iso(time.time()))
        with self._actor.holding(ADMIN, "merge-check", PATIENCE):
            make_room(self._path())
            return worktrees.add(self._repository, self._path(), commit, str(mark))

    def _path(self) -> str:
        return os.path.join(
            parent_folder(self._repository), branch_names.check_folder(self.epic, self._lease.token)
        )

    def _log_path(self, commit: str) -> str:
        folder = os.path.join(self._repository.common, "ccpm", "checks")
        os.makedirs(folder, exist_ok=True)
        start = branch_names.part_of(self.epic) + "-"
        _thin_out(folder, start)
        return os.path.join(folder, f"{start}{commit[:12]}.log")


def _thin_out(folder: str, start: str) -> None:
    """Remove all but the newest logs whose names begin with `start`."""
    try:
        paths = [entry.path for entry in os.scandir(folder) if entry.name.startswith(start)]
        for path in sorted(paths, key=os.path.getmtime)[:-_LOGS]:
            os.unlink(path)
    except FileNotFoundError:
        pass  # another coordinator does the same
