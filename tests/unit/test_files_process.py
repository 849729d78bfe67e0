"""Which process is this: reused pids, zombies, other pid namespaces, other boots."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccpm.core.leases import Owner
from ccpm.core.names import check_resource
from ccpm.files import process
from unit.interpreter import LIB, after_line, run, start

WAITS = "print(1, flush=True); sys.stdin.read()"


def with_changes(owner: Owner, **changes: str) -> Owner:
    for name, value in changes.items():
        setattr(owner, name, value)
    return owner


def test_a_running_process_is_alive_until_it_ends() -> None:
    with start(WAITS) as other:
        after_line(other)
        owner = process.owner("a", other.pid)
        assert process.is_alive(owner) is True
        other.kill()
        other.wait()
        assert process.is_alive(owner) is False
        assert process.start_of(other.pid) == ""


def test_a_stopped_process_is_alive() -> None:
    import signal

    with start(WAITS) as other:
        after_line(other)
        other.send_signal(signal.SIGSTOP)
        assert process.is_alive(process.owner("a", other.pid)) is True


def test_a_zombie_counts_as_gone() -> None:
    """Its parent has not asked for its status yet: it has a pid and runs no code."""
    other = subprocess.Popen([sys.executable, "-S", "-c", ""], stdout=subprocess.PIPE)
    owner = process.owner("a", other.pid)
    assert other.stdout
    other.stdout.read()  # its end: all its descriptors are closed …
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # … and it is dead, but not reaped
    assert process.start_of(other.pid) == ""
    assert process.is_alive(owner) is False
    other.wait()
    other.stdout.close()


def test_another_process_with_the_same_pid_is_not_the_owner() -> None:
    """A reused pid, simulated: the record's start is that of an earlier process."""
    with start(WAITS) as other:
        after_line(other)
        earlier = with_changes(process.owner("a", other.pid), pid_start="1")
        assert process.is_alive(earlier) is False
        assert not earlier.is_same_process(process.owner("a", other.pid))


def test_two_processes_that_start_together_differ_in_pid_or_start() -> None:
    with start(WAITS) as one, start(WAITS) as two:
        owners = [process.owner("a", other.pid) for other in (one, two)]
        assert not owners[0].is_same_process(owners[1])


@pytest.mark.parametrize(
    "change", [{"boot_id": "another-boot"}, {"pid_space": "4026530000"}, {"boot_id": ""}]
)
def test_of_another_boot_or_pid_namespace_nothing_is_known(change: dict[str, str]) -> None:
    assert process.is_alive(with_changes(process.current("a"), **change)) is None


def test_an_owner_without_a_process_is_neither_alive_nor_dead() -> None:
    assert process.is_alive(process.owner("a")) is None


def test_a_record_without_a_start_is_judged_by_its_pid() -> None:
    assert process.is_alive(with_changes(process.current("a"), pid_start="")) is True


def test_a_record_of_somebody_who_could_not_see_when_the_process_began_is_judged_by_its_pid() -> None:
    other = subprocess.Popen(["sleep", "60"])
    written = with_changes(process.owner("a", other.pid), pid_start=process.UNKNOWN)
    alive = process.is_alive(written)
    other.kill()
    other.wait()
    assert (alive, process.is_alive(written)) == (True, False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pid namespaces are of Linux: run it there")
@pytest.mark.needs("namespaces")
def test_a_process_in_its_own_pid_namespace_does_not_call_ours_dead() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(LIB)!r})
from ccpm.core.leases import Owner
from ccpm.files import process
theirs = Owner("a", int(sys.argv[1]), "1", process.boot_id(), sys.argv[2], "")
print(process.is_alive(theirs), process.pid_space() == sys.argv[2])
"""
    argv = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-S", "-c", code]
    argv += [str(os.getpid()), process.pid_space()]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.stdout == "None False\n", done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is of Linux: run it there")
def test_a_command_name_with_blanks_and_parentheses_is_read(tmp_path: Path) -> None:
    """/proc/PID/stat holds the name as it is: `4711 (a) R 1 (b) S 4 …`."""
    program = tmp_path / ") R 1 ("
    program.symlink_to(sys.executable)
    argv = [str(program), "-S", "-c", "import sys; print(1, flush=True); sys.stdin.read()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, executable=str(program), stdin=pipe, stdout=pipe, text=True) as other:
        after_line(other)
        assert ") R 1 (" in Path(f"/proc/{other.pid}/stat").read_text()
        assert process.start_of(other.pid).isdigit()
        assert run(f"from ccpm.files import process; print(process._parent_of({other.pid}))") == str(
            os.getpid()
        )
        other.kill()


def test_ancestors_are_the_processes_above_but_not_oneself() -> None:
    code = "from ccpm.files import process; print(os.getpid(), *process.ancestors())"
    own, *above = map(int, run(code).split())
    assert os.getpid() in above
    assert own not in above
    assert 1 not in above
    assert len(process.ancestors(limit=1)) <= 1


def test_what_identifies_a_process_is_the_same_when_asked_by_another() -> None:
    code = "from ccpm.files import process as p; o = p.owner('a', int(sys.argv[1])); print(*(getattr(o, n) for n in o.__slots__))"
    mine = process.current("a")
    assert run(code, os.getpid()) == " ".join(str(getattr(mine, name)) for name in mine.__slots__)


def test_the_host_name_can_stand_in_a_record() -> None:
    assert check_resource(process.host()) == process.here().host


def test_no_process_has_no_start() -> None:
    with open("/proc/sys/kernel/pid_max" if sys.platform.startswith("linux") else os.devnull) as file:
        beyond = int(file.read() or 99999) + 1
    assert process.start_of(beyond) == ""


def test_a_process_whose_main_thread_has_ended_lives_while_another_thread_runs() -> None:
    code = """
import ctypes, sys, threading
threading.Thread(target=lambda: (print(1, flush=True), sys.stdin.read())).start()
ctypes.CDLL(None).pthread_exit(None)
"""
    with start(code) as other:
        after_line(other)
        owner = process.owner("a", other.pid)
        while process._stat_fields(other.pid)[0] != "Z":  # the main thread is on its way out
            pass
        assert process.is_alive(owner) is True
        assert process.start_of(other.pid) == owner.pid_start


def test_a_process_that_the_system_hides_is_there_as_long_as_its_pid_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with the option hidepid=2 of proc(5), for the processes of other users."""
    with start(WAITS) as other:
        after_line(other)
        owner = process.owner("a", other.pid)
        monkeypatch.setattr(process, "_stat_fields", lambda pid: [])
        assert process.is_alive(owner) is True
        other.kill()
        other.wait()
        assert process.is_alive(owner) is False
