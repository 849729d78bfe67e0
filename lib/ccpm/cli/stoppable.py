"""Ending a helper that waits. Loaded only then: a lock that is free is taken without it."""

from __future__ import annotations

import signal


class Stoppable:
    """While waiting, TERM and HUP unwind the stack, so that the ticket in the queue goes with us."""

    def __enter__(self) -> None:
        def stop(number: int, _frame: object) -> None:
            raise SystemExit(128 + number)

        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, stop)

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
