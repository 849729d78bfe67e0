"""Asking for a file that another agent owns. A free file is the asker's at once: the lock `file-<path>`. Else its owner
finds the request in its inbox and answers it (ops/team/answers.py).

Who waits is in line, first come, first served; who does not wait finds a message when it is answered or when the
file has become free (ops/team/inbox.py).

Guarantee: a wait that would close a circle of agents that wait for each other's files is refused (13).
Non-guarantee: a file that became free goes to the first who waits; who only left a request is told, and may come too
late.
"""

from __future__ import annotations

from ccpm.core.leases import Lease
from ccpm.errors import Busy, DeadlockRefused, NotFound, NotYours, UsageError
from ccpm.files import checkout, clock, events, process, root
from ccpm.ops.actor import Actor
from ccpm.ops.locking import lock_state, locks, waiting
from ccpm.ops.locking.locks import Request
from ccpm.ops.team import messages, ownership, request_record
from ccpm.ops.team.ownership import Claim
from ccpm.ops.team.request_record import TTL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.team.request_record import Asked

POLL = 0.5
"""Seconds between two looks of an agent that waits for a file."""

OPERATION = "requested"


def ask(actor: Actor, path: str, reason: str, wait: float = 0.0, ttl: float = TTL) -> Lease:
    """The lease on `path` (as the user named it) for the actor, if nobody else owns it.

    Else its owner is asked, and Busy (75) says who that is; with `wait`, only after so many seconds without an answer.
    NotYours (77) if the owner refuses, DeadlockRefused (13) if the owner waits for the actor.
    """
    file = relative(actor.top, path)
    deadline = clock.boot() + wait
    number = 0
    is_settled = False
    beaten = clock.boot()
    try:
        while True:
            denied = _denial(actor, number)
            if denied:
                is_settled = True
                raise NotYours(
                    f"{denied['from']} keeps {file}: {denied['text']}", "work on something else", file=file
                )
            got = _try(actor, file, reason, ttl, wait > 0)
            if isinstance(got, Lease):
                is_settled = True
                return got
            number, claim = got
            left = deadline - clock.boot()
            if left <= 0:
                is_settled = wait <= 0  # who did not wait leaves the request behind
                raise _busy(file, claim, wait)
            if clock.boot() - beaten >= 60:
                beaten = _beat(actor)
            _sleep(min(POLL, left))
    finally:
        if number and not is_settled:
            request_record.close(actor.top, [number])


def give_back(actor: Actor, path: str) -> bool:
    """Give the lock on `path` back, or withdraw the request for it; False if the actor had neither."""
    file = relative(actor.top, path)
    asked = [
        int(one["id"])
        for one in request_record.open_requests(actor.top)
        if (one["from"], one["file"]) == (actor.agent, file)
    ]
    request_record.close(actor.top, asked)
    if _held_lease(actor, file) is None:
        return bool(asked)
    locks.release(actor.store, ownership.resource_of(actor.top, file), process.owner(actor.agent))
    return True


def relative(top: str, path: str) -> str:
    """The path below the project's top that `path`, as the user named it, means; UsageError (2) if it is outside."""
    _, found = checkout.locate(top, root.resolve(path))
    if not found:
        raise UsageError(f"{path} is not in this project", f"the project is {top}")
    return found


