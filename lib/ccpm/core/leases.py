"""Leases: who holds a resource, whether that still counts, and what a request for it gets.

Contract: pure functions over `Lease` records and one `Now`. The caller reads the records, applies the answer and
publishes it inside one guard (files/store.py), so that each decision here is made on the latest state.

Guarantees
- Staleness is permanent: a lease once judged stale is never renewed, released as if held, or accepted as a fence.
- At most one live exclusive holder comes out of any sequence of `grant`.
- Tokens are not made here: the store hands them out, strictly increasing per resource, and `grant` only places them.

Non-guarantee: on another host a lease is judged by the wall clock alone, so it protects only as far as the clocks
agree within `SKEW`.

Sources: leases and expiry after Gray & Cheriton, "Leases" (SOSP 1989); fencing tokens after Kleppmann, "How to do
distributed locking" (2016): the resource refuses a token older than the newest one given out.
"""

from __future__ import annotations

DEFAULT_TTL = 300.0
"""Seconds a lease lasts unless asked otherwise: the five minutes of the specification."""

DEFAULT_TIMEOUT = 30.0
"""Seconds a caller waits for a lease unless asked otherwise."""

MAX_TTL = 7 * 86400.0

SKEW = 10.0
"""Seconds that the wall clocks of two hosts may differ. Hosts under NTP agree within 0.1 s (RFC 5905 calls 128 ms
the step threshold); ten seconds also cover a host that has just woken up."""

EXCLUSIVE = "exclusive"
SHARED = "shared"


class Now:
    """One reading of the clocks: `wall` in seconds of the epoch, `boot` in seconds since the boot `boot_id`."""

    __slots__ = ("boot", "boot_id", "wall")

    def __init__(self, wall: float, boot: float, boot_id: str) -> None:
        self.wall = wall
        self.boot = boot
        self.boot_id = boot_id


class Owner:
    """Who asks or holds: an agent, and the process that its lease is bound to (`pid` 0: no process).

    A pid alone names nothing: it is reused, and means another process in another pid namespace. `pid_start` (an
    opaque word that differs between two processes with one pid), `boot_id`, `pid_space` and `host` make it unique.
    """

    __slots__ = ("agent", "boot_id", "host", "pid", "pid_space", "pid_start")

    def __init__(self, agent: str, pid: int, pid_start: str, boot_id: str, pid_space: str, host: str) -> None:
        self.agent = agent
        self.pid = pid
        self.pid_start = pid_start
        self.boot_id = boot_id
        self.pid_space = pid_space
        self.host = host

    def is_same_process(self, other: Owner) -> bool:
        mine = (self.pid, self.pid_start, self.boot_id, self.pid_space)
        return self.pid > 0 and mine == (other.pid, other.pid_start, other.boot_id, other.pid_space)


class Lease:
    """One holding of a resource. Times in seconds: `acquired`, `expires` on the wall clock, `acquired_boot`,
    `expires_boot` on the boot clock of `owner.boot_id` (0.0: unknown). `extra` keeps the keys of a record that this
    version does not know."""

    __slots__ = (
        "acquired",
        "acquired_boot",
        "expires",
        "expires_boot",
        "extra",
        "mode",
        "operation",
        "owner",
        "token",
        "ttl",
    )

    def __init__(
        self,
        owner: Owner,
        operation: str,
        token: int,
        mode: str,
        ttl: float,
        acquired: float,
        expires: float,
        expires_boot: float,
        extra: dict[str, str] | None = None,
        acquired_boot: float = 0.0,
    ) -> None:
        self.owner = owner
        self.operation = operation
        self.token = token
        self.mode = mode
        self.ttl = ttl
        self.acquired = acquired
        self.expires = expires
        self.expires_boot = expires_boot
        self.extra = extra or {}
        self.acquired_boot = acquired_boot


class Unreadable:
    """A lock record that does not parse: held by nobody knows whom, until its file is older than the default ttl or
    than this boot.

    `age`: seconds since the file was last written; negative when it lies in the future (the clock was set back).
    """

    __slots__ = ("age", "reason")

    def __init__(self, age: float, reason: str) -> None:
        self.age = age
        self.reason = reason


