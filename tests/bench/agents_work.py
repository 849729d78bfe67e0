"""What a worker of the benchmarks does as an agent: the operations of ccpm-agent, and the same file without their
rules."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable

from ccpm.errors import Busy
from ccpm.files import agent_records, atomic
from ccpm.ops.actor import Actor
from ccpm.ops.team import agents, ownership, registries, streams

now = time.monotonic
EPIC = "bench"


def settle(top: str, count: int) -> dict[str, object]:
    """Fill the registry: `count` agents, each with a stream of its own. The first is this process."""
    for number in range(count):
        actor = Actor(f"agent-{number}", {}, top=top)
        streams.claim(
            actor,
            EPIC,
            f"stream-{number}",
            [f"src/part-{number}/**", f"docs/part-{number}.md"],
            pid=os.getpid(),
        )
    return {}


def each(top: str, rounds: int) -> dict[str, object]:
    """Seconds that each operation takes, `rounds` times, nobody else about."""
    actor = Actor("agent-0", {}, top=top)
    path = agent_records.path_of(top, EPIC)
    operations: dict[str, Callable[[], object]] = {
        "heartbeat": lambda: agents.heartbeat(actor, EPIC, count=False),
        "claim": lambda: streams.claim(actor, EPIC, "more", ["src/more/**"]),
        "release": lambda: streams.release(actor, EPIC, "more"),
        "refused claim": lambda: _refused(actor, top),
        "owner_of": lambda: ownership.owner_of(top, "src/part-0/a/b.ts", "agent-x"),
        "owner_of nobody's": lambda: ownership.owner_of(top, "lib/a/b.ts", "agent-x"),
        "list": lambda: registries.listing(top),
        "bare": lambda: _rewrite(path),
    }
    found: dict[str, list[float]] = {name: [] for name in operations}
    for _ in range(rounds):
        for name, operation in operations.items():
            begun = now()
            operation()
            found[name].append(now() - begun)
    return {"seconds": found}


def beats(top: str, number: int, at: float, seconds: float, kind: str) -> dict[str, object]:
    """Give signs of life for `seconds`: how many."""
    actor = Actor(f"agent-{number}", {}, top=top)
    path = agent_records.path_of(top, EPIC)
    time.sleep(max(0.0, at - now()))
    count = 0
    while now() < at + seconds:
        if kind == "bare":
            _rewrite(path)
        else:
            agents.heartbeat(actor, EPIC, count=False)
        count += 1
    return {"count": count}


def _refused(actor: Actor, top: str) -> None:
    try:
        streams.claim(Actor("agent-x", {}, top=top), EPIC, "x", ["src/**/user.ts"])
    except Busy:
        return
    raise AssertionError("an overlapping claim was not refused")


def _rewrite(path: str) -> None:
    """Read, change and publish the registry under flock(2): what it costs at least."""
    descriptor = os.open(path + ".flock", os.O_RDWR | os.O_CREAT, 0o666)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    data["agents"]["agent-0"]["last_heartbeat"] = "2026-01-01T00:00:00Z"
    atomic.replace(path, (json.dumps(data, indent=2) + "\n").encode())
    os.close(descriptor)
