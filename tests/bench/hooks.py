"""What a hook costs: every tool call of every session waits for it."""

from __future__ import annotations

import json
import os

from bench.one_shot import BARE, RIVAL
from bench.report import Goal, Sample, Table, number, times
from bench.setting import BIN, Project, Scale, clean_python, shuffled, spawn

OWNED, FREE = "src/db/user.ts", "src/app.ts"
EPICS = 20


def measure(scale: Scale) -> list[Table]:
    with Project.create() as project:
        _prepare(project)
        before = os.getcwd()
        os.chdir(project.top)
        try:
            return [_latency(project, scale)]
        finally:
            os.chdir(before)


def _prepare(project: Project) -> None:
    """Epics, in one of which an agent that lives claims src/db/**."""
    for number_ in range(EPICS):
        (project.top / f".claude/epics/epic-{number_}").mkdir(parents=True)
    agent = str(BIN / "ccpm-agent")
    project.must(agent, "claim", "epic-1", "db", "src/db/**", "--pid", str(os.getpid()), agent="owner")
    project.must(agent, "register", "epic-1", "--pid", str(os.getpid()), agent="bench")


def _latency(project: Project, scale: Scale) -> Table:
    def said(name: str, tool: str, **given: str) -> str:
        path = project.base / f"{name}.json"
        data = {"session_id": "s", "cwd": str(project.top), "tool_name": tool, "tool_input": given}
        path.write_text(json.dumps(data))
        return str(path)

    hook = str(BIN / "ccpm-hook")
    bare = "python3 -S -E -c pass"
    calls: dict[str, tuple[list[str], str]] = {
        RIVAL: ([clean_python(project), "-c", "pass"], os.devnull),
        bare: ([*BARE, "-c", "pass"], os.devnull),
        "an edit of a file that nobody claims": ([hook, "PreToolUse"], said("free", "Edit", file_path=FREE)),
        "a Bash command": ([hook, "PreToolUse"], said("command", "Bash", command="npm test 2>&1 | tail -5")),
        "after a tool": ([hook, "PostToolUse"], said("after", "Read", file_path=FREE)),
        "an edit that is refused": ([hook, "PreToolUse"], said("owned", "Edit", file_path=OWNED)),
        "a command that is refused": ([hook, "PreToolUse"], said("writes", "Bash", command=f"rm {OWNED}")),
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(scale.pick(61, 3)):
        for name in shuffled(list(calls), round_):
            argv, stdin = calls[name]
            took = spawn(argv, project.environment(), stdin)
            if round_:  # the first round fills the caches
                found[name].append(took)
    samples = {name: Sample(values).scaled(1e3) for name, values in found.items()}
    rival, least = samples[RIVAL].median, samples[bare].median
    rows = []
    for name, sample in samples.items():
        what = f"`{name}`" if name in (RIVAL, bare) else name
        ratios = [times(sample.median, rival), times(sample.median, least)]
        rows.append([what, number(sample.median), sample.spread, *ratios])
    common = list(calls)[2:5]
    worst = max(samples[name].median / rival for name in common)
    return Table(
        "Hooks of Claude Code",
        f"`ccpm-hook` as Claude Code starts it, in a project with {EPICS} epics, in one of which an agent claims"
        f" `src/db/**`. The first three are the common path: nothing is written, nothing is said. {len(found[RIVAL])}"
        " rounds, the order shuffled in each.",
        [
            "call",
            "median, ms",
            "middle 80 %, ms",
            f"against `{RIVAL}`",
            f"against `{bare.removeprefix('python3 ')}`",
        ],
        rows,
        [Goal(f"a hook on the common path ≤ 1.5× `{RIVAL}`", worst <= 1.5, f"{number(worst)}×")],
        scene="hooks",
    )
