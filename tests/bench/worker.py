"""A worker of the benchmarks: python -S -E worker.py LIB, then one order a line on stdin, one answer a line on stdout.

Runs under the pinned interpreter as the helpers do, and calls the operations that ccpm-lock and ccpm-fm-cas call. Times
are of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time

# The library is on the path only from here on; this folder stays on it.
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/vendor"]

import agents_work

from ccpm.core import leases
from ccpm.errors import CcpmError, DeadlockRefused
from ccpm.files import atomic, guard, process, root
from ccpm.files.store import Store
from ccpm.ops import frontmatter, identity
from ccpm.ops.frontmatter import Change
from ccpm.ops.locking import locks, waiting
from ccpm.ops.locking.locks import Request

now = time.monotonic
AGENT = identity.agent_id()
SELF = process.current(AGENT)
STORE = Store(root.find())
KEPT: dict[str, int] = {}


def ready() -> dict[str, object]:
    guard._load_portalocker()
    return {}


def acquire(resource: str, timeout: float = 30.0, carry: bool = True) -> dict[str, object]:
    """Take `resource`, waiting if need be: when it began, when it ended, and how (the status of ccpm-lock)."""
    request = Request(resource, SELF, "bench", timeout=timeout, carried=dict(KEPT) if carry else {})
    begun = now()
    try:
        lease = waiting.acquire(STORE, request, lambda _: None)
    except CcpmError as error:
        return {"begun": begun, "ended": now(), "status": error.code}
    ended = now()
    KEPT[resource] = lease.token
    return {"begun": begun, "ended": ended, "status": 0}


def release(resource: str) -> dict[str, object]:
    locks.release(STORE, resource, SELF, KEPT.pop(resource))
    return {"ended": now()}


def flock(path: str) -> dict[str, object]:
    """Take the kernel's lock on `path` and keep it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    begun = now()
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return {"begun": begun, "ended": now(), "status": 0}


def contend(at: float, seconds: float, kind: str, name: str) -> dict[str, object]:
    """Take and give back `name` again and again for `seconds`: when each holding began and ended, and each wait."""
    descriptor = os.open(f"{name}.flock", os.O_RDWR | os.O_CREAT, 0o666)
    request = Request(name, SELF, "bench", timeout=600.0)
    spans: list[tuple[float, float]] = []
    waits: list[float] = []
    pause_until(at)
    while now() < at + seconds:
        begun = now()
        if kind == "flock":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            held = now()
            spans.append((held, now()))
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        else:
            lease = waiting.acquire(STORE, request, lambda _: None)
            held = now()
            spans.append((held, now()))
            locks.release(STORE, name, SELF, lease.token)
        waits.append(held - begun)
    os.close(descriptor)
    return {"spans": spans, "waits": waits}


def cycles(count: int, kind: str, name: str) -> dict[str, object]:
    """Seconds that each of `count` pairs of taking and giving back takes, nobody else about. `kind`: flock(2), a lease
    that is "bound" to this process, or one that is "free" of any."""
    descriptor = os.open(f"{name}.flock", os.O_RDWR | os.O_CREAT, 0o666)
    owner = SELF if kind == "bound" else process.owner(AGENT)
    found = []
    for _ in range(count):
        begun = now()
        if kind == "flock":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        else:
            lease = locks.try_acquire(STORE, Request(name, owner, "bench"))
            assert isinstance(lease, leases.Lease)
            locks.release(STORE, name, owner, lease.token)
        found.append(now() - begun)
    os.close(descriptor)
    return {"seconds": found}


def write(at: float, seconds: float, kind: str, file: str) -> dict[str, object]:
    """Change one key of `file` again and again for `seconds`: how often, and how long each took.

    `kind` "bare": the same steps to the disk under flock(2), without versions, checks and log: what it costs at least.
    """
    path = os.path.realpath(file)
    descriptor = os.open(f"{file}.flock", os.O_RDWR | os.O_CREAT, 0o666)
    found: list[float] = []
    pause_until(at)
    while now() < at + seconds:
        begun = now()
        if kind == "bare":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with open(path, "rb", buffering=0) as old:
                data = old.readall()
            atomic.replace(path, data)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        else:
            frontmatter.apply(Change(file, AGENT, {f"key_{os.getpid()}": str(len(found))}))
        found.append(now() - begun)
    os.close(descriptor)
    return {"seconds": found}


def in_order(at: float, seconds: float, names: list[str], seed: int) -> dict[str, object]:
    """Take two or three of `names` at a time, always in one order, so that no cycle can arise: how many waits there
    were, and how many were refused all the same."""
    from random import Random

    rng = Random(seed)
    taken = waited = refused = 0
    pause_until(at)
    while now() < at + seconds:
        mine = sorted(rng.sample(names, rng.choice([2, 3])))
        for name in mine:
            taken += 1
            request = Request(name, SELF, "bench", timeout=60.0, carried=dict(KEPT))
            got = locks.try_acquire(STORE, request)
            if not isinstance(got, leases.Lease):
                waited += 1
                try:
                    got = waiting.acquire(STORE, request, lambda _: None)
                except CcpmError as error:
                    if error.code != DeadlockRefused.code:
                        raise
                    refused += 1
                    break
            KEPT[name] = got.token
        for name in reversed(list(KEPT)):
            release(name)
    return {"taken": taken, "waited": waited, "refused": refused}


def pause_until(at: float) -> None:
    time.sleep(max(0.0, at - now()))


ORDERS = {
    "ready": ready,
    "acquire": acquire,
    "release": release,
    "flock": flock,
    "contend": contend,
    "cycles": cycles,
    "write": write,
    "in_order": in_order,
    "settle": agents_work.settle,
    "each": agents_work.each,
    "beats": agents_work.beats,
}


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = ORDERS[order.pop("do")](**order)  # type: ignore[operator]
        except Exception as error:
            answer = {"bug": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
