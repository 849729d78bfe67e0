"""Promise P5: the lock of an owner that is gone is replaced soon; the lock of one that may be there is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from race.crew import until
from race.tree import LIB, PYTHON, TESTS, Project, finish, play

GENEROUS = 5.0
"""Seconds where one is promised: other tests load the machine. `make bench` measures."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "p")


def edit(project: Project, **changes: str) -> None:
    """Change keys of the lock record of task-7, as if another process had written it."""
    path = project.record("task-7")
    lines = [line.partition(": ") for line in path.read_text().splitlines()]
    assert set(changes) <= {key for key, _, _ in lines}
    path.write_text("".join(f"{key}{colon}{changes.get(key, value)}\n" for key, colon, value in lines))


def acquire(project: Project, *options: str) -> int:
    return project.run("lock", "acquire", "task-7", "--agent", "heir", "--timeout", "0", *options).status


def test_a_waiter_replaces_a_killed_owner_soon(project: Project) -> None:
    report = play("queue.killed_while_others_wait", project)
    assert report["seconds"] < GENEROUS
    assert report["left"] == []


def test_who_comes_after_a_killed_owner_need_not_wait_at_all(project: Project) -> None:
    victim = project.start("lock", "run", "task-7", "--", "sh", "-c", "echo in; exec sleep 60")
    assert victim.stdout
    assert victim.stdout.readline() == "in\n"
    assert acquire(project) == 75
    victim.kill()
    victim.communicate()
    assert acquire(project) == 0
    (event,) = project.events("lock.takeover")
    assert event["why"] == "its process is gone"


def test_an_expired_lease_is_not_renewed_although_nobody_took_it(project: Project) -> None:
    token = project.ok("lock", "acquire", "task-7", "--agent", "ada", "--ttl", "0.05")
    until(lambda: project.run("lock", "check", "task-7").status == 1)
    for named in ((), ("--token", token)):
        late = project.run("lock", "renew", "task-7", "--agent", "ada", *named)
        assert late.status == 11
        assert "expired" in late.err
    assert project.run("lock", "check", "task-7").status == 1
    assert acquire(project) == 0


def test_a_run_keeps_its_lease_for_longer_than_its_ttl(project: Project) -> None:
    holder = project.start("lock", "run", "task-7", "--ttl", "0.4", "--", "sh", "-c", "echo in; read line")
    assert holder.stdout
    assert holder.stdout.readline() == "in\n"
    until(lambda: len(project.events("lock.renewed")) >= 6)  # at a third of 0.4 s: twice its length
    assert acquire(project) == 75
    assert finish(holder, "out\n").status == 0
    assert acquire(project) == 0


def test_a_run_that_was_stopped_past_its_lease_stops_its_command_and_ends_with_11(project: Project) -> None:
    script = "echo $$; trap 'echo stopped; exit 0' TERM; while :; do sleep 0.05; done"
    holder = project.start(
        "lock", "run", "task-7", "--agent", "sleepy", "--ttl", "0.5", "--", "sh", "-c", script
    )
    assert holder.stdout
    command = int(holder.stdout.readline())
    holder.send_signal(signal.SIGSTOP)
    project.ok("lock", "acquire", "task-7", "--agent", "heir", "--timeout", "20")
    assert is_running(command), "nobody could stop it yet"
    holder.send_signal(signal.SIGCONT)
    done = finish(holder)
    assert done.status == 11
    assert done.out == "stopped\n"
    assert not is_running(command)
    assert "no longer" in done.err or "not the current one" in done.err
    assert project.check("task-7")["agent_id"] == "heir"


def test_a_run_whose_lease_was_taken_by_force_ends_with_11(project: Project) -> None:
    script = "ccpm-lock release task-7 --force; exec sleep 60"
    holder = project.start("lock", "run", "task-7", "--ttl", "0.6", "--", "sh", "-c", script)
    assert finish(holder).status == 11


