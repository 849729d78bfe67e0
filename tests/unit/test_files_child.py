"""A command under supervision: its status, signals, terminal, and its end when we are killed."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccpm.files import process
from unit.interpreter import LIMIT, PRELUDE, after_line, run, start

SUPERVISE = """
from ccpm.external.child import Child
with Child(sys.argv[1:], dict(os.environ)) as child:
    status = child.wait(None)
print(status, flush=True)
sys.stderr.write(child.problem)
"""
"""Runs a command under a Child and prints its status, and why it could not be started."""

ANNOUNCE = "echo $$; exec sleep 60"


def supervise(*command: object) -> str:
    return run(SUPERVISE, *command)


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + LIMIT
    while process.start_of(pid):
        assert time.monotonic() < end, f"process {pid} runs on"
        time.sleep(0.002)


@pytest.mark.parametrize("status", [0, 1, 5, 75, 255])
def test_the_status_is_that_of_the_command(status: int) -> None:
    assert supervise("sh", "-c", f"exit {status}") == str(status)


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "HUP"])
def test_a_command_that_a_signal_ends_has_128_and_its_number(name: str) -> None:
    number = signal.Signals[f"SIG{name}"].value
    assert supervise("sh", "-c", f"kill -{name} $$") == str(128 + number)


def test_a_command_that_is_not_there_is_127() -> None:
    with start(SUPERVISE, "/nonexistent/command") as parent:
        out, err = parent.communicate(timeout=LIMIT)
    assert (out, parent.returncode) == ("127\n", 0)
    assert err == "/nonexistent/command: cannot be started: No such file or directory"


def test_a_command_that_cannot_be_executed_is_126(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    for command in (tmp_path / "plain", tmp_path):
        with start(SUPERVISE, command) as parent:
            out, err = parent.communicate(timeout=LIMIT)
        assert (out, parent.returncode) == ("126\n", 0)
        assert err.startswith(f"{command}: cannot be started: Permission denied")


def test_a_script_that_names_no_interpreter_is_run_by_sh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").write_text('echo "$# $1"; exit 6\n')
    (tmp_path / "plain").chmod(0o755)
    assert supervise(tmp_path / "plain", "a b", "c") == "2 a b\n6"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert supervise("plain", "-x") == "1 -x\n6"


def test_a_command_is_found_through_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hello").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "hello").chmod(0o755)
    monkeypatch.setenv("PATH", f"/nonexistent:{tmp_path}:{os.environ['PATH']}")
    assert supervise("hello") == "9"


def test_the_environment_and_arguments_are_handed_on() -> None:
    code = SUPERVISE.replace("dict(os.environ)", "{**os.environ, 'GREETING': 'a b'}")
    assert run(code, "sh", "-c", 'echo "$GREETING|$1|$#"', "sh", "x y").split("\n") == ["a b|x y|1", "0"]


def test_standard_input_reaches_the_command_also_when_it_is_no_terminal() -> None:
    with start(SUPERVISE, "cat") as parent:
        out, _ = parent.communicate("some input\n", timeout=LIMIT)
    assert out == "some input\n0\n"


def test_the_command_starts_with_default_signals_and_no_descriptor_of_ours() -> None:
    """Python ignores SIGPIPE; a shell under it would write into closed pipes for ever."""
    code = SUPERVISE.replace("with Child", "handle = open('/dev/null')\nwith Child")
    script = "ls /dev/fd | wc -l; trap - PIPE; kill -PIPE $$; echo survived"
    out = run(code, "sh", "-c", script).split("\n")
    assert int(out[0]) <= 4  # 0, 1, 2 and that of ls on the folder itself
    assert out[1:] == [str(128 + signal.SIGPIPE)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc: run it on Linux")
def test_the_command_has_no_signal_blocked_or_ignored() -> None:
    status = dict(
        line.split(":\t", 1)
        for line in run(SUPERVISE, "cat", "/proc/self/status").splitlines()
        if ":\t" in line
    )
    assert int(status["SigBlk"], 16) == 0
    assert int(status["SigIgn"], 16) & ~(1 << 31) == 0  # some runners ignore real-time signals


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2"])
def test_signals_are_passed_on_and_the_status_tells(name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    with start(
        SUPERVISE, "sh", "-c", f"trap 'exit 42' {name}; echo ready; while :; do sleep 0.01; done"
    ) as parent:
        assert after_line(parent) == "ready"
        parent.send_signal(number)
        assert after_line(parent) == "42"


def test_a_signal_that_comes_while_the_command_starts_is_not_lost() -> None:
    """It may hit before there is a pid to pass it on to."""
    code = f"""
