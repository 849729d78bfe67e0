"""Agents that get, steal, begin and finish the tasks of one epic at the same moments; some are killed."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

from ccpm.errors import Busy, LeaseLost
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import getting, work, work_plan
from ccpm.ops.distribution.evidence import Evidence
from race.crew import Gate, Worker, until

EPIC = "auth"
TASK = (
    "---\nname: Task {n}\nstatus: {status}\ndepends_on: [{needs}]\nconflicts_with: [{rivals}]\n---\n# Task\n"
)


def write_epic(top: str, tasks: dict[str, dict[str, str]], epic: str = EPIC) -> None:
    folder = Path(top, ".claude", "epics", epic)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "epic.md").write_text(f"---\nname: {epic}\nstatus: backlog\nprogress: 0%\n---\n# Epic\n")
    for name, given in tasks.items():
        fields = {"n": name, "status": "open", "needs": "", "rivals": "", **given}
        (folder / f"{name}.md").write_text(TASK.format(**fields))


def claim_at_once(top: str, rounds: int, agents: int) -> dict[str, Any]:
    """In each round all ask for the next task at the same moment. Of three tasks two conflict, so two can be had."""
    epics = [f"r{number}" for number in range(rounds)]
    for name in epics:
        write_epic(top, {"001": {"rivals": "002"}, "002": {}, "003": {}}, name)
    gate = Gate(agents)

    def ask(number: int) -> list[str]:
        actor = Actor(f"agent-{number}", {}, top=top)
        got = []
        for name in epics:
            gate.pass_through(lead=number == 0)
            given = getting.next_task(actor, name)
            got.append(given.task.key if given else "")
        return got

    crew = [Worker(lambda n=n: ask(n)) for n in range(agents)]
    reports = [worker.report() for worker in crew]
    rounds_got = [sorted(filter(None, column)) for column in zip(*reports, strict=True)]
    return {"rounds": rounds_got}


def claim_rivals_at_once(top: str, rounds: int) -> dict[str, Any]:
    """In each round two agents ask at the same moment, each for one of two tasks that conflict: who got something."""
    epics = [f"r{number}" for number in range(rounds)]
    for name in epics:
        write_epic(top, {"001": {"rivals": "002"}, "002": {}}, name)
    gate = Gate(2)

    def ask(number: int) -> list[str]:
        got = []
        for name in epics:
            gate.pass_through(lead=number == 0)
            try:
                got.append(
                    getting.claim(Actor(f"agent-{number}", {}, top=top), f"{name}/00{number + 1}").task.key
                )
            except Busy:
                got.append("")
        return got

    crew = [Worker(lambda n=n: ask(n)) for n in range(2)]
    reports = [worker.report() for worker in crew]
    return {"rounds": [list(filter(None, column)) for column in zip(*reports, strict=True)]}


def steal_at_once(top: str, rounds: int, thieves: int) -> dict[str, Any]:
    """One agent holds two tasks it has not begun; all thieves come at the same moment: who got what in each round."""
    epics = [f"r{number}" for number in range(rounds)]
    for name in epics:
        write_epic(top, {"001": {}, "002": {}}, name)
        victim = Actor("agent-rich", {}, top=top)
        assert getting.next_task(victim, name)
        assert getting.next_task(victim, name)
    gate = Gate(thieves)

    def take(number: int) -> list[str]:
        actor = Actor(f"thief-{number}", {}, top=top)
        got = []
        for name in epics:
            gate.pass_through(lead=number == 0)
            given = getting.steal(actor, name)
            got.append(given.task.key if given else "")
        return got

    crew = [Worker(lambda n=n: take(n)) for n in range(thieves)]
    reports = [worker.report() for worker in crew]
    winners = [list(filter(None, column)) for column in zip(*reports, strict=True)]
    return {"winners": winners, "victim": _start_all(top, epics, winners)}


def _start_all(top: str, epics: list[str], winners: list[list[str]]) -> list[str]:
    """How the victim fares that begins the stolen task of each round now."""
    victim = Actor("agent-rich", {}, top=top)
    fate = []
    for name, stolen in zip(epics, winners, strict=True):
        try:
            work.start(victim, f"{name}/{stolen[0]}")
            fate.append("started")
        except (Busy, LeaseLost) as error:
            fate.append(type(error).__name__)
    return fate


def start_or_steal(top: str, rounds: int) -> dict[str, Any]:
    """The holder begins one of two tasks at the moment at which a thief comes: in each round, who has what then."""
    gate = Gate(2)
    epics = [f"r{number}" for number in range(rounds)]
    rich = Actor("agent-rich", {}, top=top)
    for name in epics:
        write_epic(top, {"001": {}, "002": {}}, name)
        assert getting.claim(rich, f"{name}/001")
        assert getting.claim(rich, f"{name}/002")

    def begin() -> list[str]:
        begun = []
        for name in epics:
            gate.pass_through(lead=True)
            try:
                work.start(Actor("agent-rich", {}, top=top), f"{name}/001")
                begun.append("001")
            except (Busy, LeaseLost):
                begun.append("")
        return begun

    def take() -> list[str]:
        got = []
        for name in epics:
            gate.pass_through(lead=False)
            given = getting.steal(Actor("thief", {}, top=top), name)
            got.append(given.task.key if given else "")
        return got

    crew = [Worker(begin), Worker(take)]
    begun, stolen = [worker.report() for worker in crew]
    return {"begun": begun, "stolen": stolen}


def stolen_while_beginning(top: str) -> dict[str, Any]:
    """The thief comes between the holder's look and its entry on the board: what the board says then."""
    write_epic(top, {"001": {}, "002": {}})
    rich = Actor("agent-rich", {}, top=top)
    getting.claim(rich, f"{EPIC}/001")
    getting.claim(rich, f"{EPIC}/002")

    def steal_now(folder: str) -> dict[str, str]:
        assert getting.steal(Actor("thief", {}, top=top), EPIC)
        return {}

    work.git.whereabouts = steal_now  # type: ignore[attr-defined]
    try:
        work.start(rich, f"{EPIC}/001")
        fate = "started"
    except LeaseLost:
        fate = "refused"
    entry = work.Look(rich, EPIC).tasks["001"]
    return {"fate": fate, "agent": entry["agent"], "begun": "started" in entry}


