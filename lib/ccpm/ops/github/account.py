"""The account of one GitHub host: the shared ledger in its file, and the way in and out of it for a request.

    with account.admitted(cost, deadline, seconds) as sending:      # waits; the request may be sent now
        …
        sending.settle(facts)

How agents take turns: a write holds the resource `github-api` (ops/locking/waiting.py: first come, first served; a
killed holder is replaced within a second) from before its wait until after its answer, so that one write is in
flight. A read goes beside them, unless it has to wait, or something was refused and nothing has succeeded since:
then it stands in the same line. So whoever waits, waits in order, and after a refusal one request tries while the
rest wait.

Each host has a budget of its own; github-rate-limit.json is that of github.com.
"""

from __future__ import annotations

import os
import time

from ccpm.core import budget as decide
from ccpm.core.ledger import LOST, READ, Cost, Facts, Ledger, Rules, Wait
from ccpm.errors import Busy, CcpmError, Malformed
from ccpm.files import budget_record, clock, events, json_record, process, root
from ccpm.files.json_record import Changing
from ccpm.ops import wording
from ccpm.ops.actor import Actor
from ccpm.ops.github.turns import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.external.gh import Answer

QUIET = 3.0
"""A wait of up to so many seconds is not worth a word."""

LOOK = 5.0
"""Seconds between two looks at the shared state during a longer wait."""

_warned: set[tuple[str, str, str]] = set()


