"""The move of a branch: fenced and compared, in one step (promise P4 for merges)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from race.tree import LIB, PYTHON
from worktrees.project import GIT, GitProject

SCENE = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from ccpm.core import leases
from ccpm.errors import CcpmError
from ccpm.external.git import refs
from ccpm.external.git.repository import Repository
from ccpm.files import process
from ccpm.ops.locking import locks
from ccpm.ops.actor import Actor
from ccpm.ops.coordinator.merge_lease import MergeLease

new, old, when = sys.argv[3:]
actor, heir = Actor("late", {}), Actor("heir", {})
repository = Repository.around(actor.top)
commit, prepare = refs.Moving.commit, refs.Moving.__enter__

def take_over():
    locks.release(heir.store, lease.resource, process.owner("late"), force=True)
    request = locks.Request(lease.resource, process.owner("heir"), timeout=0)
    print(type(locks.try_acquire(heir.store, request)).__name__)

def after_the_ref_is_locked(self):
    moving = prepare(self)
    if when == "between":
        take_over()
    return moving

refs.Moving.__enter__ = after_the_ref_is_locked
with MergeLease(actor, "auth", "merge", 60, 5) as lease:
    if when == "before":
        take_over()
    try:
        lease.move(repository, {"refs/heads/epic/auth": (new, old)})
        print("moved")
    except CcpmError as error:
        print(error.code)
"""


def scene(project: GitProject, new: str, old: str, when: str) -> list[str]:
    argv = [PYTHON, "-S", "-E", "-c", SCENE, str(LIB), str(LIB / "vendor"), new, old, when]
    done = subprocess.run(
        argv,
        cwd=project.path,
        env=GIT | {"PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_no_takeover_comes_between_the_last_look_at_the_lease_and_the_move(tmp_path: Path) -> None:
    project = GitProject(tmp_path / "p")
    path = project.add("auth", "agent-1")
    new = project.commit(path, {"a.txt": "a\n"}, "a")
    old = project.head("epic/auth")
    assert scene(project, new, old, "before") == ["Lease", "11"]
    assert project.head("epic/auth") == old
    project.ccpm("lock", "release", "merge-auth", "--agent", "heir")
    assert scene(project, new, old, "between") == ["Lease", "11"]
    assert project.head("epic/auth") == old
    project.ccpm("lock", "release", "merge-auth", "--agent", "heir")
    assert scene(project, new, new, "never") == ["10"], "the branch is not where it was said to be"
    assert project.head("epic/auth") == old
    assert scene(project, new, old, "never") == ["moved"]
    assert project.head("epic/auth") == new
    project.check_repository()
