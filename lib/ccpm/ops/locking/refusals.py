"""The words of locks.py and waiting.py for whoever does not get, or no longer has, a lease: what stands against it.

Contract: each function makes an error and raises nothing. It is loaded only when there is something to refuse.
"""

from __future__ import annotations

from ccpm.core.leases import Lease, Owner
from ccpm.errors import Busy, LeaseLost, NotYours
from ccpm.files import records
from ccpm.ops import wording
from ccpm.ops.locking.lock_state import State
from ccpm.ops.locking.locks import Request


def busy(request: Request, state: State, waited: float) -> Busy:
    """`request` was not granted, after `waited` seconds."""
    resource = request.resource
    after = f"; waited {wording.seconds(waited)}" if waited else ""
    return Busy(
        f"{resource} {standing(state)}{after}",
        f"try again later, or wait longer with --timeout; look with ccpm-lock check {resource}",
        resource=resource,
        waited=round(waited, 3),
        holders=[records.describe(lease) for lease in state.holders],
    )


def standing(state: State) -> str:
    """What stands against a request in `state`, as the rest of a sentence about the resource."""
    if state.holders:
        return f"is held by {wording.holders(state.holders)}"
    if state.unreadable:
        why, age = state.unreadable.reason, state.unreadable.age
        return f"has an unreadable lock record ({why}), written {age:.0f} s ago"
    if state.waits:
        return f"is free, but it is not your turn: {wording.wait(state.waits[0])}"
    return "was just taken by somebody else"


def released_late(resource: str, lease: Lease, why: str) -> LeaseLost:
    """The release of `lease`, which had ended before (`why`)."""
    return LeaseLost(
        f"{resource} was no longer yours when you released it ({why}): {wording.lease(lease)}",
        "check what you wrote after that; renew in time, or use ccpm-lock run, which renews by itself",
        resource=resource,
        token=lease.token,
        why=why,
    )


def not_held(state: State, resource: str, owner: Owner, token: int) -> LeaseLost | NotYours:
    """Why `owner` has no lease on `resource` to release or renew: it no longer counts, or it is somebody else's."""
    now = f"it is held by {wording.holders(state.holders)}" if state.holders else "it is free now"
    expired = next(
        (
            (old, why)
            for old, why in state.stale
            if old.token == token or (not token and old.owner.agent == owner.agent)
        ),
        None,
    )
    details = {"resource": resource, "token": token}
    if expired:
        old, why = expired
        return LeaseLost(
            f"the lease on {resource} no longer counts ({why}): {wording.lease(old)}",
            f"stop writing, then take it anew: ccpm-lock acquire {resource}",
            **details,
        )
    if token or not state.holders:
        which = f"token {token} of {resource}" if token else f"a lease of {owner.agent} on {resource}"
        return LeaseLost(
            f"{which} is not the current one: {now}",
            f"stop writing, then take it anew: ccpm-lock acquire {resource}",
            **details,
        )
    same = any(lease.owner.agent == owner.agent for lease in state.holders)
    return NotYours(
        f"{resource} is not yours to change: {now}",
        "it is bound to another process of yours: name its --token"
        if same
        else f"wait for it (ccpm-lock acquire {resource}), or ask {state.holders[0].owner.agent}",
        **details,
    )
