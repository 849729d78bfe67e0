"""What agents know together about GitHub's limits: the records that core/budget.py decides on.

Times are seconds on this machine's wall clock unless said otherwise.
"""

from __future__ import annotations

from ccpm.core.leases import Owner

READ, WRITE, CREATE = "read", "write", "create"
CORE, GRAPHQL, SEARCH = "core", "graphql", "search"
ANSWERED, REFUSED, LOST, UNSENT = "answered", "refused", "lost", "unsent"


class Rules:
    """The limits of GitHub, as one thing, so that tests and servers with other limits can change them."""

    __slots__ = (
        "backoff", "hour", "in_flight", "longest_backoff", "low", "minute", "per_hour", "per_minute", "points",
        "reserved_for", "spacing",
    )  # fmt: skip

    def __init__(self) -> None:
        self.spacing = 1.0
        """Between the starts of two writes: "wait at least one second between each request"."""
        self.minute = 60.0
        self.per_minute = 80
        """Content creations a minute."""
        self.hour = 3600.0
        self.per_hour = 500
        """Content creations an hour."""
        self.points = 900
        """A minute: a read is 1, a write 5."""
        self.in_flight = 50
        """Requests at a time. GitHub allows 100; another project of the same user may run beside this one."""
        self.backoff = 60.0
        """The first pause where GitHub names none; it doubles with each refusal."""
        self.longest_backoff = 3600.0
        self.low = 100
        """Remaining requests below which agents are warned."""
        self.reserved_for = 300.0
        """How long requests that an agent set aside stay its own."""


class Cost:
    """What a request spends: `kind` of it, the `pool` of the primary limit, and how many `calls` of that."""

    __slots__ = ("calls", "kind", "pool")

    def __init__(self, kind: str, pool: str = CORE, calls: int = 1) -> None:
        self.kind = kind
        self.pool = pool
        self.calls = calls

    @property
    def points(self) -> int:
        return self.calls if self.kind == READ else self.calls - 1 + 5


class Pool:
    """A primary limit as GitHub told it last. `reset` is on GitHub's clock, `updated` on ours."""

    __slots__ = ("limit", "remaining", "reset", "updated")

    def __init__(self, limit: int, remaining: int, reset: float, updated: float) -> None:
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
        self.updated = updated


class Reservation:
    """Requests of an agent that GitHub has not been seen to count: one `sent` and not yet answered, or some set aside.

    `started`: when; `until`: when a reservation lapses whose process cannot be seen from here."""

    __slots__ = ("agent", "cost", "is_sent", "owner", "started", "until")

    def __init__(
        self, agent: str, cost: Cost, is_sent: bool, owner: Owner, started: float, until: float
    ) -> None:
        self.agent = agent
        self.cost = cost
        self.is_sent = is_sent
        self.owner = owner
        self.started = started
        self.until = until


class Penalty:
    """A refusal that everybody obeys: nothing is sent before `until`. `given`: when it came. `strikes`: how many came
    in a row. `kind`: what was refused. `is_open`: nothing has succeeded since: one request at a time tries."""

    __slots__ = ("given", "is_open", "kind", "strikes", "until")

    def __init__(self, until: float, given: float, strikes: int, kind: str, is_open: bool = True) -> None:
        self.until = until
        self.given = given
        self.strikes = strikes
        self.kind = kind
        self.is_open = is_open


class Usage:
    """What one agent has spent since the primary limit was last reset. `waited`: seconds."""

    __slots__ = ("cached", "creations", "last", "reads", "refused", "waited", "writes")

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self.creations = 0
        self.refused = 0
        self.cached = 0
        self.waited = 0.0
        self.last = 0.0


class Ledger:
    """The shared state. `skew`: GitHub's clock less ours. `creations`: when each of the last hour was answered.
    `points`: (second, points) of the last minute. `last_write`: when the newest write started."""

    __slots__ = ("agents", "creations", "last_write", "penalty", "points", "pools", "reservations", "skew")

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.skew = 0.0
        self.penalty: Penalty | None = None
        self.last_write = 0.0
        self.creations: list[float] = []
        self.points: list[tuple[float, int]] = []
        self.reservations: dict[str, Reservation] = {}
        self.agents: dict[str, Usage] = {}

    def usage(self, agent: str) -> Usage:
        return self.agents.setdefault(agent, Usage())


class Wait:
    """How long a request has to wait, and the rule that makes it. `seconds` 0: go."""

    __slots__ = ("seconds", "why")

    def __init__(self, seconds: float, why: str) -> None:
        self.seconds = seconds
        self.why = why


class Facts:
    """What became of a request. `outcome`: it was ANSWERED (whatever else GitHub said), REFUSED because of a limit,
    LOST (nobody knows), or UNSENT. `pool` None: no rate headers came. `reset` and `date` are on GitHub's clock, `date`
    0.0 if it was not told; `retry_after` in seconds, None if it was not told."""

    __slots__ = ("date", "limit", "outcome", "pool", "remaining", "reset", "retry_after")

    def __init__(
        self,
        outcome: str,
        pool: str | None = None,
        limit: int = 0,
        remaining: int = 0,
        reset: float = 0.0,
        date: float = 0.0,
        retry_after: float | None = None,
    ) -> None:
        self.outcome = outcome
        self.pool = pool
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
        self.date = date
        self.retry_after = retry_after