class Account:
    """The budget of one GitHub host in the project of `actor`."""

    __slots__ = ("actor", "host", "hostname", "path", "resource", "rules")

    def __init__(self, actor: Actor, hostname: str | None = None) -> None:
        self.actor = actor
        self.hostname = hostname
        self.host = (hostname or os.environ.get("GH_HOST") or "github.com").lower()
        suffix = "" if self.host == "github.com" else f"-{self.host}"
        self.resource = f"github-api{suffix}"
        self.path = os.path.join(root.locks_dir(actor.top), f"github-rate-limit{suffix}.json")
        self.rules = rules_from(os.environ.get("CCPM_GITHUB_RULES", ""))

    def look(self) -> Ledger:
        """The shared state now, tidied, for decisions that change nothing."""
        try:
            data = json_record.read(self.path)
        except Malformed:
            self._begin_anew()
            data = {}
        ledger = budget_record.load(data)
        self._tidy(ledger, time.time())
        return ledger

    def changing(self) -> _Change:
        return _Change(self)

    def _begin_anew(self) -> None:
        """A budget that cannot be read must not stop the work: the next answer tells what is left."""
        if json_record.set_aside(self.path):
            name = os.path.basename(self.path)
            self.actor.say(f"{name} could not be read; it is begun anew, and kept as {name}.damaged")

    def admitted(self, cost: Cost, deadline: float, seconds: float) -> Sending:
        """Wait until a request of `cost` may be sent, until `deadline` (boot clock), and note that it is. The result is
        a context manager: what is not settled in it counts as lost. `seconds`: how long its answer may take."""
        turn = Turn(self.actor, self.resource, deadline, seconds)
        try:
            return self._wait(cost, deadline, seconds, turn)
        except BaseException:
            turn.end()
            raise

    def count_cached(self) -> None:
        with self.changing() as change:
            usage = change.ledger.usage(self.actor.agent)
            usage.cached, usage.last = usage.cached + 1, change.now
            change.save()

    def log(self, outcome: str, method: str, path: str, answer: Answer | None) -> None:
        """Tell the event log of a request. What stands behind a `?` may be private, and is left out."""
        events.append(
            self.actor.top,
            "github.request",
            agent=self.actor.agent,
            method=method,
            path=path.partition("?")[0],
            outcome=outcome,
            status=answer.status if answer else 0,
            remaining=int((answer.headers if answer else {}).get("x-ratelimit-remaining") or -1),
        )

    def _wait(self, cost: Cost, deadline: float, seconds: float, turn: Turn) -> Sending:
        started = clock.boot()
        spoken = ""
        while True:
            if not turn.is_mine and decide.needs_turn(self.look(), cost):
                turn.take()
            turn.check()
            with self.changing() as change:
                wait = decide.delay(change.ledger, cost, self.actor.agent, change.now, self.rules)
                is_free = turn.is_mine or not decide.needs_turn(change.ledger, cost)
                if is_free and not wait.seconds:
                    key = f"{os.getpid()}-{time.time_ns()}"
                    waited = clock.boot() - started
                    lapses = change.now + seconds + 60.0
                    owner = process.current(self.actor.agent)
                    if cost.kind == READ and not decide.needs_turn(change.ledger, cost):
                        turn.end()
                    decide.begin(change.ledger, key, cost, self.actor.agent, owner, change.now, lapses)
                    change.ledger.usage(self.actor.agent).waited += waited
                    change.save()
                    break
            if not wait.seconds:
                continue
            if not turn.is_mine:
                turn.take()
                continue
            spoken = self.sleep(wait, deadline, spoken)
        if spoken:
            self.actor.say(f"going on after {wording.seconds(clock.boot() - started)}")
        return Sending(self, key, turn)

    def sleep(self, wait: Wait, deadline: float, spoken: str = "") -> str:
        """Sleep a part of `wait`, at most `LOOK` seconds, and say so once for each reason: what was `spoken` last comes
        in and goes out. Busy (75) at once if the whole of it ends behind `deadline` (boot clock)."""
        until = clock.to_iso(time.time() + wait.seconds)
        if wait.seconds > deadline - clock.boot():
            raise Busy(
                f"no request to GitHub before {until} (in {wording.seconds(wait.seconds)}): {wait.why}",
                f"run it again then, or wait with --timeout {wait.seconds + 5:.0f}; ccpm-gh limit shows the state",
                until=until,
                seconds=round(wait.seconds, 1),
            )
        if wait.seconds > QUIET and spoken != wait.why:
            spoken = wait.why
            self.actor.say(f"waiting {wording.seconds(wait.seconds)}, until {until}: {wait.why}")
        time.sleep(min(wait.seconds, LOOK))
        return spoken

    def _tidy(self, ledger: Ledger, now: float) -> None:
        dead = {key for key, one in ledger.reservations.items() if process.is_alive(one.owner) is False}
        decide.tidy(ledger, now, self.rules, dead)

    def warn(self, ledger: Ledger, now: float) -> None:
        """Say once a window and process that little is left."""
        for name, pool in ledger.pools.items():
            reset = clock.to_iso(pool.reset - ledger.skew)  # by our clock
            is_low = pool.remaining < min(self.rules.low, pool.limit // 4)
            if (
                is_low
                and decide.until_reset(ledger, pool, now, self.rules) > 0
                and (self.host, name, reset) not in _warned
            ):
                _warned.add((self.host, name, reset))
                self.actor.say(
                    f"GitHub ({name}): {pool.remaining} of {pool.limit} requests are left until {reset}"
                )


class _Change:
    """One guarded change of an account: the tidied `ledger`, the time `now`, and `save`."""

    __slots__ = ("_account", "_record", "ledger", "now")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._record = Changing(account.path)

    def __enter__(self) -> _Change:
        try:
            self._record.__enter__()
        except Malformed:
            self._account._begin_anew()
            self._record.__enter__()
        try:
            self.now = time.time()
            self.ledger = budget_record.load(self._record.data)
            self._account._tidy(self.ledger, self.now)
        except BaseException:
            self._record.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._record.__exit__()

    def save(self) -> None:
        budget_record.store(self.ledger, self._record.data)
        self._record.save()


class Sending:
    """A request that was let through: settled once, with what became of it; the turn ends with it."""

    __slots__ = ("_account", "_is_settled", "_key", "_turn")

    def __init__(self, account: Account, key: str, turn: Turn) -> None:
        self._account = account
        self._key = key
        self._turn = turn
        self._is_settled = False

    def __enter__(self) -> Sending:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self._is_settled:
                self.settle(Facts(LOST))
        finally:
            self._turn.end()

    def let_go(self) -> None:
        """Let others write while this request is under way."""
        self._turn.end()

    def settle(self, facts: Facts) -> None:
        """Note what became of the request. That this cannot be done (a full disk) takes nothing from its answer."""
        self._is_settled = True
        account = self._account
        try:
            with account.changing() as change:
                decide.settle(change.ledger, self._key, facts, change.now, account.rules)
                change.save()
        except CcpmError as error:
            account.actor.say(f"the budget could not be brought up to date: {error.message}")
            return
        account.warn(change.ledger, change.now)


def rules_from(text: str) -> Rules:
    """The rules of GitHub, with the changes in $CCPM_GITHUB_RULES: `spacing=0.5,per_minute=40`. What is no rule, or no
    number, is passed over: the published rule holds then."""
    rules = Rules()
    for part in text.split(",") if text else ():
        name, _, value = part.strip().partition("=")
        old = getattr(rules, name, None)
        try:
            number = type(old)(value) if old is not None else 0
        except ValueError:
            continue
        if number > 0:
            setattr(rules, name, number)
    return rules
