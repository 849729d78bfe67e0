"""Agents that wait for each other, and agents that only seem to."""

from __future__ import annotations

import random
from typing import Any

from ccpm.core.leases import EXCLUSIVE, SHARED, Lease, Owner
from ccpm.errors import DeadlockRefused
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.locking import locks, refusals, waiting
from ccpm.ops.locking.locks import Request
from race.crew import Gate, Worker


def cycle(top: str, agents: int, rounds: int, bound: bool) -> list[dict[str, Any]]:
    """In each round every agent holds one resource (`bound` to its process, or to none) and asks, all at once, for that
    of the next. Who is refused lets go. Reported for each round: who was refused and what it was told, and who got
    what it asked for."""
    gate = Gate(agents)
    crew = [Worker(lambda n=n: _in_circle(top, gate, n, agents, rounds, bound)) for n in range(agents)]
    reports = [worker.report() for worker in crew]
    return [
        {
            "refused": [report[turn] for report in reports if report[turn]["refused"]],
            "served": sorted(report[turn]["agent"] for report in reports if not report[turn]["refused"]),
        }
        for turn in range(rounds)
    ]


def _in_circle(
    top: str, gate: Gate, number: int, agents: int, rounds: int, bound: bool
) -> list[dict[str, Any]]:
    store = Store(top)
    owner = _owner(f"agent-{number}", bound)
    reports = []
    for _ in range(rounds):
        mine = _take(store, f"task-{number}", owner)
        gate.pass_through(lead=number == 0)
        wanted = f"task-{(number + 1) % agents}"
        report: dict[str, Any] = {"agent": owner.agent, "refused": False}
        try:
            got = waiting.acquire(store, Request(wanted, owner, timeout=30), lambda line: None)
            locks.release(store, wanted, owner, got.token)
        except DeadlockRefused as refused:
            report.update(refused=True, message=refused.message, cycle=refused.details["cycle"])
        locks.release(store, f"task-{number}", owner, mine.token)
        reports.append(report)
        gate.pass_through(lead=number == 0)
    return reports


def ordered(top: str, workers: int, turns: int, seed: int) -> dict[str, Any]:
    """Waits that can close no cycle, because everybody takes what it wants in one order: how many were refused, and how
    many waits there were at all."""
    gate = Gate(workers)
    crew = [Worker(lambda n=n: _take_in_order(top, gate, n, turns, seed)) for n in range(workers)]
    reports = [worker.report() for worker in crew]
    return {key: sum(report[key] for report in reports) for key in ("refused", "waited", "got")}


def _take_in_order(top: str, gate: Gate, number: int, turns: int, seed: int) -> dict[str, int]:
    store = Store(top)
    choose = random.Random(seed * 1000 + number)
    waiting.RECHECK = 0.0  # a check at every look: more chances for a false alarm
    count = {"refused": 0, "waited": 0, "got": 0}

    gate.pass_through(lead=number == 0)
    for _ in range(turns):
        owner = _owner(f"agent-{number}", bound=choose.random() < 0.5)
        held: list[tuple[str, Lease]] = []
        for resource in sorted(choose.sample([f"task-{n}" for n in range(5)], k=choose.randint(2, 4))):
            mode = choose.choice((EXCLUSIVE, EXCLUSIVE, SHARED))
            carried = {name: lease.token for name, lease in held if choose.random() < 0.5}
            request = Request(resource, owner, mode=mode, timeout=50, carried=carried)
            looks: list[str] = []
            try:
                lease = waiting.acquire(
                    store,
                    request,
                    lambda line: None,
                    lambda looks=looks: looks.append(""),  # type: ignore[misc]
                )
                held.append((resource, lease))
                count["got"] += 1
                count["waited"] += bool(looks)
            except DeadlockRefused:
                count["refused"] += 1
        for resource, lease in held:
            locks.release(store, resource, owner, lease.token)
    return count


def _owner(agent: str, bound: bool) -> Owner:
    return process.current(agent) if bound else process.owner(agent)


def _take(store: Store, resource: str, owner: Owner, mode: str = EXCLUSIVE) -> Lease:
    got = locks.try_acquire(store, Request(resource, owner, mode=mode))
    assert isinstance(got, Lease), refusals.standing(got)
    return got
