"""The wall clock of a soak: moved for all its processes at once, as if somebody had set the clock of the machine.

It is moved inside the processes: the system's own can be set only by root and for everybody, and under libfaketime
CPython's `time.sleep` fails (an absolute clock_nanosleep(2), which it computes wrongly). The kernel's own stamps on
files do not move with it; those that the code sets do.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import Any, Protocol


class Sky:
    """What all processes share: the offset of the wall clock, and whether it is time to end."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 16)

    @property
    def offset(self) -> float:
        return float(struct.unpack_from("d", self._memory, 0)[0])

    @offset.setter
    def offset(self, seconds: float) -> None:
        struct.pack_into("d", self._memory, 0, seconds)

    @property
    def is_over(self) -> bool:
        return self._memory[8] != 0

    def end(self) -> None:
        self._memory[8] = 1


class HasOffset(Protocol):
    offset: float


def move_wall_clock(sky: HasOffset) -> None:
    """From here on this process sees the wall clock moved by `sky.offset`."""
    real_time, real_utime, real_mkfifo = time.time, os.utime, os.mkfifo

    def utime(path: Any, times: Any = None, **options: Any) -> None:
        now = time.time()
        real_utime(path, times or (now, now), **options)

    def mkfifo(path: Any, *options: Any) -> None:
        real_mkfifo(path, *options)
        utime(path)

    time.time = lambda: real_time() + sky.offset
    os.utime = utime
    os.mkfifo = mkfifo
