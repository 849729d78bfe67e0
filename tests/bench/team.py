"""An epic worked off by 1, 2, 4 and 8 agents, each a process that uses only the commands: what more agents bring."""

from __future__ import annotations

import os
import subprocess
import time

from bench.report import Goal, Table, number
from bench.setting import BIN, Project, Scale
from ccpm.core.schedule import Job, chain_lengths

TASKS = 16
EPIC = "auth"
AGENT = """\
while :; do
  task=$(ccpm-work next auth --steal 2>/dev/null) || {
    [ $? -eq 1 ] || exit 1
    ccpm-query epic-show auth --json | grep -q '"open": 0' && exit 0
    continue
  }
  ccpm-work start "auth/$task" 2>/dev/null || continue
  sleep "$(sed -n 's/^sleep: //p' ".claude/epics/auth/$task.md")"
  ccpm-work "done" "auth/$task" --no-code bench >/dev/null || exit 1
done
"""


def measure(scale: Scale) -> list[Table]:
    unit = 0.1 if scale.is_quick else 1.0
    crews = [1, 4] if scale.is_quick else [1, 2, 4, 8]
    jobs = _jobs(unit)
    work, chain = sum(job.hours for job in jobs), max(chain_lengths(jobs).values())
    rows, alone = [], 0.0
    for agents in crews:
        seconds, done = _run(jobs, agents)
        alone = alone or seconds
        bound = max(work / agents, chain)
        cells = [
            number(seconds),
            f"{alone / seconds:.2f}×",
            number(bound),
            f"{seconds / bound:.2f}×",
            str(done),
        ]
        rows.append([str(agents), *cells])
    wrong = sum(row[-1] != str(TASKS) for row in rows)
    return [
        Table(
            "A team on one epic",
            f"Processes work off an epic of {TASKS} tasks with dependencies: `next --steal`, `start`, the work (a sleep of"
            f" {unit:g} to {3 * unit:g} s), `done`, until none is left. The bound is what no plan can beat: all work divided"
            " by the agents, or the longest chain. What is over it is the commands themselves, some 20 of them a task,"
            " which share the machine's cores, and the wait for the last task.",
            ["agents", "seconds", "against one", "bound, s", "against the bound", "tasks done"],
            rows,
            [
                Goal(
                    "every task is done exactly once, whatever the number of agents",
                    wrong == 0,
                    f"{wrong} runs not so",
                )
            ],
            scene="team",
        )
    ]


def _jobs(unit: float) -> list[Job]:
    """Every fourth task waits for the one three before it: some chains, much that can be done at once."""
    return [
        Job(f"{n:03d}", unit * (1 + n % 3), frozenset([f"{n - 3:03d}"] if n % 4 == 0 else []))
        for n in range(1, TASKS + 1)
    ]


def _run(jobs: list[Job], agents: int) -> tuple[float, int]:
    with Project.create() as project:
        folder = project.top / ".claude" / "epics" / EPIC
        folder.mkdir(parents=True)
        (folder / "epic.md").write_text("---\nname: auth\nstatus: backlog\nprogress: 0%\n---\n")
        for job in jobs:
            fields = f"name: Task\nstatus: open\ndepends_on: [{', '.join(job.needs)}]\nsleep: {job.hours:g}\n"
            (folder / f"{job.key}.md").write_text(f"---\n{fields}---\n")
        started = time.monotonic()
        crew = [
            subprocess.Popen(
                ["bash", "-c", AGENT],
                cwd=project.top,
                env={
                    **os.environ,
                    "PATH": f"{BIN}:{os.environ['PATH']}",
                    "CCPM_AGENT_ID": f"agent-{number_}",
                },
            )
            for number_ in range(agents)
        ]
        try:
            for process in crew:
                process.wait(timeout=300)
        finally:
            for process in crew:
                process.kill()
                process.wait()
        seconds = time.monotonic() - started
        log = (project.top / ".claude" / "metrics" / "events.jsonl").read_text()
        return seconds, log.count('"event":"work.done"')
