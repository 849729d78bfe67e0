"""Metrics out of the event log: waits, holds, contention, agents, work, requests, merges. Exact, not sampled.

Contract: pure. `Tally.add` takes whole pieces of a log (docs/FORMATS.md: the event log) as bytes, `report` tells what
they say. A line that is cut, glued or no event is passed over and counted; an unknown event only counts as one.

The two events of every lock cycle are most of a log: they are read by regular expressions that know the order in which
ops/locking/locks.py writes their keys. Whatever those do not match is read as JSON, so a change of order costs time,
not truth.

Percentiles are those of all values, interpolated between the two nearest (Hyndman & Fan, "Sample Quantiles in
Statistical Packages", Am. Stat. 50, 1996: type 7, the default of numpy and R).
"""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ACQUIRED = re.compile(
    rb'vent":"lock\.acquired","resource":"([^"\\\n]*)","agent":"([^"\\\n]*)","pid":[0-9]+,"token":[0-9]+,"mode":"[a-z]*",'
    rb'"operation":"[^"\\\n]*","waited":([0-9.e-]+),"contended":(?:(t)rue|false),"ttl":[0-9.e+]+\}$',
    re.MULTILINE,
)
_RELEASED = re.compile(
    rb'vent":"lock\.released","resource":"[^"\\\n]*","agent":"[^"\\\n]*","token":[0-9]+,"held":([0-9.e-]+),"by":"[^"\\\n]*"\}$',
    re.MULTILINE,
)
_OTHER = re.compile(rb'vent":(?!"lock\.(?:acquired|released)")("(?:lock\.renewed|frontmatter\.|file\.))?')
"""Every event but those of lock cycles; the group is not empty for those that count as nothing but an event.

The expressions begin with the `v` of "event": the search for a literal stops at each of its first letter, and a line
has dozens of quotes."""
_CYCLE_MARKS = (b'"event":"lock.acquired"', b'"event":"lock.released"')
_PIECE = 1 << 18
"""Bytes looked at in one go: a piece and what is found in it stay in the cache of a processor."""

_COUNTED = {
    "lock.takeover": "takeovers",
    "lock.timeout": "timeouts",
    "lock.deadlock": "deadlocks_refused",
    "lock.victim": "deadlock_victims",
    "lock.lost": "lost",
    "fence.refused": "late_writes_refused",
    "work.claimed": "claimed",
    "work.stolen": "stolen",
    "work.released": "given_back",
    "github.refused": "refused",
    "github.unclear": "unclear",
}


_MERGES = {
    "started": "merges",
    "moved": "branches_merged",
    "conflict": "conflicts",
    "held": "held_back",
    "failed": "failed_checks",
}
"""Event of a merge: what it counts, for each epic."""


class Agent:
    """What the log says of one agent. Times in seconds of the epoch, 0.0: not known."""

    __slots__ = ("acquired", "commits", "crashes", "done", "ended", "registered", "requests", "uptime")

    def __init__(self) -> None:
        self.registered = 0.0
        self.ended = 0.0
        self.uptime = 0.0
        self.acquired = 0
        self.commits = 0
        self.crashes = 0
        self.done = 0
        self.requests = 0


