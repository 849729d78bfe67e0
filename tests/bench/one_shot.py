"""One-shot commands through bin/ccpm-* against an interpreter that does nothing; and where their time goes."""

from __future__ import annotations

import os
import shutil

from bench.report import Goal, Sample, Table, number, times
from bench.setting import BIN, LIB, PYTHON, Project, Scale, clean_python, shuffled, spawn

RIVAL = "python3 -c pass"
TASK = """---
name: Parse the configuration
status: open
created: 2025-01-01T00:00:00Z
updated: 2025-01-01T00:00:00Z
github: https://github.com/acme/app/issues/12
depends_on: [001, 002]
parallel: true
version: 1
---

# Parse the configuration

Some words about it.
"""
BARE = [PYTHON, "-S", "-E"]
PATH = f"import sys; sys.path[:0] = [{str(LIB)!r}, {str(LIB / 'vendor')!r}]; "


class Timed:
    """Commands that are run in turn, in another order in each round; the seconds that each took."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.content = str(project.base / "stdin")
        with open(self.content, "w") as file:
            file.write(TASK)
        self.found: dict[str, list[float]] = {}

    def run(self, name: str, *argv: str, expect: int = 0) -> None:
        took = spawn(list(argv), self.project.environment(), self.content, expect)
        self.found.setdefault(name, []).append(took)

    def sample(self, name: str) -> Sample:
        return Sample(self.found[name]).scaled(1e3)


def measure(scale: Scale) -> list[Table]:
    with Project.create() as project:
        (project.top / "001.md").write_text(TASK)
        before = os.getcwd()
        os.chdir(project.top)
        try:
            return [_commands(project, scale), _parts(project, scale)]
        finally:
            os.chdir(before)


def _commands(project: Project, scale: Scale) -> Table:
    timed = Timed(project)
    python = clean_python(project)
    lock, write, fm = (str(BIN / f"ccpm-{name}") for name in ("lock", "atomic-write", "fm-cas"))
    project.must(lock, "acquire", "held")
    shown = {
        "ccpm-lock acquire": "takes a free lock",
        "ccpm-lock check": "of a held lock",
        "ccpm-lock renew": "",
        "ccpm-lock release": "gives it back",
        "ccpm-atomic-write": "replaces a file",
        "ccpm-fm-cas get": "one key",
        "ccpm-fm-cas update": "one key, checked by ruamel.yaml",
    }
    commands = {
        RIVAL: [python, "-c", "pass"],
        "python3 -S -E -c pass": [*BARE, "-c", "pass"],
        "flock": ["flock", "file.flock", "true"],
        "ccpm-lock acquire": [lock, "acquire", "r"],
        "ccpm-lock release": [lock, "release", "r"],
        "ccpm-lock check": [lock, "check", "held"],
        "ccpm-lock renew": [lock, "renew", "held"],
        "ccpm-atomic-write": [write, "notes.md"],
        "ccpm-fm-cas get": [fm, "get", "001.md", "status"],
        "ccpm-fm-cas update": [fm, "update", "001.md", "status=in-progress"],
    }
    tools = ["flock"] if shutil.which("flock") else []
    rivals = [RIVAL, "python3 -S -E -c pass", *tools]
    names = [*(name for name in shown if name != "ccpm-lock release"), *rivals]
    for round_ in range(scale.pick(41, 3)):
        for name in shuffled(names, round_):
            timed.run(name, *commands[name])
            if name == "ccpm-lock acquire":  # a release needs a lock to give back
                timed.run("ccpm-lock release", *commands["ccpm-lock release"])
        if round_ == 0:
            timed.found.clear()  # the first round fills the caches
    rival, bare = timed.sample(RIVAL), timed.sample(rivals[1])
    rows = []
    for name in [*rivals, *shown]:
        got = timed.sample(name)
        what = f"`{name}`" + (f" {shown[name]}" if shown.get(name) else "")
        what += " (flock(1): a program that only locks)" if name == "flock" else ""
        ratios = [times(got.median, rival.median), times(got.median, bare.median)]
        rows.append([what, number(got.median), got.spread, *ratios])
    worst = max(
        timed.sample(name).median / rival.median for name in ("ccpm-lock acquire", "ccpm-lock release")
    )
    return Table(
        "One command, from start to end",
        "Each command is a process of its own, as a shell or an agent starts it. The rival is the same interpreter in"
        " a virtual environment without packages, doing nothing; the last column compares with what the helpers pay"
        f" for the interpreter at least (`-S -E`). {len(timed.found[RIVAL])} rounds, the order shuffled in each.",
        ["command", "median, ms", "middle 80 %, ms", f"against `{RIVAL}`", "against `-S -E -c pass`"],
        rows,
        [Goal(f"one-shot acquire and release ≤ 4× `{RIVAL}` (aim: 2.5×)", worst <= 4, f"{number(worst)}×")],
        scene="one-shot",
    )


def _parts(project: Project, scale: Scale) -> Table:
    """What an acquire consists of, each line a program that does one thing more than the one before."""
    timed = Timed(project)
    launcher = project.base / "launcher"
    shutil.copytree(BIN, launcher / "bin", symlinks=True)
    (launcher / "lib" / "vendor").mkdir(parents=True)
    for name in ("main.py", "setup.sh"):
        (launcher / "lib" / name).touch()
    (launcher / "lib" / ".python").write_text(
        "/bin/true\n" if os.path.exists("/bin/true") else "/usr/bin/true\n"
    )
    guard = PATH + "import ccpm.cli.lock; from ccpm.files import guard; guard._load_portalocker()"
    main = [*BARE, str(LIB / "main.py"), "lock"]
    steps: list[tuple[str, list[str]]] = [
        ("the launcher, bin/ccpm (sh), starting `true`", [str(launcher / "bin/ccpm-lock"), "acquire", "r"]),
        ("the interpreter: `python3 -S -E -c pass`", [*BARE, "-c", "pass"]),
        ("… and the modules of ccpm-lock", [*BARE, "-c", PATH + "import ccpm.cli.lock"]),
        ("… and portalocker's lock module", [*BARE, "-c", guard]),
        ("… and the work: `main.py lock acquire`", [*main, "acquire", "r"]),
        ("the same, where fsync costs nothing (memory)", []),
        ("for comparison: `import argparse`, which we avoid", [*BARE, "-c", "import argparse"]),
        ("for comparison: `import json`, which we avoid", [*BARE, "-c", "import json"]),
    ]
    memory = "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None
    with Project.create(memory) as other:
        environment = {**other.environment(), "CCPM_ROOT": str(other.top)}
        for round_ in range(scale.pick(31, 3)):
            for name in shuffled([name for name, _ in steps], round_):
                argv = dict(steps)[name]
                if argv:
                    timed.run(name, *argv)
                else:
                    took = spawn([*main, "acquire", "r"], environment)
                    timed.found.setdefault(name, []).append(took)
                    spawn([*main, "release", "r"], environment)
                if name.startswith("… and the work"):
                    spawn([*main, "release", "r"], project.environment())
    if memory is None:
        steps = [step for step in steps if step[1]]
    rows = [[name, number(timed.sample(name).median), timed.sample(name).spread] for name, _ in steps]
    return Table(
        "Where the time of an acquire goes",
        "Each line is a program of its own; one that begins with “…” does one thing more than the line above it. A"
        " whole acquire is the first line and the line with the work, together.",
        ["program", "median, ms", "middle 80 %, ms"],
        rows,
        scene="one-shot",
    )
