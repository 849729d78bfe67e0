"""The timeline of an epic: agents × time, out of the event log.

Contract: pure. `build` takes events as dicts, oldest first, and gives a row for each agent of the epic with its spans:
alive (registered, or seen), working on a task, waiting for a lock, merging; and the moments at which it was found dead.

Non-guarantees: an agent that was killed counts as working until it was found dead or its task was given to another;
a span that goes on ends now. What the log no longer has is not shown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Event = dict[str, Any]

ALIVE, WORKING, WAITING, MERGING = "alive", "working", "waiting", "merging"
KINDS = (ALIVE, WORKING, WAITING, MERGING)
"""From the one drawn below to the one drawn on top."""

SHORTEST_WAIT = 0.01
"""Seconds: shorter waits are not shown."""


class Span:
    """`kind` from `start` to `end` (seconds of the epoch); `label`: the task, the resource or the branch."""

    __slots__ = ("end", "kind", "label", "start")

    def __init__(self, kind: str, start: float, end: float, label: str) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.label = label


class Row:
    """One agent: its `spans`, in order of their starts, and when it was found dead (`deaths`: time, why)."""

    __slots__ = ("agent", "deaths", "spans")

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.spans: list[Span] = []
        self.deaths: list[tuple[float, str]] = []

    def seconds(self, kind: str) -> float:
        """How long it was in `kind`; of spans that overlap the time counts once."""
        total, reached = 0.0, float("-inf")
        for span in sorted((s for s in self.spans if s.kind == kind), key=lambda s: s.start):
            total += max(0.0, span.end - max(span.start, reached))
            reached = max(reached, span.end)
        return total


class Timeline:
    __slots__ = ("end", "epic", "rows", "start")

    def __init__(self, epic: str, start: float, end: float, rows: list[Row]) -> None:
        self.epic = epic
        self.start = start
        self.end = end
        self.rows = rows


def build(events: Iterable[Event], epic: str, now: float) -> Timeline:
    """The timeline of `epic` out of `events`; what goes on ends `now`. Without events it has no rows."""
    builder = _Builder(epic)
    waits = []
    for event in events:
        if event.get("event") in ("lock.acquired", "lock.timeout"):
            waits.append(event)
        elif event.get("epic") == epic:
            builder.add(event)
    for event in waits:  # at the end, when it is known who belongs to the epic
        builder.add_wait(event)
    return builder.finish(now)


_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def ticks(seconds: float, most: int) -> list[tuple[float, str]]:
    """At most `most` round moments within `seconds`, the first at 0, with how a clock shows them: `0:30`, `2:05:00`."""
    step = next((step for step in _STEPS if seconds / step < most), 0)
    step = step or int(seconds / most / 86400 + 1) * 86400
    return [(float(at), _clock(at)) for at in range(0, int(seconds) + 1, step)]


def _clock(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours}:{minutes:02d}:{seconds % 60:02d}"
    return f"{minutes}:{seconds % 60:02d}"


class _Builder:
    def __init__(self, epic: str) -> None:
        self.epic = epic
        self.rows: dict[str, Row] = {}
        self.up: dict[str, float] = {}
        self.working: dict[str, tuple[str, float]] = {}
        self.merging: dict[str, tuple[float, str]] = {}
        self.seen: dict[str, list[float]] = {}

    def add(self, event: Event) -> None:
        agent, at = str(event.get("agent") or ""), float(event.get("at") or 0)
        if not agent:
            return
        self.rows.setdefault(agent, Row(agent))
        self.seen.setdefault(agent, []).append(at)
        handler = _HANDLERS.get(str(event.get("event")))
        if handler:
            handler(self, agent, at, event)

    def add_wait(self, event: Event) -> None:
        row = self.rows.get(str(event.get("agent")))
        waited = float(event.get("waited") or 0)
        if row and waited >= SHORTEST_WAIT:
            at = float(event.get("at") or 0)
            row.spans.append(Span(WAITING, at - waited, at, str(event.get("resource"))))

    def finish(self, now: float) -> Timeline:
        for agent in list(self.up):
            self._down(agent, now)
        for task in list(self.working):
            self._stop(task, now)
        for agent, (start, label) in self.merging.items():
            self.rows[agent].spans.append(Span(MERGING, start, now, label))
        for agent, row in self.rows.items():
            if not any(span.kind == ALIVE for span in row.spans):
                times = [*self.seen[agent], *(s.start for s in row.spans), *(s.end for s in row.spans)]
                row.spans.append(Span(ALIVE, min(times), max(times), "not registered"))
            row.spans.sort(key=lambda span: (span.start, KINDS.index(span.kind)))
        rows = sorted(self.rows.values(), key=lambda row: (row.spans[0].start, row.agent))
        times = [time for row in rows for span in row.spans for time in (span.start, span.end)]
        return Timeline(self.epic, min(times, default=now), max(times, default=now), rows)

    def _registered(self, agent: str, at: float, event: Event) -> None:
        self.up.setdefault(agent, at)

    def _left(self, agent: str, at: float, event: Event) -> None:
        self._down(agent, at)

    def _died(self, agent: str, at: float, event: Event) -> None:
        self._down(agent, at)
        self.rows[agent].deaths.append((at, str(event.get("why") or "")))
        for task, (holder, _) in list(self.working.items()):
            if holder == agent:
                self._stop(task, at)

    def _down(self, agent: str, at: float) -> None:
        start = self.up.pop(agent, None)
        if start is not None:
            self.rows[agent].spans.append(Span(ALIVE, start, at, "registered"))

    def _begun(self, agent: str, at: float, event: Event) -> None:
        task = str(event.get("task"))
        if self.working.get(task, ("", 0.0))[0] != agent:
            self._stop(task, at)  # somebody else had it
            self.working[task] = (agent, at)

    def _ended(self, agent: str, at: float, event: Event) -> None:
        self._stop(str(event.get("task")), at)

    def _stop(self, task: str, at: float) -> None:
        agent, start = self.working.pop(task, ("", 0.0))
        if agent:
            self.rows[agent].spans.append(Span(WORKING, start, at, f"#{task}"))

    def _merge_begun(self, agent: str, at: float, event: Event) -> None:
        self.merging.setdefault(agent, (at, str(event.get("branch") or self.epic)))

    def _merge_ended(self, agent: str, at: float, event: Event) -> None:
        if agent in self.merging:
            start, label = self.merging.pop(agent)
            self.rows[agent].spans.append(Span(MERGING, start, at, label))


_HANDLERS = {
    "agent.registered": _Builder._registered,
    "agent.unregistered": _Builder._left,
    "agent.dead": _Builder._died,
    "work.claimed": _Builder._begun,
    "work.stolen": _Builder._begun,
    "work.started": _Builder._begun,
    "work.done": _Builder._ended,
    "work.released": _Builder._ended,
    "merge.started": _Builder._merge_begun,
    "merge.finished": _Builder._merge_ended,
}
