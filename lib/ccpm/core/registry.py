"""The registry of one epic: which agents work on it, which of them still live, which stream of work belongs to whom.

Contract: pure functions over `Registry` and one `Now`. The caller reads the record, applies the answer and publishes it
under one guard (ops/team/registries.py, ops/team/streams.py).

The status of an agent is computed, not believed:
    active   it gave a sign of life within `STALE` seconds
    stale    it has been silent for longer; all that is its own stays its own
    dead     its process is gone, or it has been silent for `DEAD` seconds

Guarantees
- Death is final: once a writer has found an agent dead it is marked (`ended`), and no heartbeat brings it back; it
  registers again, and begins with nothing.
- Within one boot, silence is measured on the boot clock: setting the wall clock kills and saves nobody.
- Two live agents never own streams whose patterns can mean one path (`find_obstacle`), if every claim is decided on all
  registries of the project under one guard.
"""

from __future__ import annotations

from ccpm.core import patterns
from ccpm.core.leases import SKEW, Now, Owner, why_gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BEAT = 60.0
"""Seconds between two heartbeats of an agent."""

STALE = 300.0
"""Seconds of silence after which an agent counts as stale: the five minutes of the specification."""

DEAD = 900.0
"""Seconds of silence after which an agent counts as dead, although its process may still be there."""

NEVER = float("-inf")
"""A time on the boot clock: no such sign of life is known."""

ACTIVE, STALE_, GONE = "active", "stale", "dead"

CLAIMED, IN_PROGRESS, COMPLETED = "claimed", "in-progress", "completed"


class Agent:
    """One agent. `owner`: its id and the process that it lives in (pid 0: unknown). Times in seconds of the epoch;
    `heartbeat_boot` on the boot clock of `owner.boot_id` (0.0: unknown). `base`: the commit that it began on.
    `ended`, `why`: when and why it was found dead. `raw` keeps the keys that this version does not know."""

    __slots__ = (
        "base", "branch", "commits", "ended", "files_locked", "heartbeat", "heartbeat_boot", "owner", "raw",
        "started", "why", "work_stream", "worktree",
    )  # fmt: skip

    def __init__(self, owner: Owner, started: float, heartbeat: float, heartbeat_boot: float) -> None:
        self.owner = owner
        self.started = started
        self.heartbeat = heartbeat
        self.heartbeat_boot = heartbeat_boot
        self.work_stream = ""
        self.files_locked: list[str] = []
        self.commits = 0
        self.worktree = ""
        self.branch = ""
        self.base = ""
        self.ended = 0.0
        self.why = ""
        self.raw: dict[str, Any] = {}

    @property
    def id(self) -> str:
        return self.owner.agent


class Stream:
    """One stream of work: `owner` (an agent id, "" for nobody), its `status`, and the `files` that it claims."""

    __slots__ = ("files", "issue", "name", "owner", "raw", "started", "status")

    def __init__(
        self, name: str, owner: str, status: str, files: list[str], issue: str, started: float
    ) -> None:
        self.name = name
        self.owner = owner
        self.status = status
        self.files = files
        self.issue = issue
        self.started = started
        self.raw: dict[str, Any] = {}

    @property
    def is_live(self) -> bool:
        """Whether it still claims its files."""
        return bool(self.owner) and self.status != COMPLETED


class Registry:
    """All agents and streams of the epic `epic`; `raw` and `raw_coordination` keep unknown keys."""

    __slots__ = ("agents", "epic", "raw", "raw_coordination", "streams")

    def __init__(self, epic: str) -> None:
        self.epic = epic
        self.agents: dict[str, Agent] = {}
        self.streams: dict[str, Stream] = {}
        self.raw: dict[str, Any] = {}
        self.raw_coordination: dict[str, Any] = {}

    def streams_of(self, agent: str) -> list[Stream]:
        return [stream for stream in self.streams.values() if stream.is_live and stream.owner == agent]


class Obstacle:
    """What stands in the way of a claim: a live stream of another agent, and the `path` that both would own ("" if it
    is the very stream that was asked for)."""

    __slots__ = ("agent", "epic", "path", "stream")

    def __init__(self, epic: str, stream: Stream, agent: Agent | None, path: str) -> None:
        self.epic = epic
        self.stream = stream
        self.agent = agent
        self.path = path


def new_agent(owner: Owner, now: Now) -> Agent:
    return Agent(owner, now.wall, now.wall, now.boot)


