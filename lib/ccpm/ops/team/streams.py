"""Streams of work: who claims which files of the project, for how long it takes.

All claims of a project are decided under one guard, whatever their epic: of two that could mean one file, one is made
first and the other sees it. Giving up needs only the guard of its registry: it takes nothing from anybody.
"""

from __future__ import annotations

import os

from ccpm.core import patterns
from ccpm.core import registry as rules
from ccpm.core.registry import CLAIMED, COMPLETED, IN_PROGRESS, Obstacle, Registry, Stream
from ccpm.errors import Busy, NotFound, NotYours, UsageError
from ccpm.files import agent_records, clock, events
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.locking.fences import Fenced
from ccpm.ops.team import agents, lives, registries

_CLAIMS = ".claims"


def claim(
    actor: Actor, epic: str, name: str, files: list[str], issue: str = "", title: str = "", pid: int = 0
) -> Stream:
    """The stream `name` of `epic` becomes the actor's, with all files that the patterns `files` mean.

    Claimed again by its owner, the patterns become its new ones. The actor is registered if it was not. Busy (75) if
    the stream, or a file that the patterns could mean, is another living agent's: nothing was changed then.
    """
    check_name(name)
    wanted = _with_folders(actor.top, patterns.check(files))
    if actor.agent not in registries.read(actor.top, registries.check_epic(actor.top, epic)).agents:
        agents.register(actor, epic, pid=pid)
    fold = is_case_blind(actor.top)
    known: dict[tuple[str, ...], str] = {}
    # Comparing patterns can take long: it is done before anybody has to wait for it, and looked up under the guard.
    look = [registries.read(actor.top, one) for one in agent_records.epics_with_registry(actor.top)]
    rules.find_obstacle(registries.read(actor.top, epic), look, actor.agent, name, wanted, fold, known)
    with actor.store.transact(_CLAIMS):
        others = _others(actor, epic)
        with registries.Changing(actor.store, epic) as registry:
            agent = registries.alive(registry, actor.agent)
            before = registry.streams.get(name)
            if not wanted and before and before.owner == actor.agent:
                wanted, known = before.files, {}
            obstacle = rules.find_obstacle(registry, others, agent.id, name, wanted, fold, known)
            if obstacle:
                raise _refused(actor, epic, name, obstacle)
            now = clock.now()
            rules.beat(agent, agent.owner, now)
            agent.work_stream = name
            stream = registry.streams[name] = Stream(name, agent.id, CLAIMED, wanted, issue, now.wall)
            stream.raw = {"title": title} if title else {}
            if before and before.owner == agent.id and before.is_live:
                _go_on(stream, before)
    facts = {"epic": epic, "stream": name, "files": wanted, "issue": stream.issue}
    events.append(actor.top, "stream.claimed", agent=actor.agent, **facts)
    return stream


def _go_on(stream: Stream, before: Stream) -> None:
    """`stream` is `before`, claimed again by its owner: what was not said anew stays."""
    stream.status, stream.started = before.status, before.started
    stream.issue, stream.raw = stream.issue or before.issue, {**before.raw, **stream.raw}


def start(actor: Actor, epic: str, name: str) -> Stream:
    """The actor begins to work on a stream that it has claimed."""
    return _change(actor, epic, name, IN_PROGRESS, "stream.started")


def complete(actor: Actor, epic: str, name: str) -> Stream:
    """The work on a stream is done: its files are free."""
    return _change(actor, epic, name, COMPLETED, "stream.completed")


def release(actor: Actor, epic: str, name: str) -> bool:
    """Give a claimed stream back; False if nobody had it. NotYours (77) if somebody else has it."""
    with registries.Changing(actor.store, epic) as registry:
        stream = registry.streams.get(name)
        if stream is None or not stream.is_live:
            return False
        _require_own(actor, registry, stream)
        del registry.streams[name]
        agent = registry.agents.get(actor.agent)
        if agent and agent.work_stream == name:
            agent.work_stream = ""
    events.append(actor.top, "stream.released", agent=actor.agent, epic=epic, stream=name)
    return True


def renumber(actor: Actor, epic: str, issues: dict[str, str], mark: str) -> None:
    """Let the streams of `issues` {old number: new} go by the new numbers. `mark` stands for this renaming: with the
    one that the registry has already, nothing is done."""
    if not issues or epic not in agent_records.epics_with_registry(actor.top):
        return
    with registries.Changing(actor.store, epic) as registry, Fenced(actor.store, actor.fences):
        if registry.raw_coordination.get("renumbered") != mark:
            registry.raw_coordination["renumbered"] = mark
            rules.renumber(registry, issues)


