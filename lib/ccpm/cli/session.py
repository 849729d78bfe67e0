"""Session mode: one helper kept open by a shell, so that its second call costs a pipe round trip and no interpreter.

    ccpm session FOLDER PID      FOLDER holds two FIFOs, `request` and `reply`; PID is the shell that started us

A request is a line with a number, then that many NUL-terminated fields: the current directory, CCPM_ROOT, CCPM_FENCE,
CCPM_AGENT_ID, AGENT_ID, then a command as typed (`ccpm-lock`, `acquire`, …). The reply is a line `STATUS OUT ERR`,
then OUT lines of standard output and ERR lines of standard error. Any helper can be called; there is no second
implementation of anything.

The session ends on the request `quit`, or within `WATCH` seconds after its shell. Locks taken through it belong to the
shell's process, not to the session: if it is killed, the shell still holds them. The line `ready` on the reply FIFO
says that both are open: before that, what is written to them is lost (fifo(7)).
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys

from ccpm.errors import OK, UsageError
from ccpm.files import process

WATCH = 1.0
"""Seconds between two looks whether the shell still runs."""

_VARIABLES = ("CCPM_ROOT", "CCPM_FENCE", "CCPM_AGENT_ID", "AGENT_ID")


def run(argv: list[str]) -> int:
    if len(argv) != 2 or not argv[1].isdigit():
        raise UsageError("session takes FOLDER and PID", "it is started by lib/session.sh")
    folder, shell = argv[0], int(argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shell; we end with it
    os.closerange(3, 1024)  # a lock descriptor of the shell must not live on in here
    # Read and write, so that neither side ever sees end of file between two requests (fifo(7)).
    request = os.open(os.path.join(folder, "request"), os.O_RDWR)
    reply = os.open(os.path.join(folder, "reply"), os.O_RDWR)
    try:
        os.write(reply, b"ready\n")
        _serve(request, reply, shell)
    finally:
        for name in ("request", "reply"):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
    return OK


def _serve(request: int, reply: int, shell: int) -> None:
    start = process.start_of(shell)  # "" when the shell is gone already
    buffer = b""
    while True:
        if not select.select([request], [], [], WATCH)[0]:
            if not start or process.start_of(shell) != start:
                return
            continue
        buffer += os.read(request, 65536)
        fields, buffer = _parse(buffer)
        if fields is None:
            continue
        if fields[5:] == ["quit"]:
            return
        status, out, err = _call(fields)
        lines = [*out, *err]
        head = f"{status} {len(out)} {len(err)}"
        data = "".join(line + "\n" for line in [head, *lines]).encode("utf-8", "surrogateescape")
        while data:
            data = data[os.write(reply, data) :]


def _parse(buffer: bytes) -> tuple[list[str] | None, bytes]:
    """(fields of a whole request or None, the bytes behind it)."""
    count, newline, rest = buffer.partition(b"\n")
    if not newline:
        return None, buffer
    parts = rest.split(b"\0", int(count))
    if len(parts) <= int(count):
        return None, buffer
    return [os.fsdecode(part) for part in parts[:-1]], parts[-1]


def _call(fields: list[str]) -> tuple[int, list[str], list[str]]:
    from ccpm import cli

    try:
        os.chdir(fields[0])
    except OSError:
        return 74, [], [f"ccpm: the current directory is gone: {fields[0]}"]
    for name, value in zip(_VARIABLES, fields[1:5], strict=True):
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    out, err = io.StringIO(), io.StringIO()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        status = cli.guarded(fields[5], fields[6:])
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 70
    finally:
        sys.stdout, sys.stderr = before
    return status, out.getvalue().splitlines(), err.getvalue().splitlines()
