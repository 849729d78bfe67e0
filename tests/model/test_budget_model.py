"""The budget against a GitHub of its own making, under a simulated clock: hours of work of several agents in a second.

`Hub` keeps the published rules by itself, from the moments in which requests arrive; it shares nothing with the code
under test. Each step of the ledger goes through the record that is written, as between two processes.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccpm.core import budget, forecast, ledger
from ccpm.core.leases import Owner
from ccpm.core.ledger import ANSWERED, CORE, CREATE, LOST, READ, REFUSED, WRITE, Cost, Facts, Ledger, Rules
from ccpm.files import budget_record

START = 1_800_000_000.0
MILLISECOND = 0.001
"""The precision of the record."""
NOBODY = Owner("", 0, "", "", "", "")


class Hub:
    """GitHub: what arrived when, the window of the primary limit, and the pause that it asked for."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.reset = 0.0
        self.creations: list[float] = []
        self.points: list[tuple[float, int]] = []
        self.pause = 0.0
        self.overdrawn = 0

    def receive(self, at: float, kind: str) -> bool:
        """Whether the request is carried out; AssertionError if it should not have been sent."""
        assert at >= self.pause - MILLISECOND, "sent while GitHub had asked for a pause"
        if at >= self.reset:
            self.used, self.reset = 0, float(int(at + 3600.0))
        if self.used >= self.limit:
            self.overdrawn += 1
            return False
        self.used += 1
        if kind == CREATE:
            self.creations.append(at)
            assert len(self.creations) <= 80 or self.creations[-81] <= at - 60.0 + MILLISECOND
            assert len(self.creations) <= 500 or self.creations[-501] <= at - 3600.0 + MILLISECOND
        self.points = [one for one in self.points if one[0] > at - 60.0]
        self.points.append((at, 1 if kind == READ else 5))
        assert sum(points for _, points in self.points) <= 900
        return True

    def facts(self, outcome: str, retry_after: float | None = None, date: float = 0.0) -> Facts:
        left = max(0, self.limit - self.used)
        return Facts(outcome, CORE, self.limit, left, self.reset, date, retry_after)


class World:
    """Agents that share a ledger, their clock (`skew` behind GitHub's), and the hub."""

    def __init__(self, limit: int = 5000, skew: float = 0.0) -> None:
        self.rules = Rules()
        self.hub = Hub(limit)
        self.skew = skew
        self.at = START
        self.data: dict[str, Any] = {"kept": "by writers"}
        self.sent = 0
        self.starts: list[float] = []
        self.dead: set[str] = set()

    def load(self) -> Ledger:
        found = budget_record.load(self.data)
        budget.tidy(found, self.here, self.rules, self.dead & set(found.reservations))
        return found

    def save(self, changed: Ledger) -> None:
        budget_record.store(changed, self.data)

    @property
    def here(self) -> float:
        return self.at - self.skew

    def wait(self, cost: Cost, agent: str, longest: float = 8000.0) -> Ledger:
        """Let time pass until `agent` may send; the ledger as it is then."""
        given_up = self.at + longest
        while True:
            found = self.load()
            wait = budget.delay(found, cost, agent, self.here, self.rules).seconds
            if not wait:
                return found
            self.at += wait
            assert self.at < given_up, (
                f"waits for ever: {budget.delay(found, cost, agent, self.here, self.rules).why}"
            )

    def begin(self, cost: Cost, agent: str) -> str:
        found = self.wait(cost, agent)
        self.sent += 1
        key = f"r{self.sent}"
        budget.begin(found, key, cost, agent, NOBODY, self.here, self.here + 120.0)
        self.save(found)
        if cost.kind != READ:
            assert not self.starts or self.at - self.starts[-1] >= self.rules.spacing - MILLISECOND
            self.starts.append(self.at)
        return key

    def settle(self, key: str, facts: Facts) -> None:
        found = self.load()
        budget.settle(found, key, facts, self.here, self.rules)
        self.save(found)

    def request(self, kind: str, agent: str, travel: float, answer: float, fate: str) -> None:
        key = self.begin(Cost(kind), agent)
        self.at += travel
        done = self.hub.receive(self.at, kind)
        facts = self.hub.facts(ANSWERED if done else REFUSED, date=float(int(self.at)))
        self.at += answer
        if fate == "killed":
            self.dead.add(key)
        elif fate == "lost":
            self.settle(key, Facts(LOST))
        elif fate == "refused":
            self.hub.pause = self.at + 60.0
            self.settle(key, self.hub.facts(REFUSED, retry_after=60.0))
        else:
            self.settle(key, facts)