import ccpm.external.child as module
real = os.fork
def fork():
    if not forks:
        os.kill(os.getpid(), signal.SIGTERM)
    forks.append(1)
    return real()
forks = []
os.fork = fork
{SUPERVISE}"""
    assert run(code, "sleep", "60") == str(128 + signal.SIGTERM)


def test_signals_reach_everything_the_command_started() -> None:
    script = "sleep 60 & echo $!; wait"
    with start(SUPERVISE, "sh", "-c", script) as parent:
        grandchild = int(after_line(parent))
        parent.send_signal(signal.SIGTERM)
        assert after_line(parent) == str(128 + signal.SIGTERM)
        wait_until_gone(grandchild)


def test_waiting_with_a_deadline_says_that_it_still_runs() -> None:
    code = """
from ccpm.external.child import Child
with Child(["sleep", "60"], dict(os.environ)) as child:
    print(child.wait(0), child.wait(0.01))
    child.stop(5)
    print(child.wait(None), child.wait(0))
"""
    assert run(code).split("\n") == ["None None", "143 143"]


def test_stopping_a_command_that_ignores_term_kills_it() -> None:
    code = """
from ccpm.external.child import Child
read, write = os.pipe()
os.set_inheritable(write, True)
with Child(["sh", "-c", f"trap '' TERM; echo ready >&{write}; while :; do sleep 0.01; done"], dict(os.environ)) as child:
    os.read(read, 6)
    child.stop(0.05)
    print(child.wait(None))
"""
    assert run(code) == str(128 + signal.SIGKILL)


def test_stopping_a_stopped_command_lets_it_act_on_term() -> None:
    code = """
from ccpm.external.child import Child
with Child(["sh", "-c", "kill -STOP $$"], dict(os.environ)) as child:
    os.waitid(os.P_PID, child._pid, os.WSTOPPED | os.WNOWAIT)
    child.stop(20)
    print(child.wait(None))
"""
    assert run(code) == str(128 + signal.SIGTERM)


def test_an_exception_on_our_side_ends_the_command() -> None:
    code = """
from ccpm.external.child import Child
try:
    with Child(["sleep", "60"], dict(os.environ)) as child:
        raise ZeroDivisionError
except ZeroDivisionError:
    print(child._pid)
"""
    wait_until_gone(int(run(code)))


def test_a_command_whose_supervisor_is_killed_ends_at_once() -> None:
    with start(SUPERVISE, "sh", "-c", ANNOUNCE) as parent:
        command = int(after_line(parent))
        parent.kill()
        parent.wait()
        wait_until_gone(command)


def test_what_the_command_started_ends_too_when_the_supervisor_is_killed() -> None:
    with start(SUPERVISE, "sh", "-c", "sleep 60 & echo $!; wait") as parent:
        grandchild = int(after_line(parent))
        parent.kill()
        parent.wait()
        wait_until_gone(grandchild)


def test_a_command_that_ended_well_is_not_shot_at_by_the_guardian() -> None:
    """The guardian has gone when the supervisor has: nothing is left behind that could kill a reused pid."""
    code = SUPERVISE + "\nprint(child._guardian)"
    guardian = int(run(code, "true").split("\n")[1])
    assert process.start_of(guardian) == ""


def test_a_killed_guardian_is_no_error() -> None:
    code = """
from ccpm.external.child import Child
with Child(["sh", "-c", "read line; exit 3"], dict(os.environ)) as child:
    os.kill(child._guardian, signal.SIGKILL)
    os.waitid(os.P_PID, child._guardian, os.WEXITED | os.WNOWAIT)
    print(child.wait(None))
"""
    with start(code) as parent:
        out, err = parent.communicate("\n", timeout=LIMIT)
    assert (out, err, parent.returncode) == ("3\n", "", 0)


def test_the_guardian_holds_no_guard_on(tmp_path: Path) -> None:
    """One that another thread of ours holds at the moment of the start, and lets go."""
    code = """
from ccpm.external.child import Child
from ccpm.files import guard
held = guard.Guard(sys.argv[1])
held.__enter__()
with Child(["sleep", "60"], dict(os.environ)) as child:
    held.__exit__()
    with guard.Guard(sys.argv[1], 2.0):
        print("had", child.wait(0))
    child.stop(0.0)
"""
    assert run(code, tmp_path / "guard") == "had None"


def test_handlers_of_the_caller_are_put_back() -> None:
    code = """
