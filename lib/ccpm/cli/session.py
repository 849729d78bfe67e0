"""Session mode: one helper kept open by a shell, so that its second call costs a pipe round trip and no interpreter.

    ccpm session FOLDER PID      FOLDER holds the FIFOs `turn`, `request` and `reply`; PID is the shell that started us

`turn` holds one byte while nobody asks: whoever reads it may ask, and writes it back when the reply is there. We lay it
when all FIFOs are open, so it also says that we are ready.

A request is a line with a number, then that many NUL-terminated fields: the current directory, CCPM_ROOT, CCPM_FENCE,
CCPM_FENCE_ROOT, CCPM_AGENT_ID, AGENT_ID, standard input, then a command as typed (`ccpm-lock`, `acquire`, …). A reply
is NUL-terminated too: any number of `!TEXT` with words for standard error, as they come; then `=STATUS OUTPUT`, or
`@STATUS` when the output is long, which is in the file `out` then. Any helper can be called; nothing is implemented
twice.

The session ends on the request `quit`, or within `WATCH` seconds after its shell, and takes its folder with it; what a
killed session or shell left is swept by the next one. Locks taken through it belong to the shell's process, not to the
session: if it is killed, the shell still holds them.

Non-guarantee: NUL bytes in an output are dropped, as a shell would.
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

LONGEST = 2048
"""Bytes of output that go through the FIFO: bash reads it byte by byte, a file in blocks."""

_FIFOS = ("turn", "request", "reply")
_VARIABLES = ("CCPM_ROOT", "CCPM_FENCE", "CCPM_FENCE_ROOT", "CCPM_AGENT_ID", "AGENT_ID")
_HEAD = len(_VARIABLES) + 2
"""The fields of a request in front of the command: the current directory, the variables, standard input."""
_PREFIXES = ("ccpm-session-", "ccpm-copy-")


def run(argv: list[str]) -> int:
    if len(argv) != 2 or not argv[1].isdigit():
        raise UsageError("session takes FOLDER and PID", "it is started by lib/session.sh")
    folder, shell = argv[0], int(argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shell; we end with it
    os.closerange(3, 1024)  # a lock descriptor of the shell must not live on in here
    _sweep(os.path.dirname(folder), shell)
    # Read and write, so that neither side ever sees end of file between two requests (fifo(7)).
    turn, request, reply = (os.open(os.path.join(folder, name), os.O_RDWR) for name in _FIFOS)
    session = _Session(folder, request, reply)
    try:
        os.write(turn, b".")
        session.serve(shell)
    finally:
        _remove(folder)
        session.say_goodbye()
    return OK


class _Session:
    __slots__ = ("_folder", "_is_asked_to_quit", "_reply", "_request")

    def __init__(self, folder: str, request: int, reply: int) -> None:
        self._folder = folder
        self._request = request
        self._reply = reply
        self._is_asked_to_quit = False

    def serve(self, shell: int) -> None:
        start = process.start_of(shell)  # "" when the shell is gone already
        buffer = b""
        while True:
            if not select.select([self._request], [], [], WATCH)[0]:
                if not start or process.start_of(shell) != start:
                    return
                continue
            buffer += os.read(self._request, 65536)
            fields, buffer = _parse(buffer)
            if fields is None:
                continue
            if fields[_HEAD:] == ["quit"]:
                self._is_asked_to_quit = True
                return
            self._answer(*self._call(fields))

    def say_goodbye(self) -> None:
        """Tell whoever asked us to quit that the folder is gone."""
        if self._is_asked_to_quit:
            self._answer(OK, b"")

    def say(self, words: str) -> None:
        self._write(b"!" + words.encode("utf-8", "surrogateescape").replace(b"\0", b""))

    def _call(self, fields: list[str]) -> tuple[int, bytes]:
        from ccpm import cli

        program, argv = fields[_HEAD], fields[_HEAD + 1 :]
        try:
            os.chdir(fields[0])
        except OSError:
            self.say(
                f"{program}: the current directory is gone: {fields[0]}\nhint: cd to an existing folder\n"
            )
            return 74, b""
        for name, value in zip(_VARIABLES, fields[1 : _HEAD - 1], strict=True):
            if value:
                os.environ[name] = value
            else:
                os.environ.pop(name, None)
        before = sys.stdin, sys.stdout, sys.stderr
        output = io.BytesIO()
        sys.stdin = io.TextIOWrapper(io.BytesIO(os.fsencode(fields[_HEAD - 1])))
        sys.stdout = stdout = io.TextIOWrapper(output, "utf-8", "surrogateescape", "\n")
        sys.stderr = _Words(self)
        try:
            status = cli.guarded(program, argv)
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 70
        except Exception:  # only with CCPM_DEBUG
            import traceback

            self.say(traceback.format_exc())
            status = 70
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
        stdout.flush()
        return status, output.getvalue().replace(b"\0", b"")

    def _answer(self, status: int, output: bytes) -> None:
        if len(output) <= LONGEST:
            self._write(b"=%d %s" % (status, output))
            return
        try:
            with open(os.path.join(self._folder, "out"), "wb") as file:
                file.write(output)
        except OSError as error:
            self.say(
                f"ccpm: cannot pass on the output: {error.strerror}\nhint: free some space in {self._folder}\n"
            )
            self._write(b"=%d " % (status or 74))
            return
        self._write(b"@%d" % status)

    def _write(self, part: bytes) -> None:
        data = part + b"\0"
        while data:
            data = data[os.write(self._reply, data) :]


class _Words:
    """What sys.stderr is during a call: each text goes to the shell at once."""

    __slots__ = ("_session",)

    def __init__(self, session: _Session) -> None:
        self._session = session

    def write(self, text: str) -> int:
        self._session.say(text)
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def _parse(buffer: bytes) -> tuple[list[str] | None, bytes]:
    """(fields of a whole request or None, the bytes behind it)."""
    count, newline, rest = buffer.partition(b"\n")
    if not newline:
        return None, buffer
    parts = rest.split(b"\0", int(count))
    if len(parts) <= int(count):
        return None, buffer
    return [os.fsdecode(part) for part in parts[:-1]], parts[-1]


def _sweep(folder: str, shell: int) -> None:
    """Remove what shells that are gone left in `folder`: ours alone, and named `ccpm-…-PID-…`."""
    for name in os.listdir(folder):
        if not name.startswith(_PREFIXES):
            continue
        path, pid = os.path.join(folder, name), name.split("-")[2]
        try:
            is_ours = pid.isdigit() and os.lstat(path).st_uid == os.getuid()
            if is_ours and int(pid) != shell and not process.start_of(int(pid)):
                _remove(path)
        except OSError:
            pass  # another session sweeps too


def _remove(path: str) -> None:
    """A folder of a session, or a copy for a function of a script; what is not there is none of our worry."""
    if not os.path.isdir(path) or os.path.islink(path):
        os.unlink(path)
        return
    for name in os.listdir(path):
        os.unlink(os.path.join(path, name))
    os.rmdir(path)
