"""The wait-for graph: deadlocks and chains, compared with networkx on random graphs; and whom to choose as the victim."""

from __future__ import annotations

import random

import networkx

from ccpm.core import wait_graph
from ccpm.core.deadlock import Wait
from ccpm.core.leases import EXCLUSIVE, SHARED, Lease, Now, Owner, new_lease
from ccpm.core.wait_graph import WaitGraph

NOW = Now(1_000_000.0, 5_000.0, "boot")
GRAPHS = 10_000


def owner(agent: str) -> Owner:
    return Owner(agent, 0, "", "boot", "space", "here")


def held(agent: str, age: float = 0.0, mode: str = EXCLUSIVE) -> Lease:
    then = Now(NOW.wall - age, NOW.boot - age, "boot")
    return new_lease(owner(agent), "test", 1, mode, 10_000, then)


def wait(agent: str, resource: str, ticket: int, mode: str = EXCLUSIVE, since: float = 0.0) -> Wait:
    return Wait(resource, owner(agent), owner(agent), mode, ticket, NOW.wall + since, {})


def random_graph(chance: random.Random) -> WaitGraph:
    agents = [f"a{number}" for number in range(chance.randint(1, 8))]
    resources = [f"r{number}" for number in range(chance.randint(1, 6))]
    holders: dict[str, list[Lease]] = {}
    for resource in resources:
        if chance.random() < 0.3:
            crowd = chance.sample(agents, chance.randint(1, len(agents)))
            holders[resource] = [held(agent, mode=SHARED) for agent in crowd]
        elif chance.random() < 0.9:
            holders[resource] = [held(chance.choice(agents))]
    waits = [
        wait(agent, resource, ticket, chance.choice((EXCLUSIVE, EXCLUSIVE, SHARED)), float(ticket))
        for ticket, (agent, resource) in enumerate(
            (agent, chance.choice(resources)) for agent in agents for _ in range(chance.choice((0, 1, 1, 2)))
        )
    ]
    return WaitGraph(waits, holders)


def test_deadlocks_and_cycles_are_those_that_networkx_finds() -> None:
    chance = random.Random(1971)
    with_cycles = 0
    for _ in range(GRAPHS):
        graph = random_graph(chance)
        reference = networkx.DiGraph()
        reference.add_nodes_from(wait.key for wait in graph.waits)
        reference.add_edges_from((key, edge.via.key) for key, edges in graph.edges.items() for edge in edges)
        on_cycles = {frozenset(c) for c in networkx.strongly_connected_components(reference) if len(c) > 1}
        on_cycles |= {frozenset([key]) for key in networkx.nodes_with_selfloops(reference)} - {
            frozenset([key]) for group in on_cycles for key in group
        }
        found = {frozenset(wait.key for wait in waits) for waits in graph.deadlocks()}
        assert found == on_cycles
        with_cycles += bool(found)
        for one in graph.waits:
            path = graph.cycle_through(one)
            assert bool(path) == any(one.key in group for group in found)
            for edge, after in zip(path, path[1:] + path[:1], strict=True):
                assert reference.has_edge(edge.wait.key, edge.via.key)
                assert edge.via.key == after.wait.key
            if path and (one.key, one.key) not in reference.edges:
                around = min(
                    networkx.shortest_path_length(reference, after, one.key)
                    for after in reference.successors(one.key)
                    if networkx.has_path(reference, after, one.key)
                )
                assert len(path) == around + 1
        chain = graph.longest_chain()
        if networkx.is_directed_acyclic_graph(reference):
            longest = networkx.dag_longest_path_length(reference) + 1 if graph.waits else 0
            assert len(chain) == longest
    assert 0.1 * GRAPHS < with_cycles < 0.9 * GRAPHS


def test_a_wait_names_all_that_it_waits_for_holders_first() -> None:
    first, second = wait("bob", "x", 1), wait("eve", "x", 2)
    graph = WaitGraph([first, second], {"x": [held("ada")]})
    assert [blocker.agent for blocker in graph.blockers(second)] == ["ada", "bob"]
    assert graph.deadlocks() == []
    assert [one.owner.agent for one in graph.longest_chain()] == ["eve", "bob"]


def test_readers_do_not_wait_for_readers() -> None:
    graph = WaitGraph([wait("bob", "x", 1, SHARED)], {"x": [held("ada", mode=SHARED)]})
    assert graph.blockers(graph.waits[0]) == []


def test_the_victim_is_the_one_that_loses_the_youngest_work() -> None:
    waits = [wait("ada", "y", 1, since=1.0), wait("bob", "x", 2, since=2.0), wait("tom", "x", 3, since=3.0)]
    holders = {"x": [held("ada", age=500)], "y": [held("bob", age=20)], "z": [held("bob", age=9000)]}
    graph = WaitGraph(waits, holders)
    (members,) = graph.deadlocks()
    assert [one.owner.agent for one in members] == ["ada", "bob"], "tom only waits behind them"
    victim = wait_graph.choose_victim(graph, members, NOW)
    assert (victim.agent, list(victim.leases), victim.seconds) == ("bob", ["y"], 20.0)


def test_among_equals_the_one_that_came_last_is_the_victim() -> None:
    waits = [wait("ada", "y", 1, since=1.0), wait("bob", "x", 2, since=5.0)]
    graph = WaitGraph(waits, {"x": [held("ada", age=50)], "y": [held("bob", age=50)]})
    assert wait_graph.choose_victim(graph, graph.deadlocks()[0], NOW).agent == "bob"


def test_a_wait_is_told_to_the_fraction_that_its_ticket_has() -> None:
    second = NOW.wall // 1
    began = Wait("x", owner("ada"), owner("ada"), EXCLUSIVE, int((second + 0.6) * 1e6), second, {})
    assert round(began.waited(second + 1.4), 3) == 0.8
    assert wait("ada", "x", 7, since=-2.0).waited(NOW.wall) == 2.0
