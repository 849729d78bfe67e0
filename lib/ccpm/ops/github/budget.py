"""One budget of GitHub requests for all agents of a project: everything that is sent goes through here.

Contract
    answer = budget.call(actor, "POST", "repos/o/r/issues", {"title": "x"})
    seconds = budget.estimate(actor, creations=30, writes=31, reads=4)

`call` waits until the rules (core/budget.py) allow the request (ops/github/account.py), sends it with gh
(external/gh.py tells what is raised) and notes what the answer says about the limits. A request that a limit
refused was not carried out: it is sent again when everybody may go on. A read without a clear answer is repeated
too; a write never is, because it may have been carried out. The wait ends after `timeout` seconds (Busy, 75), or at
once where that is known to be too short.

Non-guarantee: agents on machines that share no files share no budget; the headers of each answer tell each of them what
is left, but not when the other last wrote.
"""

from __future__ import annotations

import time

from ccpm.core import budget as decide
from ccpm.core import forecast, requests
from ccpm.core.ledger import (
    ANSWERED,
    CORE,
    CREATE,
    GRAPHQL,
    LOST,
    READ,
    REFUSED,
    SEARCH,
    UNSENT,
    WRITE,
    Cost,
    Facts,
)
from ccpm.errors import CcpmError
from ccpm.external import gh
from ccpm.files import clock, process
from ccpm.ops import wording
from ccpm.ops.actor import Actor
from ccpm.ops.github.account import Account
from ccpm.ops.locking import lock_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.external.gh import Answer
    from ccpm.ops.github.account import Sending

DEFAULT_TIMEOUT = 300.0
"""Seconds that one request waits for its turn and for the limits, unless asked otherwise."""

RETRIES = 2
"""How often a read is repeated that got no clear answer: after a second, and after two more."""


def call(
    actor: Actor,
    method: str,
    path: str,
    fields: dict[str, Any] | None = None,
    raw_body: bytes | None = None,
    headers: dict[str, str] | None = None,
    hostname: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    seconds: float = gh.SECONDS,
) -> Answer:
    """Send one request under the shared budget; gh.api tells what comes back and what is raised. `timeout`: the longest
    wait before it is sent; `seconds`: the longest wait for its answer."""
    gh.program()  # without gh there is nothing to wait for
    body = raw_body.decode("utf-8", "replace") if raw_body else str(fields or "")
    cost = requests.of_rest(method, path, body)
    account = Account(actor, hostname)
    deadline = clock.boot() + timeout
    retries = RETRIES
    while True:
        with account.admitted(cost, deadline, seconds) as sending:
            try:
                answer = gh.api(method, path, fields, raw_body, headers, hostname, seconds)
            except gh.RateLimited as error:
                _settle(account, sending, REFUSED, method, path, error.answer)
            except gh.Unclear as error:
                _settle(account, sending, LOST, method, path, error.answer)
                if cost.kind != READ or not retries:
                    raise
                time.sleep(account.rules.spacing * (RETRIES + 1 - retries))
                retries -= 1
            except gh.Refused as error:
                _settle(account, sending, ANSWERED, method, path, error.answer)
                raise
            except CcpmError:
                sending.settle(Facts(UNSENT))
                raise
            else:
                _settle(account, sending, ANSWERED, method, path, answer)
                return answer


def _settle(
    account: Account, sending: Sending, outcome: str, method: str, path: str, answer: Answer | None
) -> None:
    sending.settle(facts_of(answer, outcome))
    account.log(outcome, method, path, answer)


def estimate(
    actor: Actor, creations: int = 0, writes: int = 0, reads: int = 0, hostname: str | None = None
) -> float:
    """How many seconds the rules alone make this plan take, from the shared state as it is now: `creations` (POST) with
    the other `writes` and the `reads` spread between them, if nobody else sends anything."""
    account = Account(actor, hostname)
    kinds = [CREATE] * creations + [WRITE] * writes + [READ] * reads
    ledger = account.look()
    return forecast.estimate(ledger, actor.agent, [Cost(kind) for kind in kinds], time.time(), account.rules)


def refresh(actor: Actor, account: Account) -> None:
    """Look up the limits, which costs nothing of them; during a pause that GitHub asked for, do nothing."""
    started = time.time()
    penalty = account.look().penalty
    if penalty and started < penalty.until:
        return
    answer = gh.api("GET", "rate_limit", hostname=account.hostname)
    found = answer.json() or {}
    with account.changing() as change:
        for name, told in found.get("resources", {}).items():
            if name in (CORE, GRAPHQL, SEARCH):
                limit, remaining, reset = (int(told[key]) for key in ("limit", "remaining", "reset"))
                date = _to_epoch(answer.headers.get("date", ""))
                facts = Facts(ANSWERED, name, limit, remaining, reset, date)
                decide.learn(change.ledger, facts, started, change.now)
        change.save()
    account.warn(change.ledger, change.now)


