"""Deadlock: a wait is refused exactly when it is part of a cycle, checked against an independent search."""

from __future__ import annotations

from itertools import permutations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ccpm.core.deadlock import Edge, Wait, find_cycle
from ccpm.core.leases import EXCLUSIVE, SHARED, Lease, Now, Owner, new_lease

NOW = Now(1_000_000.0, 5_000.0, "boot")


def owner(agent: str, pid: int = 0) -> Owner:
    return Owner(agent, pid, f"start-{pid}" if pid else "", "boot", "space", "here")


def held(agent: str, token: int = 1, mode: str = EXCLUSIVE, pid: int = 0) -> Lease:
    return new_lease(owner(agent, pid), "test", token, mode, 300, NOW)


def wait(
    agent: str,
    resource: str,
    ticket: int = 1,
    mode: str = EXCLUSIVE,
    pid: int = 0,
    carried: dict[str, int] | None = None,
) -> Wait:
    process = owner(agent, pid or 1000 + ticket)
    return Wait(resource, owner(agent, pid), process, mode, ticket, NOW.wall, carried or {})


def refused(start: Wait, others: list[Wait], holders: dict[str, list[Lease]]) -> list[str]:
    return [edge.wait.owner.agent for edge in find_cycle(start, [*others, start], holders)]


def test_two_that_hold_what_the_other_wants_are_a_cycle() -> None:
    holders = {"x": [held("ada")], "y": [held("bob")]}
    assert refused(wait("ada", "y"), [wait("bob", "x")], holders) == ["ada", "bob"]


def test_who_waits_for_somebody_that_runs_is_not_refused() -> None:
    assert refused(wait("ada", "y"), [], {"x": [held("ada")], "y": [held("bob")]}) == []


def test_a_chain_that_ends_at_somebody_who_runs_is_no_cycle() -> None:
    holders = {"x": [held("ada")], "y": [held("bob")], "z": [held("eve")]}
    assert refused(wait("ada", "y"), [wait("bob", "z")], holders) == []


def test_the_cycle_is_told_in_order_without_those_that_only_lead_to_it() -> None:
    holders = {name: [held(agent)] for name, agent in zip("wxyz", ("ada", "bob", "eve", "kim"), strict=True)}
    others = [wait("bob", "y"), wait("eve", "z"), wait("kim", "w"), wait("tom", "x")]
    assert refused(wait("ada", "x"), others, holders) == ["ada", "bob", "eve", "kim"]
    assert refused(wait("tom", "x"), others, holders) == [], "tom is in nobody's way"


def test_who_asks_again_for_what_it_holds_waits_for_itself() -> None:
    assert refused(wait("ada", "x"), [], {"x": [held("ada")]}) == ["ada"]


def test_another_process_of_the_same_agent_runs_and_will_let_go() -> None:
    assert refused(wait("ada", "x", pid=8), [], {"x": [held("ada", pid=7)]}) == []
    assert refused(wait("ada", "x", pid=7), [], {"x": [held("ada", pid=7)]}) == ["ada"]


def test_a_carried_fence_counts_as_held_by_who_runs_below_its_holder() -> None:
    holders = {"x": [held("ada", token=5, pid=7)], "y": [held("bob", token=6, pid=8)]}
    inner = wait("ada", "y", 1, carried={"x": 5})
    assert refused(inner, [wait("bob", "x", 2, carried={"y": 6})], holders) == ["ada", "bob"]
    assert refused(inner, [wait("bob", "x", 2, carried={"y": 4})], holders) == [], "an old token"


def test_shared_holders_do_not_block_a_shared_request() -> None:
    holders = {"x": [held("ada")], "y": [held("bob", mode=SHARED)]}
    assert refused(wait("ada", "y", mode=SHARED), [wait("bob", "x")], holders) == []
    assert refused(wait("ada", "y", mode=EXCLUSIVE), [wait("bob", "x")], holders) == ["ada", "bob"]


def test_who_stands_in_front_in_the_same_line_blocks_too() -> None:
    """eve would let ada in beside her; but bob, who wants it alone, came first and waits for eve, who waits for ada."""
    holders = {"x": [held("eve", mode=SHARED)], "z": [held("ada")]}
    others = [wait("bob", "x", 1), wait("eve", "z", 2)]
    assert refused(wait("ada", "x", 3, SHARED), others, holders) == ["ada", "bob", "eve"]
    assert refused(wait("ada", "x", 0, SHARED), others, holders) == [], "she came before bob"


def test_two_shared_requests_in_one_line_do_not_block_each_other() -> None:
    holders = {"x": [held("eve")], "z": [held("ada")]}
    line = [wait("bob", "x", 1, SHARED), wait("bob", "z", 2)]
    assert refused(wait("ada", "x", 3, SHARED), line, holders) == []


