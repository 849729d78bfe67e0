"""Leases that are held for as long as something runs: renewed in time, checked, released at the end.

Contract: whoever holds calls `renew_due` at least every `seconds_to_renewal` seconds, and stops when it raises
LeaseLost.
"""

from __future__ import annotations

from ccpm.core import leases
from ccpm.core.leases import Lease
from ccpm.errors import CcpmError, LeaseLost
from ccpm.files import clock, events
from ccpm.files.store import Store
from ccpm.ops.locking import lock_state, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LATE = 1.0
"""Seconds for a command to take leave whose lease is over."""


class Held:
    """The leases of one holder, in the order in which they were taken."""

    __slots__ = ("_due", "_leases", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leases: dict[str, Lease] = {}
        self._due = 0.0

    def add(self, resource: str, lease: Lease) -> None:
        self._leases[resource] = lease
        self._schedule()

    def seconds_to_renewal(self) -> float | None:
        """Seconds until `renew_due` has something to do; None while nothing is held."""
        return max(0.0, self._due - clock.boot()) if self._leases else None

    def grace(self, longest: float) -> float:
        """Seconds, at most `longest`, for which a command that has to stop may take leave: when the first of the leases
        ends and somebody else may begin, it must be gone. `LATE` where that has come already."""
        now = clock.now()
        left = min(leases.remaining(lease, now) for lease in self._leases.values())
        return min(longest, max(0.0, left / 2)) or LATE

    def renew_due(self) -> None:
        """Renew everything if a third of the shortest lease has passed. LeaseLost (11) if one is lost, or would end
        before the next attempt: a holder has to stop before its lease does."""
        if not self._leases or clock.boot() < self._due:
            return
        for resource, lease in self._leases.items():
            left = leases.remaining(lease, clock.now())
            try:
                self._leases[resource] = locks.renew(
                    self._store, resource, lease.owner, lease.token, patience=left / 2
                )
            except LeaseLost:
                self._log_lost(resource, lease)
                raise
            except CcpmError as error:  # a full disk, a stopped guard holder: try again while the lease lasts
                if leases.remaining(lease, clock.now()) < lease.ttl / 6:
                    self._log_lost(resource, lease)
                    raise LeaseLost(
                        f"{resource} could not be renewed in time: {error.message}", error.hint
                    ) from error
        self._schedule()

    def check(self) -> None:
        """LeaseLost (11) if a lease has run out or was taken from us: then the command was not protected to its end."""
        for resource, lease in self._leases.items():
            if not leases.find_token(lock_state.look(self._store, resource).holders, lease.token):
                self._log_lost(resource, lease)
                raise LeaseLost(
                    f"the lease on {resource} (token {lease.token}) ended before the command did",
                    f"check what it wrote; ccpm-lock check {resource} shows who holds it now",
                )

    def release(self, say: Callable[[str], None]) -> None:
        for resource, lease in reversed(self._leases.items()):
            try:
                locks.release(self._store, resource, lease.owner, lease.token)
            except LeaseLost:
                pass  # reported by renew_due or check; somebody else holds it, or nobody
            except CcpmError as error:
                say(
                    f"could not release {resource}: {error.message}; it is free as soon as this process has ended"
                )

    def _schedule(self) -> None:
        now = clock.now()
        self._due = min(now.boot + min(leases.remaining(x, now), x.ttl) / 3 for x in self._leases.values())

    def _log_lost(self, resource: str, lease: Lease) -> None:
        events.append(
            self._store.top, "lock.lost", resource=resource, agent=lease.owner.agent, token=lease.token
        )
