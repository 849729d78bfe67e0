"""Asking for a file that another agent owns, and answering: grant, share, deny. A grant is a lease on that file.

    ask      a free file is the asker's at once (the lock `file-<path>`); else its owner finds the request in its inbox
    grant    the owner hands the file over: the asker gets the lock, and the owner's stream lets it pass
    share    both get a shared lock
    deny     the asker is told why not

Who waits is in line, first come, first served; who does not wait finds a message when it is answered or when the
file has become free. Open requests are one JSON record for the project, all changes of it are made under one guard.
An answer is an event, the lease, and a message; the request goes.

Guarantee: a wait that would close a circle of agents that wait for each other's files is refused (13).
Non-guarantee: a file that became free goes to the first who waits; who only left a request is told, and may come too
late.
"""

from __future__ import annotations

import os

from ccpm.core import leases
from ccpm.core.leases import EXCLUSIVE, SHARED, Lease, Owner
from ccpm.errors import Busy, DeadlockRefused, NotFound, NotYours, UsageError
from ccpm.files import checkout, clock, events, json_record, plain, process, root
from ccpm.ops.actor import Actor
from ccpm.ops.locking import lock_state, locks
from ccpm.ops.locking.locks import Request
from ccpm.ops.team import messages, ownership
from ccpm.ops.team.ownership import GRANTED, Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Asked = dict[str, Any]

TTL = 900.0
"""Seconds that a grant lasts unless its giver says otherwise: as long as a silent agent counts as alive."""

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
            got = _try(actor, file, reason, ttl, wait > 0, number)
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
            _close(actor.top, [number])


def grant(actor: Actor, path: str, to: str = "", ttl: float = TTL, share: bool = False) -> Lease:
    """Hand `path` over to the agent that asked for it first, or to `to`. NotYours (77) if the actor does not own it,
    NotFound (66) if nobody asked."""
    file = relative(actor.top, path)
    claim = _own(actor, file)
    asked = [one for one in open_requests(actor.top) if one["file"] == file and (not to or one["from"] == to)]
    if not asked and not to:
        raise NotFound(f"nobody asks for {file}", "name the agent: --to AGENT", file=file)
    receiver = to or str(asked[0]["from"])
    if receiver == actor.agent:
        raise UsageError(f"{file} is yours already", "name another agent: --to AGENT")
    lease = _hand_over(actor, file, claim, process.owner(receiver), ttl, share)
    mine = [int(one["id"]) for one in asked if one["from"] == receiver]
    _close(actor.top, mine)
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
    asked = [one for one in open_requests(actor.top) if one["file"] == file and (not to or one["from"] == to)]
    if not asked:
        raise NotFound(f"nobody asks for {file}", "ccpm-agent inbox shows who asks for what", file=file)
    _close(actor.top, [int(one["id"]) for one in asked])
    told = list(dict.fromkeys(str(one["from"]) for one in asked))
    for one in asked:
        text = reason or "no reason given"
        messages.post(
            actor.top, str(one["from"]), messages.DENIED, actor.agent, text, file=file, request=int(one["id"])
        )
    events.append(actor.top, "file.denied", agent=actor.agent, to=told, file=file)
    return told


def give_back(actor: Actor, path: str) -> bool:
    """Give the lock on `path` back, or withdraw the request for it; False if the actor had neither."""
    file = relative(actor.top, path)
    asked = [
        int(one["id"])
        for one in open_requests(actor.top)
        if (one["from"], one["file"]) == (actor.agent, file)
    ]
    _close(actor.top, asked)
    if _held_lease(actor, file) is None:
        return bool(asked)
    locks.release(actor.store, _resource(actor.top, file), process.owner(actor.agent))
    return True


def asked_of(top: str, agent: str) -> list[Asked]:
    """The open requests for files that are now those of `agent`."""
    found = []
    for one in open_requests(top):
        claim = ownership.owner_of(top, str(one["file"]), str(one["from"]))
        if claim is not None and claim.agent == agent:
            found.append(one)
    return found


def open_requests(top: str) -> list[Asked]:
    """All requests that wait for an answer, oldest first."""
    return _requests(json_record.read(_path(top)))


def pending(top: str, agent: str) -> list[messages.Message]:
    """What `agent` has to know now, oldest first: its messages, and requests of its own whose file has become free."""
    found = messages.unread(top, agent)
    mine = [one for one in open_requests(top) if one["from"] == agent]
    for one in mine:
        if ownership.owner_of(top, str(one["file"]), agent) is None:
            _close(top, [int(one["id"])])
            text = f"{one['file']} is free now; take it with: ccpm-agent request {one['file']}"
            messages.post(top, agent, messages.FREE, "", text, file=one["file"])
    return messages.unread(top, agent) if mine else found


def news(top: str, agent: str) -> list[str]:
    """What `agent` has not been told yet, in words; it counts as read then. For hooks: two failed opens, and no JSON,
    where there is nothing."""
    inbox, asked = plain.read(messages.path_of(top, agent)), plain.read(_path(top))
    if b'"id"' not in (inbox or b"") and f'"{agent}"'.encode() not in (asked or b""):
        return []
    found = pending(top, agent)
    messages.acknowledge(top, agent, [int(one["id"]) for one in found])
    return [f"{one.get('from') or 'ccpm'}: {messages.in_words(one)}" for one in found]


