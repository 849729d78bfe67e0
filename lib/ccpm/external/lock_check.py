"""Whether kernel locks exclude on the file system of a path: tried with two processes, both ways, and a kill."""

from __future__ import annotations

import os
import sys

from ccpm.files import lock_probe

SECONDS = 10.0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen

_SERVE = (
    "import sys; sys.path[:] = sys.argv[2:]; from ccpm.files import lock_probe; lock_probe.serve(sys.argv[1])"
)


def problem(path: str) -> str:
    """What is wrong with locks at `path` (a file, made if it is not there), or "" if they exclude as they should."""
    import signal
    import subprocess

    command = [sys.executable, "-S", "-E", "-c", _SERVE, path, *sys.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        # A file system that hangs in a lock hangs the child too: it dies, and its silence is the answer.
        timer = signal.signal(signal.SIGALRM, lambda *_: child.kill())
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            return _try(path, child)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, timer)
            child.kill()


def _try(path: str, child: Popen[bytes]) -> str:
    mine = lock_probe.take(path)
    if mine < 0:
        return "a lock that nobody should hold is held"
    try:
        if (answer := _ask(child, "try")) != "held":
            return (
                "two processes had one lock at the same time" if answer else "a second process got no answer"
            )
    finally:
        os.close(mine)
    if _ask(child, "try") != "free":
        return "a lock stays taken after it was given back"
    if _ask(child, "hold") != "holding":
        return "a free lock could not be taken"
    mine = lock_probe.take(path)
    if mine >= 0:
        os.close(mine)
        return "two processes had one lock at the same time"
    child.kill()
    child.wait()
    mine = lock_probe.take(path)
    if mine < 0:
        return "the lock of a process that was killed stays taken"
    os.close(mine)
    return ""


def _ask(child: Popen[bytes], word: str) -> str:
    assert child.stdin
    assert child.stdout
    try:
        child.stdin.write(word.encode() + b"\n")
        child.stdin.flush()
    except OSError:
        return ""
    return child.stdout.readline().decode().strip()
