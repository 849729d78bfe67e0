"""A command of the user, run under our supervision: started, waited for with a deadline, signalled, stopped.

Contract
    with Child(argv, environment) as child:
        status = child.wait(seconds)     # None: still running

With `streams` (three descriptors) the command reads and writes those in place of ours. `child.forwarded` is the last
signal that came for it, 0 if none did. `child.problem` says why it could not be started, "" if it was.

Guarantees
- The command starts with default signal dispositions and inherits only descriptors 0, 1 and 2 and what the caller
  passed on to us (ours are close-on-exec, PEP 446).
- TERM, HUP, INT, QUIT, USR1 and USR2 sent to us are passed on. On a terminal the command shares our process group,
  so that Ctrl-C and Ctrl-Z work as ever (the terminal itself signals it) and that it may ask for a password there, also
  where its streams lead elsewhere; without a terminal it gets a group of its own, and signals reach everything it
  started.
- A file that names no interpreter is run by sh, as the shell, env(1) and execvp(3) do.
- If we are killed with SIGKILL, a guardian process kills the command at once: it may not run on while somebody else
  holds the lock. The command starts only when the guardian is at its post, which keeps none of our descriptors: a guard
  that another thread holds is not held on there. Non-guarantee: it cannot when it is killed together with us.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from types import FrameType

from ccpm.files import clock, process

_FORWARDED = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_FROM_TERMINAL = ("SIGINT", "SIGQUIT")

NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""The statuses that env(1), timeout(1) and the shell give a command that cannot be started (POSIX)."""

_DESCRIPTORS = 1 << 16
"""Above all that a process of ours has open."""


