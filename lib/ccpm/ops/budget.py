"""One budget of GitHub requests for all agents of a project: everything that is sent goes through here.

Contract
    answer = budget.call(actor, "POST", "repos/o/r/issues", {"title": "x"})
    seconds = budget.estimate(actor, creations=30, writes=31, reads=4)

`call` waits until the rules (core/budget.py) allow the request (ops/account.py), sends it with gh (external/gh.py tells
what is raised) and notes what the answer says about the limits. A request that a limit refused was not carried out: it
is sent again when everybody may go on. A read without a clear answer is repeated too; a write never is, because it may
have been carried out. The wait ends after `timeout` seconds (Busy, 75), or at once where that is known to be too short.

Non-guarantee: agents on machines that share no files share no budget; the headers of each answer tell each of them what
is left, but not when the other last wrote.
"""

from __future__ import annotations

import time

from ccpm.core import budget as decide
from ccpm.core import requests
from ccpm.core.ledger import ANSWERED, CORE, CREATE, LOST, READ, REFUSED, UNSENT, WRITE, Cost, Facts
from ccpm.errors import CcpmError
from ccpm.external import gh
from ccpm.files import clock
from ccpm.ops.account import Account
from ccpm.ops.actor import Actor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.external.gh import Answer

DEFAULT_TIMEOUT = 300.0
"""Seconds that one request waits for its turn and for the limits, unless asked otherwise."""

RETRIES = 2
"""How often a read is repeated that got no clear answer."""


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
                sending.settle(facts_of(error.answer, REFUSED, error.retry_after))
                account.log("github.refused", method, path, error.answer)
            except gh.Unclear as error:
                sending.settle(facts_of(error.answer, LOST))
                account.log("github.unclear", method, path, error.answer)
                if cost.kind != READ or not retries:
                    raise
                retries -= 1
            except gh.Refused as error:
                sending.settle(facts_of(error.answer, ANSWERED))
                account.log("github.request", method, path, error.answer)
                raise
            except CcpmError:
                sending.settle(Facts(UNSENT))
                raise
            else:
                sending.settle(facts_of(answer, ANSWERED))
                account.log("github.request", method, path, answer)
                return answer


def estimate(
    actor: Actor, creations: int = 0, writes: int = 0, reads: int = 0, hostname: str | None = None
) -> float:
    """How many seconds the rules alone make this plan take, from the shared state as it is now: `creations` (POST) with
    the other `writes` and the `reads` spread between them, if nobody else sends anything."""
    account = Account(actor, hostname)
    kinds = [CREATE] * creations + [WRITE] * writes + [READ] * reads
    ledger = account.look()
    return decide.estimate(ledger, actor.agent, [Cost(kind) for kind in kinds], time.time(), account.rules)


def facts_of(answer: Answer | None, outcome: str, retry_after: float | None = None) -> Facts:
    """What the headers of an answer say about the limits."""
    if answer is None:
        return Facts(outcome)
    headers = answer.headers
    date = _to_epoch(headers.get("date", ""))
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
