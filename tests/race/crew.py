"""Worker processes of a scene: forked, let loose together through a gate, stopped, killed, and asked for what they saw.

    gate = Gate(8)
    workers = [Worker(lambda n=n: work(n, gate)) for n in range(8)]
    reports = [worker.report() for worker in workers]

The scene's process has one thread, so forking is safe. Only processes that were started here are ever signalled.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

_living: list[Worker] = []
_limit = 60.0


def set_limit(seconds: float) -> None:
    """End this process, and each that it forks from now on, after `seconds`."""
    global _limit
    _limit = seconds
    signal.setitimer(signal.ITIMER_REAL, seconds)


class Worker:
    """A forked process that runs `work` and hands back what it returns, as JSON."""

    def __init__(self, work: Callable[[], object]) -> None:
        reader, writer = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reader)
            self._perform(work, writer)
        os.close(writer)
        self._reader = reader
        self.status: int | None = None
        _living.append(self)

    def _perform(self, work: Callable[[], object], writer: int) -> None:
        _living.clear()
        status = 1
        try:
            set_limit(_limit)
            data = json.dumps(work()).encode()
            while data:
                data = data[os.write(writer, data) :]
            status = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)

    def report(self) -> Any:
        """What its work returned. Fails when it ended in any other way."""
        with os.fdopen(self._reader, "rb") as pipe:
            data = pipe.read()
        status = self.wait()
        assert status == 0, f"worker {self.pid} ended with {status}"
        return json.loads(data)

    def wait(self) -> int:
        """Its exit status, -N when signal N ended it."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            _living.remove(self)
        return self.status

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """SIGSTOP; returns when it has taken effect."""
        os.kill(self.pid, signal.SIGSTOP)
        self.wait_until_stopped()

    def wait_until_stopped(self) -> None:
        """Until it stops, or until it has stopped itself. Fails when it ends instead."""
        _, raw = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(raw):
            self.status = os.waitstatus_to_exitcode(raw)
            _living.remove(self)
            raise AssertionError(f"worker {self.pid} ended with {self.status} instead of stopping")

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Gate:
    """A barrier that can be used again: nobody gets through before `count` processes have come. Made before the fork.

    Who comes writes a byte; the leader (`lead=True`, exactly one of them) reads them all and then writes one for each,
    to the two ways out in turn: who comes to the next gate must not take the byte of one who is still at this one.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._come = os.pipe()
        self._ways_out = (os.pipe(), os.pipe())
        self._passed = 0

    def pass_through(self, lead: bool) -> None:
        reader, writer = self._ways_out[self._passed % 2]
        self._passed += 1
        os.write(self._come[1], b".")
        if lead:
            missing = self.count
            while missing:
                missing -= len(os.read(self._come[0], missing))
            os.write(writer, b"." * self.count)
        os.read(reader, 1)


class Witness:
    """Notices two processes inside at once, by means that share nothing with the code under test (open(2), O_EXCL)."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.overlaps = 0
        self._mine = False

    def __enter__(self) -> Witness:
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            self._mine = True
        except FileExistsError:
            self.overlaps += 1
        return self

    def __exit__(self, *_: object) -> None:
        if self._mine:
            os.unlink(self.path)
        self._mine = False


SOON = float(os.environ.get("TEST_LIMIT") or 20)
"""Seconds in which what a test waits for comes."""


def until(condition: Callable[[], bool], seconds: float = SOON) -> float:
    """Look every millisecond until `condition` holds; the seconds it took. Fails after `seconds`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not so after {seconds:g} s"
        time.sleep(0.001)
    return time.monotonic() - started


@contextlib.contextmanager
def everybody_dismissed() -> Iterator[None]:
    """Kill the workers that are left at the end."""
    try:
        yield
    finally:
        for worker in list(_living):
            worker.kill()