class Child:
    __slots__ = (
        "_argv",
        "_env",
        "_group",
        "_guardian",
        "_lifeline",
        "_old",
        "_pid",
        "_start",
        "_status",
        "_streams",
        "_wakeup",
        "forwarded",
        "problem",
    )

    def __init__(
        self, argv: list[str], env: dict[str, str], streams: tuple[int, int, int] | None = None
    ) -> None:
        self._argv = argv
        self._env = env
        self._streams = streams
        self._group = not _has_terminal()
        self.forwarded = 0
        self.problem = ""
        self._pid = 0
        self._start = ""
        self._status: int | None = None
        self._guardian = 0
        self._lifeline = -1
        self._old: dict[int, object] = {}
        self._wakeup: tuple[int, int] = (-1, -1)

    @property
    def name(self) -> str:
        return os.path.basename(self._argv[0])

    def __enter__(self) -> Child:
        try:
            problem = self._launch()
        except OSError as error:  # no process or descriptor to be had
            problem = error.errno or errno.EAGAIN
        if problem:
            if self._pid:
                os.waitpid(self._pid, 0)
            self._status = NOT_FOUND if problem == errno.ENOENT else NOT_EXECUTABLE
            self.problem = f"{self._argv[0]}: cannot be started: {os.strerror(problem)}"
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is None:  # an exception on our side: the command must not outlive our leases
            self.stop(0.0)
        if self._lifeline >= 0:
            try:
                os.write(self._lifeline, b"done")
            except OSError:
                pass  # somebody killed the guardian
            os.close(self._lifeline)
            os.waitpid(self._guardian, 0)
        signal.set_wakeup_fd(-1)
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        for descriptor in self._wakeup:
            if descriptor >= 0:
                os.close(descriptor)

    def wait(self, seconds: float | None) -> int | None:
        """The exit status (128 + N if signal N ended it), or None if it still runs after `seconds` (None: no limit)."""
        deadline = None if seconds is None else clock.boot() + seconds
        while self._status is None:
            pid, raw = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(raw)
                self._status = code if code >= 0 else 128 - code
                break
            left = None if deadline is None else deadline - clock.boot()
            if left is not None and left <= 0:
                return None
            if select.select([self._wakeup[0]], [], [], left)[0]:
                os.read(self._wakeup[0], 512)
        return self._status

    def stop(self, grace: float) -> None:
        """TERM, then KILL what is left after `grace` seconds."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a stopped process acts on TERM only when it is continued
        if self.wait(grace) is None or self._group:
            self._signal(signal.SIGKILL)
            self.wait(None)

    def _launch(self) -> int:
        """Fork the command behind a gate, post the guardian, open the gate: 0, or the errno of its exec.

        Killed before the gate is open, we leave a process that reads its end and exits; killed later, the guardian is
        there. A plain spawn would leave the command running if we were killed in between.
        """
        gate, opener = os.pipe()
        answer, reporter = os.pipe()
        try:
            self._fork(gate, opener, reporter)
            os.close(reporter)
            reporter = -1
            self._start = process.start_of(self._pid)
            self._post_guardian()
            os.write(opener, b"go")
            return int(os.read(answer, 16) or b"0")  # end of file: the exec closed the other end
        finally:
            for descriptor in (gate, opener, answer, reporter):
                if descriptor >= 0:
                    os.close(descriptor)

    def _fork(self, gate: int, opener: int, reporter: int) -> None:
        # What arrives before the pid is known waits in the kernel, and is then passed on.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in _FORWARDED])
        try:
            self._catch_signals()
            self._pid = os.fork()
            if self._pid == 0:
                self._become_command(gate, opener, reporter, mask)
            if self._group:
                os.setpgid(self._pid, self._pid)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _become_command(self, gate: int, opener: int, reporter: int, mask: set[int | signal.Signals]) -> None:
        """In the child: never returns."""
        try:
            if self._group:
                os.setpgid(0, 0)
            os.close(opener)
            # Python ignores the first two, and an ignored signal stays ignored through exec.
            for number in (signal.SIGPIPE, signal.SIGXFSZ, *self._old):
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, descriptor in enumerate(self._streams or ()):
                os.dup2(descriptor, number)
            if os.read(gate, 2) == b"go":
                self._execute()
        except OSError as error:
            os.write(reporter, str(error.errno).encode())
        finally:
            os._exit(NOT_FOUND)

    def _execute(self) -> None:
        try:
            os.execvpe(self._argv[0], self._argv, self._env)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            os.execve("/bin/sh", ["sh", "-c", 'exec "$0" "$@"', *self._argv], self._env)

    def _signal(self, number: int) -> None:
        try:
            if self._group:
                os.killpg(self._pid, number)
            elif self._status is None:
                os.kill(self._pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # it has ended; macOS answers EPERM for a group of zombies

    def _catch_signals(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._wakeup = (reader, writer)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for name in _FORWARDED:
            number = getattr(signal, name)
            if (
                signal.getsignal(number) is not signal.SIG_IGN
            ):  # nohup, or a background job of sh: leave it so
                self._old[number] = signal.signal(number, self._forward)

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        from_terminal = not self._group and signal.Signals(number).name in _FROM_TERMINAL
        self.forwarded = number
        if self._pid and not from_terminal:
            self._signal(number)

    def _post_guardian(self) -> None:
        reader, writer = os.pipe()
        self._guardian = os.fork()
        if self._guardian == 0:
            try:
                self._stand_guard(reader)
            finally:
                os._exit(0)
        os.close(reader)
        self._lifeline = writer

    def _stand_guard(self, reader: int) -> None:
        """In the guardian: end of file without a word means that our parent was killed."""
        os.setsid()  # out of reach of signals to the parent's group
        signal.set_wakeup_fd(-1)
        for name in (*_FORWARDED, "SIGPIPE"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)  # whoever reads our output must not wait for the guardian
        os.closerange(3, reader)
        os.closerange(reader + 1, _DESCRIPTORS)
        if not os.read(reader, 16) and process.start_of(self._pid) == self._start:
            self._signal(signal.SIGKILL)


def _has_terminal() -> bool:
    """Whether a command of ours may use a terminal: standard input is one (a job in the background may be fetched into
    the foreground), or we are in the foreground of the one that controls us (ssh, git and sudo ask there)."""
    if os.isatty(0):
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
