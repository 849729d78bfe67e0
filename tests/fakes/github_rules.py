"""What the fake GitHub limits, and by which clock: the published rules, scaled as a test likes.

Source: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API". The primary limit
is a fixed window that begins with its first request; the secondary ones slide. While a `retry-after` runs, every request
is refused again and noted, because a client that goes on asking is what GitHub bans.
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

READ, WRITE, CREATE = "read", "write", "create"


class Rules(NamedTuple):
    """Times in seconds of the fake's clock."""

    core: int = 5000
    graphql: int = 5000
    search: int = 30
    hour: float = 3600.0
    minute: float = 60.0
    per_minute: int = 80
    per_hour: int = 500
    points: int = 900
    retry_after: float = 60.0
    concurrent_writes: int = 1

    @classmethod
    def parse(cls, text: str) -> Rules:
        """From `minute=3,per_minute=20`."""
        kinds = cls.__annotations__
        pairs = (part.split("=", 1) for part in text.split(",") if part)
        return cls(**{name: (int if "int" in str(kinds[name]) else float)(value) for name, value in pairs})


class Clock:
    """The fake's time in seconds of the epoch: the machine's, moved by what tests add, or standing still."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen: float | None = None

    def now(self) -> float:
        return (time.time() if self._frozen is None else self._frozen) + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds

    def freeze(self, at: float | None) -> None:
        """Stand still at `at`; None: run on with the machine's clock."""
        self._frozen, self._offset = at, 0.0


class Pool:
    """One primary limit."""

    def __init__(self, name: str, limit: int, seconds: float) -> None:
        self.name = name
        self.limit = limit
        self.seconds = seconds
        self.used = 0
        self.reset = 0.0

    def roll(self, now: float) -> None:
        if now >= self.reset:
            self.used, self.reset = 0, now + self.seconds

    def describe(self, now: float) -> dict[str, int]:
        self.roll(now)
        remaining = max(0, self.limit - self.used)
        # rounded up, so that a client which waits for `reset` does not come too early
        return {"limit": self.limit, "used": self.used, "remaining": remaining, "reset": int(self.reset) + 1}

    def headers(self, now: float) -> dict[str, str]:
        found = {f"X-Ratelimit-{key.title()}": str(value) for key, value in self.describe(now).items()}
        return {**found, "X-Ratelimit-Resource": self.name}


class Refusal(NamedTuple):
    status: int
    why: str
    message: str
    retry_after: float | None


class Limiter:
    """Counts requests and refuses them as GitHub would. Used under its own lock."""

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self.rules = rules
        self.clock = clock
        self.lock = threading.RLock()
        seconds = {"core": rules.hour, "graphql": rules.hour, "search": rules.minute}
        self.pools = {name: Pool(name, getattr(rules, name), seconds[name]) for name in seconds}
        self.creations: list[float] = []
        self.points: list[tuple[float, int]] = []
        self.writes_in_flight = 0
        self.retry_until = 0.0

    def admit(self, kind: str, pool: Pool) -> Refusal | None:
        """Count a request in; the refusal if it is over a limit. One that is let in has to `leave`."""
        now = self.clock.now()
        with self.lock:
            if now < self.retry_until:
                return self.punish("during retry-after", self.retry_until - now)
            pool.roll(now)
            if pool.used >= pool.limit:
                words = (
                    "API rate limit exceeded for user ID 1. If you reach out to GitHub Support for help, …"
                )
                return Refusal(403, "primary", words, None)
            refusal = self._secondary(kind, now)
            if refusal:
                return refusal
            pool.used += 1
            self.points.append((now, 1 if kind == READ else 5))
            if kind == CREATE:
                self.creations.append(now)
            if kind != READ:
                self.writes_in_flight += 1
            return None

    def leave(self, kind: str) -> None:
        if kind != READ:
            with self.lock:
                self.writes_in_flight -= 1

    def give_back(self, pool: Pool) -> None:
        """A 304 does not count against the primary limit."""
        with self.lock:
            pool.used -= 1

    def punish(self, why: str, seconds: float | None = None, status: int = 403) -> Refusal:
        """A secondary refusal with `retry-after`, which runs from now."""
        seconds = self.rules.retry_after if seconds is None else seconds
        self.retry_until = max(self.retry_until, self.clock.now() + seconds)
        words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        return Refusal(status, why, words, seconds)

    def _secondary(self, kind: str, now: float) -> Refusal | None:
        rules = self.rules
        self.creations = [at for at in self.creations if at > now - rules.hour]
        self.points = [(at, points) for at, points in self.points if at > now - rules.minute]
        in_minute = sum(at > now - rules.minute for at in self.creations)
        if kind != READ and self.writes_in_flight >= rules.concurrent_writes:
            return self.punish("concurrent writes")
        if kind == CREATE and in_minute >= rules.per_minute:
            return self.punish("creations per minute")
        if kind == CREATE and len(self.creations) >= rules.per_hour:
            return self.punish("creations per hour")
        if sum(points for _, points in self.points) + (1 if kind == READ else 5) > rules.points:
            return self.punish("points per minute")
        return None
