"""Many writers of one task file: how many updates a second, and that none is lost."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

from bench.one_shot import TASK
from bench.report import Goal, Sample, Table, number, times
from bench.setting import BIN, Project, Scale, together, workers

LEVELS = [1, 2, 4, 8, 16, 32]
COMMANDS = [1, 2, 8, 32]


def measure(scale: Scale) -> list[Table]:
    levels = [1, 4] if scale.is_quick else LEVELS
    rows = []
    lost = 0
    with Project.create() as project:
        rates: dict[tuple[str, int], list[float]] = {}
        for count in levels:
            with workers(project, count) as crew:
                for repetition in range(scale.pick(3, 1)):
                    for kind in ("bare", "ours"):
                        path = project.top / f"{count}-{repetition}-{kind}.md"
                        path.write_text(TASK)
                        answers = together(
                            crew, "write", seconds=scale.seconds(1.0), kind=kind, file=path.name
                        )
                        writes = sum(_length(answer["seconds"]) for answer in answers)
                        longest = max(scale.seconds(1.0), 0.001)
                        rates.setdefault((kind, count), []).append(writes / longest)
                        if kind == "ours":
                            lost += writes - (_version(path) - 1)
        one = Sample(rates["ours", 1]).median
        for count in levels:
            ours, bare = Sample(rates["ours", count]), Sample(rates["bare", count])
            rows.append(
                [
                    str(count),
                    number(ours.median),
                    ours.spread,
                    times(ours.median, one),
                    number(bare.median),
                    times(ours.median, bare.median),
                ]
            )
        commands, missing = _by_commands(project, scale)
        lost += missing
    processes = Table(
        "Updates of one file by many writers",
        "Processes that stay alive change one key each of one task file, as `ccpm-fm-cas update` does: guard, parse,"
        " splice, check by ruamel.yaml, publish, log. The rival does only what must be done in any case: flock(2),"
        " read, write a temporary file, fsync, rename, fsync the folder.",
        ["writers", "updates/s", "spread", "against 1", "rival: updates/s", "ours against the rival"],
        rows,
        [Goal("no update is lost: version = 1 + writes", lost == 0, f"{lost} lost")],
        scene="writers",
    )
    return [processes, commands]


def _by_commands(project: Project, scale: Scale) -> tuple[Table, int]:
    rows = []
    lost = 0
    for count in [1, 4] if scale.is_quick else COMMANDS:
        rates = []
        for repetition in range(scale.pick(3, 1)):
            path = project.top / f"commands-{count}-{repetition}.md"
            path.write_text(TASK)
            each = max(1, scale.pick(48, 2) // count)
            rates.append(count * each / _run_commands(project, path, count, each))
            lost += count * each - (_version(path) - 1)
        found = Sample(rates)
        rows.append([str(count), number(found.median), found.spread])
    table = Table(
        "The same by commands",
        "So many shells at once, each calling `bin/ccpm-fm-cas update` in a loop; a process a call.",
        ["shells", "updates/s", "spread"],
        rows,
        [Goal("no update of a command is lost", lost == 0, f"{lost} lost")],
        scene="writers",
    )
    return table, 0


def _run_commands(project: Project, path: Path, count: int, each: int) -> float:
    """Seconds until `count` shells have made `each` updates."""
    loop = f'for ((i = 0; i < {each}; i++)); do "$0" update "$1" "key_$2=$i" >/dev/null || exit; done'
    begun = time.monotonic()
    started = [
        subprocess.Popen(
            ["bash", "-c", loop, str(BIN / "ccpm-fm-cas"), path.name, str(index)],
            cwd=project.top,
            env=project.environment(f"agent-{index}"),
            stdin=subprocess.DEVNULL,
        )
        for index in range(count)
    ]
    try:
        statuses = [process.wait(120) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    if any(statuses):
        raise RuntimeError(f"updates ended with {statuses}")
    return time.monotonic() - begun


def _version(path: Path) -> int:
    match = re.search(r"^version: (\d+)$", path.read_text(), re.MULTILINE)
    assert match
    return int(match[1])


def _length(found: object) -> int:
    assert isinstance(found, list)
    return len(found)
