"""Processes that wait for one resource: in order, dead, stopped, rung, and not waiting at all."""

from __future__ import annotations

import os
import time
from typing import Any

from ccpm.core import leases
from ccpm.core.leases import Lease
from ccpm.errors import Busy
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.locking import lock_state, locks, refusals, waiting
from ccpm.ops.locking.lock_state import look
from ccpm.ops.locking.locks import Request
from race.crew import Gate, Worker

RESOURCE = "task-7"


def in_order(top: str, modes: str) -> dict[str, Any]:
    """One waiter for each letter of `modes` (x exclusive, s shared) comes while the lock is held; the order in which
    they got it, and the largest number of holders each of them saw."""
    store = Store(top)
    mine = hold(store)
    crew = [_queue_up(top, number, mode) for number, mode in enumerate(modes)]
    waiting_in_line = [wait.owner.agent for wait in look(store, RESOURCE).waits]
    locks.release(store, RESOURCE, mine.owner, mine.token)
    got = sorted((worker.report() for worker in crew), key=lambda report: report["token"])
    return {"line": waiting_in_line, "order": [report["number"] for report in got], "left": _left(store)}


def dead_in_line(top: str) -> dict[str, Any]:
    """The first in line is killed, then the holder lets go: seconds until the second has it."""
    store = Store(top)
    mine = hold(store)
    first, second = _queue_up(top, 0), _queue_up(top, 1)
    first.kill()
    began = time.monotonic()
    locks.release(store, RESOURCE, mine.owner, mine.token)
    second.report()
    return {"seconds": time.monotonic() - began, "left": _left(store)}


def stopped_in_line(top: str) -> dict[str, Any]:
    """The first in line is stopped, then the holder lets go: seconds until the second has it, and until it has gone
    through three more who are rung and do not poll. Then the first runs on."""
    store = Store(top)
    mine = hold(store)
    first, second = _queue_up(top, 0), _queue_up(top, 1)
    first.stop()
    began = time.monotonic()
    locks.release(store, RESOURCE, mine.owner, mine.token)
    second.report()
    seconds = time.monotonic() - began
    mine = hold(store)
    waiting.POLL = 3600.0
    behind = [_queue_up(top, number) for number in (2, 3, 4)]
    began = time.monotonic()
    locks.release(store, RESOURCE, mine.owner, mine.token)
    for worker in behind:
        worker.report()
    more = time.monotonic() - began
    first.resume()
    late = first.report()
    return {"seconds": seconds, "more": more, "token": late["token"], "left": _left(store)}


def free_but_awaited(top: str) -> dict[str, Any]:
    """The first in line is stopped for a moment, then the holder lets go: what one who comes just then is told."""
    store = Store(top)
    mine = hold(store)
    first = _queue_up(top, 0)
    first.stop()
    locks.release(store, RESOURCE, mine.owner, mine.token)
    got = locks.try_acquire(store, Request(RESOURCE, process.owner("hasty")))
    first.resume()
    if isinstance(got, Lease):
        return {"hasty": "got it"}
    return {"hasty": refusals.standing(got).partition(":")[0], "first": first.report()["token"]}


def hand_over(top: str, waiters: int) -> dict[str, Any]:
    """The lock goes through all waiters although none of them polls: each has to be rung."""
    waiting.POLL = 3600.0
    store = Store(top)
    mine = hold(store)
    crew = [_queue_up(top, number) for number in range(waiters)]
    began = time.monotonic()
    locks.release(store, RESOURCE, mine.owner, mine.token)
    got = [worker.report() for worker in crew]
    return {
        "order": [report["number"] for report in sorted(got, key=lambda report: report["token"])],
        "seconds": time.monotonic() - began,
    }


def killed_while_others_wait(top: str) -> dict[str, Any]:
    """A holder is killed: seconds until the first in line has the lock."""
    gate = Gate(2)
    holder = Worker(lambda: _hold_until_killed(top, gate))
    gate.pass_through(lead=True)
    first = _queue_up(top, 0)
    began = time.monotonic()
    holder.kill()
    first.report()
    return {"seconds": time.monotonic() - began, "left": _left(Store(top))}