def new_lease(owner: Owner, operation: str, token: int, mode: str, ttl: float, now: Now) -> Lease:
    return Lease(
        owner, operation, token, mode, ttl, now.wall, now.wall + ttl, now.boot + ttl, acquired_boot=now.boot
    )


def renewed(lease: Lease, ttl: float, now: Now) -> Lease:
    """`lease` with `ttl` seconds from now. Renewed on another host, or after a reboot, it has no expiry on its owner's
    boot clock any more: the one of `now` would mean nothing there."""
    return Lease(
        lease.owner,
        lease.operation,
        lease.token,
        lease.mode,
        ttl,
        lease.acquired,
        now.wall + ttl,
        now.boot + ttl if is_same_boot(lease, now) else 0.0,
        lease.extra,
        lease.acquired_boot,
    )


def is_same_boot(lease: Lease, now: Now) -> bool:
    return bool(lease.owner.boot_id) and lease.owner.boot_id == now.boot_id


def remaining(lease: Lease, now: Now) -> float:
    """Seconds until `lease` expires, negative when past: by the boot clock if it is ours (a step of the wall clock
    changes nothing then), else by the wall clock with the allowance for skew."""
    if is_same_boot(lease, now) and lease.expires_boot:
        return lease.expires_boot - now.boot
    return lease.expires + SKEW - now.wall


def held_for(lease: Lease, now: Now) -> float:
    """Seconds since `lease` was acquired."""
    if is_same_boot(lease, now) and lease.acquired_boot:
        return now.boot - lease.acquired_boot
    return max(0.0, now.wall - lease.acquired)


def why_stale(lease: Lease, now: Now, is_alive: bool | None, here: Owner) -> str:
    """The reason why `lease` no longer counts, or "" while it does.

    `is_alive`: whether the process it is bound to runs; None when that cannot be known from here (no process,
    another host, another pid namespace). `here`: the observer, for its host name.
    """
    if remaining(lease, now) <= 0:
        return "expired"
    return why_gone(lease.owner, is_alive, here.host, now.boot_id)


def why_gone(owner: Owner, is_alive: bool | None, host: str, boot_id: str) -> str:
    """The reason why the process of `owner` is known to be gone, "" if it is not. `is_alive`: as in `why_stale`.
    `host`, `boot_id`: those of the observer; one that cannot tell its boot calls no other an earlier one."""
    if owner.pid and is_alive is False:
        return "its process is gone"
    if owner.pid and owner.host == host and "" != owner.boot_id != boot_id != "":
        return "its process ended with a reboot"
    return ""


def is_unreadable_stale(record: Unreadable, now: Now) -> bool:
    """Whether an unreadable record has had its time: that of a lease, or it is older than this boot, as one that a
    power cut has torn."""
    return record.age > min(DEFAULT_TTL, now.boot)


def outlives_boot(holders: list[Lease], now: Now) -> bool:
    """Whether the record of `holders` has to survive a power cut on this host: unless all of them are bound to
    processes of its present boot, which a power cut ends."""
    return not all(lease.owner.pid > 0 and lease.owner.boot_id == now.boot_id != "" for lease in holders)


def is_compatible(mode: str, holders: list[Lease]) -> bool:
    """Whether a request of `mode` may join the live `holders`."""
    return not holders or (mode == SHARED and all(lease.mode == SHARED for lease in holders))


def expiry_of(holders: list[Lease], now: Now) -> float:
    """Seconds until the first of `holders` expires: when a waiter should look again at the latest."""
    return max(0.0, min((remaining(lease, now) for lease in holders), default=0.0))


def find_token(holders: list[Lease], token: int) -> Lease | None:
    return next((lease for lease in holders if lease.token == token), None)


def find_own(holders: list[Lease], owner: Owner, ancestors: frozenset[int]) -> Lease | None:
    """The lease that `owner` may renew or release without naming its token.

    A lease without a process belongs to its agent. A process-bound one belongs to that very process and to what
    runs below it (`ancestors`: pids above the caller): two scripts of one agent do not free each other's locks.
    """
    for lease in holders:
        theirs = lease.owner
        if theirs.agent != owner.agent:
            continue
        if not theirs.pid or theirs.is_same_process(owner):
            return lease
        same_space = (theirs.boot_id, theirs.pid_space) == (owner.boot_id, owner.pid_space)
        if same_space and theirs.pid in ancestors:
            return lease
    return None
