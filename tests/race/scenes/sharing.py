"""Shared and exclusive holders of one resource."""

from __future__ import annotations

import fcntl
import os
import random
import time
from typing import Any

from ccpm.core.leases import EXCLUSIVE, SHARED
from ccpm.errors import Busy
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.locking import locks, waiting
from ccpm.ops.locking.lock_state import look
from ccpm.ops.locking.locks import Request
from race.crew import Gate, Worker

RESOURCE = "epic-auth"


def mixed(top: str, workers: int, turns: int, seed: int) -> dict[str, Any]:
    """Each worker takes the resource `turns` times, shared or exclusive at random: how often the witness objected, and
    how many turns of each mode there were."""
    gate = Gate(workers)
    crew = [Worker(lambda n=n: _take_turns(top, gate, n, turns, seed)) for n in range(workers)]
    reports = [worker.report() for worker in crew]
    tokens = [token for report in reports for token in report["tokens"]]
    return {
        "overlaps": sum(report["overlaps"] for report in reports),
        "turns": len(tokens),
        "tokens given twice": len(tokens) - len(set(tokens)),
        "shared": sum(report["shared"] for report in reports),
    }


def _take_turns(top: str, gate: Gate, number: int, turns: int, seed: int) -> dict[str, Any]:
    store = Store(top)
    choose = random.Random(seed * 1000 + number)
    owner = process.current(f"agent-{number}")
    tokens = []
    overlaps = shared = 0
    gate.pass_through(lead=number == 0)
    for _ in range(turns):
        mode = choose.choice((SHARED, EXCLUSIVE))
        lease = waiting.acquire(store, Request(RESOURCE, owner, mode=mode, timeout=50), lambda line: None)
        tokens.append(lease.token)
        shared += mode == SHARED
        overlaps += not _witness_agrees(os.path.join(top, "inside"), mode)
        locks.release(store, RESOURCE, owner, lease.token)
    return {"tokens": tokens, "overlaps": overlaps, "shared": shared}


def _witness_agrees(path: str, mode: str) -> bool:
    """A kernel lock of the same mode, held for a millisecond, which nobody may have to wait for."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_NB | (fcntl.LOCK_SH if mode == SHARED else fcntl.LOCK_EX))
        time.sleep(0.001)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def together(top: str, workers: int) -> dict[str, Any]:
    """All hold it shared and meet at a gate that opens only when all are inside."""
    gate = Gate(workers)

    def enter(number: int) -> int:
        store = Store(top)
        owner = process.current(f"agent-{number}")
        lease = waiting.acquire(store, Request(RESOURCE, owner, mode=SHARED), lambda line: None)
        gate.pass_through(lead=number == 0)
        locks.release(store, RESOURCE, owner, lease.token)
        return lease.token

    crew = [Worker(lambda n=n: enter(n)) for n in range(workers)]
    return {"tokens": sorted(worker.report() for worker in crew), "left": Store(top).list_locks()}


def as_many_as_go(top: str) -> dict[str, Any]:
    """One process shares the resource with itself until it is refused: how, how often it got it, and how many hold it."""
    store = Store(top)
    owner = process.current("many")
    taken = 0
    while True:
        request = Request(RESOURCE, owner, "x" * locks.LONGEST_OPERATION, mode=SHARED)
        try:
            locks.try_acquire(store, request)
        except Busy as refused:
            return {"refused": refused.message, "taken": taken, "held": len(look(store, RESOURCE).holders)}
        taken += 1