def forget(top: str, agent: str) -> None:
    """Withdraw all requests of an agent that has left, and remove its inbox."""
    _close(top, [int(one["id"]) for one in open_requests(top) if one["from"] == agent])
    messages.forget(top, agent)


def relative(top: str, path: str) -> str:
    """The path below the project's top that `path`, as the user named it, means; UsageError (2) if it is outside."""
    _, found = checkout.locate(top, root.resolve(path))
    if not found:
        raise UsageError(f"{path} is not in this project", f"the project is {top}")
    return found


def _try(
    actor: Actor, file: str, reason: str, ttl: float, is_waiting: bool, number: int
) -> Lease | tuple[int, Claim | None]:
    """The lease if the file is to be had and it is our turn; else (the number of our request, who is in the way)."""
    granted = _held_lease(actor, file)
    if granted and ownership.owner_of(actor.top, file, actor.agent) is None:
        return granted
    with json_record.Changing(_path(actor.top)) as record:
        asked = _requests(record.data)
        mine = next((one for one in asked if one["from"] == actor.agent and one["file"] == file), None)
        ahead = [one for one in asked if one["file"] == file and one is not mine and _is_waiting(one)]
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
        if mine is None:
            mine = _new(record.data, actor, file, reason, claim)
            record.data["requests"] = [*asked, mine]
        waiter = process.current(actor.agent) if is_waiting else process.owner(actor.agent)
        mine |= {
            "pid": waiter.pid,
            "pid_start": waiter.pid_start,
            "boot_id": waiter.boot_id,
            "host": waiter.host,
        }
        mine["pid_space"] = waiter.pid_space
        record.save()
    if not number and claim is not None:
        _notify(actor, file, mine, claim)
    return int(mine["id"]), claim


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


def _new(data: dict[str, Any], actor: Actor, file: str, reason: str, claim: Claim | None) -> Asked:
    data["last_id"] = int(data.get("last_id") or 0) + 1
    return {
        "id": data["last_id"],
        "file": file,
        "from": actor.agent,
        "to": claim.agent if claim else "",
        "reason": reason,
        "at": clock.to_iso(clock.now().wall),
    }


def _take(actor: Actor, file: str, ttl: float) -> Lease | None:
    """The lock on a file that nobody else owns; None if somebody was faster."""
    resource, owner = _resource(actor.top, file), process.owner(actor.agent)
    got = locks.try_acquire(actor.store, Request(resource, owner, OPERATION, ttl=ttl, timeout=0.0))
    return got if isinstance(got, Lease) else None


def _held_lease(actor: Actor, file: str) -> Lease | None:
    holders = lock_state.look(actor.store, _resource(actor.top, file)).holders
    return next((lease for lease in holders if lease.owner.agent == actor.agent), None)


def _hand_over(actor: Actor, file: str, claim: Claim, receiver: Owner, ttl: float, share: bool) -> Lease:
    """Put the lock on `file` into the hands of `receiver` in one step: nobody else can get in between."""
    resource = _resource(actor.top, file)
    # A grant that is passed on is still one of the agent whose stream it lets pass.
    operation = claim.operation if claim.operation.startswith(GRANTED) else GRANTED + actor.agent
    mode = SHARED if share else EXCLUSIVE
    with actor.store.transact(resource) as txn:
        state = lock_state.look(actor.store, resource)
        others = [lease for lease in state.holders if lease.owner.agent not in (actor.agent, receiver.agent)]
        if others and not (share and all(lease.mode == SHARED for lease in others)):
            raise locks.busy(Request(resource, receiver, operation, mode), state, 0.0)
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


def _refuse_circle(actor: Actor, asked: list[Asked], claim: Claim) -> None:
    chain, agent = [actor.agent], claim.agent
    while agent not in chain:
        chain.append(agent)
        waits = next((one for one in asked if one["from"] == agent and _is_waiting(one)), None)
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


def _close(top: str, numbers: list[int]) -> None:
    if numbers:
        with json_record.Changing(_path(top)) as record:
            record.data["requests"] = [one for one in _requests(record.data) if one["id"] not in numbers]
            record.save()


def _is_waiting(one: Asked) -> bool:
    """Whether a process waits for the answer. One of another host counts as long as its request is young."""
    owner = Owner(
        str(one["from"]),
        int(one.get("pid") or 0),
        str(one.get("pid_start", "")),
        str(one.get("boot_id", "")),
        str(one.get("pid_space", "")),
        str(one.get("host", "")),
    )
    if not owner.pid:
        return False
    alive = process.is_alive(owner)
    if alive is None:
        try:
            return clock.now().wall - clock.from_iso(str(one["at"])) < TTL + leases.SKEW
        except ValueError:
            return False
    return alive


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


def _resource(top: str, file: str) -> str:
    return plain.key_of(os.path.join(top, file), top)


def _path(top: str) -> str:
    return os.path.join(root.state_dir(os.path.realpath(top)), "requests.json")


def _requests(data: dict[str, Any]) -> list[Asked]:
    found = data.get("requests")
    entries = found if isinstance(found, list) else []
    return [
        one for one in entries if isinstance(one, dict) and {"id", "file", "from", "reason"} <= one.keys()
    ]
