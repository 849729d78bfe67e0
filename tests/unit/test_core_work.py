"""Who gets which task: what is offered, what may be stolen, and a whole epic worked off by agents that come and go."""

from __future__ import annotations

import heapq
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ccpm.core import work
from ccpm.core.plan import EpicPlan, Task
from ccpm.core.work import Board


def task(key: str, status: str = "open", needs: str = "", rivals: str = "", hours: float = 0.0) -> Task:
    file = f".claude/epics/epic/{key}.md"
    return Task("epic", key, file, f"task {key}", status, needs.split(), rivals.split(), hours=hours)


def keys(tasks: list[Task]) -> list[str]:
    return [one.key for one in tasks]


def test_the_longest_chain_comes_first_and_blocked_held_and_running_tasks_are_not_offered() -> None:
    plan = EpicPlan(
        [
            task("001"),
            task("002"),
            task("003", needs="002"),
            task("004", "in-progress"),
            task("005", "closed"),
        ]
    )
    assert keys(work.available(Board(plan, {}), "a")) == ["002", "001"]
    assert keys(work.available(Board(plan, {"002": "b"}), "a")) == ["001"]


def test_a_conflict_named_on_either_side_keeps_a_task_back_while_the_other_is_in_work() -> None:
    plan = EpicPlan([task("001", rivals="002"), task("002"), task("003", "in-progress", rivals="001")])
    board = Board(plan, {"002": "b"})
    assert work.available(board, "a") == []
    assert work.why_not(board, plan.tasks[0]) == "it conflicts with #002, which b works on"
    assert keys(work.available(Board(plan, {}), "a")) == ["002"], "003 runs, and 001 conflicts with it"


def test_own_assignments_come_first_and_those_of_others_are_left_to_them() -> None:
    plan = EpicPlan([task("001", hours=9), task("002"), task("003")])
    board = Board(plan, {}, {"001": "b", "003": "a"})
    assert keys(work.available(board, "a")) == ["003", "002"]


def test_what_a_dead_agent_had_begun_is_offered_again() -> None:
    plan = EpicPlan([task("001", "in-progress"), task("002", "in-progress")])
    assert keys(work.available(Board(plan, {}, abandoned={"001": "dead"}), "a")) == ["001"]


def test_an_idle_agent_takes_from_the_most_loaded_one_and_assigned_work_before_claimed_work() -> None:
    plan = EpicPlan([task(f"00{n}", hours=n) for n in range(1, 7)])
    board = Board(plan, {"001": "b", "006": "c", "005": "c"}, {"002": "b", "003": "c"})
    found = work.find_steal(board, "a")
    assert found
    assert (found.task.key, found.victim, found.is_held) == ("003", "c", False)
    claimed = work.find_steal(Board(plan, {"001": "b", "006": "c", "005": "c"}), "a")
    assert claimed
    assert (claimed.task.key, claimed.victim, claimed.is_held) == ("006", "c", True)


def test_the_only_task_in_hand_and_what_was_begun_cannot_be_stolen() -> None:
    plan = EpicPlan([task("001"), task("002", "in-progress"), task("003")])
    assert work.find_steal(Board(plan, {"001": "b", "003": "c"}), "a") is None
    board = Board(plan, {"001": "b", "002": "b"}, begun=frozenset(["001"]))
    assert work.find_steal(board, "a") is None


def test_the_typical_effort_is_the_median_of_what_was_done() -> None:
    assert work.typical_hours([]) == 1.0
    assert work.typical_hours([8.0, 0.5, 2.0]) == 2.0


class Simulation:
    """An epic worked off by agents that use only the decisions under test. Time is in hours; `kill` takes agents away
    in the middle of their tasks."""

    def __init__(self, tasks: list[Task], agents: int, chance: random.Random, kills: int) -> None:
        self.plan = EpicPlan(tasks)
        self.chance = chance
        self.kills = kills
        self.held: dict[str, str] = {}
        self.abandoned: dict[str, str] = {}
        self.idle = {f"a{number}" for number in range(agents)}
        self.ends: list[tuple[float, str, str]] = []
        self.finished: list[str] = []
        self.now = 0.0
        self.born = agents

    @property
    def board(self) -> Board:
        return Board(self.plan, dict(self.held), abandoned=dict(self.abandoned))

    def run(self) -> float:
        while True:
            self._give_out()
            assert not (self.idle and self._startable()), "an agent is idle while a task can be started"
            if not self.ends:
                return self.now
            self.now, key, agent = heapq.heappop(self.ends)
            if self.held.get(key) != agent:
                continue
            if self.kills and self.chance.random() < 0.3:
                self._kill(key, agent)
            else:
                self._finish(key, agent)

    def _give_out(self) -> None:
        for agent in sorted(self.idle):
            offers = work.available(self.board, agent)
            if offers:
                chosen = offers[0]
                self.abandoned.pop(chosen.key, None)
                self.held[chosen.key] = agent
                chosen.status = "in-progress"
                self.idle.discard(agent)
                heapq.heappush(self.ends, (self.now + (chosen.hours or 1.0), chosen.key, agent))

    def _startable(self) -> list[Task]:
        return [one for one in self.plan.tasks if work.why_not(self.board, one) == ""]

    def _kill(self, key: str, agent: str) -> None:
        self.kills -= 1
        del self.held[key]
        self.abandoned[key] = agent
        self.idle.add(f"a{self.born}")
        self.born += 1

    def _finish(self, key: str, agent: str) -> None:
        del self.held[key]
        done = next(one for one in self.plan.tasks if one.key == key)
        assert not done.is_closed
        done.status = "closed"
        self.finished.append(key)
        self.idle.add(agent)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 8), st.integers(0, 5))
def test_under_kills_every_task_is_done_exactly_once_and_nobody_idles_beside_a_ready_task(
    seed: int, count: int, agents: int, kills: int
) -> None:
    chance = random.Random(seed)
    tasks = []
    for number in range(1, count + 1):
        before = [f"{n:03d}" for n in range(1, number) if chance.random() < 0.1]
        rivals = [f"{n:03d}" for n in range(1, count + 1) if n != number and chance.random() < 0.05]
        tasks.append(
            task(f"{number:03d}", needs=" ".join(before), rivals=" ".join(rivals), hours=chance.randint(1, 9))
        )
    simulation = Simulation(tasks, agents, chance, kills)
    simulation.run()
    assert sorted(simulation.finished) == [one.key for one in simulation.plan.tasks]