def test_a_run_whose_lease_was_taken_by_force_ends_with_11_although_its_command_ended_before_it_noticed(
    project: Project,
) -> None:
    script = "ccpm-lock release task-7 --force"
    assert finish(project.start("lock", "run", "task-7", "--", "sh", "-c", script)).status == 11


def test_a_pid_that_was_given_to_another_process_does_not_keep_the_lock(project: Project) -> None:
    project.ok("lock", "acquire", "task-7", "--pid", str(os.getpid()))
    assert acquire(project) == 75
    edit(project, pid_start="1")
    assert acquire(project) == 0
    assert project.events("lock.takeover")[0]["why"] == "its process is gone"


def test_a_process_bound_lock_of_an_earlier_boot_of_this_host_does_not_count(project: Project) -> None:
    project.ok("lock", "acquire", "task-7", "--pid", str(os.getpid()))
    edit(project, boot_id="00000000-0000-0000-0000-000000000000")
    assert acquire(project) == 0
    assert project.events("lock.takeover")[0]["why"] == "its process ended with a reboot"


def test_a_lease_without_a_process_outlives_a_reboot(project: Project) -> None:
    project.ok("lock", "acquire", "task-7", "--agent", "ada")
    edit(project, boot_id="00000000-0000-0000-0000-000000000000", expires_boot="1.0")
    assert acquire(project) == 75


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"host": "build-7", "boot_id": "00000000-0000-0000-0000-000000000000"},
        {"pid_space": "4026531000"},
    ],
    ids=["another host", "another pid namespace"],
)
def test_the_lock_of_a_process_that_cannot_be_seen_from_here_ends_only_when_it_expires(
    elsewhere: dict[str, str], project: Project
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)
    gone.wait()
    project.ok("lock", "acquire", "task-7", "--pid", str(os.getpid()))
    edit(project, pid=str(gone.pid), **elsewhere)
    assert acquire(project) == 75
    edit(project, expires="2020-01-01T00:00:00Z", expires_boot="1.0")
    assert acquire(project) == 0
    assert project.events("lock.takeover")[0]["why"] == "expired"


def test_another_host_gets_ten_seconds_of_grace_for_its_clock(project: Project) -> None:
    project.ok("lock", "acquire", "task-7", "--agent", "ada")
    foreign = {"host": "build-7", "boot_id": "00000000-0000-0000-0000-000000000000"}
    edit(project, expires=iso(time.time() - 5), **foreign)
    assert acquire(project) == 75
    edit(project, expires=iso(time.time() - 12), **foreign)
    assert acquire(project) == 0


def test_a_wall_clock_that_jumps_ends_no_lease_and_prolongs_none(project: Project) -> None:
    """The `expires` for people is an hour off in both directions, as after a step; the boot clock decides."""
    project.ok("lock", "acquire", "task-7", "--agent", "ada")
    edit(project, expires=iso(time.time() - 3600))
    assert acquire(project) == 75
    edit(project, expires=iso(time.time() + 3600), expires_boot="1.0")
    assert acquire(project) == 0


@pytest.mark.needs("faketime")
@pytest.mark.parametrize("step", ["-1h", "+1h"])
def test_a_helper_whose_wall_clock_was_stepped_sees_the_same_locks(step: str, project: Project) -> None:
    project.ok("lock", "acquire", "held", "--agent", "ada")
    project.ok("lock", "acquire", "ended", "--agent", "ada", "--ttl", "0.05")
    until(lambda: project.run("lock", "check", "ended").status == 1)
    stepped = [*FAKETIME, step, str(LIB.parent / "bin" / "ccpm-lock")]
    held = finish(project.spawn([*stepped, "acquire", "held", "--agent", "bob", "--timeout", "0"], **STEADY))
    assert held.status == 75
    ended = finish(
        project.spawn([*stepped, "acquire", "ended", "--agent", "bob", "--timeout", "0"], **STEADY)
    )
    assert ended.status == 0
    assert finish(project.spawn([*stepped, "renew", "held", "--agent", "ada"], **STEADY)).status == 0
    assert project.run("lock", "check", "held").status == 0
    assert project.run("lock", "check", "ended").status == 0


