"""The budget of GitHub requests that all agents share: when the next one may be sent, and what an answer teaches.

Contract: pure functions over one `Ledger` (core/ledger.py) and the time. The caller loads the ledger, calls `tidy`,
asks `delay`, and if that is zero calls `begin` and publishes, all under one guard (ops/github/budget.py); `settle`
likewise when the answer is there.

Guarantees, for requests that all go through here
- At most `per_minute` content creations in any minute and `per_hour` in any hour; writes start `spacing` apart; at most
  `points` a minute; after a refusal nothing is sent before its pause is over, and then one request alone until it has
  succeeded.
- What has been set aside or is in flight is counted before GitHub tells: agents that look at the same moment do not
  overdraw the pool together.
- A request that died with its sender counts as sent.

Non-guarantees: other programs of the same user spend from the same budget; their share shows in the next answer. Writes
start `spacing` apart here; at GitHub they arrive so, but for how long gh takes to start each time. A clock that is set
forward makes what was sent look older than it is.

Source of the rules: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API".
"""

from __future__ import annotations

from ccpm.core.leases import Owner
from ccpm.core.ledger import (
    ANSWERED,
    CORE,
    CREATE,
    GRAPHQL,
    READ,
    REFUSED,
    SEARCH,
    UNSENT,
    Cost,
    Facts,
    Ledger,
    Penalty,
    Pool,
    Reservation,
    Rules,
    Usage,
    Wait,
)
from ccpm.errors import UsageError

UNTOLD = 5000
"""What a pool counts as before GitHub has told: its limit for a person. An app has fewer, and is told so at once."""

POLL = 1.0
"""Seconds until a caller looks again where another agent's reservation is in its way."""


_POOL_WORDS = {CORE: "requests an hour", GRAPHQL: "GraphQL points an hour", SEARCH: "searches a minute"}


def tidy(ledger: Ledger, now: float, rules: Rules, dead: set[str]) -> None:
    """Forget what no longer counts. `dead`: the reservations whose process is gone. A clock that was set back leaves
    times that lie ahead: they count as if they were just now."""
    for key in dead:
        _give_up(ledger, ledger.reservations.pop(key), now)
    for key in [key for key, one in ledger.reservations.items() if now >= one.until]:
        _give_up(ledger, ledger.reservations.pop(key), now)
    ledger.creations = sorted(min(at, now) for at in ledger.creations if at > now - rules.hour)
    ledger.points = [(min(at, now + 1.0), points) for at, points in ledger.points if at > now - rules.minute]
    ledger.last_write = min(ledger.last_write, now)
    penalty = ledger.penalty
    if penalty:
        if penalty.given > now:
            penalty.until -= penalty.given - now
            penalty.given = now
        if now > penalty.until + rules.hour:
            ledger.penalty = None


def _give_up(ledger: Ledger, lost: Reservation, now: float) -> None:
    """A request whose sender is gone may have been counted just now."""
    if lost.is_sent:
        if lost.cost.kind == CREATE:
            _move_creation(ledger, lost.started, now)
        pool = ledger.pools.get(lost.cost.pool)
        if pool:
            pool.remaining = max(0, pool.remaining - lost.cost.calls)


def needs_turn(ledger: Ledger, cost: Cost) -> bool:
    """Whether the request may be sent only by the one whose turn it is: every write, and everything after a refusal
    until something has succeeded."""
    return cost.kind != READ or (ledger.penalty is not None and ledger.penalty.is_open)


def shortage(ledger: Ledger, cost: Cost, agent: str, now: float, rules: Rules) -> Wait:
    """Until a pause is over and `cost.calls` of the pool are free for `agent`: what the limits alone ask for.
    UsageError (2) if GitHub never allows so many."""
    longest = max(
        _pause(ledger, now), _primary(ledger, cost, agent, now, rules), key=lambda wait: wait.seconds
    )
    return longest if longest.seconds > 0 else Wait(0.0, "")


def delay(ledger: Ledger, cost: Cost, agent: str, now: float, rules: Rules) -> Wait:
    """How long `agent` has to wait before it may `begin`; the longest of what the rules ask for. After `tidy`."""
    waits = [_pause(ledger, now), _primary(ledger, cost, agent, now, rules)]
    if cost.kind != READ:
        waits.append(Wait(ledger.last_write + rules.spacing - now, f"writes start {rules.spacing:g} s apart"))
    if cost.kind == CREATE:
        minute, hour = (rules.minute, rules.per_minute), (rules.hour, rules.per_hour)
        waits += [_window(ledger.creations, *window, now) for window in (minute, hour)]
    waits.append(_points(ledger, cost, now, rules))
    sent = [one for one in ledger.reservations.values() if one.is_sent]
    if len(sent) >= rules.in_flight:
        waits.append(Wait(POLL, f"{len(sent)} requests are in flight"))
    longest = max(waits, key=lambda wait: wait.seconds)
    return longest if longest.seconds > 0 else Wait(0.0, "")


