"""The answers of an agent whose file another one asks for: grant, share, deny.

A grant is a lease on that file. The one who asked finds a message; its request goes.
"""

from __future__ import annotations

from ccpm.core.leases import EXCLUSIVE, SHARED, Lease, Owner
from ccpm.errors import NotFound, NotYours, UsageError
from ccpm.files import clock, events, process
from ccpm.ops.actor import Actor
from ccpm.ops.locking import lock_state, locks, refusals
from ccpm.ops.locking.locks import Request
from ccpm.ops.team import messages, ownership, request_record
from ccpm.ops.team.ownership import GRANTED, Claim
from ccpm.ops.team.request_record import TTL
from ccpm.ops.team.requests import relative


def grant(actor: Actor, path: str, to: str = "", ttl: float = TTL, share: bool = False) -> Lease:
    """Hand `path` over to the agent that asked for it first, or to `to`. NotYours (77) if the actor does not own it,
    NotFound (66) if nobody asked."""
    file = relative(actor.top, path)
    claim = _own(actor, file)
    asked = request_record.asked_for(actor.top, file, to)
    if not asked and not to:
        raise NotFound(f"nobody asks for {file}", "name the agent: --to AGENT", file=file)
    receiver = to or str(asked[0]["from"])
    if receiver == actor.agent:
        raise UsageError(f"{file} is yours already", "name another agent: --to AGENT")
    lease = _hand_over(actor, file, claim, process.owner(receiver), ttl, share)
    mine = [int(one["id"]) for one in asked if one["from"] == receiver]
    request_record.close(actor.top, mine)
    kind = messages.SHARED if share else messages.GRANTED
    text = f"{file} is yours until {clock.to_iso(lease.expires)}" + (", together with me" if share else "")
    messages.post(actor.top, receiver, kind, actor.agent, text, file=file, token=lease.token)
    event = "file.shared" if share else "file.granted"
    events.append(actor.top, event, agent=actor.agent, to=receiver, file=file, token=lease.token)
    return lease


def deny(actor: Actor, path: str, reason: str, to: str = "") -> list[str]:
    """Refuse `path` to all who asked for it, or to `to`; who they are. NotYours (77) if the actor does not own it."""
    file = relative(actor.top, path)
    _own(actor, file)
    asked = request_record.asked_for(actor.top, file, to)
    if not asked:
        raise NotFound(f"nobody asks for {file}", "ccpm-agent inbox shows who asks for what", file=file)
    request_record.close(actor.top, [int(one["id"]) for one in asked])
    told = list(dict.fromkeys(str(one["from"]) for one in asked))
    for one in asked:
        text = reason or "no reason given"
        messages.post(
            actor.top, str(one["from"]), messages.DENIED, actor.agent, text, file=file, request=int(one["id"])
        )
    events.append(actor.top, "file.denied", agent=actor.agent, to=told, file=file)
    return told


def _hand_over(actor: Actor, file: str, claim: Claim, receiver: Owner, ttl: float, share: bool) -> Lease:
    """Put the lock on `file` into the hands of `receiver` in one step: nobody else can get in between."""
    resource = ownership.resource_of(actor.top, file)
    # A grant that is passed on is still one of the agent whose stream it lets pass.
    operation = claim.operation if claim.operation.startswith(GRANTED) else GRANTED + actor.agent
    mode = SHARED if share else EXCLUSIVE
    with actor.store.transact(resource) as txn:
        state = lock_state.look(actor.store, resource)
        others = [lease for lease in state.holders if lease.owner.agent not in (actor.agent, receiver.agent)]
        if others and not (share and all(lease.mode == SHARED for lease in others)):
            raise refusals.busy(Request(resource, receiver, operation, mode), state, 0.0)
        state.holders[:] = others
        if share:
            mine = Request(
                resource,
                process.owner(actor.agent),
                claim.operation or f"shared with {receiver.agent}",
                mode,
                ttl,
            )
            state.holders.append(locks.take(txn, mine, state, None, 0.0))
        return locks.take(txn, Request(resource, receiver, operation, mode, ttl), state, None, 0.0)


def _own(actor: Actor, file: str) -> Claim:
    """The actor's own claim on `file`."""
    claim = ownership.owner_of(actor.top, file)
    if claim is None:
        raise NotYours(f"{file} is nobody's", f"claim it, or take it: ccpm-agent request {file}", file=file)
    if claim.agent != actor.agent:
        found = ownership.owner_of(actor.top, file, actor.agent)
        if found is not None:
            raise NotYours(
                f"{file} belongs to {found.agent} by {found.what} since {found.since}",
                f"ask: ccpm-agent request {file} --reason WHY",
                file=file,
                owner=found.agent,
            )
    return claim
