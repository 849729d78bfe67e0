"""What agents say to each other: one inbox an agent, a JSON record below `.claude/locks/.state` (docs/FORMATS.md).

Contract: `post` puts a message into an inbox, `unread` looks, `acknowledge` takes out what was read. Nothing needs a
server: an agent looks at its next action, and a hook can do it in its place (`unread` costs one failed open where
there is none).

Guarantees: those of files/json_record.py; no message is lost between two writers. Non-guarantee: an inbox holds the
newest `KEPT` messages; an agent that never looks loses the older ones, and is told how many.
"""

from __future__ import annotations

import os

from ccpm.errors import NotFound, UsageError
from ccpm.files import atomic, clock, events, json_record, root
from ccpm.ops.actor import Actor
from ccpm.ops.team import registries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

NOTE, REQUEST, GRANTED, SHARED, DENIED, FREE = "note", "request", "granted", "shared", "denied", "free"

KEPT = 100
"""Messages of one inbox."""

LONGEST = 4000
"""Characters of one message."""


def path_of(top: str, agent: str) -> str:
    return os.path.join(root.state_dir(os.path.realpath(top)), "inbox", f"{agent}.json")


def post(top: str, agent: str, kind: str, sender: str, text: str, **facts: object) -> None:
    """Put a message for `agent` into its inbox; `facts` go with it as they are. About one request only the newest
    message of a kind stays."""
    if len(text) > LONGEST:
        raise UsageError(
            f"the message has {len(text)} characters, at most {LONGEST} are allowed", "write it to a file"
        )
    with json_record.Changing(path_of(top, agent)) as record:
        data = record.data
        number = int(data.get("last_id") or 0) + 1
        request = facts.get("request")
        older = [
            one
            for one in _messages(data)
            if request is None or (one.get("kind"), one.get("request")) != (kind, request)
        ]
        kept = older[-KEPT + 1 :]
        data["dropped"] = int(data.get("dropped") or 0) + len(older) - len(kept)
        at = clock.to_iso(clock.now().wall)
        data["messages"] = [
            *kept,
            {"id": number, "kind": kind, "from": sender, "at": at, "text": text, **facts},
        ]
        data["last_id"] = number
        record.save()


def unread(top: str, agent: str) -> list[Message]:
    """The messages in the inbox of `agent`, oldest first."""
    return _messages(json_record.read(path_of(top, agent)))


def acknowledge(top: str, agent: str, numbers: list[int]) -> None:
    """Take the messages with these ids out of the inbox of `agent`."""
    if not numbers:
        return
    with json_record.Changing(path_of(top, agent)) as record:
        record.data["messages"] = [one for one in _messages(record.data) if one.get("id") not in numbers]
        record.data["dropped"] = 0
        record.save()


def tell(actor: Actor, text: str, to: str = "", epic: str = "") -> list[str]:
    """A note to one agent, or to all others that live, in `epic` or everywhere; who got it. NotFound (66) if `to` is no
    registered agent."""
    if not text.strip():
        raise UsageError("the message is empty", "ccpm-agent tell AGENT TEXT")
    living = [agent.id for agent in registries.living(actor.top, epic)]
    receivers = list(dict.fromkeys(agent for agent in living if agent != actor.agent))
    if to:
        if to not in living and not os.path.exists(path_of(actor.top, to)):
            there = ", ".join(receivers) or "none"
            raise NotFound(f"no agent {to!r} is registered; there are: {there}", "ccpm-agent list", agent=to)
        receivers = [to]
    for agent in receivers:
        post(actor.top, agent, NOTE, actor.agent, text)
    events.append(actor.top, "agent.told", agent=actor.agent, to=receivers, broadcast=not to)
    return receivers


def in_words(message: Message) -> str:
    """What a message says, and what can be done about it, as one line."""
    kind, text, file = (
        message.get("kind"),
        " ".join(str(message.get("text", "")).split()),
        message.get("file"),
    )
    if kind == REQUEST:
        sender = message.get("from")
        answers = " or ".join(
            f"ccpm-agent {verb} {file} --to {sender}" for verb in ("grant", "share", "deny")
        )
        return f"asks for {file}: {text} (answer: {answers})"
    if kind == DENIED:
        return f"keeps {file}: {text}"
    return text


def forget(top: str, agent: str) -> None:
    """Remove the inbox of an agent that has left."""
    path = path_of(top, agent)
    if os.path.exists(path):
        with json_record.Changing(path):
            atomic.remove(path, durable=False)


def _messages(data: dict[str, Any]) -> list[Message]:
    found = data.get("messages")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
