"""The registry of agents with 1 to 64 of them: what each operation costs, and how many can give signs of life at
once."""

from __future__ import annotations

import shutil
import time

from bench.report import Goal, Sample, Table, number, times
from bench.setting import Project, Scale, Worker, workers

LEVELS = [1, 4, 16, 64]
BEATERS = [1, 8, 64]
SHOWN = ["heartbeat", "claim", "refused claim", "release", "owner_of", "owner_of nobody's", "list"]
BARE = "bare"
BEAT = 60.0
"""Seconds between two signs of life of one agent (core/registry.py)."""


def measure(scale: Scale) -> list[Table]:
    return [_operations(scale), _beats(scale)]


def _operations(scale: Scale) -> Table:
    levels = [1, 16] if scale.is_quick else LEVELS
    medians: dict[tuple[str, int], float] = {}
    with Project.create() as project:
        for count in levels:
            _empty(project)
            with workers(project, 1) as (worker,):
                worker.ask("settle", top=str(project.top), count=count)
                seconds = worker.ask("each", top=str(project.top), rounds=scale.pick(61, 4))["seconds"]
                assert isinstance(seconds, dict)
                for name, values in seconds.items():
                    medians[name, count] = Sample(values[1:]).scaled(1e3).median
    rows = [[f"`{name}`", *(number(medians[name, count]) for count in levels)] for name in SHOWN]
    rows.append(
        ["the same file, rewritten under flock(2)", *(number(medians[BARE, count]) for count in levels)]
    )
    most = levels[-1]
    worst = medians["owner_of", most]
    return Table(
        "Agents: one operation",
        "A process that stays alive, in a project with so many agents, each with a stream of two patterns; medians in"
        " ms. `owner_of` is what a hook asks before an edit. The last line is the rival of all that write: read, change and"
        " publish the same JSON, without guard, judgement of who lives, patterns or log.",
        ["operation", *(f"{count} agents" if count > 1 else "1 agent" for count in levels)],
        rows,
        [Goal(f"`owner_of` with {most} agents ≤ 10 ms", worst <= 10, f"{number(worst)} ms")],
        scene="registry",
    )


def _beats(scale: Scale) -> Table:
    levels = [1, 4] if scale.is_quick else BEATERS
    rows = []
    enough = True
    with Project.create() as project:
        for count in levels:
            _empty(project)
            with workers(project, count) as crew:
                crew[0].ask("settle", top=str(project.top), count=count)
                rates = {}
                for kind in ("ours", BARE):
                    answers = [
                        answer["count"] for answer in _together(project, crew, scale.seconds(2.0), kind)
                    ]
                    rates[kind] = sum(int(str(one)) for one in answers) / scale.seconds(2.0)
            enough = enough and rates["ours"] >= count / BEAT
            rows.append(
                [
                    str(count),
                    number(rates["ours"]),
                    number(rates[BARE]),
                    times(rates["ours"], rates[BARE]),
                    number(rates["ours"] * BEAT),
                ]
            )
    return Table(
        "Agents: signs of life at once",
        "So many processes, each an agent, write the registry of one epic as fast as they can; the rival does the same"
        " with the bare file.",
        ["agents", "heartbeats/s", "rival: /s", "ours against the rival", "agents that it would carry"],
        rows,
        [Goal("one heartbeat a minute for each agent", enough, "carried" if enough else "not carried")],
        scene="registry",
    )


def _together(project: Project, crew: list[Worker], seconds: float, kind: str) -> list[dict[str, object]]:
    at = time.monotonic() + 0.05 + 0.002 * len(crew)
    for place, worker in enumerate(crew):
        worker.send("beats", top=str(project.top), number=place, at=at, seconds=seconds, kind=kind)
    return [worker.receive() for worker in crew]


def _empty(project: Project) -> None:
    folder = project.top / ".claude" / "epics" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