def work_off(top: str, tasks: int, agents: int, kills: int, seed: int) -> dict[str, Any]:
    """Agents whose claims are bound to their processes work an epic off; `kills` of them die in the middle of a task and
    are replaced. Who finished what."""
    chance = random.Random(seed)
    names = [f"{number:03d}" for number in range(1, tasks + 1)]
    write_epic(
        top,
        {
            name: {"needs": ", ".join(n for n in names[:index] if chance.random() < 0.1)}
            for index, name in enumerate(names)
        },
    )
    work_plan.make(Actor("planner", {}, top=top), EPIC, [f"agent-{n}" for n in range(agents)])

    def toil(agent: str, dies: bool) -> list[str]:
        actor = Actor(agent, {}, top=top)
        mine: list[str] = []
        while True:
            given = getting.next_task(actor, EPIC, os.getpid(), may_steal=True)
            if given is None:
                if all(task.is_closed for task in work.Look(actor, EPIC).plan.tasks):
                    return mine
                continue
            work.start(actor, f"{EPIC}/{given.task.key}", os.getpid())
            if dies:
                os.kill(os.getpid(), signal.SIGSTOP)
            work.done(actor, f"{EPIC}/{given.task.key}", Evidence(no_code="a test"))
            mine.append(given.task.key)

    crew = [Worker(lambda n=n: toil(f"agent-{n}", n < kills)) for n in range(agents)]
    for victim in crew[:kills]:
        victim.wait_until_stopped()
        victim.kill()
    crew[:kills] = [Worker(lambda n=n: toil(f"late-{n}", False)) for n in range(kills)]
    finished = [key for worker in crew for key in worker.report()]
    board = work.Look(Actor("judge", {}, top=top), EPIC)
    until(lambda: not board.held)
    left_by = [entry["left_by"]["agent"] for entry in board.tasks.values() if entry.get("left_by")]
    return {"finished": sorted(finished), "names": names, "left_by": sorted(left_by)}
