"""Promise P3 on a disk that fails: exit 74 or success, never another end; nothing lost, and the message helps.

strace makes one system call of a helper fail (or lie about how much it wrote); each call on the project's files by which
a helper opens, writes, syncs, renames, locks or makes something, with each error that a full or broken disk gives.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from crash import cases
from crash.harness import IS_FULL, PROMPT, Call, Command, Done, Project, each, environment, fail_at, trace

ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EXDEV", "EINTR")
"""Tried at each point of the five commands. A variant of one of them (a shared lock, an append, …) makes the same calls
in another place: there two of them do, unless CCPM_SWEEP=full."""
CAN_FAIL = re.compile(
    r"open|openat|creat|read|pread64|write|pwrite64|fsync|fdatasync|rename|renameat2?|mkdir|mkdirat|mknod|mknodat|unlink|unlinkat"
)
FAULTY = [case for case in cases.ALL if case is not cases.WaitAndTake]
"""WaitAndTake sleeps for half a second at each point; its calls are those of Acquire and of WaitInVain."""


def faults_of(calls: list[Call], pattern: re.Pattern[str]) -> list[Call]:
    ours = [call for call in calls if pattern.fullmatch(call.name) and call.is_ours]
    return [call for call in ours if not (call.name.startswith("unlink") and call.paths[0].endswith(".bell"))]


def errors_for(kind: type[cases.Case]) -> tuple[str, ...]:
    return ERRORS if IS_FULL or kind in cases.MAIN else ("ENOSPC", "EINTR")


def without_repetition(calls: list[Call]) -> list[Call]:
    """A waiter looks again and again: the first and the last time of each of its calls."""
    first = {call.shape: call for call in reversed(calls)}
    last = {call.shape: call for call in calls}
    return [call for call in calls if call in (first[call.shape], last[call.shape])]


def prepared(kind: type[cases.Case], tmp_path: Path) -> tuple[cases.Case, Project, Command, list[Call]]:
    case = kind()
    project = Project.create(tmp_path / "project")
    command = case.prepare(project)
    clean = project.copy(tmp_path / "clean")
    done, calls = trace(clean, command)
    assert done.status == case.status, done.err
    return case, project, command, calls


def check_words(done: Done, call: Call) -> None:
    """A failure of a file says which one, and what to do next."""
    assert "Traceback" not in done.err
    if done.status == 74:
        assert "\nhint: " in done.err, done.err
        named = [Path(path).name.removeprefix(".").removesuffix(".ccpm-tmp") for path in call.shape[1]]
        named = [part for name in named for part in name.split("N")]  # N: a ticket, another one in each run
        streams = ["standard input", "standard output", "print the token"]
        assert all(name in done.err for name in named) and (named or any(map(done.err.count, streams))), (
            done.err
        )
        assert " rm " not in done.err


@pytest.mark.needs("strace")
@pytest.mark.parametrize("kind", FAULTY, ids=lambda kind: kind.__name__)
def test_any_call_may_fail_and_nothing_is_lost(
    kind: type[cases.Case], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    case, project, command, calls = prepared(kind, tmp_path)
    errors = errors_for(kind)
    points = [(call, error) for call in without_repetition(faults_of(calls, CAN_FAIL)) for error in errors]

    def check(index: int, call: Call) -> None:
        error = points[index][1]
        victim = project.copy(tmp_path / f"p{index:04d}")
        done = fail_at(victim, command, call, f"error={error}", case.is_exact)
        assert done.status in (case.status, 74), f"{error}: exit {done.status}: {done.err}"
        check_words(done, call)
        case.check_interrupted(victim)
        litter = [name for name in victim.tree() if name.endswith(".ccpm-tmp")]
        assert not litter, f"{error}: left {litter}"
        if done.status == 74:
            case.check_failed(victim, done.err)
        else:
            case.check_succeeded(victim)
        case.recover(victim)
        case.check_tidy(victim)
        shutil.rmtree(victim.path)

    swept = each([call for call, _ in points], check)
    record_property("faults", swept)
    assert swept >= 8 * len(errors)


@pytest.mark.needs("strace")
@pytest.mark.parametrize("kind", FAULTY, ids=lambda kind: kind.__name__)
def test_a_short_write_is_continued(kind: type[cases.Case], tmp_path: Path) -> None:
    """The call claims to have written 1 or 10 bytes (it wrote none): all bytes behind these have to be there."""
    case, project, command, calls = prepared(kind, tmp_path)
    points = [(call, count) for call in faults_of(calls, re.compile("write|pwrite64")) for count in (1, 10)]
    points = [(call, count) for call, count in points if call.paths and int(call.result) > count]

    def check(index: int, call: Call) -> None:
        count = points[index][1]
        victim = project.copy(tmp_path / f"p{index:04d}")
        done = fail_at(victim, command, call, f"retval={count}", case.is_exact)
        assert done.status == case.status, done.err
        case.check_short(victim, call.paths[0], count)
        case.recover(victim)
        case.check_tidy(victim)

    assert each([call for call, _ in points], check) >= 2


@pytest.mark.needs("strace")
def test_a_file_system_without_locks_is_named(tmp_path: Path) -> None:
    """ENOLCK: a network file system whose lock service does not run."""
    _, project, command, calls = prepared(cases.AtomicWrite, tmp_path)
    for call in faults_of(calls, re.compile("flock")):
        done = fail_at(project, command, call, "error=ENOLCK")
        assert done.status == 74
        assert "file-notes.txt.guard: No locks available" in done.err
        assert "hint: " in done.err


@pytest.mark.needs("strace")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_token_that_cannot_be_printed_gives_the_lease_back(error: str, tmp_path: Path) -> None:
    case, project, command, calls = prepared(cases.Acquire, tmp_path)
    prints = next(call for call in calls if call.name == "write" and call.arguments.startswith("1<"))
    done = fail_at(project, command, prints, f"error={error}")
    assert (done.status, done.out) == (74, "")
    assert "given back" in done.err
    assert project.read(cases.LOCK) is None
    case.recover(project)


def test_output_into_a_full_device_is_an_io_error(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.ok("lock", "acquire", "task-1", "--agent", "a")
    for arguments in (("lock", "check", "task-1"), ("lock", "list", "--json"), ("lock", "acquire", "task-2")):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                Command(arguments).argv,
                cwd=project.path,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=PROMPT,
            )
        assert done.returncode == 74, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("No space left on device") == 1, done.stderr
        assert "hint: " in done.stderr
    assert project.run("lock", "check", "task-2").status == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_hurt_no_file(closed: str, tmp_path: Path) -> None:
    """With descriptor 1 closed, the first file that a careless program opens becomes its standard output."""
    project = Project.create(tmp_path / "project")
    for arguments, status in (
        (("lock", "acquire", "task-1", "--agent", "a"), 0),
        (("lock", "check", "task-1"), 0),
        (("lock", "acquire", "task-1", "--agent", "b", "--timeout", "0"), 75),
        (("lock", "run", "task-2", "--agent", "a", "--", "sh", "-c", "exit 5"), 5),
    ):
        script = f'exec "$@" {closed}'
        done = project.start(["/bin/sh", "-c", script, "sh", *Command(arguments).argv], b"")
        assert done.status == status, (arguments, done)
        assert "Traceback" not in done.err
    assert (project.read(cases.GUARD) or b"").startswith(b"%020d " % 1)
    assert (project.read(cases.LOCK) or b"").startswith(b"---\nagent_id: a\n")


def test_a_file_size_limit_leaves_the_old_content(tmp_path: Path) -> None:
    """A real short write: the kernel takes what fits under RLIMIT_FSIZE, the next write fails with EFBIG."""
    case = cases.AtomicWrite()
    project = Project.create(tmp_path / "project")
    command = case.prepare(project)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        command.argv,
        cwd=project.path,
        env=environment(),
        input=command.stdin,
        capture_output=True,
        timeout=PROMPT,
        preexec_fn=limit,
    )
    assert done.returncode == 74, done.stderr
    assert b"notes.txt: File too large" in done.stderr
    assert project.read("notes.txt") == case.old
    assert ".notes.txt.ccpm-tmp" not in project.tree()
    case.recover(project)
    case.check_tidy(project)


@pytest.mark.needs("namespaces")
def test_a_disk_that_is_really_full_refuses_and_recovers_when_there_is_room(tmp_path: Path) -> None:
    case = cases.AtomicWrite()
    script = f"""
        set -u
        mount -t tmpfs -o size=64k tmpfs "$1" && mkdir -p "$1/.claude" "$1/.git" && cd "$1" || exit 99
        shift
        printf old > notes.txt
        "$@" lock acquire task-1 --agent a > token || exit 98
        dd if=/dev/zero of=ballast bs=4k count=64 2> /dev/null
        printf '%0{len(case.new)}d' 7 | "$@" atomic-write notes.txt
        echo "write $?"
        "$@" lock acquire task-2 --agent a
        echo "acquire $?"
        "$@" lock renew task-1 --agent a
        echo "renew $?"
        [ "$(cat notes.txt)" = old ] && echo 'old content'
        find . -name '*.ccpm-tmp'
        "$@" lock release task-1 --agent a
        echo "release $?"
        rm ballast
        printf new | "$@" atomic-write notes.txt && cat notes.txt
        "$@" lock acquire task-2 --agent a
    """
    argv = ["unshare", "--mount", "/bin/sh", "-c", script, "sh", str(tmp_path), *Command(()).argv]
    done = subprocess.run(
        argv, env=environment() | {"PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert done.stdout.split("\n") == [
        "write 74", "acquire 74", "renew 74", "old content", "release 0", "new1", "",
    ], done.stderr  # fmt: skip
    assert done.stderr.count("No space left on device\nhint: free some disk space") == 3
