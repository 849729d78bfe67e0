"""`gh` commands that people and agents type, under the shared budget: counted, paced, and held back during a pause.

Contract: `run(actor, ["issue", "list"], …)` behaves as `gh issue list` would, after waiting for its turn; the status is
gh's own, or that of the error that kept it from being sent. A command that sends nothing that counts is passed on at
once. A `gh api` call is a single request: its rate headers are read, and it is sent again after a refusal. Other
commands send several requests, which only gh knows: their cost is guessed, the limits are looked up from time to time,
and one that a limit refused in the middle ends with Busy (75), except one that only reads, which is repeated.

A plain read (`gh api PATH`) may be answered from an answer that another agent got within `FRESH` seconds, or, if GitHub
says with its etag that nothing has changed, from an older one; that costs nothing of the limit.

Non-guarantees: at a terminal, where gh may ask questions, a command does not keep others from writing meanwhile. A
command that names no host counts for github.com, or $GH_HOST, whatever the git remote says.
"""

from __future__ import annotations

import os
import time

from ccpm.core import requests
from ccpm.core.ledger import ANSWERED, LOST, READ, REFUSED, Cost, Facts
from ccpm.core.requests import ApiCall
from ccpm.errors import NO, OK, Busy, CcpmError, Unavailable
from ccpm.external import gh, gh_command
from ccpm.files import answer_cache, clock
from ccpm.ops.actor import Actor
from ccpm.ops.github import budget
from ccpm.ops.github.account import Account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ccpm.external.gh import Answer

FRESH = 2.0
"""Seconds for which an answer may be used again without asking GitHub."""

STALE = 60.0
"""Seconds after which the limits are looked up again, where commands do not tell them."""

LONGEST = 3600.0
"""Seconds after which a command that still runs is no longer counted as under way."""


def run(actor: Actor, argv: list[str], timeout: float, show: Callable[[bytes], None]) -> int:
    """Run `gh ARGV`; `show` prints what it printed, where that had to be looked at first."""
    gh.program()
    cost = requests.of_arguments(argv)
    if cost is None:
        return gh_command.pass_on(argv, keep_output=False).status
    call = ApiCall(argv[1:]) if argv[0] == "api" else None
    if call and call.path:
        if call.is_plain and call.method == "GET" and not _is_conditional(call):
            try:
                show(read(actor, call, timeout))
            except gh.Refused as error:  # as gh does it: the body, its words, and 1
                show(error.answer.body)
                gh_command.tell(f"gh: {error.reason} (HTTP {error.status})\n".encode())
                return NO
            return OK
        if "--paginate" not in call.options:
            return _run_api(actor, argv, call, cost, timeout, show)
    return _run_command(actor, argv, cost, timeout)


def read(actor: Actor, call: ApiCall, timeout: float) -> bytes:
    """The body of the answer to a plain GET, from GitHub or from the shared cache."""
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN") or ""
    account = Account(actor, call.hostname or None)
    key = answer_cache.key_of(account.host, call.path, token, *call.headers)
    kept = answer_cache.read(actor.top, key)
    if kept and 0 <= kept[1] < FRESH:
        account.count_cached()
        return kept[2]
    headers = dict(_split_header(line) for line in call.headers)
    if kept and kept[0]:
        headers["If-None-Match"] = kept[0]
    answer = budget.call(
        actor, "GET", call.path, headers=headers, hostname=call.hostname or None, timeout=timeout
    )
    body = kept[2] if kept and answer.status == 304 else answer.body
    if answer.status == 304:
        account.count_cached()
    answer_cache.write(actor.top, key, answer.headers.get("etag", ""), body)
    return body


def _is_conditional(call: ApiCall) -> bool:
    return any("if-none-match" in line.lower() or "if-modified" in line.lower() for line in call.headers)


def _split_header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _run_api(
    actor: Actor, argv: list[str], call: ApiCall, cost: Cost, timeout: float, show: Callable[[bytes], None]
) -> int:
    """One request with whatever options, its head read and taken out of what gh printed."""
    account = Account(actor, call.hostname or None)
    deadline = clock.boot() + timeout
    stdin = _read_stdin() if call.reads_stdin else b""
    while True:
        with account.admitted(cost, deadline, LONGEST) as sending:
            done = gh_command.pass_on(["api", "-i", *argv[1:]], keep_output=True, stdin=stdin)
            answer = gh.parse(done.out)
            outcome = _outcome(answer)
            sending.settle(budget.facts_of(answer, outcome))
        account.log(outcome, call.method, call.path, answer)
        if answer is None:
            error = gh.without_answer(f"{call.method} {call.path}", done.status, _first_line(done.err))
            if isinstance(error, Unavailable):
                raise error
        if outcome != REFUSED:
            is_asked = {"-i", "--include"} & set(call.options)
            show(answer.body if answer and not is_asked else done.out)
            gh_command.tell(done.err)
            return done.status


def _first_line(words: bytes) -> str:
    return words.decode("utf-8", "replace").strip().partition("\n")[0]


def _outcome(answer: Answer | None) -> str:
    if answer is None or answer.status >= 500:
        return LOST
    return REFUSED if answer.status in (403, 429) and gh.is_rate_limit(answer) else ANSWERED


def _run_command(actor: Actor, argv: list[str], cost: Cost, timeout: float) -> int:
    account = Account(actor, requests.hostname_of(argv) or None)
    deadline = clock.boot() + timeout
    while True:
        with account.admitted(cost, deadline, LONGEST) as sending:
            if os.isatty(0):
                sending.let_go()
            done = gh_command.pass_on(argv, keep_output=False)
            words = done.err.decode("utf-8", "replace").lower()
            refused = done.status != OK and ("rate limit" in words or "abuse detection" in words)
            if refused and "secondary" not in words and "abuse" not in words:
                budget.refresh(actor, account)  # it tells when the limit is full again
            pool = account.look().pools.get(cost.pool)
            if refused and pool and pool.remaining == 0:
                sending.settle(Facts(REFUSED, cost.pool, pool.limit, 0, pool.reset))
            else:
                sending.settle(Facts(REFUSED if refused else ANSWERED))
        account.log(REFUSED if refused else ANSWERED, "gh", " ".join(argv[:2]), None)
        if not refused:
            _refresh_if_stale(actor, account, cost)
            return done.status
        if cost.kind != READ:
            raise Busy(
                f"a rate limit of GitHub stopped gh {' '.join(argv[:2])}",
                "look what it has done so far, and run it again later; ccpm-gh limit tells when",
            )


def _refresh_if_stale(actor: Actor, account: Account, cost: Cost) -> None:
    ledger = account.look()
    pool = ledger.pools.get(cost.pool)
    if ledger.penalty is None and (pool is None or time.time() - pool.updated > STALE):
        try:
            budget.refresh(actor, account)
        except CcpmError:
            pass  # the command has been carried out; the next one tries again


def _read_stdin() -> bytes:
    data = b""
    while chunk := os.read(0, 1 << 16):
        data += chunk
    return data
