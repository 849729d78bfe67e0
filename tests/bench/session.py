"""Session mode: one helper kept open by a shell; and the same operations inside one process."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from bench.one_shot import TASK
from bench.report import Goal, Sample, Table, number, times
from bench.setting import LIB, Project, Scale, workers

PRELUDE = f"""set -u
source {LIB}/locking.sh
source {LIB}/frontmatter.sh
now() {{ t=${{EPOCHREALTIME/[.,]/}}; }}
ours() {{ acquire_lock bench >/dev/null && release_lock bench; }}
get() {{ get_frontmatter_field 001.md status >/dev/null; }}
update() {{ update_frontmatter_field 001.md status "s$i" >/dev/null; }}
flock1() {{ flock bench.flock true; }}
makedir() {{ mkdir bench.d && rmdir bench.d; }}
measure() {{
  local name=$1 count=$2 t begun i
  for ((i = 0; i < count; i++)); do
    now; begun=$t
    "$name" || {{ echo "failed: $name ended with $?"; exit 1; }}
    now
    echo "$((t - begun))"
  done
}}
"""


@dataclass
class Way:
    """A row: what is called, by which bash function, how often, within a session or not."""

    name: str
    function: str
    full: int
    quick: int
    in_session: bool = False


CYCLE = Way("**acquire_lock, release_lock in a session**", "ours", 400, 10, True)
WAYS = [
    Way("`flock bench.flock true`: flock(1), one program a cycle", "flock1", 100, 5),
    Way("`mkdir` and `rmdir`: what the old scripts locked with", "makedir", 100, 5),
    Way("acquire_lock, release_lock without a session", "ours", 15, 2),
    CYCLE,
    Way("get_frontmatter_field without a session", "get", 15, 2),
    Way("get_frontmatter_field in a session", "get", 300, 10, True),
    Way("update_frontmatter_field without a session", "update", 10, 2),
    Way("update_frontmatter_field in a session", "update", 150, 10, True),
]


def measure(scale: Scale) -> list[Table]:
    bash = find_bash()
    with Project.create() as project:
        (project.top / "001.md").write_text(TASK)
        ways = [way for way in WAYS if way.function != "flock1" or shutil.which("flock")]
        found: dict[str, list[float]] = {way.name: [] for way in ways}
        for _ in range(scale.pick(3, 1)):
            for way in ways if bash else []:
                found[way.name] += _in_bash(bash, project, way, scale.pick(way.full, way.quick))
        inside = _in_process(project, scale)
    rows = []
    rival = Sample(inside["flock"])
    for name, values in [*found.items(), *((INSIDE[kind], inside[kind]) for kind in inside)]:
        if values:
            got = Sample(values)
            rows.append([name, number(got.median), number(got.quantile(0.95)), got.spread])
    goals, notes = [], []
    if bash:
        cycle = Sample(found[CYCLE.name]).median
        goals = [Goal("a lock cycle in a session ≤ 1 ms (p50)", cycle <= 1, f"{number(cycle)} ms")]
        bound, free = Sample(inside["bound"]).median, Sample(inside["free"]).median
        notes.append(
            "A lease of a process ends with it, at the latest in a power cut, and so it waits for no disk:"
            f" {number(bound)} ms, {times(bound, rival.median)} the two bare system calls. One without a process has to"
            f" survive: its record and the folder are synced, which takes the other {number(free - bound)} ms."
        )
    else:
        notes.append("No bash ≥ 5 was found, whose clock the shell rows need: they are left out.")
    return [
        Table(
            "Session mode",
            "A bash script that sources lib/locking.sh and lib/frontmatter.sh and calls their functions in a loop, with"
            " one helper kept open (`ccpm_session_open`) and without; each call timed by the script itself. A cycle is"
            " one acquire and one release. Below, the same operations called inside one Python process.",
            ["what", "p50, ms", "p95, ms", "middle 80 %, ms"],
            rows,
            goals,
            notes,
            scene="session",
        )
    ]


INSIDE = {
    "flock": "in one process: flock(2) locked and unlocked",
    "bound": "in one process: acquire and release, a lease of that process",
    "free": "in one process: acquire and release, a lease without a process",
}


def lock_cycles(scale: Scale) -> list[float]:
    """The milliseconds of lock cycles in a session; none where there is no bash with a clock."""
    bash = find_bash()
    with Project.create() as project:
        return _in_bash(bash, project, CYCLE, scale.pick(CYCLE.full, CYCLE.quick)) if bash else []


def find_bash() -> str:
    """A bash with a clock in microseconds (5.0), or ""."""
    path = shutil.which("bash")
    if not path:
        return ""
    done = subprocess.run([path, "-c", 'echo "${EPOCHREALTIME-}"'], capture_output=True, text=True)
    return path if done.stdout.strip() else ""


def _in_bash(bash: str, project: Project, way: Way, count: int) -> list[float]:
    """The milliseconds that each call took."""
    body = f"measure {way.function} {count}\n"
    if way.in_session:
        body = f"ccpm_session_open\n{way.function}\n{body}ccpm_session_close\n"
        body = body.replace(
            f"\n{way.function}\n", f"\ni=0; {way.function}\n"
        )  # the first call waits for the helper
    done = subprocess.run(
        [bash, "-c", PRELUDE + body],
        cwd=project.top,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = done.stdout.split()
    if done.returncode or len(lines) != count or not all(line.isdigit() for line in lines):
        raise RuntimeError(
            f"{way.name} ended with {done.returncode}: {done.stdout[-300:]}{done.stderr[-600:]}"
        )
    return [int(line) / 1e3 for line in lines]


def _in_process(project: Project, scale: Scale) -> dict[str, list[float]]:
    count = scale.pick(600, 20)
    found = {}
    with workers(project, 1) as (one,):
        for kind in INSIDE:
            found[kind] = _milliseconds(one.ask("cycles", count=count, kind=kind, name="cycle"))
    return found


def _milliseconds(answer: dict[str, object]) -> list[float]:
    values = answer["seconds"]
    assert isinstance(values, list)
    return [float(value) * 1e3 for value in values]
