"""All commands that the crash tests kill and fail."""

from __future__ import annotations

from crash.case import GUARD, LOCK, PERHAPS, Case
from crash.file_cases import AtomicAppend, AtomicWrite, FencedWrite, FrontmatterSet
from crash.lock_cases import Acquire, AcquireBound, Join, Release, ReleaseShared, Renew, TakeOver
from crash.wait_cases import WaitAndTake, WaitInVain

__all__ = [
    "ALL", "GUARD", "LOCK", "MAIN", "PERHAPS", "Acquire", "AcquireBound", "AtomicAppend", "AtomicWrite", "Case",
    "FencedWrite", "FrontmatterSet", "Join", "Release", "ReleaseShared", "Renew", "TakeOver", "WaitAndTake",
    "WaitInVain",
]  # fmt: skip

MAIN = (AtomicWrite, FrontmatterSet, Acquire, Release, Renew)
"""The five commands that are tried with every fault; the others are variants of them."""

ALL = (
    AtomicWrite, AtomicAppend, FencedWrite, FrontmatterSet, Acquire, AcquireBound, TakeOver, Join, Release,
    ReleaseShared, Renew, WaitInVain, WaitAndTake,
)  # fmt: skip
