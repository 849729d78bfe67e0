"""The guard: one holder at a time, whatever happens to the holder or to the guard's file."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpm.errors import Busy, IOFailure
from ccpm.files import guard
from ccpm.files.guard import Guard
from unit.interpreter import after_line, result, run, start

HOLD = """
from ccpm.files.guard import Guard
with Guard(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """
from ccpm.files.guard import Guard
path, counter, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    with Guard(path):
        with open(counter) as file:
            number = int(file.read())
        with open(counter, "w") as file:
            file.write(str(number + 1))
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "key.guard")


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(guard, "PATIENCE", 0.05)
    return 0.05


def test_two_holders_never_overlap(path: str, tmp_path: Path) -> None:
    """A counter that is read and written back loses increments as soon as two are inside."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    with start(COUNT, path, counter, 200) as one, start(COUNT, path, counter, 200) as two:
        for process in (one, two):
            after_line(process)
        for process in (one, two):
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (one, two):
            result(process)
    assert counter.read_text() == "400"


def test_a_holder_that_is_killed_lets_go(path: str, patience: float) -> None:
    with start(HOLD, path) as holder:
        after_line(holder)
        with pytest.raises(Busy):
            Guard(path).__enter__()
        holder.kill()
        holder.wait()
        with Guard(path):
            pass


def test_a_stopped_holder_makes_others_give_up(path: str, patience: float) -> None:
    with start(HOLD, path) as holder:
        after_line(holder)
        holder.send_signal(signal.SIGSTOP)
        with pytest.raises(Busy, match=r"guard key\.guard has been held") as raised:
            Guard(path).__enter__()
        assert raised.value.code == 75
        assert "kill -CONT" in raised.value.hint
        holder.send_signal(signal.SIGCONT)
        assert holder.stdin
        holder.stdin.close()
        holder.wait()
        with Guard(path):
            pass


def test_giving_up_leaves_no_descriptor_open(path: str, patience: float) -> None:
    with start(HOLD, path) as holder:
        after_line(holder)
        before = len(os.listdir("/dev/fd"))
        for _ in range(3):
            with pytest.raises(Busy):
                Guard(path).__enter__()
        assert len(os.listdir("/dev/fd")) == before


def test_who_waits_for_long_stands_in_the_line_of_the_kernel(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks again and again finds it taken by those who let go and take it anew at once."""
    looks: list[float] = []
    monkeypatch.setattr(guard.time, "sleep", looks.append)
    with start(HOLD, path) as holder:
        after_line(holder)
        ender = threading.Timer(0.3, holder.kill)
        ender.start()
        with Guard(path):
            assert holder.wait() == -signal.SIGKILL
        ender.join()
    assert looks == list(guard.PAUSES)


def test_a_signal_ends_the_wait_and_what_was_waited_for_stays_free(path: str) -> None:
    code = HOLD.replace("with Guard", "signal.alarm(1)\nwith Guard")
    with start(HOLD, path) as holder:
        after_line(holder)
        with start(code, path) as waiter:
            assert waiter.wait() == -signal.SIGALRM
        handler = "def stop(*_): raise SystemExit(9)\nsignal.signal(signal.SIGALRM, stop)\n"
        with start(handler + code, path) as waiter:
            assert waiter.wait() == 9
        assert holder.stdin
        holder.stdin.close()
        holder.wait()
    with Guard(path):
        pass


def at_the_first_wait(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Run `act` when a guard is found held and sleeps for the first time."""
    waiting = [act]

    def sleep(seconds: float) -> None:
        if waiting:
            waiting.pop()()

    monkeypatch.setattr(guard.time, "sleep", sleep)


def test_a_guard_deleted_by_hand_while_one_waits_is_opened_anew(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The waiter holds the deleted inode's lock then; whoever comes next would lock the new file beside it."""
    first = Guard(path)
    first.__enter__()

    def delete_and_let_go() -> None:
        os.unlink(path)
        first.__exit__()

    at_the_first_wait(monkeypatch, delete_and_let_go)
    with Guard(path) as second:
        assert os.fstat(second.descriptor).st_ino == os.stat(path).st_ino


def test_a_guard_replaced_by_hand_while_one_waits_is_opened_anew(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Guard(path)
    first.__enter__()

    def replace_and_let_go() -> None:
        (tmp_path / "other").write_text("")
        os.rename(tmp_path / "other", path)
        first.__exit__()

    at_the_first_wait(monkeypatch, replace_and_let_go)
    with Guard(path) as second:
        assert os.fstat(second.descriptor).st_ino == os.stat(path).st_ino


def test_a_folder_deleted_while_one_waits_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    first = Guard(str(folder / "key.guard"))
    first.__enter__()

    def delete_all() -> None:
        (folder / "key.guard").unlink()
        folder.rmdir()
        first.__exit__()

    at_the_first_wait(monkeypatch, delete_all)
    with Guard(str(folder / "key.guard")) as second:
        assert os.fstat(second.descriptor).st_ino == (folder / "key.guard").stat().st_ino


def test_a_directory_can_be_the_guard(tmp_path: Path, patience: float) -> None:
    with start(HOLD, tmp_path) as holder:
        after_line(holder)
        with pytest.raises(Busy):
            Guard(str(tmp_path)).__enter__()
    with Guard(str(tmp_path)):
        pass
    assert os.listdir(tmp_path) == []


def test_threads_of_one_process_exclude_each_other(path: str, patience: float) -> None:
    failures: list[int] = []

    def attempt() -> None:
        try:
            Guard(path).__enter__()
        except Busy as error:
            failures.append(error.code)

    with Guard(path):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert failures == [75]


def test_a_program_started_under_the_guard_does_not_keep_it(path: str, patience: float) -> None:
    """The descriptor is closed on exec: a child that outlives the holder does not hold on."""
    code = HOLD.replace(
        "sys.stdin.read()",
        "os.posix_spawn('/bin/sh', ['sh', '-c', 'echo $$; exec sleep 60'], os.environ); sys.stdin.read()",
    )
    with start(code, path) as holder:
        after_line(holder)
        child = int(after_line(holder))
        try:
            holder.kill()
            holder.wait()
            with Guard(path):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_the_content_of_a_guard_stays(path: str) -> None:
    Path(path).write_text("00000000000000000042\n")
    with Guard(path):
        pass
    assert Path(path).read_text() == "00000000000000000042\n"


@pytest.mark.parametrize("path", ["/proc/self/none/key.guard", "/dev/null/key.guard"])
def test_a_guard_that_cannot_be_opened_is_an_io_error(path: str) -> None:
    with pytest.raises(IOFailure, match=f"cannot open the guard {path}"):
        Guard(path).__enter__()


@pytest.mark.parametrize("before", ["", "import typing"])
def test_the_real_typing_is_there_when_the_lock_module_is_loaded(before: str) -> None:
    """A stand-in takes its place during that import, at most."""
    code = f"""
{before}
import enum
had = sys.modules.get("typing")
from ccpm.files import guard
with guard.Guard(sys.argv[1]): pass
assert sys.modules.get("typing") is had
import typing
print(typing.Optional[int], typing.get_type_hints(enum.Enum.__new__))
"""
    assert run(code, "/tmp") == "typing.Optional[int] {}"


def test_the_lock_module_is_loaded_without_its_package() -> None:
    """portalocker/__init__.py would bring a Redis client, tempfile and logging with it, at every start."""
    code = """
from ccpm.files.guard import Guard
with Guard(sys.argv[1]): pass
print(*sorted(name for name in sys.modules if name in ("logging", "redis", "tempfile", "portalocker.redis")))
"""
    assert run(code, "/tmp") == ""


def test_a_guard_is_waited_for_no_longer_than_its_caller_has_time(path: str) -> None:
    with Guard(path), pytest.raises(Busy, match=r"held for more than 0\.02 s"):
        Guard(path, 0.02).__enter__()


def test_without_a_thread_to_wait_in_line_a_guard_is_waited_for_by_looking(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(guard._thread, "start_new_thread", refuse)
    with Guard(path), pytest.raises(Busy):
        Guard(path, 0.02).__enter__()
    with Guard(path, 0.02):
        pass
