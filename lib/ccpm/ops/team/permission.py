"""Whether an agent may write a file of the project through our helpers: not if another living agent owns it.

Shared state under `.claude` is not asked about: its locks, fences and versions keep writers apart. Nor is an agent that
nobody named and that lives in the owner's process: it is a subagent's script that did not say whose it is, for all that
can be told. Where a registry cannot be read, the write goes on, as an edit does (docs/HOOKS.md).
"""

from __future__ import annotations

import os

from ccpm.errors import Malformed, NotYours
from ccpm.files import checkout, root
from ccpm.ops import identity
from ccpm.ops.team.quick_look import QuickLook


def check(path: str, named: str | None) -> None:
    """NotYours (77) if `path` (as the user named it) is another agent's. `named`: the agent in `--agent`."""
    path = root.resolve(path)
    top = root.of_file(path)
    relative = checkout.locate(top, path)[1] if top else ""
    if not relative or relative.startswith(".claude/"):
        return
    agent = identity.agent_id(named)
    session = os.environ.get(identity.SESSION, "")
    try:
        claim = QuickLook(top, agent, identity.session_agent(session) if session else agent).claim_on(
            relative
        )
    except Malformed:
        return
    if claim is None or (not named and claim.agent in _family(top, agent)):
        return
    from ccpm.ops.wording import quoted

    raise NotYours(
        f"{relative} belongs to {claim.agent} by {claim.what}, since {claim.since}; nothing was written",
        f"ask for it: ccpm-agent request {quoted(relative)} --reason WHY",
        file=relative,
        owner=claim.agent,
    )


def _family(top: str, agent: str) -> set[str]:
    from ccpm.ops.actor import Actor
    from ccpm.ops.team import commits

    return commits.family(Actor(agent, {}, top=top))
