"""Run a command while holding resources: ccpm-lock run.

All resources are taken in one sorted order, so runs cannot deadlock among themselves. The leases are renewed at a
third of their length. When one is lost, or cannot be renewed in time, the command is stopped (TERM, after `GRACE`
seconds KILL, which comes before the lease ends). The command inherits $CCPM_FENCE, so that its writes are refused
from that moment even if it lives on.

A resource whose fencing token the caller already carries ($CCPM_FENCE, of this project) is not taken again: nested runs
work, by proof and not by name. Non-guarantee: a command that is run below leases of one project with those of another
carries only the latter.
"""

from __future__ import annotations

import os

from ccpm.core import leases, names
from ccpm.errors import LeaseLost
from ccpm.external.child import Child
from ccpm.files import clock
from ccpm.files.store import Store
from ccpm.ops import identity, wording
from ccpm.ops.locking import fences, waiting
from ccpm.ops.locking.held import Held
from ccpm.ops.locking.locks import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL for a command whose lease is lost."""


def run(store: Store, requests: list[Request], command: list[str], say: Callable[[str], None]) -> int:
    """The exit status of `command` (128 + N if signal N ended it), run while every one of `requests` is held.

    LeaseLost (11) if a lease was lost meanwhile; Busy (75) or DeadlockRefused (13) if they cannot all be had.
    """
    held = Held(store)
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
            identity.FENCE_ROOT: store.top,
            "CCPM_AGENT_ID": requests[0].owner.agent,
        }
        identity.mark_session(environment)
        with Child(command, environment) as child:
            if child.problem:
                say(f"{child.problem}\nhint: {_how_to_start(command[0])}")
            return _supervise(child, held, say)
    finally:
        held.release(say)


def _is_covered(store: Store, request: Request) -> bool:
    token = request.carried.get(request.resource)
    if token is None:
        return False
    lease = fences.check(store, request.resource, token)
    return lease.mode == leases.EXCLUSIVE or lease.mode == request.mode


def _supervise(child: Child, held: Held, say: Callable[[str], None]) -> int:
    while True:
        status = child.wait(held.seconds_to_renewal())
        if status is not None:
            held.check()
            return status
        try:
            held.renew_due()
        except LeaseLost as lost:
            say(f"{lost.message}; stopping {child.name}")
            child.stop(held.grace(GRACE))
            raise


def _how_to_start(program: str) -> str:
    name = wording.quoted(program)
    if "/" in program:
        return f"ls -l {name} shows whether it may be run, head -n 1 {name} what it is to be run by"
    return f"command -v {name} shows whether it is in $PATH"
