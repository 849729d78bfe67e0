"""Metrics: exact on generated logs (against numpy), and not misled by cut lines, glued lines or other writers."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import numpy
import pytest

from ccpm.core import metrics
from ccpm.core.metrics import Tally

EVENTS = 1_000_000 if os.environ.get("CCPM_GENERATED") else 60_000


def line(event: str, at: float = 0.0, **fields: object) -> bytes:
    """As files/events.py writes it."""
    body = {"ts": "2026-01-12T10:00:00Z", "at": at, "event": event, **fields}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def acquired(chance: random.Random, at: float) -> dict[str, Any]:
    agent, resource = f"agent-{chance.randrange(8)}", f"epic-{chance.randrange(5)}"
    waited = round(chance.expovariate(10), 6)
    return {
        "event": "lock.acquired", "at": at, "resource": resource, "agent": agent, "pid": 0, "token": 7,
        "mode": "exclusive", "operation": "sync", "waited": waited, "contended": waited > 0.1, "ttl": 300.0,
    }  # fmt: skip


def generated(count: int, seed: int) -> tuple[bytes, list[dict[str, Any]]]:
    chance = random.Random(seed)
    events: list[dict[str, Any]] = []
    for number in range(count):
        draw, at = chance.random(), float(number)
        agent = f"agent-{chance.randrange(8)}"
        if draw < 0.4:
            events.append(acquired(chance, at))
        elif draw < 0.8:
            held = round(chance.lognormvariate(0, 2), 6)
            fields = {"resource": "epic-1", "agent": agent, "token": 3, "held": held, "by": agent}
            events.append({"event": "lock.released", "at": at, **fields})
        elif draw < 0.95:
            events.append({"event": "frontmatter.written", "at": at, "file": "x", "agent": agent})
        elif draw < 0.97:
            seconds = round(chance.uniform(1, 9000), 3)
            events.append({"event": "work.done", "at": at, "task": "1", "agent": agent, "seconds": seconds})
        else:
            status, method = chance.choice((200, 201, 304, 403, 502)), chance.choice(("GET", "POST"))
            fields = {"agent": agent, "method": method, "path": "x", "status": status, "remaining": 9}
            events.append({"event": "github.request", "at": at, **fields})
    return b"".join(line(**event) for event in events), events


def tallied(*pieces: bytes) -> dict[str, Any]:
    tally = Tally()
    for piece in pieces:
        tally.add(piece)
    return metrics.report(tally, 0.0)


def numbers(events: list[dict[str, Any]], event: str, key: str) -> Any:
    return numpy.array([one[key] for one in events if one["event"] == event])


def test_a_generated_log_gives_what_numpy_gives() -> None:
    data, events = generated(EVENTS, seed=1996)
    report = tallied(data)
    for found, values in (
        (report["locks"]["wait_seconds"], numbers(events, "lock.acquired", "waited")),
        (report["locks"]["hold_seconds"], numbers(events, "lock.released", "held")),
        (report["work"]["task_seconds"], numbers(events, "work.done", "seconds")),
    ):
        assert found["count"] == len(values)
        for share in (50, 95, 99):
            assert found[f"p{share}"] == pytest.approx(numpy.percentile(values, share), rel=1e-12)
        assert found["mean"] == pytest.approx(values.mean(), rel=1e-9)
        assert found["max"] == values.max()
    contended = int(numbers(events, "lock.acquired", "contended").sum())
    assert report["locks"]["contended"] == contended
    assert report["locks"]["contention_rate"] == contended / report["locks"]["acquired"]
    requests = [one for one in events if one["event"] == "github.request"]
    assert report["github"]["requests"] == len(requests)
    assert report["github"]["writes"] == sum(one["method"] == "POST" for one in requests)
    assert report["github"]["statuses"]["5xx"] == sum(one["status"] == 502 for one in requests)
    by_agent = {one["agent"]: one for one in report["agents"]}
    for agent in ("agent-0", "agent-7"):
        mine = [one for one in events if one.get("agent") == agent]
        assert by_agent[agent]["acquired"] == sum(one["event"] == "lock.acquired" for one in mine)
        assert by_agent[agent]["github_requests"] == sum(one["event"] == "github.request" for one in mine)
    assert (report["events"], report["damaged"]) == (EVENTS, 0)


def test_pieces_add_up_to_the_whole() -> None:
    data, _ = generated(3000, seed=4)
    middle = data.index(b"\n", len(data) // 2) + 1
    assert tallied(data[:middle], data[middle:]) == tallied(data)


def test_every_order_of_keys_and_every_escape_is_read() -> None:
    event = {**acquired(random.Random(1), 0.0), "agent": 'say "a\\b"', "resource": "é"}
    keys = list(event)
    random.Random(2).shuffle(keys)
    shuffled = {key: event[key] for key in keys}
    plain = tallied(line(**event))
    assert plain == tallied(line(**shuffled))
    assert plain["agents"][0]["agent"] == 'say "a\\b"'
    assert plain["locks"]["acquired"] == 1


@pytest.mark.parametrize(
    "damage",
    [
        b'{"ts":"2026-01-12T10:00:00Z","at":1.0,"event":"lock.acquired","resource":"epic-a","agent":"b","wai\n',
        b'{"ts":"2026-01-12T10:00:00Z","at":1.0,"event":"work.done","seco\n',
        b'{"ts":"2026-01-12T10:00:00Z","at":1.0,"event":"lock.released","resource":"epic-a","agent":"b"',
    ],
)
def test_a_line_that_is_cut_counts_as_damaged_and_hides_no_other(damage: bytes) -> None:
    data, _ = generated(200, seed=5)
    whole = tallied(data)
    cut = tallied(data + damage)
    assert cut["damaged"] == 1
    assert {**cut, "damaged": 0, "events": 0} == {**whole, "events": 0}


def test_lines_that_are_no_events_do_no_harm() -> None:
    report = tallied(b'\n[]\nnull\n"event":"work.done"\n{"event":"work.done"}\n{"event":7,"at":"x"}\n')
    assert report["work"]["done"] == 1
    assert report["damaged"] == 1


def test_an_agent_is_up_from_its_registration_to_its_end() -> None:
    tally = Tally()
    tally.add(
        line("agent.registered", 100.0, agent="a")
        + line("agent.dead", 160.0, agent="a")
        + line("agent.registered", 200.0, agent="a")
        + line("agent.unregistered", 230.0, agent="a", commits=3)
        + line("agent.registered", 240.0, agent="b")
    )
    first, second = metrics.report(tally, now=300.0)["agents"]
    assert (first["uptime_seconds"], first["up"], first["crashes"], first["commits"]) == (90.0, False, 1, 3)
    assert (second["uptime_seconds"], second["up"]) == (60.0, True)


def test_nothing_is_a_distribution_of_zeros() -> None:
    assert metrics.distribution([]) == {
        "count": 0,
        "mean": 0.0,
        "p50": 0.0,
        "p95": 0.0,
        "p99": 0.0,
        "max": 0.0,
    }


def test_merges_are_counted_for_each_epic() -> None:
    report = tallied(
        line("merge.started", epic="auth", agent="a")
        + line("merge.moved", epic="auth", by="a", branches=["x", "y"])
        + line("merge.conflict", epic="auth", agent="b", files=["f"])
        + line("merge.failed", epic="pay", agent="c", status=1)
    )
    counts = {"merges": 1, "branches_merged": 2, "conflicts": 1, "held_back": 0, "failed_checks": 0}
    assert report["merges"] == {"auth": counts, "pay": {**dict.fromkeys(counts, 0), "failed_checks": 1}}
