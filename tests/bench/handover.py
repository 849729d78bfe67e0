"""Hand-over: from the end of one holder to the begin of the next, against flock(1) doing the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from bench.contention import _pairs
from bench.report import Sample, Table, number, times
from bench.setting import BIN, Project, Scale, together, until, workers

STAMP = r'printf "%s\n" "$EPOCHREALTIME" >>"$0"; printf "%s\n" "$EPOCHREALTIME" >>"$0"'
"""What each holder runs: it notes when it begins and, at once, that it ends. The same program for both."""


def measure(scale: Scale) -> list[Table]:
    rows = []
    with Project.create() as project:
        if shutil.which("flock") and _has_clock() and Path("/proc/locks").exists():
            for count in (2, 8):
                found: dict[str, list[float]] = {"flock": [], "ours": []}
                for round_ in range(scale.pick(80 // count, 1)):
                    for kind in found:
                        found[kind] += _chain(project, kind, count, round_)
                rows.append(_row(f"{count} commands, one after the other", found))
        for count in (2, 8):
            found = {"flock": [], "ours": []}
            with workers(project, count) as crew:
                for round_ in range(scale.pick(3, 1)):
                    for kind in found:
                        name = f"h{count}-{round_}"
                        answers = together(crew, "contend", seconds=scale.seconds(1.0), kind=kind, name=name)
                        found[kind] += _gaps(answers)
            rows.append(_row(f"{count} processes that stay alive", found))
    return [
        Table(
            "Hand-over between waiting processes",
            "From the moment at which a holder is done to the moment at which the next one runs. Commands:"
            " `ccpm-lock run R -- STAMP` against `flock FILE STAMP`, all of them waiting before the first may go on;"
            " STAMP is a bash that writes down the time, so both columns contain the start of a bash. Processes that"
            " stay alive: the loops of the table on contention; only changes from one process to another count.",
            [
                "waiting",
                "ours, median ms",
                "middle 80 %",
                "p95",
                "flock, median ms",
                "middle 80 %",
                "p95",
                "ratio",
            ],
            rows,
            notes=[
                (
                    "flock hands over inside the kernel. Ours ends a lease (removes a record, writes an event), rings the next"
                    " in the queue, and that one publishes a lease of its own on the disk before it goes on."
                )
            ],
            scene="handover",
        )
    ]


def _row(what: str, found: dict[str, list[float]]) -> list[str]:
    ours, rival = Sample(found["ours"]), Sample(found["flock"])
    cells = [what]
    for sample in (ours, rival):
        cells += [number(sample.median), sample.spread, number(sample.quantile(0.95))]
    return [*cells, times(ours.median, rival.median)]


def _chain(project: Project, kind: str, count: int, round_: int) -> list[float]:
    """Milliseconds between the end of each holder and the begin of the next, with `count` commands that all wait."""
    name = f"{kind}{count}-{round_}"
    stamps = project.base / f"{name}.stamps"
    gate = project.base / f"{name}.gate"
    os.mkfifo(gate)
    lock = project.top / f"{name}.flock"
    take = ["flock", str(lock)] if kind == "flock" else [str(BIN / "ccpm-lock"), "run", name, "--"]
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        agent = project.environment(f"agent-{len(started)}")
        started.append(
            subprocess.Popen(
                [*take, *command],
                cwd=project.top,
                env=agent,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    try:
        start("bash", "-c", 'read -r _ <"$0"', str(gate))
        until(lambda: lock.exists() if kind == "flock" else _is_held(project, name))
        for _ in range(count):
            start("bash", "-c", STAMP, str(stamps))
        until(_all_wait(project, kind, name, lock, count))
        gate.write_text("go\n")
        for process in started:
            if process.wait(60):
                raise RuntimeError(f"a command under {kind} ended with {process.returncode}")
    finally:
        for process in started:
            process.kill()
            process.wait()
    times_ = [float(line) * 1e3 for line in stamps.read_text().split()]
    if len(times_) != 2 * count or times_ != sorted(times_):
        raise RuntimeError(f"{kind}: holders overlapped, or were not {count}")
    return [times_[i + 1] - times_[i] for i in range(1, len(times_) - 1, 2)]


def _is_held(project: Project, name: str) -> bool:
    return (project.top / ".claude/locks" / f"{name}.lock").exists()


def _all_wait(project: Project, kind: str, name: str, lock: Path, count: int) -> Callable[[], bool]:
    def ours() -> bool:
        return project.waiters(name) == count

    def kernel() -> bool:
        # proc_locks(5): a line with "->" is a process that waits; the last but two field ends in the inode
        inode = f":{lock.stat().st_ino} "
        return sum("->" in line and inode in line for line in open("/proc/locks")) == count

    return kernel if kind == "flock" else ours


def _gaps(answers: list[dict[str, object]]) -> list[float]:
    """Milliseconds between one holding and the next by another process."""
    spans = sorted((*span, who) for who, answer in enumerate(answers) for span in _pairs(answer["spans"]))
    found = [(later[0] - earlier[1]) * 1e3 for earlier, later in pairwise(spans) if later[2] != earlier[2]]
    return found or [(later[0] - earlier[1]) * 1e3 for earlier, later in pairwise(spans)]


def _has_clock() -> bool:
    done = subprocess.run(["bash", "-c", 'echo "${EPOCHREALTIME-}"'], capture_output=True, text=True)
    return bool(done.stdout.strip())
