"""When to look whether a request took effect that nobody answered. Pure."""

from __future__ import annotations


def pauses(lookups: tuple[float, ...], age: float) -> list[float]:
    """The pauses (seconds) before each look, for a request that is `age` seconds old: one look now, and one at each
    of `lookups` (seconds after the request) that is still to come."""
    found = [0.0]
    now = age
    for at in sorted(lookups):
        if at > now:
            found.append(at - now)
            now = at
    return found


def parse(text: str) -> tuple[float, ...]:
    """`0,10,30,180` as seconds; ValueError for anything else."""
    found = tuple(float(part) for part in text.split(","))
    if not found or any(not 0 <= at <= 3600 for at in found):
        raise ValueError(f"{text!r} is no list of seconds between 0 and 3600")
    return found
