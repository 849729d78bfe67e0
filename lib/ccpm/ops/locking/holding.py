"""Hold a resource for the length of a `with` block: for use cases that change several files as one.

    with holding(store, "epic-auth", agent, "epic-refresh", fences) as fences: …

The lease is bound to this process, so a kill frees it at once. A resource whose token the caller already carries is not
taken again (re-entrance by proof). What comes out are the fences to pass to every write in the block.

Non-guarantee: the lease is not renewed; a block that takes longer than `ttl` loses it, and its writes are then refused.
"""

from __future__ import annotations

import os

from ccpm.core import leases
from ccpm.core.leases import Lease
from ccpm.errors import LeaseLost
from ccpm.files import process
from ccpm.files.store import Store
from ccpm.ops.locking import fences, locks, waiting
from ccpm.ops.locking.locks import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Holding:
    __slots__ = ("_fences", "_lease", "_request", "_say", "_store")

    def __init__(
        self,
        store: Store,
        resource: str,
        agent: str,
        operation: str,
        carried: dict[str, int],
        say: Callable[[str], None] = lambda line: None,
        timeout: float = leases.DEFAULT_TIMEOUT,
    ) -> None:
        self._store = store
        self._fences = carried
        self._say = say
        self._lease: Lease | None = None
        owner = process.owner(agent, os.getpid())
        self._request = Request(resource, owner, operation, timeout=timeout, carried=carried)

    def __enter__(self) -> dict[str, int]:
        resource = self._request.resource
        token = self._fences.get(resource)
        if token is not None:
            fences.check(self._store, resource, token)
            return self._fences
        self._lease = waiting.acquire(self._store, self._request, self._say)
        return {**self._fences, resource: self._lease.token}

    def __exit__(self, *_: object) -> None:
        if self._lease:
            try:
                locks.release(self._store, self._request.resource, self._lease.owner, self._lease.token)
            except LeaseLost:
                pass  # every write in the block was fenced: what was refused has been reported already