def _try(
    actor: Actor, file: str, reason: str, ttl: float, is_waiting: bool
) -> Lease | tuple[int, Claim | None]:
    """The lease if the file is to be had and it is our turn; else (the number of our request, who is in the way). The
    owner is told once, and again when there is a new reason; a new owner is told too."""
    granted = _held_lease(actor, file)
    if granted and ownership.owner_of(actor.top, file, actor.agent) is None:
        return granted
    with request_record.changing(actor.top) as record:
        asked = request_record.requests_in(record.data)
        mine = next((one for one in asked if one["from"] == actor.agent and one["file"] == file), None)
        ahead = [
            one for one in asked if one["file"] == file and one is not mine and request_record.is_waiting(one)
        ]
        if mine:
            ahead = [one for one in ahead if one["id"] < mine["id"]]
        claim = ownership.owner_of(actor.top, file, actor.agent)
        if claim is None and not ahead:
            lease = _take(actor, file, ttl)
            if lease is not None:
                record.data["requests"] = [one for one in asked if one is not mine]
                record.save()
                return lease
        if is_waiting and claim is not None:
            _refuse_circle(actor, asked, claim)
        owner = claim.agent if claim else ""
        told = (mine.get("to"), mine["reason"]) if mine else None
        if mine is None:
            mine = request_record.new(record.data, actor.agent, file, reason, owner)
            record.data["requests"] = [*asked, mine]
        mine |= {"to": owner, "reason": reason or mine["reason"]}
        waiter = process.current(actor.agent) if is_waiting else process.owner(actor.agent)
        request_record.set_waiter(mine, waiter)
        record.save()
    if claim is not None and told != (owner, mine["reason"]):
        _notify(actor, file, mine, claim)
    return int(mine["id"]), claim


def _take(actor: Actor, file: str, ttl: float) -> Lease | None:
    """The lock on a file that nobody else owns, also one that a dead agent left; None if somebody was faster."""
    resource, owner = ownership.resource_of(actor.top, file), process.owner(actor.agent)
    try:
        return waiting.acquire(
            actor.store, Request(resource, owner, OPERATION, ttl=ttl, timeout=0.0), actor.say
        )
    except Busy:
        return None


def _held_lease(actor: Actor, file: str) -> Lease | None:
    holders = lock_state.look(actor.store, ownership.resource_of(actor.top, file)).holders
    return next((lease for lease in holders if lease.owner.agent == actor.agent), None)


def _notify(actor: Actor, file: str, mine: Asked, claim: Claim) -> None:
    text = str(mine["reason"]) or "no reason given"
    messages.post(
        actor.top, claim.agent, messages.REQUEST, actor.agent, text, file=file, request=int(mine["id"])
    )
    events.append(
        actor.top,
        "file.requested",
        agent=actor.agent,
        owner=claim.agent,
        file=file,
        reason=str(mine["reason"]),
    )


def _refuse_circle(actor: Actor, asked: list[Asked], claim: Claim) -> None:
    chain, agent = [actor.agent], claim.agent
    while agent not in chain:
        chain.append(agent)
        waits = next((one for one in asked if one["from"] == agent and request_record.is_waiting(one)), None)
        found = ownership.owner_of(actor.top, str(waits["file"]), agent) if waits else None
        if found is None:
            return
        agent = found.agent
    if agent == actor.agent:
        raise DeadlockRefused(
            f"waiting would never end: {' waits for '.join([*chain, agent])}",
            "grant what you own (ccpm-agent inbox shows who asks), then ask again",
            cycle=chain,
        )


def _denial(actor: Actor, number: int) -> messages.Message | None:
    """The refusal of the actor's request `number` (0: none yet), taken out of its inbox."""
    for one in messages.unread(actor.top, actor.agent) if number else []:
        if one.get("kind") == messages.DENIED and one.get("request") == number:
            messages.acknowledge(actor.top, actor.agent, [int(one["id"])])
            return one
    return None


def _busy(file: str, claim: Claim | None, waited: float) -> Busy:
    after = f"; waited {waited:.0f} s" if waited else ""
    if claim is None:
        return Busy(
            f"others wait for {file} before you{after}",
            f"wait: ccpm-agent request {file} --wait 60",
            file=file,
        )
    asked = "" if waited else "; it finds your request at its next action"
    return Busy(
        f"{file} belongs to {claim.agent} by {claim.what} since {claim.since}{asked}{after}",
        f"go on with other work; ccpm-agent inbox tells the answer, ccpm-agent request {file} --wait 60 waits for it",
        file=file,
        owner=claim.agent,
        epic=claim.epic,
        stream=claim.stream,
    )


def _beat(actor: Actor) -> float:
    """A waiting agent lives; the time on the boot clock."""
    from ccpm.ops.team import agents

    try:
        agents.heartbeat(actor, count=False)
    except NotFound:
        pass  # it is not registered
    return clock.boot()


def _sleep(seconds: float) -> None:
    import time

    time.sleep(seconds)