KINDS = st.sampled_from([CREATE, CREATE, WRITE, READ])
FATES = st.sampled_from(["answered", "answered", "answered", "killed", "lost", "refused"])
SECONDS = st.sampled_from([0.0, 0.05, 0.4, 1.7])
BURSTS = st.lists(
    st.tuples(st.integers(1, 200), KINDS, st.sampled_from(["ada", "bob", "cem"]), SECONDS, SECONDS, FATES),
    min_size=1,
    max_size=6,
)
FEW = settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(bursts=BURSTS, skew=st.sampled_from([0.0, -400.0, 90.0]))
def test_no_rule_of_github_is_broken_whatever_is_sent_killed_lost_or_refused(
    bursts: Any, skew: float
) -> None:
    world = World(skew=skew)
    for count, kind, agent, travel, answer, fate in bursts:
        for index in range(count):
            world.request(kind, agent, travel, answer, fate if index % 40 == 39 else "answered")
    assert world.hub.overdrawn == 0
    world.request(READ, "ada", 0.0, 0.0, "answered")
    assert world.load().pools[CORE].remaining == world.hub.limit - world.hub.used
    assert world.data["remaining"] == world.hub.limit - world.hub.used
    assert json.loads(json.dumps(world.data)) == world.data
    assert world.data["kept"] == "by writers"


@FEW
@given(limit=st.integers(20, 60), crews=st.lists(st.integers(1, 9), min_size=4, max_size=30), data=st.data())
def test_reads_that_cross_neither_overdraw_the_pool_nor_leave_a_wrong_count(
    limit: int, crews: list[int], data: st.DataObject
) -> None:
    world = World(limit)
    world.request(READ, "ada", 0.0, 0.0, "answered")
    for size in crews:
        sent = [world.begin(Cost(READ), f"agent-{n}") for n in range(size)]
        answers = []
        for key in data.draw(st.permutations(sent)):
            world.at += 0.01
            assert world.hub.receive(world.at, READ)
            answers.append((key, world.hub.facts(ANSWERED)))
        for key, facts in data.draw(st.permutations(answers)):
            world.at += 0.01
            world.settle(key, facts)
        assert world.load().pools[CORE].remaining == limit - world.hub.used
    assert world.hub.overdrawn == 0


def test_five_hundred_creations_an_hour_are_the_most_and_the_estimate_knows() -> None:
    world = World()
    world.request(READ, "ada", 0.0, 0.0, "answered")
    costs = [Cost(CREATE)] * 560
    foretold = forecast.estimate(world.load(), "ada", costs, world.here, world.rules)
    started = world.at
    for _ in costs:
        world.request(CREATE, "ada", 0.0, 0.0, "answered")
    assert world.at - started == pytest.approx(foretold, abs=1.0)
    assert 3600 < foretold < 3700


def test_one_write_a_second_is_what_an_epic_takes() -> None:
    world = World()
    assert forecast.estimate(
        world.load(), "ada", [Cost(CREATE)] * 61, world.here, world.rules
    ) == pytest.approx(60.0)
    world.rules.spacing = 0.1
    assert forecast.estimate(
        world.load(), "ada", [Cost(CREATE)] * 81, world.here, world.rules
    ) == pytest.approx(60.0)


def test_the_pause_doubles_where_github_names_none_and_ends_with_a_success() -> None:
    world = World()
    pauses = []
    for _ in range(5):
        key = world.begin(Cost(CREATE), "ada")
        sent = world.at
        world.settle(key, Facts(REFUSED))
        world.wait(Cost(READ), "bob")
        pauses.append(round(world.at - sent))
        assert budget.needs_turn(world.load(), Cost(READ)), "one tries, the rest wait"
    assert pauses == [60, 120, 240, 480, 960]
    world.request(READ, "bob", 0.0, 0.0, "answered")
    assert not budget.needs_turn(world.load(), Cost(READ))
    key = world.begin(Cost(CREATE), "ada")
    world.settle(key, Facts(REFUSED))
    sent = world.at
    world.wait(Cost(CREATE), "ada")
    assert round(world.at - sent) == 1920, "that a read went through says nothing about creations"
    world.request(CREATE, "ada", 0.0, 0.0, "answered")
    assert world.load().penalty is None


def test_refusals_of_requests_that_were_in_flight_together_are_one_refusal() -> None:
    world = World()
    keys = [world.begin(Cost(READ), f"agent-{n}") for n in range(5)]
    for key in keys:
        world.at += 0.1
        world.settle(key, Facts(REFUSED))
    penalty = world.load().penalty
    assert penalty and penalty.strikes == 1
    assert penalty.until - world.here == pytest.approx(60.0, abs=0.01)


def test_an_answer_that_was_sent_before_the_refusal_does_not_end_the_pause() -> None:
    world = World()
    early, refused = world.begin(Cost(READ), "ada"), world.begin(Cost(READ), "bob")
    world.settle(refused, Facts(REFUSED, retry_after=30.0))
    world.at += 1.0
    world.settle(early, Facts(ANSWERED))
    assert budget.delay(world.load(), Cost(READ), "ada", world.here, world.rules).seconds == pytest.approx(
        29.0
    )


