"""The public form of a registry, `.claude/epics/<epic>/agents.json` (docs/FORMATS.md), and where the registries are.

Contract: reading is lenient (older registries have work streams that are objects, and no clocks or processes), and
`encode` changes the object that was read: keys that this version does not know stay as they are.
"""

from __future__ import annotations

import os

from ccpm.core.leases import Owner
from ccpm.core.registry import COMPLETED, GONE, IN_PROGRESS, Agent, Registry, Stream
from ccpm.errors import CcpmError
from ccpm.files import clock, json_record, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "agents.json"
_ARCHIVES = ("archived", ".archived", "_archived")


def path_of(top: str, epic: str) -> str:
    """Where the registry of `epic` is, free of symbolic links."""
    return os.path.join(os.path.realpath(os.path.join(top, ".claude", "epics", epic)), NAME)


def epics_with_registry(top: str) -> list[str]:
    """The epics that have a registry, archived ones left out."""
    folder = os.path.join(top, ".claude", "epics")
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(
        name for name in names if name not in _ARCHIVES and os.path.exists(os.path.join(folder, name, NAME))
    )


def load(top: str, mark: bytes = b"") -> tuple[list[Registry], list[CcpmError]]:
    """The registries of the project in which the text `mark` stands, and what is wrong with those of them that cannot
    be read: the file of one epic stops no other epic."""
    found: list[Registry] = []
    broken: list[CcpmError] = []
    for epic in epics_with_registry(top):
        path = path_of(top, epic)
        try:
            data = plain.read(path) or b""
            if mark in data:
                found.append(decode(epic, json_record.parse(path, data)))
        except CcpmError as error:
            broken.append(error)
    return found, broken


def flaw(data: dict[str, Any]) -> str:
    """The key of a registry that holds no object where one belongs, "" if all is well: reading passes over it."""
    coordination = data.get("coordination", {})
    parts = coordination if isinstance(coordination, dict) else {}
    agents, streams = data.get("agents", {}), parts.get("streams", {})
    places = {
        "agents": agents,
        "coordination": coordination,
        "work_streams": parts.get("work_streams", {}),
        "streams": streams,
        **(agents if isinstance(agents, dict) else {}),
        **(streams if isinstance(streams, dict) else {}),
    }
    return next((key for key, value in places.items() if not isinstance(value, dict)), "")


def decode(epic: str, data: dict[str, Any]) -> Registry:
    registry = Registry(epic)
    registry.raw = data
    for name, fields in _objects(data.get("agents")):
        registry.agents[name] = _to_agent(name, fields)
    coordination = data.get("coordination")
    registry.raw_coordination = coordination if isinstance(coordination, dict) else {}
    work_streams = registry.raw_coordination.get("work_streams")
    if isinstance(work_streams, dict):
        for name, value in work_streams.items():
            # older form: the whole stream; a bare name: an owner whose files nobody wrote down
            fields = value if isinstance(value, dict) else {"owner": value, "status": IN_PROGRESS}
            registry.streams[name] = _to_stream(name, fields)
    for name, fields in _objects(registry.raw_coordination.get("streams")):
        registry.streams[name] = _to_stream(name, fields)
    return registry


def encode(registry: Registry, statuses: dict[str, str]) -> dict[str, Any]:
    """The object to be written; `statuses` {agent id: as computed now}."""
    data = registry.raw
    before = data.get("agents")
    odd = (
        {name: value for name, value in before.items() if not isinstance(value, dict)}
        if isinstance(before, dict)
        else {}
    )
    agents = {name: _from_agent(agent, statuses.get(name, "")) for name, agent in registry.agents.items()}
    data["agents"] = {**odd, **agents}
    coordination = registry.raw_coordination
    coordination["work_streams"] = {name: stream.owner for name, stream in registry.streams.items()}
    coordination["streams"] = {name: _from_stream(stream) for name, stream in registry.streams.items()}
    data["coordination"] = coordination
    return data


def describe(agent: Agent, status: str) -> dict[str, Any]:
    """An agent as plain data, the keys of the file."""
    return _from_agent(agent, status)


def describe_stream(stream: Stream) -> dict[str, Any]:
    return _from_stream(stream)


def _to_agent(name: str, fields: dict[str, Any]) -> Agent:
    owner = Owner(
        name,
        int(_number(fields.get("pid"))),
        _text(fields.get("pid_start")),
        _text(fields.get("boot_id")),
        _text(fields.get("pid_space")),
        _text(fields.get("host")),
    )
    heartbeat = _time(fields.get("last_heartbeat"))
    agent = Agent(
        owner, _time(fields.get("started")) or heartbeat, heartbeat, _number(fields.get("heartbeat_boot"))
    )
    agent.work_stream = _text(fields.get("work_stream"))
    agent.files_locked = _texts(fields.get("files_locked"))
    agent.commits = int(_number(fields.get("commits")))
    agent.worktree = _text(fields.get("worktree"))
    agent.branch = _text(fields.get("branch"))
    agent.base = _text(fields.get("base"))
    agent.why = _text(fields.get("why"))
    agent.ended = _time(fields.get("ended"))
    agent.raw = fields
    return agent


def _from_agent(agent: Agent, status: str) -> dict[str, Any]:
    owner = agent.owner
    fields = {
        "started": clock.to_iso(agent.started),
        "last_heartbeat": clock.to_iso(agent.heartbeat),
        "status": GONE if agent.ended else status or _text(agent.raw.get("status")),
        "work_stream": agent.work_stream,
        "files_locked": agent.files_locked,
        "commits": agent.commits,
        "worktree": agent.worktree,
        "branch": agent.branch,
        "pid": owner.pid,
        "pid_start": owner.pid_start,
        "pid_space": owner.pid_space,
        "host": owner.host,
        "boot_id": owner.boot_id,
        "heartbeat_boot": round(agent.heartbeat_boot, 6),
        "base": agent.base,
    }
    if agent.ended:
        fields |= {"ended": clock.to_iso(agent.ended), "why": agent.why}
    return {**agent.raw, **fields}


def _to_stream(name: str, fields: dict[str, Any]) -> Stream:
    status = _text(fields.get("status")).replace("_", "-") or IN_PROGRESS
    issue = fields.get("issue")
    stream = Stream(
        name,
        _text(fields.get("owner")),
        COMPLETED if status in (COMPLETED, "complete", "done") else status,
        _texts(fields.get("files")),
        str(issue) if isinstance(issue, (int, str)) else "",
        _time(fields.get("started")),
    )
    stream.raw = fields
    return stream


def _from_stream(stream: Stream) -> dict[str, Any]:
    fields: dict[str, Any] = {"owner": stream.owner, "status": stream.status, "files": stream.files}
    if stream.issue:
        fields["issue"] = (
            int(stream.issue) if stream.issue.isascii() and stream.issue.isdigit() else stream.issue
        )
    return {**stream.raw, **fields, "started": clock.to_iso(stream.started)}


def _objects(found: Any) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(found, dict):
        return []
    return [(name, fields) for name, fields in found.items() if isinstance(fields, dict)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return [entry.strip() for entry in found if isinstance(entry, str) and entry.strip()]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def _time(value: Any) -> float:
    try:
        return clock.from_iso(_text(value))
    except ValueError:
        return 0.0
