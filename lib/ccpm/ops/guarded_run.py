"""Run a command while holding resources: ccpm-lock run.

All resources are taken in one sorted order, so runs cannot deadlock among themselves. The leases are renewed at a
third of their length. When one is lost, or cannot be renewed in time, the command is stopped (TERM, after `GRACE`
seconds KILL). The command inherits $CCPM_FENCE, so that its writes are refused from that moment even if it lives on.

A resource whose fencing token the caller already carries ($CCPM_FENCE) is not taken again: nested runs work, by proof
and not by name.
"""

from __future__ import annotations

import os

from ccpm.core import leases, names
from ccpm.core.leases import Lease
from ccpm.errors import CcpmError, LeaseLost
from ccpm.external.child import Child
from ccpm.files import clock, events
from ccpm.files.store import Store
from ccpm.ops import fences, lock_state, locks, waiting
from ccpm.ops.locks import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL for a command whose lease is lost."""


def run(store: Store, requests: list[Request], command: list[str], say: Callable[[str], None]) -> int:
    """The exit status of `command` (128 + N if signal N ended it), run while every one of `requests` is held.

    LeaseLost (11) if a lease was lost meanwhile; Busy (75) or DeadlockRefused (13) if they cannot all be had.
    """
    held = _Held(store)
    carried = dict(requests[0].carried)
    timeout, started = requests[0].timeout, clock.boot()
    try:
        for request in sorted(requests, key=lambda request: request.resource):
            if _is_covered(store, request):
                continue
            request.timeout = timeout and max(0.001, timeout - (clock.boot() - started))
            request.carried = carried
            lease = waiting.acquire(store, request, say, held.renew_due)
            held.add(request.resource, lease)
            carried = {**carried, request.resource: lease.token}
        environment = {
            **os.environ,
            "CCPM_FENCE": names.format_fences(carried),
            "CCPM_AGENT_ID": requests[0].owner.agent,
        }
        with Child(command, environment) as child:
            return _supervise(child, held, say)
    finally:
        held.release(say)


def _is_covered(store: Store, request: Request) -> bool:
    token = request.carried.get(request.resource)
    if token is None:
        return False
    lease = fences.check(store, request.resource, token)
    return lease.mode == leases.EXCLUSIVE or lease.mode == request.mode


def _supervise(child: Child, held: _Held, say: Callable[[str], None]) -> int:
    while True:
        status = child.wait(held.seconds_to_renewal())
        if status is not None:
            held.check()
            return status
        try:
            held.renew_due()
        except LeaseLost as lost:
            say(f"{lost.message}; stopping {child.name}")
            child.stop(GRACE)
            raise


class _Held:
    """The leases of one run, in the order in which they were taken."""

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

    def renew_due(self) -> None:
        """Renew everything if a third of the shortest lease has passed. LeaseLost (11) if one is lost, or would end
        before the next attempt: a holder has to stop before its lease does."""
        if not self._leases or clock.boot() < self._due:
            return
        for resource, lease in self._leases.items():
            try:
                self._leases[resource] = locks.renew(self._store, resource, lease.owner, lease.token)
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
