"""A bell: a FIFO on which a waiter sleeps, and to which whoever lets go of the resource writes a byte (fifo(7)).

It saves the polling that hand-over would otherwise wait for. Its access time is the waiter's sign of life: whoever
rings changes only the modification time. Where there are no FIFOs it is a file, which shows signs of life as well.

Non-guarantee: a ring may be missed. It only costs the waiter one polling interval.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from ccpm.errors import io_failure

_NO_FIFOS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What mkfifo(3) answers where a file system or a sandbox has none."""


class Bell:
    """The bell at one path. Its waiter calls `open`, `wait`, `close`; others the rest, whether it is there or not."""

    __slots__ = ("_descriptor", "_is_heard", "_path")

    def __init__(self, path: str) -> None:
        self._path = path

    def open(self) -> None:
        flags = os.O_RDWR | os.O_NONBLOCK
        try:
            try:
                os.mkfifo(self._path, 0o666)
            except FileExistsError:
                pass
            except OSError as error:
                if error.errno not in _NO_FIFOS:
                    raise
                flags |= os.O_CREAT  # a file: it is not heard, its waiter looks by itself
            # Read and write: with no writer of its own the FIFO would be at end of file after the first ring.
            self._descriptor = os.open(self._path, flags, 0o666)
            self._is_heard = stat.S_ISFIFO(os.fstat(self._descriptor).st_mode)
        except OSError as error:
            raise io_failure(f"create {self._path}", error) from error

    def wait(self, seconds: float) -> None:
        """Return when rung, or after `seconds`."""
        import select

        heard = [self._descriptor] if self._is_heard else []
        if select.select(heard, [], [], max(0.0, seconds))[0]:
            os.read(self._descriptor, 4096)
        try:
            os.utime(self._path)
        except FileNotFoundError:  # one who cannot see our process took us for gone: show that we are here
            os.close(self._descriptor)
            self.open()
        except OSError:
            pass

    def close(self) -> None:
        os.close(self._descriptor)
        self.remove()

    def ring(self) -> bool:
        """Wake the waiter; False when no process listens (it is dead)."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # ENXIO: nobody has it open (fifo(7)); ENOENT: gone
            return False
        try:
            os.write(descriptor, b"!")
        except OSError:  # EAGAIN: 64 KiB of rings are waiting already
            pass
        finally:
            os.close(descriptor)
        return True

    def silence(self) -> float:
        """Seconds since the waiter last showed that it runs; infinite if it is gone. A sign from the future counts as
        just as long ago: the clock was set back, and a live waiter corrects it with its next sign."""
        try:
            return abs(time.time() - os.stat(self._path).st_atime)
        except OSError:
            return float("inf")

    def remove(self) -> None:
        try:
            os.unlink(self._path)
        except OSError:
            pass