def try_only(top: str) -> dict[str, Any]:
    """With timeout 0 a held lock is refused without a ticket, a bell or any sleep."""
    store = Store(top)
    hold(store)

    def no_sleep(*_: object) -> None:
        raise AssertionError("a request with timeout 0 slept")

    waiting.Bell.wait = no_sleep  # type: ignore[method-assign]
    try:
        waiting.acquire(store, Request(RESOURCE, process.owner("hasty"), timeout=0), lambda line: None)
    except Busy as busy:
        return {"said": busy.message, "left": [name for name in _left(store) if not name.endswith(".lock")]}
    return {"said": "", "left": []}


def time_out(top: str) -> dict[str, Any]:
    """A wait that times out leaves the line: what is left of it."""
    store = Store(top)
    hold(store)
    try:
        waiting.acquire(store, Request(RESOURCE, process.owner("hasty"), timeout=0.05), lambda line: None)
    except Busy as busy:
        return {"said": busy.message, "left": [name for name in _left(store) if not name.endswith(".lock")]}
    return {"said": "", "left": []}


def clock_set_back(top: str) -> dict[str, Any]:
    """The first in line is stopped and the clock is set back an hour: whether its last sign of life, now in the future,
    still holds the others up."""
    store = Store(top)
    mine = hold(store)
    first = _queue_up(top, 0)
    first.stop()
    (wait,) = look(store, RESOURCE).waits
    future = time.time() + 3600
    os.utime(f"{store.queue_path(RESOURCE).removesuffix('.queue')}.{wait.ticket}.bell", (future, future))
    locks.release(store, RESOURCE, mine.owner, mine.token)
    return {"may take": lock_state.may_take(store, look(store, RESOURCE), leases.EXCLUSIVE, None)}


def hold(store: Store, agent: str = "holder") -> Lease:
    got = locks.try_acquire(store, Request(RESOURCE, process.current(agent)))
    assert isinstance(got, Lease)
    return got


def _queue_up(top: str, number: int, mode: str = "x") -> Worker:
    """A waiter; returns when it stands in line and sleeps, behind those that came before: stopped now, it holds no
    guard."""
    reader, writer = os.pipe()
    worker = Worker(lambda: _wait_and_pass_on(top, number, mode, writer))
    os.close(writer)
    assert os.read(reader, 1) == b".", "the waiter ended before it slept"
    os.close(reader)
    return worker


def _wait_and_pass_on(top: str, number: int, mode: str, asleep: int) -> dict[str, Any]:
    _tell_first_sleep(asleep)
    store = Store(top)
    owner = process.current(f"agent-{number}")
    request = Request(RESOURCE, owner, mode=leases.SHARED if mode == "s" else leases.EXCLUSIVE)
    lease = waiting.acquire(store, request, lambda line: None)
    locks.release(store, RESOURCE, owner, lease.token)
    return {"number": number, "token": lease.token}


def _tell_first_sleep(asleep: int) -> None:
    """Write a byte to `asleep` when this process is about to sleep on its bell."""
    sleep = waiting.Bell.wait

    def tell(bell: waiting.Bell, seconds: float) -> None:
        waiting.Bell.wait = sleep  # type: ignore[method-assign]
        os.write(asleep, b".")
        sleep(bell, seconds)

    waiting.Bell.wait = tell  # type: ignore[method-assign]


def _hold_until_killed(top: str, gate: Gate) -> None:
    hold(Store(top), "victim")
    gate.pass_through(lead=False)
    while True:
        time.sleep(60)


def _left(store: Store) -> list[str]:
    """Files of the resource but its guard."""
    names = os.listdir(os.path.join(store.top, ".claude/locks"))
    names += os.listdir(os.path.join(store.top, ".claude/locks/.state"))
    return sorted(name for name in names if name != ".state" and not name.endswith(".guard"))
