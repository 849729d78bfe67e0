"""A gh command as the user typed it: run with our streams, and what it said looked at on the way.

Guarantees: those of external/child.py; a signal that ended it ends us too, after it has gone.
"""

from __future__ import annotations

import os

from ccpm.external import gh
from ccpm.external.child import Child

PASS = 0.2
"""Seconds after which the words of a running command are passed on."""


class Passed:
    """How a gh command of the user ended. `out` is what it printed, where that was kept back."""

    __slots__ = ("err", "out", "status")

    def __init__(self, status: int, out: bytes, err: bytes) -> None:
        self.status = status
        self.out = out
        self.err = err


def pass_on(arguments: list[str], keep_output: bool, stdin: bytes | None = None) -> Passed:
    """Run `gh ARGUMENTS` as the user typed it, with our standard streams. Where none of them is a terminal, a copy of
    its words comes back. `keep_output`: what it prints, and its words, come back instead of being printed. `stdin` is
    given in place of ours. At a terminal gh may ask and colour: it gets that, and only its status comes back."""
    import tempfile

    argv = [gh.program(), *arguments]
    if not keep_output and any(map(os.isatty, (0, 1, 2))):
        with Child(argv, dict(os.environ)) as child:
            tell(_why_not(child))
            return Passed(child.wait(None) or 0, b"", b"")
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin or b"")
        given.seek(0)
        streams = (0 if stdin is None else given.fileno(), out.fileno() if keep_output else 1, err.fileno())
        told = 0
        with Child(argv, gh.environment() if keep_output else dict(os.environ), streams) as child:
            err.write(_why_not(child))
            err.flush()
            status = None
            while status is None:
                status = child.wait(PASS)
                words = gh.content(err)[told:]
                if not keep_output:
                    tell(words)
                    told += len(words)
        if child.forwarded and status == 128 + child.forwarded:
            os.kill(os.getpid(), child.forwarded)
        return Passed(status, gh.content(out), gh.content(err))


def _why_not(child: Child) -> bytes:
    """Words on a gh that could not be started; none where it was."""
    return f"{child.problem}\n".encode("utf-8", "surrogateescape") if child.problem else b""


def tell(words: bytes) -> None:
    try:
        while words:
            words = words[os.write(2, words) :]
    except OSError:
        pass  # nobody reads them
