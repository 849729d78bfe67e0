"""A dead owner is replaced: from SIGKILL to the next holder."""

from __future__ import annotations

import json
import select
import subprocess
import time

from bench.report import Goal, Sample, Table, number
from bench.setting import BIN, Project, Scale, Worker, until, workers

LOCK = str(BIN / "ccpm-lock")
LIMIT_MS = 1000.0


def measure(scale: Scale) -> list[Table]:
    with Project.create() as project:
        kernel = _waiting_process(project, scale.pick(50, 3), "flock")
        waiting = _waiting_process(project, scale.pick(60, 3), "acquire")
        queue = _waiting_queue(project, scale.pick(50, 3))
        command = [_waiting_command(project, f"w{index}") for index in range(scale.pick(50, 3))]
        late = [_late_command(project, f"l{index}") for index in range(scale.pick(50, 3))]
    rows = []
    found = [
        ("flock(2): a process waits in the kernel", kernel),
        ("a process waits in the queue", waiting),
        ("8 processes wait: until the first of them holds it", queue),
        ("`ccpm-lock acquire` waits: until it has ended", command),
        ("`ccpm-lock acquire` comes after the kill: until it has ended", late),
    ]
    for name, values in found:
        sample = Sample(values)
        times = [sample.median, sample.quantile(0.95), sample.worst]
        rows.append([name, str(len(values)), *map(number, times), sample.spread])
    worst = max(max(values) for _, values in found[1:])
    return [
        Table(
            "A dead owner is replaced",
            "The holder is killed by SIGKILL; the time until somebody else holds the lock. A killed process rings"
            " nobody; a waiter looks by itself, at random intervals around 0.25 s, and takes over when it finds the"
            " process gone."
            " The rival lives in the kernel, which drops the lock with its owner.",
            ["who comes next", "rounds", "median, ms", "p95", "worst", "middle 80 %"],
            rows,
            [Goal("a dead owner is replaced within 1 s", worst <= LIMIT_MS, f"worst {number(worst)} ms")],
            scene="dead-owner",
        )
    ]


def _waiting_process(project: Project, rounds: int, kind: str) -> list[float]:
    """Milliseconds from the kill of the holder to the moment at which a waiting process holds the lock."""
    found = []
    with workers(project, 1) as (waiter,):
        for index in range(rounds):
            name = f"{kind}{index}"
            order = {"path": f"{name}.flock"} if kind == "flock" else {"resource": name}
            with workers(project, 1) as (holder,):
                holder.ask(kind, **order)
                waiter.send(kind, **order)
                if kind == "flock":
                    time.sleep(0.02)
                else:
                    until(lambda name=name: project.waiters(name) == 1)
                killed = holder.kill()
                found.append((_ended(waiter.receive()) - killed) * 1e3)
    return found


def _waiting_queue(project: Project, rounds: int) -> list[float]:
    found = []
    with workers(project, 8) as crew:
        for index in range(rounds):
            name = f"queue{index}"
            with workers(project, 1) as (holder,):
                holder.ask("acquire", resource=name)
                for worker in crew:
                    worker.send("acquire", resource=name)
                until(lambda name=name: project.waiters(name) == len(crew))
                killed = holder.kill()
                found.append((_drain(project, name, crew) - killed) * 1e3)
    return found


def _drain(project: Project, name: str, crew: list[Worker]) -> float:
    """Let all of `crew` have the lock in their order; when the first one had it."""
    first = 0.0
    waiting = list(crew)
    while waiting:
        streams = [worker.stream for worker in waiting]
        ready = select.select(streams, [], [], 20)[0]
        if not ready:
            raise TimeoutError("nobody got the lock")
        worker = next(one for one in waiting if one.stream is ready[0])
        ended = _ended(worker.receive())
        first = first or ended
        worker.ask("release", resource=name)
        waiting.remove(worker)
    return first


def _held_by_process(project: Project, name: str) -> subprocess.Popen[bytes]:
    """A process that owns the lock `name`."""
    owner = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        project.must(LOCK, "acquire", name, "--pid", str(owner.pid), agent="owner")
    except BaseException:
        owner.kill()
        owner.wait()
        raise
    return owner


def _waiting_command(project: Project, name: str) -> float:
    owner = _held_by_process(project, name)
    try:
        command = _acquire(project, name)
        try:
            until(lambda: project.waiters(name) == 1)
            begun = time.monotonic()
            owner.kill()
            owner.wait()
            return _finished(command, begun)
        finally:
            command.kill()
            command.wait()
    finally:
        owner.kill()
        owner.wait()


def _late_command(project: Project, name: str) -> float:
    owner = _held_by_process(project, name)
    begun = time.monotonic()
    owner.kill()
    owner.wait()
    return _finished(_acquire(project, name), begun)


def _acquire(project: Project, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [LOCK, "acquire", name, "--timeout", "20"],
        cwd=project.top,
        env=project.environment("next"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _finished(command: subprocess.Popen[bytes], begun: float) -> float:
    if command.wait(30):
        raise RuntimeError(f"acquire ended with {command.returncode}")
    return (time.monotonic() - begun) * 1e3


def _ended(answer: dict[str, object]) -> float:
    if answer["status"]:
        raise RuntimeError(f"a waiter did not get the lock: {json.dumps(answer)}")
    return float(str(answer["ended"]))