def overview(actor: Actor, is_fresh: bool = False) -> dict[str, Any]:
    """The shared state as plain data: what is free, what was created, who writes and who waits, who used how much.
    `is_fresh`: GitHub is asked first."""
    account = Account(actor)
    if is_fresh:
        refresh(actor, account)
    ledger, now, rules = account.look(), time.time(), account.rules
    turn = lock_state.look(actor.store, account.resource)
    penalty = ledger.penalty if ledger.penalty and ledger.penalty.until > now else None
    return {
        "host": account.host,
        "pools": {
            name: {
                "free": max(0, decide.available(ledger, name, actor.agent, now, rules)),
                "remaining": pool.remaining,
                "limit": pool.limit,
                "reset": clock.to_iso(pool.reset - ledger.skew),
                "last_updated": clock.to_iso(pool.updated),
            }
            for name, pool in ledger.pools.items()
        },
        "creations": [
            {"used": sum(at > now - length for at in ledger.creations), "most": most, "seconds": length}
            for length, most in ((rules.minute, rules.per_minute), (rules.hour, rules.per_hour))
        ],
        "pause": {"until": clock.to_iso(penalty.until), "strikes": penalty.strikes} if penalty else None,
        "writing": wording.holders(turn.holders) if turn.holders else "",
        "waiting": [wait.owner.agent for wait in turn.waits],
        "set_aside": [
            {
                "agent": one.agent,
                "pool": one.cost.pool,
                "calls": one.cost.calls,
                "until": clock.to_iso(one.until),
            }
            for one in ledger.reservations.values()
            if not one.is_sent
        ],
        "agents": {
            agent: {**{key: getattr(one, key) for key in one.__slots__}, "last": clock.to_iso(one.last)}
            for agent, one in ledger.agents.items()
        },
    }


def reserve(actor: Actor, calls: int, pool: str = CORE, timeout: float = 0.0) -> int:
    """Set `calls` requests aside for the actor's agent, for five minutes; 0: give back what is set aside. How many
    others are free then. Busy (75) if there are not so many within `timeout` seconds, UsageError (2) if there never
    are."""
    account = Account(actor)
    deadline = clock.boot() + timeout
    while True:
        with account.changing() as change:
            if calls == 0:
                decide.give_back(change.ledger, actor.agent, pool)
            owner = process.owner(actor.agent)
            key = f"set-aside-{time.time_ns()}"
            cost = Cost(READ, pool, calls)
            rules = account.rules
            if not calls or decide.set_aside(change.ledger, key, cost, actor.agent, owner, change.now, rules):
                change.save()
                return decide.available(change.ledger, pool, "", change.now, rules)
            missing = decide.shortage(change.ledger, cost, "", change.now, rules)
        account.sleep(missing, deadline)


def wait(actor: Actor, calls: int, pool: str = CORE, timeout: float = DEFAULT_TIMEOUT) -> int:
    """Wait until the actor's agent may send `calls` requests and no pause is on; how many it may send. Busy (75) if
    that is not within `timeout` seconds, UsageError (2) if it never is."""
    account = Account(actor)
    deadline = clock.boot() + timeout
    while True:
        ledger = account.look()
        now = time.time()
        missing = decide.shortage(ledger, Cost(READ, pool, calls), actor.agent, now, account.rules)
        if not missing.seconds:
            return decide.available(ledger, pool, actor.agent, now, account.rules)
        account.sleep(missing, deadline)


def facts_of(answer: Answer | None, outcome: str) -> Facts:
    """What the headers of an answer say about the limits."""
    if answer is None:
        return Facts(outcome)
    headers = answer.headers
    date = _to_epoch(headers.get("date", ""))
    retry_after = gh.retry_after(answer)
    try:
        pool = headers.get("x-ratelimit-resource", CORE)
        limit, remaining, reset = (
            int(headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
        )
    except (KeyError, ValueError):  # an enterprise server without limits
        return Facts(outcome, date=date, retry_after=retry_after)
    return Facts(outcome, pool, limit, remaining, reset, date, retry_after)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _to_epoch(date: str) -> float:
    """Epoch seconds of an HTTP date, `Thu, 26 Nov 2026 17:17:38 GMT` (RFC 9110, 5.6.7); 0.0 for anything else."""
    words = date.split()
    if len(words) != 6 or words[2] not in _MONTHS:
        return 0.0
    try:
        return clock.from_iso(f"{words[3]}-{_MONTHS.index(words[2]) + 1:02d}-{words[1]}T{words[4]}Z")
    except ValueError:
        return 0.0
