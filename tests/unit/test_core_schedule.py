"""Schedules: valid, near the best, and never worse than Graham's bound."""

from __future__ import annotations

import os
import random
import statistics

from hypothesis import given
from hypothesis import strategies as st

from ccpm.core import schedule
from ccpm.core.schedule import Job, Schedule

DAGS = 10_000 if os.environ.get("CCPM_GENERATED") else 1_000
"""How many small graphs are compared with the best possible schedule."""


def jobs_of(chance: random.Random, count: int, density: float, conflicts: float = 0.0) -> list[Job]:
    keys = [f"j{number}" for number in range(count)]
    return [
        Job(
            key,
            float(chance.choice((1, 2, 3, 5, 8))),
            frozenset(k for k in keys[:number] if chance.random() < density),
            frozenset(k for k in keys if k != key and chance.random() < conflicts),
        )
        for number, key in enumerate(keys)
    ]


def check_is_valid(made: Schedule, jobs: list[Job], agents: list[str]) -> None:
    at = {slot.job.key: slot for slot in made.slots}
    assert len(at) == len(made.slots) == len(jobs)
    for slot in made.slots:
        assert slot.agent in agents
        assert slot.end == slot.start + slot.job.hours
        assert all(at[need].end <= slot.start for need in slot.job.needs)
        for other in made.slots:
            is_beside = other is not slot and slot.start < other.end and other.start < slot.end
            if is_beside:
                assert other.agent != slot.agent
                assert other.job.key not in slot.job.conflicts


def best_makespan(jobs: list[Job], machines: int) -> float:
    """The shortest of all schedules in which no job could start earlier: every order, every machine, by branch and
    bound. One of them is the best (a left-shifted schedule, sorted by its starts)."""
    best = sum(job.hours for job in jobs)
    ends: dict[str, float] = {}
    free = [0.0] * machines

    def go_on(latest: float) -> None:
        nonlocal best
        if len(ends) == len(jobs):
            best = min(best, latest)
            return
        for job in jobs:
            if job.key in ends or not job.needs <= ends.keys():
                continue
            ready = max((ends[need] for need in job.needs), default=0.0)
            for machine in {time: number for number, time in enumerate(free)}.values():
                before = free[machine]
                end = max(before, ready) + job.hours
                if end < best:
                    free[machine] = ends[job.key] = end
                    go_on(max(latest, end))
                    free[machine] = before
                    del ends[job.key]

    go_on(0.0)
    return best


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 5), st.floats(0, 0.6), st.floats(0, 0.3))
def test_every_job_is_done_once_after_its_needs_and_never_beside_a_conflict(
    seed: int, count: int, agents: int, density: float, conflicts: float
) -> None:
    jobs = jobs_of(random.Random(seed), count, density, conflicts)
    names = [f"a{number}" for number in range(agents)]
    made = schedule.make(jobs, names)
    assert made.impossible == []
    check_is_valid(made, jobs, names)


def test_it_is_never_longer_than_graham_allows_and_often_the_best() -> None:
    chance = random.Random(1969)
    optimal = 0
    for _ in range(DAGS):
        jobs = jobs_of(chance, chance.randint(2, 6), chance.choice((0.0, 0.2, 0.4)))
        machines = chance.randint(2, 3)
        made = schedule.make(jobs, [f"a{number}" for number in range(machines)])
        best = best_makespan(jobs, machines)
        assert best <= made.makespan <= (2 - 1 / machines) * best + 1e-9
        optimal += made.makespan <= best + 1e-9
    assert optimal > 0.8 * DAGS


def test_large_epics_come_within_five_percent_of_the_lower_bound_at_the_median() -> None:
    chance = random.Random(7)
    ratios = []
    for _ in range(60):
        agents = chance.choice((1, 2, 4, 8, 16, 32))
        jobs: list[Job] = []
        for number in range(agents * 8):
            needs = chance.sample(range(number), min(number, chance.choice((0, 0, 1, 2))))
            hours = min(40.0, chance.lognormvariate(1.0, 0.8))  # skewed: a few long ones
            jobs.append(Job(f"j{number}", hours, frozenset(f"j{need}" for need in needs)))
        made = schedule.make(jobs, [f"a{number}" for number in range(agents)])
        bound = max(made.work / agents, *schedule.chain_lengths(jobs).values())
        ratios.append(made.makespan / bound)
    assert statistics.median(ratios) <= 1.05


def test_what_is_in_work_stays_with_its_agent_and_comes_first() -> None:
    jobs = [
        Job("a", 4.0, frozenset()),
        Job("b", 1.0, frozenset(["a"])),
        Job("c", 2.0, frozenset()),
        Job("d", 1.0, frozenset()),
    ]
    made = schedule.make(jobs, ["x", "y"], {"d": "x", "c": "z"})
    at = {slot.job.key: (slot.agent, slot.start) for slot in made.slots}
    assert at["d"] == ("x", 0.0)
    assert at["c"] == ("z", 0.0), "an agent that is not planned for keeps what it has"
    assert at["a"] == ("y", 0.0)
    assert at["b"] == ("x", 4.0)
    assert "z" not in {slot.agent for slot in made.slots if slot.job.key != "c"}


def test_a_circle_and_a_need_that_is_no_job_are_impossible_with_all_behind_them() -> None:
    jobs = [
        Job("a", 1.0, frozenset(["b"])),
        Job("b", 1.0, frozenset(["a"])),
        Job("c", 1.0, frozenset(["? 9"])),
        Job("d", 1.0, frozenset(["c"])),
        Job("e", 1.0, frozenset()),
    ]
    made = schedule.make(jobs, ["x"])
    assert [slot.job.key for slot in made.slots] == ["e"]
    assert made.impossible == ["a", "b", "c", "d"]


def test_without_agents_nothing_is_planned() -> None:
    made = schedule.make([Job("a", 1.0, frozenset())], [])
    assert (made.slots, made.impossible, made.makespan) == ([], ["a"], 0.0)