FAKETIME = ["faketime", "-f"]
STEADY = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
"""libfaketime moves the wall clock alone; CLOCK_BOOTTIME has to stay (see test_libfaketime_leaves_the_boot_clock)."""


@pytest.mark.needs("faketime")
def test_libfaketime_leaves_the_boot_clock() -> None:
    """What the test above rests on."""
    show = "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))"
    argv = [*FAKETIME, "+1h", PYTHON, "-S", "-E", "-c", show]
    out = subprocess.run(argv, env={**os.environ, **STEADY}, capture_output=True, text=True).stdout
    wall, boot = map(float, out.split())
    assert abs(wall - time.time() - 3600) < 60
    assert abs(boot - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


def test_an_unreadable_record_counts_as_held_until_it_is_older_than_the_ttl(project: Project) -> None:
    project.locks.mkdir(parents=True)
    record = project.record("task-7")
    record.write_bytes(b"\x00\xff not a record")
    assert acquire(project) == 75
    old = time.time() - min(290, time.clock_gettime(time.CLOCK_BOOTTIME) - 5)
    os.utime(record, (old, old))
    assert acquire(project) == 75
    assert record.read_bytes() == b"\x00\xff not a record"
    old = time.time() - 301
    os.utime(record, (old, old))
    assert acquire(project) == 0


@pytest.mark.needs("namespaces")
def test_one_who_cannot_see_the_boot_takes_no_live_lock_over(project: Project) -> None:
    lock = str(LIB.parent / "bin" / "ccpm-lock")
    holder = project.start("lock", "run", "task-1", "--", "sh", "-c", "echo in; read line")
    assert holder.stdout
    assert holder.stdout.readline() == "in\n"
    blind = f"mount -t tmpfs none /proc && exec {lock} acquire task-1 --agent blind --timeout 0"
    assert finish(project.spawn(["unshare", "--mount", "sh", "-c", blind])).status == 75
    assert finish(holder, "out\n").status == 0


NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.mark.needs("namespaces")
def test_processes_of_two_pid_namespaces_do_not_declare_each_other_dead(project: Project) -> None:
    lock = str(LIB.parent / "bin" / "ccpm-lock")
    outer = project.start("lock", "run", "task-1", "--", "sh", "-c", "echo in; read line")
    inner = project.spawn([*NAMESPACE, lock, "run", "task-2", "--", "sh", "-c", "echo in; read line"])
    for holder in (outer, inner):
        assert holder.stdout
        assert holder.stdout.readline() == "in\n"
    hasty = ["--timeout", "0", "--", "true"]
    assert project.run("lock", "run", "task-2", *hasty).status == 75
    assert finish(project.spawn([*NAMESPACE, lock, "run", "task-1", *hasty])).status == 75
    assert finish(outer, "out\n").status == 0
    assert finish(inner, "out\n").status == 0
    assert project.run("lock", "run", "task-2", *hasty).status == 0


@pytest.mark.needs("namespaces")
def test_a_lock_is_free_when_the_kernel_has_given_its_owners_pid_to_another_process(project: Project) -> None:
    """With a pid namespace of its own, where the next pid can be chosen (/proc/sys/kernel/ns_last_pid)."""
    script = str(TESTS / "race" / "play.py")
    argv = [*NAMESPACE, PYTHON, "-S", "-E", script, "pids.reuse", str(project.path), "30", "{}"]
    done = finish(project.spawn(argv))
    assert done.status == 0, done.err
    assert done.out == '{"same pid": true, "while it lived": "held", "after reuse": "taken"}\n'


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state) and state[0] != "Z"


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
