"""All commands that the crash tests kill and fail."""

from __future__ import annotations

from crash.agent_cases import BuryTheDead, ClaimFiles
from crash.case import GUARD, LOCK, PERHAPS, Case
from crash.file_cases import AtomicAppend, AtomicWrite, FencedWrite, FrontmatterSet
from crash.harness import IS_FULL
from crash.lock_cases import Acquire, AcquireBound, Join, Release, ReleaseShared, Renew, TakeOver
from crash.wait_cases import WaitAndTake, WaitInVain

__all__ = [
    "ALL", "AND_KILLED", "GUARD", "LOCK", "MAIN", "PERHAPS", "Acquire", "AcquireBound", "AtomicAppend", "AtomicWrite", "Case",
    "FencedWrite", "FrontmatterSet", "Join", "Release", "ReleaseShared", "Renew", "TakeOver", "WaitAndTake",
    "WaitInVain",
]  # fmt: skip

MAIN = (AtomicWrite, FrontmatterSet, Acquire, Release, Renew)
"""The five commands that are tried with every fault; the others are variants of them."""

ALL = (
    AtomicWrite, AtomicAppend, FencedWrite, FrontmatterSet, Acquire, AcquireBound, TakeOver, Join, Release,
    ReleaseShared, Renew, WaitInVain, WaitAndTake,
)  # fmt: skip

AND_KILLED = (ClaimFiles, BuryTheDead) if IS_FULL else (ClaimFiles,)
"""What is only killed: the faults of single writes are those of the files room, which the others have shown. A
burial has a hundred points to be killed at; they are for the full sweep."""
