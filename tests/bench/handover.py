"""Hand-over: from the end of one holder to the begin of the next, against flock(1) doing the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

from bench.contention import _pairs
from bench.report import Sample, Table, number, times
from bench.setting import BIN, Project, Scale, together, until, workers

STAMP = r'printf "%s\n" "$EPOCHREALTIME" >>"$0"; printf "%s\n" "$EPOCHREALTIME" >>"$0"'
"""What each holder runs: it notes when it begins and, at once, that it ends. The same program for both."""

NOTE = (
    "flock hands over inside the kernel. Ours ends a lease (removes a record, writes an event), rings the next in the"
    " queue, and that one publishes a lease of its own, in a file that all can read, before it goes on."
)


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
            notes=[NOTE],
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
        until(lambda: _standing(project, kind, name, lock)[0])
        for _ in range(count):
            start("bash", "-c", STAMP, str(stamps))
        until(lambda: _standing(project, kind, name, lock)[1] == count)
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


def _standing(project: Project, kind: str, name: str, lock: Path) -> tuple[bool, int]:
    """(whether somebody holds the lock, how many wait for it)."""
    if kind == "ours":
        return (project.top / ".claude/locks" / f"{name}.lock").exists(), project.waiters(name)
    if not lock.exists():
        return False, 0
    # proc_locks(5): each lock names MAJOR:MINOR:INODE, and one that somebody only waits for has an arrow
    inode = f":{lock.stat().st_ino} "
    lines = [line for line in Path("/proc/locks").read_text().splitlines() if inode in line]
    waiting = sum("->" in line for line in lines)
    return len(lines) > waiting, waiting


def _gaps(answers: list[dict[str, object]]) -> list[float]:
    """Milliseconds between one holding and the next by another process."""
    spans = sorted((*span, who) for who, answer in enumerate(answers) for span in _pairs(answer["spans"]))
    found = [(later[0] - earlier[1]) * 1e3 for earlier, later in pairwise(spans) if later[2] != earlier[2]]
    return found or [(later[0] - earlier[1]) * 1e3 for earlier, later in pairwise(spans)]


def _has_clock() -> bool:
    done = subprocess.run(["bash", "-c", 'echo "${EPOCHREALTIME-}"'], capture_output=True, text=True)
    return bool(done.stdout.strip())
