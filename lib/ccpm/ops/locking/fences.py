"""Fencing: a write counts only while the lease that it runs under is still the current one (promise P4).

`with Fenced(store, fences): publish` holds the guard of each named resource, so that no takeover can come between the
check and the publication, however long the writer was stopped before.
"""

from __future__ import annotations

import os

from ccpm.core import leases, names
from ccpm.errors import LeaseLost
from ccpm.files import events
from ccpm.files.store import Store, Transaction
from ccpm.ops import identity, wording
from ccpm.ops.locking import lock_state


class Fenced:
    """Guards of all resources of `fences` {resource: token} in `store`, and of those that $CCPM_FENCE carries from
    another project, taken in sorted order; LeaseLost (11) if a token is not the current one or its lease is stale."""

    __slots__ = ("_fences", "_held")

    def __init__(self, store: Store | None, fences: dict[str, int]) -> None:
        self._fences = [(store, fences)] if store else []
        elsewhere = _carried_from_elsewhere(store)
        if elsewhere:
            self._fences = sorted([*self._fences, elsewhere], key=lambda one: one[0].top)
        self._held: list[Transaction] = []

    def __enter__(self) -> None:
        try:
            for store, fences in self._fences:
                for resource, token in sorted(fences.items()):
                    txn = store.transact(resource)
                    txn.__enter__()
                    self._held.append(txn)
                    check(store, resource, token)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        while self._held:
            self._held.pop().__exit__()


def _carried_from_elsewhere(store: Store | None) -> tuple[Store, dict[str, int]] | None:
    """The project that $CCPM_FENCE_ROOT names, if it is not that of `store`, and the fences of $CCPM_FENCE."""
    there = os.environ.get(identity.FENCE_ROOT)
    carried = os.environ.get("CCPM_FENCE")
    if not there or not carried:
        return None
    top = os.path.realpath(there)
    if store and store.top == top:
        return None
    if not os.path.isdir(top):
        raise LeaseLost(
            f"the project of the leases {carried[:60]} is gone: {top}; nothing was written",
            f"stop writing, or take leave of them: unset CCPM_FENCE {identity.FENCE_ROOT}",
        )
    return Store(top), names.parse_fences(carried)


def check(store: Store, resource: str, token: int) -> leases.Lease:
    """The live lease that `token` stands for; LeaseLost (11) if it does not hold any more."""
    state = lock_state.look(store, resource)
    lease = leases.find_token(state.holders, token)
    if lease:
        return lease
    old = next((f" ({why})" for stale, why in state.stale if stale.token == token), "")
    now = f"it is held by {wording.holders(state.holders)}" if state.holders else "nobody holds it now"
    events.append(store.top, "fence.refused", resource=resource, token=token)
    raise LeaseLost(
        f"token {token} of {resource} holds no longer{old}: {now}; nothing was written",
        f"stop writing; take the lock again (ccpm-lock acquire {resource}) and read everything anew",
        resource=resource,
        token=token,
    )
