"""A writer that is stopped at the worst moment while its lease runs out."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from ccpm.core.leases import Lease
from ccpm.errors import Busy, LeaseLost
from ccpm.files import atomic, guard, plain, process
from ccpm.files.store import Store
from ccpm.ops import plain_files
from ccpm.ops.locking import lock_state, locks, waiting
from ccpm.ops.locking.locks import Request
from race.crew import Worker, until

RESOURCE = "epic-auth"
FILE = "epic.md"
TTL = 0.3


def stopped_before_the_check(top: str) -> dict[str, Any]:
    """The writer stops itself when it has read the file and has not yet checked its fence. Its lease runs out, another
    takes over and writes; then the writer runs on."""
    os.chdir(top)
    store = Store(top)
    worker = Worker(lambda: _write_late(store, plain.Guarded, "read"))
    worker.wait_until_stopped()
    taken = waiting.acquire(store, Request(RESOURCE, process.current("heir"), timeout=20), lambda line: None)
    guard.PATIENCE = 0.2
    try:
        _write(taken, b"heir\n")
        written = True
    except (
        Busy
    ):  # the stopped writer has the guard of the file: nobody else can write it now, and nothing is lost
        written = False
    worker.resume()
    late = worker.report()
    if not written:
        _write(taken, b"heir\n")
    return {"late": late, "content": plain.read(FILE).decode()}  # type: ignore[union-attr]


def stopped_before_the_publication(top: str) -> dict[str, Any]:
    """The writer stops itself when its fence has been checked and the new content has not been published. Its lease
    runs out; whether another can take over before the writer runs on, and what it finds in the file when it can."""
    os.chdir(top)
    store = Store(top)
    worker = Worker(lambda: _write_late(store, atomic, "replace"))
    worker.wait_until_stopped()
    until(lambda: bool(lock_state.look(store, RESOURCE).stale))
    guard.PATIENCE = 0.2
    report: dict[str, Any] = {"taken too early": False}
    try:
        locks.try_acquire(store, Request(RESOURCE, process.current("heir")))
        report["taken too early"] = True
    except Busy:
        pass
    worker.resume()
    report["late"] = worker.report()
    guard.PATIENCE = 20.0
    waiting.acquire(store, Request(RESOURCE, process.current("heir")), lambda line: None)
    report["heir reads"] = plain.read(FILE).decode()  # type: ignore[union-attr]
    return report


def _write_late(store: Store, owner_of_call: Any, call: str) -> str:
    """Take the lease and write with its fence, but stop in front of `call`; how the write ended."""
    got = locks.try_acquire(store, Request(RESOURCE, process.owner("writer"), ttl=TTL))
    assert isinstance(got, Lease)
    original = getattr(owner_of_call, call)

    def stop_first(*arguments: Any, **options: Any) -> Any:
        if arguments[0] != store.lock_path(RESOURCE):
            os.kill(os.getpid(), signal.SIGSTOP)
        return original(*arguments, **options)

    setattr(owner_of_call, call, stop_first)
    try:
        _write(got, b"writer\n")
    except LeaseLost as lost:
        return lost.message
    return "written"


def _write(lease: Lease, content: bytes) -> None:
    append = plain_files.Write(FILE, content, lease.owner.agent, append=True, fences={RESOURCE: lease.token})
    plain_files.write(append)


def race_to_write(top: str, workers: int, turns: int) -> dict[str, Any]:
    """All take very short leases and write their token with the fence, however late: the tokens in the file, in order,
    and how many writes were refused."""
    os.chdir(top)
    store = Store(top)
    crew = [Worker(lambda n=n: _write_often(store, n, turns)) for n in range(workers)]
    reports = [worker.report() for worker in crew]
    lines = (plain.read(FILE) or b"").decode().split()
    return {
        "tokens": [int(line) for line in lines],
        "written": sum(report["written"] for report in reports),
        "refused": sum(report["refused"] for report in reports),
    }


def _write_often(store: Store, number: int, turns: int) -> dict[str, int]:
    owner = process.owner(f"agent-{number}")
    count = {"written": 0, "refused": 0}
    for turn in range(turns):
        lease = waiting.acquire(store, Request(RESOURCE, owner, ttl=0.05, timeout=50), lambda line: None)
        if turn % 3 == 0:
            time.sleep(0.055)  # past its end; another may have it by now, or nobody
        try:
            _write(lease, b"%d\n" % lease.token)
            count["written"] += 1
        except LeaseLost:
            count["refused"] += 1
        else:
            try:
                locks.release(store, RESOURCE, owner, lease.token)
            except LeaseLost:
                pass
    return count
