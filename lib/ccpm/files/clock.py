"""The clocks, and the timestamps of every file we write.

The boot clock counts on through sleep and is not moved when somebody sets the time: CLOCK_BOOTTIME on Linux
(clock_gettime(2)), CLOCK_MONOTONIC on macOS (clock_gettime(3): "will continue to increment while the system is
asleep"). It means something only within one boot, so each reading carries the boot's id.
"""

from __future__ import annotations

import time

from ccpm.core.leases import Now
from ccpm.files import process

_written: dict[int, str] = {}
"""The newest timestamps: one moment is written down several times, in a record and in the log."""

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> Now:
    return Now(time.time(), time.clock_gettime(_BOOT_CLOCK), process.boot_id())


def boot() -> float:
    """Seconds on the boot clock, for measuring waits."""
    return time.clock_gettime(_BOOT_CLOCK)


def to_iso(seconds: float) -> str:
    """Epoch seconds as `2025-11-04T04:16:21Z`, the form of the specification. Fractions are cut."""
    try:
        second = int(seconds // 1)
        if second not in _written:
            if len(_written) > 64:
                _written.clear()
            _written[second] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        return _written[second]
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59Z"


def from_iso(text: str) -> float:
    """Epoch seconds of such a timestamp; ValueError for anything else.

    By hand, because time.strptime loads five modules for it, at each start of a helper that reads a lock. The day
    number is that of the proleptic Gregorian calendar, counted from March, so that a leap day ends its year.
    """
    if len(text) != 20:
        raise ValueError(f"{text[:40]!r} is not a time like 2025-11-04T04:16:21Z")
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    years, months = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = years * 365 + years // 4 - years // 100 + years // 400 + (months * 153 + 2) // 5 + day - 719469
    seconds = ((days * 24 + int(text[11:13])) * 60 + int(text[14:16])) * 60 + int(text[17:19])
    if to_iso(seconds) != text:
        raise ValueError(f"{text!r} is not a time like 2025-11-04T04:16:21Z")
    return float(seconds)


def from_any(text: object) -> float:
    """Epoch seconds of a time or date as people write it (`2025-11-04`, `2025-11-04 04:16`, with `Z`, an offset,
    fractions or nothing, which means UTC); 0.0 for anything else."""
    if not isinstance(text, str):
        return 0.0
    import re

    match = re.match(
        r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d)?)?",
        text.strip(),
        re.ASCII,
    )
    if not match:
        return 0.0
    offset = (match[4] or "Z").replace(":", "")
    minutes = 0 if offset == "Z" else int(offset[0] + "1") * (int(offset[1:3]) * 60 + int(offset[3:5]))
    try:
        return from_iso(f"{match[1]}T{match[2] or '00:00'}{match[3] or ':00'}Z") - minutes * 60
    except ValueError:
        return 0.0