def _pause(ledger: Ledger, now: float) -> Wait:
    penalty = ledger.penalty
    return Wait(penalty.until - now, "GitHub asked for a pause") if penalty else Wait(0.0, "")


def _primary(ledger: Ledger, cost: Cost, agent: str, now: float, rules: Rules) -> Wait:
    if available(ledger, cost.pool, agent, now, rules) >= cost.calls:
        return Wait(0.0, "")
    pool = _pool(ledger, cost.pool)
    words = _POOL_WORDS.get(cost.pool, cost.pool)
    if cost.calls > pool.limit:
        raise UsageError(
            f"GitHub allows {pool.limit} {words}: {cost.calls} are never free at once",
            f"ask for {pool.limit} at most; ccpm-gh limit --refresh asks GitHub what it allows",
        )
    seconds = until_reset(ledger, pool, now, rules)
    if seconds <= 0 or pool.remaining >= cost.calls:
        others = _in_the_way(ledger, cost.pool, agent)
        lapse = POLL if any(one.is_sent for one in others) else min(one.until for one in others) - now
        return Wait(
            max(lapse, 0.05), f"what is left of {pool.limit} {words} is in flight or set aside by others"
        )
    if cost.calls == 1:
        return Wait(seconds, f"the limit of {pool.limit} {words} is used up")
    return Wait(seconds, f"{pool.remaining} of {pool.limit} {words} are left, fewer than {cost.calls}")


def until_reset(ledger: Ledger, pool: Pool, now: float, rules: Rules) -> float:
    """Seconds until the limit is full again; not positive when it is. GitHub tells it in whole seconds: a little later
    is on the safe side."""
    return pool.reset + rules.spacing - (now + ledger.skew)


def _window(times: list[float], length: float, most: int, now: float) -> Wait:
    """Until fewer than `most` of the sorted `times` lie within `length` seconds."""
    inside = [at for at in times if at > now - length]
    if len(inside) < most:
        return Wait(0.0, "")
    return Wait(inside[len(inside) - most] + length - now, f"GitHub allows {most} creations in {length:g} s")


def _points(ledger: Ledger, cost: Cost, now: float, rules: Rules) -> Wait:
    over = sum(points for _, points in ledger.points) + cost.points - rules.points
    for at, points in ledger.points:
        if over <= 0:
            break
        over -= points
        if over <= 0:
            return Wait(at + rules.minute - now, f"GitHub allows {rules.points} points in {rules.minute:g} s")
    return Wait(0.0, "")


def available(ledger: Ledger, pool: str, agent: str, now: float, rules: Rules) -> int:
    """How many requests `agent` may still send: what remains, less what is in flight and what others set aside ("":
    less what anybody set aside). A pool that GitHub has not told about yet counts as full."""
    found = _pool(ledger, pool)
    left = found.limit if until_reset(ledger, found, now, rules) <= 0 else found.remaining
    return left - sum(one.cost.calls for one in _in_the_way(ledger, pool, agent))


def _pool(ledger: Ledger, name: str) -> Pool:
    return ledger.pools.get(name) or Pool(UNTOLD, UNTOLD, 0.0, 0.0)


def _in_the_way(ledger: Ledger, pool: str, agent: str) -> list[Reservation]:
    reserved = ledger.reservations.values()
    return [one for one in reserved if one.cost.pool == pool and (one.is_sent or one.agent != agent)]


def set_aside(
    ledger: Ledger, key: str, cost: Cost, agent: str, owner: Owner, now: float, rules: Rules
) -> bool:
    """Keep `cost.calls` of what is free for `agent`, for `reserved_for` seconds. False if there are fewer."""
    if available(ledger, cost.pool, "", now, rules) < cost.calls:
        return False
    ledger.reservations[key] = Reservation(agent, cost, False, owner, now, now + rules.reserved_for)
    return True


def give_back(ledger: Ledger, agent: str, pool: str) -> None:
    """End what `agent` has set aside of `pool`."""
    for key, one in list(ledger.reservations.items()):
        if not one.is_sent and one.agent == agent and one.cost.pool == pool:
            del ledger.reservations[key]


