"""Schedules: which agent does which task when, so that all are done early.

Contract: pure. List scheduling: whenever an agent is free, it gets the startable job with the longest chain of work
behind it. For m agents and jobs without conflicts the makespan is at most (2 - 1/m) times the best one, whatever the
order of the list (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969); longest
chain first is what makes it near the lower bound max(total work / m, longest chain) in practice.

Non-guarantee: conflicts (jobs that may not run at the same time) can make any schedule longer than that bound.
"""

from __future__ import annotations

import heapq

from ccpm.core.graph import longest_chains


class Job:
    """`key` names it; `hours` it takes; it starts after all of `needs`, and never beside one of `conflicts`."""

    __slots__ = ("conflicts", "hours", "key", "needs")

    def __init__(
        self, key: str, hours: float, needs: frozenset[str], conflicts: frozenset[str] = frozenset()
    ) -> None:
        self.key = key
        self.hours = hours
        self.needs = needs
        self.conflicts = conflicts


class Slot:
    """`job` done by `agent` from `start` to `end`, in hours from now."""

    __slots__ = ("agent", "end", "job", "start")

    def __init__(self, job: Job, agent: str, start: float, end: float) -> None:
        self.job = job
        self.agent = agent
        self.start = start
        self.end = end


class Schedule:
    """`slots` in order of their starts; `impossible`: keys of jobs that can never start (a need that is no job, a
    circle of needs), with what waits for them."""

    __slots__ = ("impossible", "slots")

    def __init__(self, slots: list[Slot], impossible: list[str]) -> None:
        self.slots = slots
        self.impossible = impossible

    @property
    def makespan(self) -> float:
        """Hours until the last job is done."""
        return max((slot.end for slot in self.slots), default=0.0)

    @property
    def work(self) -> float:
        """Hours of all jobs together."""
        return sum(slot.job.hours for slot in self.slots)


def make(jobs: list[Job], agents: list[str], running: dict[str, str] | None = None) -> Schedule:
    """The schedule of `jobs` on `agents`. `running`: {job: agent} of the jobs in work now, which come first for their
    agent; an agent named only there gets nothing more.

    Deterministic: ties go to the job, then to the agent, that comes first in its list.
    """
    return _Simulation(jobs, agents, running or {}).run()


class _Simulation:
    """Goes from one end of a job to the next; `order` is the list of list scheduling."""

    def __init__(self, jobs: list[Job], agents: list[str], running: dict[str, str]) -> None:
        self.jobs = jobs
        self.agents = agents
        self.running = running
        chains = chain_lengths(jobs)
        order = sorted(range(len(jobs)), key=lambda index: (-chains[jobs[index].key], index))
        self.rank = {jobs[index].key: place for place, index in enumerate(order)}
        self.followers: dict[str, list[Job]] = {}
        for job in jobs:
            for key in job.needs:
                self.followers.setdefault(key, []).append(job)
        self.unmet = {job.key: len(job.needs) for job in jobs}
        self.active: dict[str, Job] = {}
        self.slots: list[Slot] = []
        self.ends: list[tuple[float, int, Slot]] = []
        for job in jobs:
            if job.key in running:
                self._begin(job, running[job.key], self._free_from(running[job.key]))
        taken = {slot.agent for slot in self.slots}
        self.idle = [number for number, agent in enumerate(agents) if agent not in taken]
        self.startable = [job for job in jobs if not job.needs and job.key not in running]

    def run(self) -> Schedule:
        now = 0.0
        while True:
            self._assign(now)
            if not self.ends:
                break
            now = self.ends[0][0]
            while self.ends and self.ends[0][0] <= now:
                self._finish(heapq.heappop(self.ends)[2], now)
        started = {slot.job.key for slot in self.slots}
        return Schedule(self.slots, [job.key for job in self.jobs if job.key not in started])

    def _assign(self, now: float) -> None:
        self.startable.sort(key=lambda job: self.rank[job.key])
        for job in list(self.startable):
            if not self.idle:
                return
            if self._is_free_of_conflicts(job):
                self.startable.remove(job)
                self._begin(job, self.agents[heapq.heappop(self.idle)], now)

    def _begin(self, job: Job, agent: str, start: float) -> None:
        slot = Slot(job, agent, start, start + job.hours)
        self.slots.append(slot)
        self.active[job.key] = job
        heapq.heappush(self.ends, (slot.end, len(self.slots), slot))

    def _finish(self, slot: Slot, now: float) -> None:
        del self.active[slot.job.key]
        if slot.agent in self.agents and self._free_from(slot.agent) <= now:
            heapq.heappush(self.idle, self.agents.index(slot.agent))
        for job in self.followers.get(slot.job.key, []):
            self.unmet[job.key] -= 1
            if not self.unmet[job.key] and job.key not in self.running:
                self.startable.append(job)

    def _free_from(self, agent: str) -> float:
        return max((slot.end for slot in self.slots if slot.agent == agent), default=0.0)

    def _is_free_of_conflicts(self, job: Job) -> bool:
        others = self.active
        return not job.conflicts & others.keys() and not any(
            job.key in one.conflicts for one in others.values()
        )


def chain_lengths(jobs: list[Job]) -> dict[str, float]:
    """Hours on the longest chain of needs that starts with each job, itself included. A circle counts as one job."""
    hours = {job.key: job.hours for job in jobs}
    unblocks: dict[str, list[str]] = {key: [] for key in hours}
    for job in jobs:
        for key in job.needs & hours.keys():
            unblocks[key].append(job.key)
    return longest_chains(hours, unblocks)
