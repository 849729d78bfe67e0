"""The kernel gives the pid of an owner that has ended to another process. Needs a pid namespace of its own."""

from __future__ import annotations

import os
import time

from ccpm.core.leases import Lease
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request
from race.crew import Gate, Worker

RESOURCE = "task-7"


def reuse(top: str) -> dict[str, object]:
    store = Store(top)
    gate = Gate(2)

    def hold() -> None:
        locks.try_acquire(store, Request(RESOURCE, process.current("victim")))
        gate.pass_through(lead=False)
        time.sleep(60)

    victim = Worker(hold)
    gate.pass_through(lead=True)
    before = _try(store)
    victim.kill()
    # Starts differ by at least one tick of the clock that proc(5) counts them in: 10 ms everywhere.
    time.sleep(2 / os.sysconf("SC_CLK_TCK"))
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(victim.pid - 1))
    stranger = Worker(lambda: time.sleep(60))
    assert process.start_of(stranger.pid)
    return {
        "same pid": stranger.pid == victim.pid,
        "while it lived": before,
        "after reuse": _try(store),
    }


def _try(store: Store) -> str:
    got = locks.try_acquire(store, Request(RESOURCE, process.owner("heir")))
    return "taken" if isinstance(got, Lease) else "held"
