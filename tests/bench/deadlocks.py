"""Deadlocks: how soon a cycle is refused, that exactly one of its members is, and no one else ever."""

from __future__ import annotations

import select

from bench.report import Goal, Sample, Table, number
from bench.setting import Project, Scale, Worker, together, until, workers

SIZES = [2, 3, 4, 8, 16]
LIMIT = 1.5
REFUSED = 13


def measure(scale: Scale) -> list[Table]:
    sizes = [2, 4] if scale.is_quick else SIZES
    rows = []
    worst = 0.0
    wrong = 0
    with Project.create() as project:
        for size in sizes:
            found: dict[str, list[float]] = {"last": [], "at once": []}
            with workers(project, size) as crew:
                for round_ in range(scale.pick(10, 1)):
                    for how in found:
                        took, refused = _cycle(
                            project, crew, f"{how[:2].strip()}{size}-{round_}", how == "last"
                        )
                        found[how].append(took * 1e3)
                        wrong += refused != 1
            last, at_once = Sample(found["last"]), Sample(found["at once"])
            worst = max(worst, last.worst, at_once.worst)
            cells = [number(last.median), number(last.worst), number(at_once.median), number(at_once.worst)]
            rows.append([str(size), str(2 * len(last.values)), *cells])
        taken, waited, alarms = _without_cycles(project, scale)
    note = (
        f"False alarms: 8 processes took two or three of 6 locks at a time in one common order, {taken} acquisitions of"
        f" which {waited} had to wait; {alarms} were refused."
    )
    return [
        Table(
            "Deadlocks",
            "Each of n agents holds a lock and asks for the next one's, in a ring. “Last”: all but one wait already when"
            " the last one asks; from its call to the refusal. “At once”: all ask at the same moment; from the last call"
            " to the first refusal. The one that is refused gives its lock back, and then all others must get theirs."
            " Without detection, both would take the timeout, 30 s by default.",
            ["agents", "rings", "last: median, ms", "worst", "at once: median, ms", "worst"],
            rows,
            [
                Goal(
                    f"a ring of 2 to {sizes[-1]} agents is refused within {LIMIT} s",
                    worst <= LIMIT * 1e3,
                    f"worst {number(worst)} ms",
                ),
                Goal("exactly one of a ring is refused", wrong == 0, f"{wrong} rings with another number"),
                Goal("no false alarm", alarms == 0, f"{alarms} in {waited} waits without a cycle"),
            ],
            [note],
            scene="deadlocks",
        )
    ]


def _cycle(project: Project, crew: list[Worker], name: str, one_is_last: bool) -> tuple[float, int]:
    """(seconds to the first refusal, how many were refused) of one ring through the whole `crew`."""
    resources = [f"{name}-{index}" for index in range(len(crew))]
    for worker, own in zip(crew, resources, strict=True):
        worker.ask("acquire", resource=own)
    wanted = [*resources[1:], resources[0]]
    begun: list[float] = []
    if one_is_last:
        for worker, other in zip(crew[:-1], wanted[:-1], strict=True):
            worker.send("acquire", resource=other)
        until(lambda: sum(project.waiters(other) for other in wanted[:-1]) == len(crew) - 1)
        crew[-1].send("acquire", resource=wanted[-1])
    else:
        for worker, other in zip(crew, wanted, strict=True):
            worker.send("acquire", resource=other)
    refused_at: list[float] = []
    waiting = dict(enumerate(crew))
    while waiting:
        ready = select.select([worker.stream for worker in waiting.values()], [], [], 40)[0]
        if not ready:
            raise TimeoutError("a ring was not broken")
        index = next(i for i, worker in waiting.items() if worker.stream is ready[0])
        answer = waiting.pop(index).receive()
        begun.append(float(str(answer["begun"])))
        if answer["status"] == REFUSED:
            refused_at.append(float(str(answer["ended"])))
        elif answer["status"]:
            raise RuntimeError(f"a member of a ring ended with {answer['status']}")
        else:
            crew[index].ask("release", resource=wanted[index])
        crew[index].ask("release", resource=resources[index])
    return min(refused_at, default=float("inf")) - max(begun), len(refused_at)


def _without_cycles(project: Project, scale: Scale) -> tuple[int, int, int]:
    """(acquisitions, waits, refusals) of processes that cannot deadlock."""
    names = [f"free-{index}" for index in range(6)]
    totals = [0, 0, 0]
    with workers(project, 8) as crew:
        answers = together(crew, "in_order", seconds=scale.seconds(10.0), names=names, seed=0)
        for answer in answers:
            for index, key in enumerate(("taken", "waited", "refused")):
                totals[index] += int(str(answer[key]))
    return totals[0], totals[1], totals[2]