def begin(ledger: Ledger, key: str, cost: Cost, agent: str, owner: Owner, now: float, until: float) -> None:
    """Note that the request `key` is sent now; `until`: when its answer is no longer waited for. It is taken from what
    the agent has set aside, if it has."""
    for name, one in list(ledger.reservations.items()):
        if not one.is_sent and one.agent == agent and one.cost.pool == cost.pool:
            one.cost.calls -= cost.calls
            if one.cost.calls <= 0:
                del ledger.reservations[name]
            break
    ledger.reservations[key] = Reservation(agent, cost, True, owner, now, until)
    if cost.kind != READ:
        ledger.last_write = now
    if cost.kind == CREATE:
        ledger.creations.append(now)
    second = float(int(now) + 1)  # the end of this second: not forgotten too early
    if ledger.points and ledger.points[-1][0] == second:
        ledger.points[-1] = (second, ledger.points[-1][1] + cost.points)
    else:
        ledger.points.append((second, cost.points))


def settle(ledger: Ledger, key: str, facts: Facts, now: float, rules: Rules) -> None:
    """Take the answer to the request `key` into account. One that was given up, or is settled twice, changes nothing
    but what its answer tells about the limits, and that may be old."""
    done = ledger.reservations.pop(key, None)
    started = done.started if done else 0.0
    kind = done.cost.kind if done else READ
    if facts.outcome == UNSENT:
        if kind == CREATE and started in ledger.creations:
            ledger.creations.remove(started)
        return
    if done and kind == CREATE:
        _move_creation(ledger, started, now)
    if facts.pool:
        learn(ledger, facts, started, now)
    elif done and done.cost.pool in ledger.pools:
        pool = ledger.pools[done.cost.pool]
        pool.remaining = max(0, pool.remaining - done.cost.calls)
    if facts.outcome == REFUSED:
        _punish(ledger, facts, kind, started, now, rules)
    elif facts.outcome == ANSWERED and ledger.penalty and started >= ledger.penalty.until:
        ledger.penalty.is_open = False
        if kind != READ or ledger.penalty.kind == READ:
            ledger.penalty = None
    if done:
        _count(ledger.usage(done.agent), done.cost, facts, now)


def _move_creation(ledger: Ledger, started: float, now: float) -> None:
    """A creation leaves the window a minute after its answer, not after its start: GitHub counts it in between."""
    if started in ledger.creations:
        ledger.creations.remove(started)
    ledger.creations.append(now)


def learn(ledger: Ledger, facts: Facts, started: float, now: float) -> None:
    """Believe an answer whose request was sent after the newest one that is known came; of answers that crossed, the
    least favourable counts. A later `reset` is a new window: usage is counted anew."""
    assert facts.pool
    if facts.date:
        skew = facts.date - now
        ledger.skew = skew if abs(skew) > 2.0 else 0.0  # the header has whole seconds
    known = ledger.pools.get(facts.pool)
    if known is None or started >= known.updated or facts.reset > known.reset:
        if facts.pool == CORE and (known is None or facts.reset > known.reset + 1.0):
            ledger.agents.clear()
        ledger.pools[facts.pool] = Pool(facts.limit, facts.remaining, facts.reset, now)
    elif facts.reset == known.reset:
        known.remaining = min(known.remaining, facts.remaining)
        known.updated = now


def _punish(ledger: Ledger, facts: Facts, kind: str, started: float, now: float, rules: Rules) -> None:
    """retry-after if it is given; else the reset, which the pool knows, when nothing remains; else a doubling pause."""
    is_primary = bool(facts.pool) and facts.remaining == 0 and facts.reset > now + ledger.skew
    if facts.retry_after is None and is_primary:
        return
    old = ledger.penalty
    # It was in flight when the last refusal came: one and the same.
    is_same = old is not None and started < old.given  # in flight when the last refusal came
    strikes = (old.strikes if old else 0) + (not is_same)
    pause = facts.retry_after
    if pause is None:
        pause = min(rules.backoff * 2 ** (max(strikes, 1) - 1), rules.longest_backoff)
    if is_same and old:
        old.until = max(old.until, now + pause)
    else:
        until = max(now + pause, old.until if old else 0.0)
        ledger.penalty = Penalty(until, now, strikes, kind)


def _count(usage: Usage, cost: Cost, facts: Facts, now: float) -> None:
    usage.last = now
    usage.refused += facts.outcome == REFUSED
    if cost.kind == READ:
        usage.reads += cost.calls
    else:
        usage.writes += 1
        usage.creations += cost.kind == CREATE
