"""Something that is killed in front of its n-th step. Run by the interpreter of the helpers, in a project:

    python -S -E killed.py N merge EPIC CHECK       SIGKILL in front of step N; without that many steps it ends with 0
    python -S -E killed.py N add|remove EPIC AGENT  the same

A step is whatever changes something that others see: a git command, the commit of a move of refs, the publication of a
file, the removal of a folder, and the moment behind each of them. The number of steps is the last line of its output.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIB = Path(os.environ.get("CCPM_LIB_UNDER_TEST") or Path(__file__).parents[2] / "lib")
sys.path[:0] = [str(LIB), str(LIB / "vendor")]

from ccpm.external.git import refs, repository
from ccpm.external.git import worktrees as git_worktrees
from ccpm.files import atomic
from ccpm.ops.actor import Actor
from ccpm.ops.branches import removal, worktrees
from ccpm.ops.coordinator import merging

READS = ("rev-parse", "for-each-ref", "log", "diff-tree", "merge-base", "rev-list", "symbolic-ref", "ls-files", "config",
         "version", "var", "remote", "status", "check-ignore", "ls-tree", "cat-file")  # fmt: skip
"""Git commands that change nothing: a kill in front of one is a kill behind what was before it."""

when, action, epic, what = int(sys.argv[1]), *sys.argv[2:]
steps = 0


def step() -> None:
    global steps
    steps += 1
    if steps == when:
        os.kill(os.getpid(), signal.SIGKILL)


def stepwise(owner: Any, name: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        is_read = owner is repository.Repository and arguments[1] in READS
        if not is_read:
            step()
        result = original(*arguments, **named)
        if not is_read:
            step()
        return result

    setattr(owner, name, counted)


stepwise(repository.Repository, "run")
stepwise(refs.Moving, "commit")
stepwise(atomic, "replace")
stepwise(atomic, "remove")
stepwise(shutil, "rmtree")
stepwise(git_worktrees, "put_aside")

if action == "merge":
    merging.merge(Actor("coordinator", {}), epic, merging.Options(what, rescue=True))
elif action == "add":
    worktrees.add(Actor(what, {}), epic)
else:
    removal.remove(Actor(what, {}), epic, what, with_rescue=True)
print(steps)
