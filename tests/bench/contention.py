"""1 to 64 contenders for one lock: throughput, fairness, the longest wait; the rival is flock(2) in the same loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from bench.report import Goal, Sample, Table, jain, number, times
from bench.setting import Project, Scale, together, workers

LEVELS = [1, 2, 4, 8, 16, 32, 64]
FAIR = 0.98


@dataclass
class Runs:
    """All repetitions of one kind with one number of contenders."""

    rates: list[float] = field(default_factory=list)
    fairness: list[float] = field(default_factory=list)
    longest: list[float] = field(default_factory=list)
    overlaps: int = 0

    def add(self, answers: list[dict[str, object]]) -> None:
        spans = sorted((begun, ended) for answer in answers for begun, ended in _pairs(answer["spans"]))
        waits = [wait for answer in answers for wait in _floats(answer["waits"])]
        # To the last end: contenders that were in the queue when time was up still got their turn.
        self.rates.append((len(spans) - 1) / (spans[-1][1] - spans[0][0]))
        self.fairness.append(jain([len(_floats(answer["waits"])) for answer in answers]))
        self.longest.append(max(waits) * 1e3)
        self.overlaps += sum(later[0] < earlier[1] for earlier, later in pairwise(spans))


def measure(scale: Scale) -> list[Table]:
    levels = [1, 2, 8] if scale.is_quick else LEVELS
    runs: dict[tuple[str, int], Runs] = {}
    with Project.create() as project:
        for count in levels:
            with workers(project, count) as crew:
                for repetition in range(scale.pick(3, 1)):
                    for kind in ("flock", "ours"):
                        # many turns each, also for 64: with two or three, fairness would be a matter of rounding
                        longer = 0.0 if scale.is_quick or kind == "flock" else count * 0.15
                        seconds = max(scale.seconds(1.5), longer)
                        name = f"c{count}-{repetition}"
                        answers = together(crew, "contend", seconds=seconds, kind=kind, name=name)
                        runs.setdefault((kind, count), Runs()).add(answers)
    rows = []
    for count in levels:
        ours, rival = runs["ours", count], runs["flock", count]
        rate = Sample(ours.rates)
        rows.append(
            [
                str(count),
                number(rate.median),
                times(rate.median, Sample(runs["ours", 1].rates).median),
                f"{min(ours.fairness):.3f}",
                number(max(ours.longest)),
                number(Sample(rival.rates).median),
                f"{min(rival.fairness):.3f}",
                number(max(rival.longest)),
            ]
        )
    fairness = min(min(runs["ours", count].fairness) for count in levels)
    overlaps = sum(found.overlaps for (kind, _), found in runs.items() if kind == "ours")
    return [
        Table(
            "Contention",
            "Processes that stay alive take and give back one lock as fast as they can, all from the same moment on."
            f" {scale.pick(3, 1)} runs each of at least {number(scale.seconds(1.5))} s; the median of the rates, the"
            " worst fairness (Jain's index: 1 when all got the same number of turns) and the longest wait of all runs."
            " The rival is flock(2) in the same loop: it hands over without a queue, a record, a token or a disk.",
            [
                "contenders",
                "acquisitions/s",
                "against 1",
                "fairness",
                "longest wait, ms",
                "flock(2): /s",
                "fairness",
                "longest wait, ms",
            ],
            rows,
            [
                Goal(
                    f"Jain fairness ≥ {FAIR} with 1 to {levels[-1]} contenders",
                    fairness >= FAIR,
                    f"{fairness:.3f}",
                ),
                Goal("never two holders at once", overlaps == 0, f"{overlaps} overlaps"),
            ],
            scene="contention",
        )
    ]


def _floats(found: object) -> list[float]:
    assert isinstance(found, list)
    return found


def _pairs(found: object) -> list[tuple[float, float]]:
    assert isinstance(found, list)
    return [(float(begun), float(ended)) for begun, ended in found]
