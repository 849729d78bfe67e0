"""Many processes meet the lock of an owner that is gone, each in its own way."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from ccpm.core.leases import Lease, Owner
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.locking import locks, refusals, waiting
from ccpm.ops.locking.locks import Request
from race.crew import Gate, Witness, Worker

RESOURCE = "epic-auth"

LINGER = 0.001
"""Seconds inside, so that a second one would be seen."""


def storm(top: str, workers: int, rounds: int, fate: str) -> dict[str, Any]:
    """In each round all `workers` find a lock whose owner met `fate`, and each gets the lock once.

    Reported: how often two were inside at once, how many acquisitions there were, and all tokens in the order of
    acquisition."""
    gate = Gate(workers)
    crew = [Worker(lambda n=n: _contend(top, gate, n, rounds, fate)) for n in range(workers)]
    reports = [worker.report() for worker in crew]
    events = [tuple(event) for report in reports for event in report["got"]]
    return {
        "overlaps": sum(report["overlaps"] for report in reports),
        "tokens": [token for _, token in sorted(events)],
        "longest": max(report["longest"] for report in reports),
    }


def _contend(top: str, gate: Gate, number: int, rounds: int, fate: str) -> dict[str, Any]:
    store = Store(top)
    owner = process.current(f"agent-{number}")
    witness = Witness(os.path.join(top, "inside"))
    got = []
    longest = 0.0
    for _ in range(rounds):
        if number == 0:
            FATES[fate](store)
        gate.pass_through(lead=number == 0)
        began = time.monotonic()
        lease = waiting.acquire(store, Request(RESOURCE, owner, timeout=30), lambda line: None)
        longest = max(longest, time.monotonic() - began)
        with witness:
            got.append((time.monotonic(), lease.token))
            time.sleep(LINGER)
        locks.release(store, RESOURCE, owner, lease.token)
        gate.pass_through(lead=number == 0)
    return {"overlaps": witness.overlaps, "got": got, "longest": longest}


def _killed(store: Store) -> None:
    def die_holding() -> None:
        _take(store, process.current("victim"))
        os.kill(os.getpid(), signal.SIGKILL)

    status = Worker(die_holding).wait()
    assert status == -signal.SIGKILL, status


def _expired(store: Store) -> None:
    _take(store, process.owner("victim"), ttl=0.02)


def _pid_reused(store: Store) -> None:
    """The pid runs, but the process that it named has ended: this one started at another time."""
    _take(store, _other(pid_start="1"))


def _rebooted(store: Store) -> None:
    _take(store, _other(boot_id="00000000-0000-0000-0000-000000000000"))


def _unreadable(store: Store) -> None:
    store.prepare()
    path = store.lock_path(RESOURCE)
    with open(path, "w") as file:
        file.write("---\nagent_id: agent-of-anoth")
    _make_old(path)


def _old_directory(store: Store) -> None:
    """What the implementation that CCPM had before leaves behind: a directory."""
    store.prepare()
    path = store.lock_path(RESOURCE)
    os.mkdir(path)
    with open(os.path.join(path, "metadata.yaml"), "w") as file:
        file.write("pid: 1\n")
    _make_old(path)


def _take(store: Store, owner: Owner, ttl: float = 300.0) -> Lease:
    got = locks.try_acquire(store, Request(RESOURCE, owner, ttl=ttl))
    assert isinstance(got, Lease), refusals.standing(got)
    return got


def _other(**changes: str) -> Owner:
    owner = process.current("victim")
    for name, value in changes.items():
        setattr(owner, name, value)
    return owner


def _make_old(path: str) -> None:
    old = time.time() - 301
    os.utime(path, (old, old))


FATES = {
    "killed": _killed,
    "expired": _expired,
    "pid reused": _pid_reused,
    "rebooted": _rebooted,
    "unreadable": _unreadable,
    "old directory": _old_directory,
}