from ccpm.external.child import Child
signal.signal(signal.SIGTERM, signal.SIG_IGN)
before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD)]
files = len(os.listdir("/dev/fd"))
with Child(["true"], dict(os.environ)) as child:
    child.wait(None)
print(before == [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD)])
print(files == len(os.listdir("/dev/fd")), signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    assert run(code).split("\n") == ["True", "True set()"]


def test_a_signal_that_the_caller_ignores_stays_ignored_in_the_command() -> None:
    """nohup(1), and background jobs of sh."""
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + SUPERVISE
    assert run(code, "sh", "-c", "kill -HUP $$; exit 7") == "7"


class Terminal:
    """A pseudo terminal with a process that has it as its controlling terminal, as a shell's job has."""

    def __init__(self, code: str, *arguments: str) -> None:
        argv = [sys.executable, "-S", "-c", PRELUDE + code, *arguments]
        self.screen, side = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", self.LEADER, *argv],
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
        )
        os.close(side)
        self.text = ""

    LEADER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

    def read_until(self, words: str) -> None:
        end = time.monotonic() + LIMIT
        while words not in self.text:
            assert select.select([self.screen], [], [], end - time.monotonic())[0], self.text
            try:
                self.text += os.read(self.screen, 4096).decode()
            except OSError:  # EIO: nobody has the terminal open any more
                assert words in self.text, self.text
                return

    def type(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.screen)


def test_on_a_terminal_the_command_can_read_it() -> None:
    """In a group of its own, it would be in the background and stopped by SIGTTIN."""
    terminal = Terminal(SUPERVISE, "sh", "-c", "read line; echo got $line; exit 4")
    try:
        terminal.type(b"hello\n")
        terminal.read_until("got hello\r\n4\r\n")
    finally:
        terminal.close()


def test_ctrl_c_on_a_terminal_reaches_the_command_once() -> None:
    """The terminal signals the whole group. Were it passed on, a second one would follow."""
    script = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("ready", flush=True)
count = 0
while signal.sigtimedwait([signal.SIGINT], 0.3 if count else 60):
    count += 1
print("in all", count, flush=True)
"""
    # passed on late, so that the kernel does not merge the two
    late = "real = os.kill\nos.kill = lambda *whom: (time.sleep(0.1), real(*whom))\n"
    terminal = Terminal(late + SUPERVISE, sys.executable, "-S", "-c", script)
    try:
        terminal.read_until("ready")
        terminal.type(b"\x03")
        terminal.read_until("\r\n0\r\n")
        assert "in all 1\r\n" in terminal.text
    finally:
        terminal.close()


def test_on_a_terminal_a_term_is_passed_on_and_a_kill_avenged() -> None:
    terminal = Terminal(
        SUPERVISE, "sh", "-c", "trap 'echo got term' TERM; echo pid $$; while :; do sleep 0.01; done"
    )
    try:
        terminal.read_until("\r\n")
        command = int(terminal.text.split()[1])
        os.kill(terminal.process.pid, signal.SIGTERM)
        terminal.read_until("got term")
        os.kill(terminal.process.pid, signal.SIGKILL)
        wait_until_gone(command)
    finally:
        terminal.close()


def test_a_command_may_ask_at_the_terminal_when_its_streams_lead_elsewhere() -> None:
    """As ssh, git and sudo do for a password, with and without streams of ours in place of those we have."""
    for streams in ("", ", (3, 1, 2)"):
        code = "os.dup2(os.open('/dev/null', os.O_RDONLY), 0)\nos.dup2(0, 3)\n"
        code += SUPERVISE.replace("os.environ))", f"os.environ){streams})")
        terminal = Terminal(code, "sh", "-c", "read line </dev/tty; echo got $line; cat; exit 4")
        try:
            terminal.type(b"hello\n")
            terminal.read_until("got hello\r\n4\r\n")
        finally:
            terminal.close()


def test_on_a_terminal_the_command_is_in_our_group_also_when_its_input_leads_elsewhere() -> None:
    """So that Ctrl-C and Ctrl-Z reach it."""
    code = "os.dup2(os.open('/dev/null', os.O_RDONLY), 0)\n" + SUPERVISE
    terminal = Terminal(code, "sh", "-c", "echo pid $$; exec sleep 60")
    try:
        terminal.read_until("\r\n")
        assert os.getpgid(int(terminal.text.split()[1])) == os.getpgid(terminal.process.pid)
        terminal.type(b"\x03")
        terminal.read_until(f"{128 + signal.SIGINT}\r\n")
    finally:
        terminal.close()