class Tally:
    """All that was added so far."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.holds: list[float] = []
        self.contended = 0
        self.by_resource: dict[str, list[int]] = {}
        self.counts: dict[str, int] = {}
        self.agents: dict[str, Agent] = {}
        self.task_seconds: list[float] = []
        self.statuses: dict[str, int] = {}
        self.writes = 0
        self.merges: dict[str, dict[str, int]] = {}
        self.events = 0
        self.damaged = 0
        self.last = 0.0

    def add(self, data: bytes) -> None:
        """Count a part of the log that begins and ends with a line (its last line may be cut)."""
        start = 0
        while start < len(data):
            end = data.find(b"\n", start + _PIECE) + 1 or len(data)
            self._add_piece(data[start:end])
            start = end

    def note(self, event: dict[str, Any]) -> None:
        """Count one event."""
        kind = str(event.get("event"))
        self.last = max(self.last, _number(event.get("at")))
        if kind in _COUNTED:
            name = _COUNTED[kind]
            self.counts[name] = self.counts.get(name, 0) + 1
        handler = _HANDLERS.get(kind)
        if handler:
            handler(self, event)

    def agent(self, name: object) -> Agent:
        return self.agents.setdefault(str(name), Agent())

    def _add_piece(self, data: bytes) -> None:
        ends = data.count(b"\n")
        self.events += ends
        acquired, released = _ACQUIRED.findall(data), _RELEASED.findall(data)
        self._add_cycles(acquired, released)
        others = _OTHER.findall(data)
        if b"" in others:
            self._add_others(data)
        if len(acquired) + len(released) + len(others) != ends + (not data.endswith(b"\n")):
            self._add_odd_lines(data)

    def _add_cycles(self, acquired: list[tuple[bytes, ...]], released: list[bytes]) -> None:
        from collections import Counter
        from itertools import compress

        self.holds += map(float, released)
        if not acquired:
            return
        resources, agents, waits, contended = zip(*acquired, strict=True)
        self.waits += map(float, waits)
        contended_of = Counter(compress(resources, contended))
        self.contended += contended_of.total()
        for name, count in Counter(resources).items():
            counts = self.by_resource.setdefault(name.decode("utf-8", "replace"), [0, 0])
            counts[0] += count
            counts[1] += contended_of[name]
        for name, count in Counter(agents).items():
            self.agent(name.decode("utf-8", "replace")).acquired += count

    def _add_others(self, data: bytes) -> None:
        for match in _OTHER.finditer(data):
            if not match[1]:
                start = data.rfind(b"\n", 0, match.start()) + 1
                end = data.find(b"\n", match.end())
                self._add_line(data[start : end if end >= 0 else len(data)])

    def _add_odd_lines(self, data: bytes) -> None:
        """The lines of lock cycles that the expression did not match: other keys, escapes, or damage."""
        for line in data.split(b"\n"):
            is_cycle = any(mark in line for mark in _CYCLE_MARKS)
            if is_cycle and not (_ACQUIRED.search(line) or _RELEASED.search(line)):
                self._add_line(line)

    def _add_line(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            self.damaged += 1
            return
        if isinstance(event, dict):
            self.note(event)

    def _on_acquired(self, event: dict[str, Any]) -> None:
        contended = event.get("contended") is True
        self.waits.append(_number(event.get("waited")))
        self.contended += contended
        counts = self.by_resource.setdefault(str(event.get("resource")), [0, 0])
        counts[0] += 1
        counts[1] += contended
        self.agent(event.get("agent")).acquired += 1

    def _on_released(self, event: dict[str, Any]) -> None:
        self.holds.append(_number(event.get("held")))

    def _on_registered(self, event: dict[str, Any]) -> None:
        agent = self.agent(event.get("agent"))
        agent.registered = agent.registered or _number(event.get("at"))
        agent.ended = 0.0

    def _on_ended(self, event: dict[str, Any]) -> None:
        agent = self.agent(event.get("agent"))
        at = _number(event.get("at"))
        if agent.registered:
            agent.uptime += at - agent.registered
        agent.registered, agent.ended = 0.0, at
        agent.commits += int(_number(event.get("commits")))
        agent.crashes += event.get("event") == "agent.dead"

    def _on_done(self, event: dict[str, Any]) -> None:
        self.task_seconds.append(_number(event.get("seconds")))
        self.agent(event.get("agent")).done += 1

    def _on_request(self, event: dict[str, Any]) -> None:
        status = int(_number(event.get("status")))
        family = f"{status // 100}xx" if status else "none"
        self.statuses[family] = self.statuses.get(family, 0) + 1
        self.writes += event.get("method") not in ("GET", "HEAD")
        self.agent(event.get("agent")).requests += 1

    def _on_merge(self, event: dict[str, Any]) -> None:
        epic = self.merges.setdefault(str(event.get("epic")), dict.fromkeys(_MERGES.values(), 0))
        branches = event.get("branches")
        kind = str(event.get("event")).partition(".")[2]
        epic[_MERGES[kind]] += len(branches) if kind == "moved" and isinstance(branches, list) else 1


_HANDLERS = {
    "lock.acquired": Tally._on_acquired,
    "lock.released": Tally._on_released,
    "lock.forced": Tally._on_released,
    "lock.ended": Tally._on_released,
    "agent.registered": Tally._on_registered,
    "agent.unregistered": Tally._on_ended,
    "agent.dead": Tally._on_ended,
    "work.done": Tally._on_done,
    "github.request": Tally._on_request,
    **dict.fromkeys(
        ("merge.started", "merge.moved", "merge.conflict", "merge.held", "merge.failed"), Tally._on_merge
    ),
}


def percentile(ordered: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the sorted values lie; 0.0 of none."""
    if not ordered:
        return 0.0
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def distribution(values: list[float]) -> dict[str, float]:
    """count, mean, p50, p95, p99 and max of `values`, in their unit."""
    ordered = sorted(values)
    mean = sum(ordered) / len(ordered) if ordered else 0.0
    shares = {f"p{round(share * 100)}": percentile(ordered, share) for share in (0.5, 0.95, 0.99)}
    return {"count": len(ordered), "mean": mean, **shares, "max": ordered[-1] if ordered else 0.0}


def report(tally: Tally, now: float) -> dict[str, Any]:
    """Everything as plain data; times in seconds. `now`: until when agents that are registered count as up."""
    acquired = len(tally.waits)
    names = ("takeovers", "timeouts", "deadlocks_refused", "deadlock_victims", "lost", "late_writes_refused")
    busiest = sorted(tally.by_resource.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    return {
        "events": tally.events,
        "damaged": tally.damaged,
        "locks": {
            "acquired": acquired,
            "contended": tally.contended,
            "contention_rate": tally.contended / acquired if acquired else 0.0,
            "wait_seconds": distribution(tally.waits),
            "hold_seconds": distribution(tally.holds),
            **{name: tally.counts.get(name, 0) for name in names},
            "resources": [{"resource": name, "acquired": n, "contended": c} for name, (n, c) in busiest[:10]],
        },
        "agents": [_describe_agent(name, agent, now) for name, agent in sorted(tally.agents.items())],
        "work": {
            "done": len(tally.task_seconds),
            "task_seconds": distribution(tally.task_seconds),
            **{name: tally.counts.get(name, 0) for name in ("claimed", "stolen", "given_back")},
        },
        "github": {
            "requests": sum(tally.statuses.values()),
            "writes": tally.writes,
            "statuses": dict(sorted(tally.statuses.items())),
            **{name: tally.counts.get(name, 0) for name in ("refused", "unclear")},
        },
        "merges": dict(sorted(tally.merges.items())),
    }


def _describe_agent(name: str, agent: Agent, now: float) -> dict[str, Any]:
    since = now - agent.registered if agent.registered else 0.0
    return {
        "agent": name,
        "up": bool(agent.registered),
        "uptime_seconds": round(agent.uptime + max(0.0, since), 3),
        "crashes": agent.crashes,
        "acquired": agent.acquired,
        "tasks_done": agent.done,
        "commits": agent.commits,
        "github_requests": agent.requests,
    }


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and value == value else 0.0