AGENTS = ["ada", "bob", "eve", "kim"]
RESOURCES = ["w", "x", "y", "z"]

modes = st.sampled_from([EXCLUSIVE, SHARED])
pids = st.sampled_from([0, 7, 8])


@st.composite
def situations(draw: st.DrawFn) -> tuple[Wait, list[Wait], dict[str, list[Lease]]]:
    """Any holders, consistent in their modes, and any waits: also more than one for an agent, as agents have."""
    holders: dict[str, list[Lease]] = {}
    token = 0
    for resource in RESOURCES:
        mode = draw(modes)
        agents = draw(st.lists(st.sampled_from(AGENTS), max_size=1 if mode == EXCLUSIVE else 3))
        holders[resource] = []
        for agent in agents:
            token += 1
            holders[resource].append(held(agent, token, mode, draw(pids)))
    tokens = st.dictionaries(st.sampled_from(RESOURCES), st.integers(1, token + 1), max_size=2)
    waits = [
        wait(
            draw(st.sampled_from(AGENTS)),
            draw(st.sampled_from(RESOURCES)),
            n,
            draw(modes),
            draw(pids),
            draw(tokens),
        )
        for n in range(draw(st.integers(1, 6)))
    ]
    return draw(st.sampled_from(waits)), waits, holders


def blocks(one: Wait, other: Wait, holders: dict[str, list[Lease]]) -> bool:
    """Whether `one` cannot go on before `other` does. Said again, in other words than core/deadlock.py says it."""
    needs = {EXCLUSIVE: {EXCLUSIVE, SHARED}, SHARED: {EXCLUSIVE}}
    if one.resource == other.resource and other.ticket < one.ticket and other.mode in needs[one.mode]:
        return True
    for lease in holders[one.resource]:
        if lease.mode not in needs[one.mode]:
            continue
        carries = (one.resource, lease.token) in other.carried.items()
        same_agent = lease.owner.agent == other.owner.agent and lease.owner.pid == 0
        same_process = lease.owner.pid != 0 and lease.owner.pid == other.owner.pid
        if carries or same_agent or same_process:
            return True
    return False


def cycles_by_brute_force(start: Wait, waits: list[Wait], holders: dict[str, list[Lease]]) -> bool:
    """Try every sequence of different waits that begins with `start`."""
    others = [each for each in waits if each is not start]
    return any(
        all(blocks(a, b, holders) for a, b in zip((start, *middle), (*middle, start), strict=True))
        for length in range(len(others) + 1)
        for middle in permutations(others, length)
    )


@settings(max_examples=600)
@given(situations())
def test_a_cycle_is_found_exactly_when_brute_force_finds_one(
    situation: tuple[Wait, list[Wait], dict[str, list[Lease]]],
) -> None:
    start, waits, holders = situation
    found = find_cycle(start, waits, holders)
    assert bool(found) == cycles_by_brute_force(start, waits, holders)
    if found:
        check_cycle(found, start, holders)


def check_cycle(found: list[Edge], start: Wait, holders: dict[str, list[Lease]]) -> None:
    """Each link is real, each leads to the next, and the last leads back to the beginning."""
    assert found[0].wait is start
    for edge, following in zip(found, [*found[1:], found[0]], strict=True):
        assert edge.via.key == following.wait.key
        assert blocks(edge.wait, edge.via, holders)


@settings(max_examples=300)
@given(st.data())
def test_agents_that_take_everything_in_one_order_are_never_refused(data: st.DataObject) -> None:
    """Each holds some resources and waits for a later one: however long the chains, none closes."""
    order = [f"r{n}" for n in range(8)]
    holders: dict[str, list[Lease]] = {name: [] for name in order}
    waits = []
    agents = data.draw(st.integers(2, 6))
    free = set(range(8))
    for n in range(agents):
        mine = data.draw(st.sets(st.sampled_from(sorted(free)), max_size=2)) if free else set()
        free -= mine
        bound = data.draw(st.sampled_from([0, 100 + n]))
        for number in mine:
            holders[order[number]].append(held(f"agent-{n}", 1 + number, pid=bound))
        above = range(max(mine, default=-1) + 1, 8)
        assume(above)
        wanted = data.draw(st.sampled_from(list(above)))
        waits.append(wait(f"agent-{n}", order[wanted], n, data.draw(modes), bound))
    for start in waits:
        assert find_cycle(start, waits, holders) == []


def test_a_long_chain_needs_no_deep_stack() -> None:
    count = 1500  # more than Python's limit for recursion
    holders = {f"r{n}": [held(f"a{n}")] for n in range(count)}
    waits = [wait(f"a{n}", f"r{(n + 1) % count}", n) for n in range(count)]
    assert len(find_cycle(waits[0], waits, holders)) == count
