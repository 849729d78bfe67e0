"""After a tool of Claude Code has run: signs of life, messages, and the version of what was edited by hand.

The common path reads: an agent that has given a sign of life within `THROTTLE` seconds gives none.
"""

from __future__ import annotations

import os

from ccpm.core import hook_decisions, quick_json
from ccpm.errors import CcpmError, LeaseLost, Malformed, NotFound
from ccpm.files import checkout, glance, plain, root
from ccpm.ops.claude import hook_changes, hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.ops.claude.hooks import Call
    from ccpm.ops.team.messages import Message

THROTTLE = 50.0
"""Seconds between two signs of life: a little less than what core/registry.py expects (BEAT)."""


def tool(call: Call) -> dict[str, Any]:
    """What the agent gets to read after its tool ran."""
    lines = []
    for agent in dict.fromkeys([call.agent, call.session]):
        lines += _beat(call, agent)
        _keep_tasks(call.top, agent)
    return hooks.context("PostToolUse", lines + _mail(call) + _count_up(call))


def _mail(call: Call) -> list[str]:
    """The messages in the agent's inbox, and which files that it asked for have become free. They are taken out of it
    when the answer is written, and not before."""
    state = root.state_dir(call.top)
    is_asking = f'"{call.agent}"'.encode() in (plain.read(f"{state}/requests.json") or b"")
    if not is_asking and not os.path.exists(f"{state}/inbox/{call.agent}.json"):
        return []
    from ccpm.ops.team import inbox, messages

    found = inbox.pending(call.top, call.agent)
    numbers = [one["id"] for one in found if isinstance(one.get("id"), int)]
    if numbers:
        call.afterwards.append(lambda: messages.acknowledge(call.top, call.agent, numbers))
    return [f"CCPM{_sender(one)} at {one.get('at')}: {messages.in_words(one)}" for one in found]


def _sender(message: Message) -> str:
    return f", message of {message['from']}" if message.get("from") else ""


def _beat(call: Call, agent: str) -> list[str]:
    """A sign of life of `agent` in each epic that knows it and has not heard of it lately. A session lives while a
    subagent of it does something. One that was found dead while it waited for its user begins anew, with nothing, as
    soon as it does something itself."""
    lines = []
    for epic, record in _records(call.top, agent):
        from ccpm.files import clock, process

        if record.get("boot_id") == process.boot_id() and not record.get("ended"):
            beaten = record.get("heartbeat_boot")
            if isinstance(beaten, (int, float)) and 0 <= clock.boot() - beaten < THROTTLE:
                continue
        from ccpm.ops import identity
        from ccpm.ops.actor import Actor
        from ccpm.ops.team import agents

        actor, pid = Actor(agent, {}, top=call.top), identity.process_of()
        try:
            agents.heartbeat(actor, epic, pid, count=False)
        except LeaseLost as error:
            if agent == call.agent:
                agents.register(actor, epic, pid=pid)
                lines.append(
                    f"CCPM: {error.message}. You are registered anew, and own nothing: look at what changed since, "
                    f"and claim again what you work on (ccpm-agent claim {epic} STREAM PATTERN …)."
                )
        except NotFound:
            pass  # it has left meanwhile
    return lines


def _keep_tasks(top: str, agent: str) -> None:
    """Extend the claims of `agent` on tasks, also where no epic knows it, if one was not extended lately: each time,
    its record is written anew."""
    folder = root.locks_dir(top)
    for name in glance.listing(folder):
        if not name.startswith("task-") or glance.age(path := f"{folder}/{name}") < THROTTLE:
            continue
        record = glance.read(path)
        if agent.encode() in record and b"operation: work" in record:
            from ccpm.files.store import Store
            from ccpm.ops.distribution import claims

            claims.keep(Store(top), agent)
            return


def _records(top: str, agent: str) -> list[tuple[str, dict[str, Any]]]:
    """(epic, what its registry says of `agent`) for each epic that knows it."""
    found = []
    for epic, data in glance.registries(top, f'"{agent}"'.encode()):
        try:
            record = quick_json.loads(data)["agents"][agent]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # whoever writes it says what is wrong
        if isinstance(record, dict):
            found.append((epic, record))
    return found


def _count_up(call: Call) -> list[str]:
    """Give a task, epic or PRD that an edit tool has changed its next version, so that a writer who read it before
    notices (core/versions.py)."""
    path = hook_changes.in_plan(call.top, call.edited())
    if not path.endswith(".md"):
        return []
    top = root.of_file(path)
    worktree, relative = checkout.locate(top, path) if top else ("", "")
    if (
        not relative
        or hook_decisions.kind_of(relative, worktree == top, root.SHARED).name != hook_decisions.PLAN
    ):
        return []
    data = plain.read(path)
    if not data or not data.removeprefix(b"\xef\xbb\xbf").startswith(b"---"):
        return []
    from ccpm.ops import frontmatter
    from ccpm.ops.frontmatter import Change

    try:
        version, _ = frontmatter.apply(Change(path, call.agent, {}))
    except Malformed as error:
        return [f"CCPM: your edit left a frontmatter that cannot be read: {error.message}. {error.hint}"]
    except CcpmError as error:
        return [f"CCPM: the version of {relative} was not counted up: {error.message}"]
    return [f"CCPM: {relative} has version {version} now. Read it again before you edit it again."]