def beat(agent: Agent, owner: Owner, now: Now) -> None:
    """A sign of life of `agent` from this boot; `owner` has the process it lives in, if that is known (else the one
    that was known before stays, unless this is another boot or host)."""
    known = agent.owner
    same_place = (known.host, known.boot_id, known.pid_space) == (owner.host, owner.boot_id, owner.pid_space)
    if owner.pid or not same_place:
        agent.owner = owner
    agent.heartbeat = now.wall
    agent.heartbeat_boot = now.boot


def silence(agent: Agent, now: Now, seen_boot: float = NEVER) -> float:
    """Seconds since the last sign of life. `seen_boot`: one of another kind, on the boot clock of `now`."""
    if agent.owner.boot_id and agent.owner.boot_id == now.boot_id and agent.heartbeat_boot:
        return max(0.0, now.boot - max(agent.heartbeat_boot, seen_boot))
    quiet = max(0.0, now.wall - agent.heartbeat - SKEW)
    return min(quiet, now.boot - seen_boot)


def judge(
    agent: Agent, now: Now, is_alive: bool | None, host: str, seen_boot: float = NEVER
) -> tuple[str, str]:
    """(status, the reason if it is dead). `is_alive`: whether its process runs; None when that cannot be known from
    here. `host`: where the observer is. `seen_boot`: as in `silence`."""
    if agent.ended:
        return GONE, agent.why or "it was found dead"
    if why := why_gone(agent.owner, is_alive, host, now.boot_id):
        return GONE, why
    quiet = silence(agent, now, seen_boot)
    if quiet >= DEAD:
        return GONE, f"no heartbeat for {quiet / 60:.0f} minutes"
    return (STALE_ if quiet >= STALE else ACTIVE), ""


def bury(registry: Registry, agent: Agent, why: str, now: Now) -> list[Stream]:
    """Mark `agent` as dead and take its streams from it; the streams it lost."""
    agent.ended, agent.why = now.wall, why
    agent.files_locked = []
    return give_up(registry, agent.id)


def give_up(registry: Registry, agent: str) -> list[Stream]:
    """Take the live streams of `agent` out of the registry; completed ones stay as what was done."""
    lost = registry.streams_of(agent)
    for stream in lost:
        del registry.streams[stream.name]
    return lost


def renumber(registry: Registry, issues: dict[str, str]) -> None:
    """The streams of `issues` {old number: new} go by the new numbers, all at once: `001-A` is `2-A` then. A stream
    knows its issue as a number, without leading zeros."""
    plain = {old.lstrip("0"): new for old, new in issues.items()} | issues
    names = {}
    for stream in registry.streams.values():
        head, _, letter = stream.name.rpartition("-")
        is_part = bool(stream.issue) and head.lstrip("0") == stream.issue.lstrip("0")
        new = (issues if is_part else plain).get(head if is_part else stream.issue)
        if new:
            stream.issue = new
            names[stream.name] = f"{new}-{letter}" if is_part else stream.name
            stream.name = names[stream.name]
    registry.streams = {stream.name: stream for stream in registry.streams.values()}
    for agent in registry.agents.values():
        agent.work_stream = names.get(agent.work_stream, agent.work_stream)


def find_obstacle(
    registry: Registry,
    others: list[Registry],
    agent: str,
    name: str,
    files: list[str],
    fold: bool = False,
    known: dict[tuple[str, ...], str] | None = None,
) -> Obstacle | None:
    """What keeps `agent` from claiming the stream `name` of `registry` with the patterns `files`, None if nothing does.

    All dead agents have been buried before. `others`: the registries of the project's other epics. `fold`: whether
    upper and lower case are one on its file system. `known` keeps what two sets of patterns have in common, for a
    second look at the same claim.
    """
    same = registry.streams.get(name)
    if same and same.is_live and same.owner != agent:
        return Obstacle(registry.epic, same, registry.agents.get(same.owner), "")
    for one in (registry, *others):
        for stream in one.streams.values():
            if not stream.is_live or stream.owner == agent:
                continue
            theirs = folded(patterns.readable(stream.files), fold)
            key = tuple(theirs)
            path = known.get(key) if known is not None else None
            if path is None:
                path = patterns.meet(folded(files, fold), theirs)
                if known is not None:
                    known[key] = path
            if path:
                return Obstacle(one.epic, stream, one.agents.get(stream.owner), path)
    return None


def folded(files: list[str], fold: bool) -> list[str]:
    return [pattern.lower() for pattern in files] if fold else files