def find_conflicts(
    actor: Actor, epic: str, files: list[str], leave_out: str = ""
) -> list[tuple[str, str, str, str]]:
    """(epic, stream, owner, path) of every live stream of another agent that could change a file that `files` mean.
    `leave_out`: a stream of `epic` that does not count."""
    wanted, fold = rules.folded(patterns.check(files), is_case_blind(actor.top)), is_case_blind(actor.top)
    found = []
    for name in agent_records.epics_with_registry(actor.top):
        registry = registries.read(actor.top, name)
        for stream in registry.streams.values():
            if not stream.is_live or stream.owner == actor.agent or (name, stream.name) == (epic, leave_out):
                continue
            path = patterns.meet(wanted, rules.folded(patterns.readable(stream.files), fold))
            if path and is_owned(actor.top, registry, stream):
                found.append((name, stream.name, stream.owner, path))
    return found


def find(top: str, epic: str, name: str) -> tuple[Stream, bool] | None:
    """(the stream, whether its owner lives), None if there is no such stream."""
    registry = registries.read(top, registries.check_epic(top, epic))
    stream = registry.streams.get(name)
    if stream is None:
        return None
    return stream, is_owned(top, registry, stream)


def is_owned(top: str, registry: Registry, stream: Stream) -> bool:
    """Whether the stream belongs to an agent that is not dead. One that the registry does not know (an older registry)
    owns its streams until somebody takes them out."""
    agent = registry.agents.get(stream.owner)
    return bool(stream.owner) and (agent is None or not lives.is_dead(Store(top), agent))


def is_case_blind(top: str) -> bool:
    """Whether `a` and `A` are one file on the project's file system."""
    return os.path.exists(os.path.join(top, ".CLAUDE"))


def check_name(name: str) -> str:
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise UsageError(f"{name[:60]!r} is no name of a stream", "use a short word, like database-layer")
    return name


def _with_folders(top: str, files: list[str]) -> list[str]:
    """`files`, with a slash behind what is a folder now: its name may look like that of a file (core/patterns.py)."""
    return [
        f"{one}/" if not one.endswith("/") and os.path.isdir(os.path.join(top, one.lstrip("/"))) else one
        for one in files
    ]


def _others(actor: Actor, epic: str) -> list[Registry]:
    """The registries of the other epics. The dead who own something there are buried first: nobody is to find them in
    the way, and nobody is to come back to what is given away now."""
    found = []
    for name in agent_records.epics_with_registry(actor.top):
        if name == epic:
            continue
        registry = registries.read(actor.top, name)
        owners = {stream.owner for stream in registry.streams.values() if stream.is_live}
        if any(
            lives.judge(agent)[0] == rules.GONE for agent in registry.agents.values() if agent.id in owners
        ):
            registries.bury_in(actor.store, [name])
            registry = registries.read(actor.top, name)
        found.append(registry)
    return found


def _change(actor: Actor, epic: str, name: str, status: str, event: str) -> Stream:
    with registries.Changing(actor.store, epic) as registry:
        stream = registry.streams.get(name)
        if stream is None:
            there = ", ".join(registry.streams) or "none"
            raise NotFound(
                f"no stream {name!r} in {epic}; there are: {there}",
                f"ccpm-agent claim {epic} {name} PATTERN …",
            )
        _require_own(actor, registry, stream)
        rules.beat(registries.alive(registry, actor.agent), registry.agents[actor.agent].owner, clock.now())
        stream.status = status
        if status == COMPLETED:
            stream.raw = {**stream.raw, "completed": clock.to_iso(clock.now().wall)}
    events.append(actor.top, event, agent=actor.agent, epic=epic, stream=name)
    return stream


def _require_own(actor: Actor, registry: Registry, stream: Stream) -> None:
    if stream.owner != actor.agent:
        raise NotYours(
            f"stream {stream.name} of {registry.epic} belongs to {stream.owner} since {clock.to_iso(stream.started)}",
            f"ask its owner: ccpm-agent tell {stream.owner} TEXT",
            epic=registry.epic,
            stream=stream.name,
            owner=stream.owner,
        )


def _refused(actor: Actor, epic: str, name: str, obstacle: Obstacle) -> Busy:
    stream = obstacle.stream
    since = clock.to_iso(stream.started)
    events.append(
        actor.top,
        "stream.refused",
        agent=actor.agent,
        epic=epic,
        stream=name,
        by=stream.owner,
        path=obstacle.path,
    )
    details = {"epic": obstacle.epic, "stream": stream.name, "owner": stream.owner, "path": obstacle.path}
    if not obstacle.path:
        return Busy(
            f"stream {name} of {epic} belongs to {stream.owner} since {since}",
            f"take another stream (ccpm-agent list), or ask its owner: ccpm-agent tell {stream.owner} TEXT",
            **details,
        )
    both = "could overlap" if obstacle.path == patterns.UNDECIDED else f"both mean {obstacle.path}"
    return Busy(
        f"stream {name} of {epic} was not claimed: its files and those of stream {stream.name} of {obstacle.epic}, "
        f"which belongs to {stream.owner} since {since}, {both}",
        "claim other files, or ask for single ones: ccpm-agent request FILE --reason WHY",
        **details,
    )
