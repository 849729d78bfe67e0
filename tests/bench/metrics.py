"""What the event log costs: to write, as a share of a lock cycle, and to read, for metrics of a million events."""

from __future__ import annotations

import gc
import json
import os
import random
import time

from bench import session
from bench.report import Goal, Sample, Table, number
from bench.setting import Project, Scale
from ccpm.core import metrics
from ccpm.files import events, process
from ccpm.files.store import Store
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request


def measure(scale: Scale) -> list[Table]:
    return [_reading(scale), _writing(scale)]


def _reading(scale: Scale) -> Table:
    rows = []
    goal = []
    for count in (scale.pick(100_000, 1000), scale.pick(1_000_000, 5000)):
        data = _log(count)
        took = []
        for _ in range(scale.pick(3, 1)):
            gc.disable()  # as the helper does
            started = time.process_time()
            tally = metrics.Tally()
            tally.add(data)
            found = metrics.report(tally, 0.0)
            took.append(time.process_time() - started)
            gc.enable()
        assert found["events"] == count
        rows.append(
            [
                f"{count:,}",
                f"{len(data) / 1e6:.1f}",
                number(Sample(took).median * 1e3),
                f"{count / Sample(took).median / 1e6:.2f}",
            ]
        )
        goal = [
            Goal(
                f"metrics of {count:,} events within a second",
                Sample(took).median <= 1.0,
                f"{Sample(took).median:.2f} s",
            )
        ]
    return Table(
        "Metrics of a long log",
        "`ccpm-watch metrics` over a log in which 80 % of the events are those of lock cycles: all percentiles exact. Processor"
        " time of the computation, the log already read from the disk.",
        ["events", "log, MB", "ms", "million events/s"],
        rows,
        goal,
        scene="metrics",
    )


def _writing(scale: Scale) -> Table:
    """Lock cycles with the log and without it, in turn; then the cycles that scripts see."""
    rows = []
    cost = 0.0
    for name, pid in (("a lease without a process", 0), ("a lease of a process", os.getpid())):
        with_log, without = _cycles(pid, scale.pick(4000, 10))
        cost = with_log.median - without.median
        rows.append(
            [
                f"in one process, {name}",
                number(without.median),
                *_told(with_log),
                percent(cost, with_log.median),
            ]
        )
    goals = []
    in_session = session.lock_cycles(scale)
    if in_session:
        whole = Sample(in_session)
        share = percent(cost, whole.median)
        rows.append(["**in a session, a lease of a process**", "", *_told(whole), share])
        goals = [
            Goal("the log costs at most 5 % of a lock cycle in a session", cost <= 0.05 * whole.median, share)
        ]
    return Table(
        "What the event log costs a lock cycle",
        "A lock is taken and given back, every other time with the log switched off; two lines are written a cycle. The"
        " quickest cycle that a script can have is the one in a session. Its share is reckoned with the cost found in one"
        " process, where the same cycle waits for no disk and for nobody, so that the lines weigh more in it.",
        ["cycle", "without, ms", "with the log, ms", "middle 80 %, ms", "the log's share"],
        rows,
        goals,
        scene="metrics",
    )


def _told(sample: Sample) -> tuple[str, str]:
    return number(sample.median), sample.spread


def percent(part: float, whole: float) -> str:
    return f"{part / whole * 100:.1f} %"


def _cycles(pid: int, count: int) -> tuple[Sample, Sample]:
    """Milliseconds of `count` cycles of a lease bound to `pid` (0: to none): with the log, without it."""
    with Project.create() as project:
        store = Store(str(project.top))
        owner = process.owner("agent-bench", pid)
        real = events.append
        times: dict[bool, list[float]] = {True: [], False: []}
        try:
            for turn in range(count):
                is_logged = turn % 2 == 0
                events.append = real if is_logged else _silent  # type: ignore[assignment]
                started = time.perf_counter()
                lease = locks.try_acquire(store, Request("epic-bench", owner, timeout=0.0))
                assert isinstance(lease, locks.Lease)
                locks.release(store, "epic-bench", owner, lease.token)
                times[is_logged].append((time.perf_counter() - started) * 1e3)
        finally:
            events.append = real
    return Sample(times[True]), Sample(times[False])


def _silent(top: str, event: str, **fields: object) -> None:
    """No log."""


def _log(count: int) -> bytes:
    chance = random.Random(7)
    lines = []
    for number_ in range(count):
        head = {"ts": "2026-01-12T10:00:00Z", "at": 1768212000.0 + number_ / 100}
        agent = f"agent-{number_ % 16}"
        if number_ % 5 < 2:
            waited = round(chance.expovariate(20), 6)
            body = {
                "event": "lock.acquired", "resource": f"epic-{number_ % 9}", "agent": agent, "pid": 0, "token": number_,
                "mode": "exclusive", "operation": "sync", "waited": waited, "contended": waited > 0.1, "ttl": 300.0,
            }  # fmt: skip
        elif number_ % 5 < 4:
            held = round(chance.expovariate(2), 6)
            body = {
                "event": "lock.released",
                "resource": "epic-1",
                "agent": agent,
                "token": number_,
                "held": held,
                "by": agent,
            }
        else:
            body = {
                "event": "frontmatter.written",
                "file": ".claude/epics/auth/001.md",
                "agent": agent,
                "version": 3,
            }
        lines.append(json.dumps({**head, **body}, separators=(",", ":")))
    return "\n".join([*lines, ""]).encode()
