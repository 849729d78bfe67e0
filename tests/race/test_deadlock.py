"""Promise P6: a wait that would close a cycle is refused at once, naming the cycle; no other wait is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from race.tree import Project, finish, play


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "p")


@pytest.mark.parametrize("bound", [True, False], ids=["bound to a process", "bound to none"])
@pytest.mark.parametrize("agents", [2, 3, 8])
def test_of_a_circle_of_waits_exactly_one_is_refused_and_the_others_go_on(
    agents: int, bound: bool, project: Project
) -> None:
    everybody = {f"agent-{n}" for n in range(agents)}
    rounds = play("deadlock.cycle", project, agents=agents, rounds=6, bound=bound)
    for done in rounds:
        assert len(done["refused"]) == 1, done
        (refused,) = done["refused"]
        assert set(done["served"]) == everybody - {refused["agent"]}
        assert set(refused["cycle"]) == everybody
        assert all(agent in refused["message"] for agent in everybody)
    assert len(rounds) == 6


def test_an_agent_that_asks_again_for_what_it_holds_is_told_so(project: Project) -> None:
    project.ok("lock", "acquire", "task-1", "--agent", "ada", "--shared")
    done = project.run("lock", "acquire", "task-1", "--agent", "ada")
    assert done.status == 13
    assert "ada waits for task-1 held by ada" in done.err


def test_waits_in_one_order_are_never_refused(project: Project) -> None:
    report = play("deadlock.ordered", project, workers=8, turns=15, seed=3)
    assert report["refused"] == 0
    assert report["waited"] > 100, "too few waits to prove anything"


def test_the_executable_refuses_with_13_and_names_the_cycle(project: Project) -> None:
    agents = range(3)
    for n in agents:
        project.ok("lock", "acquire", f"task-{n}", "--agent", f"agent-{n}")
    waits = [
        project.start("lock", "acquire", f"task-{(n + 1) % 3}", "--agent", f"agent-{n}", "--json")
        for n in agents
    ]
    refused = next_to_end(waits)
    done = finish(waits[refused])
    assert done.status == 13
    assert all(f"agent-{n}" in done.err for n in agents)
    assert "hint:" in done.err
    assert sorted(json.loads(done.out)["cycle"]) == [f"agent-{n}" for n in agents]
    for step in range(3):  # each lets go of what it has; then the one that waits for it goes on
        n = (refused - step) % 3
        project.ok("lock", "release", f"task-{n}", "--agent", f"agent-{n}")
        if step < 2:
            assert finish(waits[(n - 1) % 3]).status == 0
            project.ok("lock", "release", f"task-{n}", "--agent", f"agent-{(n - 1) % 3}")
    assert project.ok("lock", "list", "--json") == "[]"


def test_two_runs_that_each_start_the_others_resource_inside_are_a_cycle(project: Project) -> None:
    def nested(outer: str, inner: str) -> list[str]:
        return [outer, "--", "sh", "-c", f"echo in; read go; exec ccpm-lock run {inner} -- true"]

    crew = [
        project.start("lock", "run", "--agent", "ada", *nested("task-1", "task-2")),
        project.start("lock", "run", "--agent", "bob", *nested("task-2", "task-1")),
    ]
    for worker in crew:
        assert worker.stdout
        assert worker.stdout.readline() == "in\n"
    for worker in crew:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    ends = [finish(worker) for worker in crew]
    assert sorted(done.status for done in ends) == [0, 13], ends
    (refused,) = (done for done in ends if done.status == 13)
    assert "ada waits for task-2 held by bob" in refused.err
    assert "bob waits for task-1 held by ada" in refused.err


def test_runs_that_name_several_resources_in_any_order_do_not_deadlock(project: Project) -> None:
    orders = [
        "task-1 task-2 task-3",
        "task-3 task-2 task-1",
        "task-2 task-1 task-3",
        "task-3 task-1",
        "task-2 task-3",
        "task-1 task-3 task-2",
        "task-2 task-1",
        "task-3 task-1 task-2",
    ]
    script = "for turn in 1 2 3 4; do ccpm-lock run $1 --agent $2 -- sh -c 'echo $CCPM_FENCE' || exit; done"
    crew = [project.spawn(["sh", "-c", script, "sh", order, f"agent-{n}"]) for n, order in enumerate(orders)]
    tokens: dict[str, list[int]] = {}
    for worker in crew:
        done = finish(worker)
        assert done.status == 0, done
        for fence in done.out.split():
            for part in fence.split(","):
                resource, _, token = part.partition(":")
                tokens.setdefault(resource, []).append(int(token))
    turns = {resource: 4 * sum(resource in order for order in orders) for resource in tokens}
    assert {resource: sorted(found) for resource, found in tokens.items()} == {
        resource: list(range(1, count + 1)) for resource, count in turns.items()
    }


def next_to_end(crew: list) -> int:  # type: ignore[type-arg]
    """The number of the first of `crew` to end."""
    from race.crew import until

    until(lambda: any(worker.poll() is not None for worker in crew))
    return next(n for n, worker in enumerate(crew) if worker.poll() is not None)
