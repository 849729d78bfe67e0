"""Rename a file of the plan, under the guards of both names, so that no writer of either is in between.

`rename(actor, old, new)`: both absolute and real. NotFound (66) if `old` is not there, VersionConflict (10) if `new`
is: nothing is ever replaced. The name is durable when it returns.
"""

from __future__ import annotations

import os

from ccpm.errors import NotFound, VersionConflict, io_failure
from ccpm.files import atomic
from ccpm.files.plain import Guarded
from ccpm.ops.actor import Actor
from ccpm.ops.locking.fences import Fenced


def rename(actor: Actor, old: str, new: str) -> None:
    first, second = sorted((old, new))
    with Guarded(first), Guarded(second), Fenced(actor.store, actor.fences):
        if not os.path.lexists(old):
            raise NotFound(f"no such file: {old}", "somebody moved it meanwhile; run the same command again")
        if os.path.lexists(new):
            raise VersionConflict(f"{new} is there already; {old} keeps its name", "move one of them by hand")
        try:
            os.rename(old, new)
        except OSError as error:
            raise io_failure(f"rename {old} to {new}", error) from error
        for folder in {os.path.dirname(old), os.path.dirname(new)}:
            atomic.sync_directory(folder, f"{new} has its name, but")