def test_a_limit_that_is_used_up_is_waited_for_and_is_no_strike() -> None:
    world = World(limit=3)
    for _ in range(3):
        world.request(READ, "ada", 0.0, 0.0, "answered")
    started = world.at
    wait = budget.delay(world.load(), Cost(READ), "ada", world.here, world.rules)
    assert (
        wait.seconds == pytest.approx(3601.0, abs=1.0)
        and wait.why == "the limit of 3 requests an hour is used up"
    )
    world.hub.used = 3
    world.request(READ, "ada", 0.0, 0.0, "answered")
    assert world.at - started >= 3600.0 and world.hub.overdrawn == 0
    assert budget.delay(world.load(), Cost(READ, ledger.GRAPHQL), "ada", world.here, world.rules).seconds == 0


def test_what_is_set_aside_is_kept_from_others_and_used_by_its_owner() -> None:
    world = World(limit=10)
    world.request(READ, "ada", 0.0, 0.0, "answered")
    found = world.load()
    assert budget.set_aside(found, "s1", Cost(READ, CORE, 6), "ada", NOBODY, world.here, world.rules)
    assert not budget.set_aside(found, "s2", Cost(READ, CORE, 4), "bob", NOBODY, world.here, world.rules)
    assert budget.available(found, CORE, "bob", world.here, world.rules) == 3
    assert budget.available(found, CORE, "ada", world.here, world.rules) == 9
    world.save(found)
    for _ in range(2):
        world.request(READ, "ada", 0.0, 0.0, "answered")
    found = world.load()
    assert found.reservations["s1"].cost.calls == 4
    assert budget.available(found, CORE, "bob", world.here, world.rules) == 3
    world.at += world.rules.reserved_for + 1
    assert budget.available(world.load(), CORE, "bob", world.here, world.rules) == 7


def test_a_clock_that_was_set_back_makes_no_wait_longer_than_it_was_meant() -> None:
    world = World()
    world.request(CREATE, "ada", 0.0, 0.0, "answered")
    key = world.begin(Cost(CREATE), "ada")
    world.settle(key, Facts(REFUSED, retry_after=30.0))
    world.skew = 86_400.0
    assert budget.delay(world.load(), Cost(CREATE), "ada", world.here, world.rules).seconds <= 30.0


def test_a_file_of_the_specification_is_read_and_rubbish_is_learned_anew() -> None:
    old = {
        "remaining": 7,
        "limit": 5000,
        "reset": "2027-01-15T08:30:00Z",
        "last_updated": "2027-01-15T08:00:00Z",
    }
    assert budget_record.load(old).pools[CORE].remaining == 7
    rubbish = {
        "pools": {"core": {"limit": "x"}, "search": 3}, "penalty": [], "creations": ["a", True, float("nan"), 5.0],
        "points": [[1.0], [2.0, 3]], "reservations": {"r": {}}, "agents": {"a": {"reads": "many"}}, "last_write": "x",
    }  # fmt: skip
    found = budget_record.load(rubbish)
    assert (found.pools, found.penalty, found.creations, found.points) == ({}, None, [5.0], [(2.0, 3)])
    assert (found.reservations, found.agents, found.last_write) == ({}, {}, 0.0)


def test_a_creation_counts_until_a_minute_after_its_answer() -> None:
    """Nobody here knows when GitHub began to count it: at the earliest when it was sent, at the latest at its answer."""
    world = World()
    world.rules.spacing = 0.001
    world.request(CREATE, "ada", 5.0, 0.0, "answered")
    for _ in range(80):
        world.request(CREATE, "ada", 0.0, 0.0, "answered")
    assert world.at - START >= 65.0


def test_a_creation_whose_sender_was_killed_counts_from_when_that_is_known() -> None:
    world = World()
    key = world.begin(Cost(CREATE), "ada")
    world.at += 30.0
    world.dead.add(key)
    found = world.load()
    assert found.reservations == {}
    assert found.creations == [world.here]


def test_what_is_in_flight_is_counted_before_github_tells() -> None:
    world = World(limit=3)
    world.request(READ, "ada", 0.0, 0.0, "answered")
    world.begin(Cost(READ), "ada")
    world.begin(Cost(READ), "bob")
    assert budget.delay(world.load(), Cost(READ), "cem", world.here, world.rules).seconds > 0


def test_of_answers_that_crossed_the_least_favourable_counts() -> None:
    world = World(limit=20)
    world.request(READ, "ada", 0.0, 0.0, "answered")
    answers = []
    for key in (world.begin(Cost(READ), "ada"), world.begin(Cost(READ), "bob")):
        world.hub.receive(world.at, READ)
        answers.append((key, world.hub.facts(ANSWERED)))
    for key, facts in reversed(answers):
        world.at += 0.1
        world.settle(key, facts)
    assert world.load().pools[CORE].remaining == 17


def test_an_answer_that_comes_after_its_request_was_given_up_is_not_the_newest() -> None:
    world = World(limit=20)
    world.request(READ, "ada", 0.0, 0.0, "answered")
    late = world.begin(Cost(READ), "ada")
    world.hub.receive(world.at, READ)
    early = world.hub.facts(ANSWERED)
    world.at += 150.0  # it has lapsed
    for _ in range(2):
        world.request(READ, "bob", 0.0, 0.0, "answered")
    world.settle(late, early)
    assert world.load().pools[CORE].remaining == 16
