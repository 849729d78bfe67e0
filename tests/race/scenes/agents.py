"""Agents that come, beat, claim, release and go all at once; and claims that race for one file."""

from __future__ import annotations

import json
import os
import random
import signal
from typing import Any

from ccpm.errors import Busy, CcpmError
from ccpm.files import agent_records, process
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request
from ccpm.ops.team import agents, ownership, registries, streams
from race.crew import Gate, Worker

EPICS = ("auth", "pay")


def prepare(top: str) -> None:
    for epic in EPICS:
        os.makedirs(os.path.join(top, ".claude", "epics", epic), exist_ok=True)


def crowd(top: str, workers: int, rounds: int, killed: int) -> dict[str, Any]:
    """`workers` processes go through the life of an agent `rounds` times; the last `killed` of them kill themselves
    somewhere on the way. A reader looks at the registries all the time.

    Reported: how many records the reader saw that were not whole, which agents the survivors found to be lost, and what
    `clean` left."""
    prepare(top)
    gate = Gate(workers + 1)
    reader = Worker(lambda: _read_all_the_time(top, gate))
    crew = [Worker(lambda n=n: _live(top, gate, n, rounds, n >= workers - killed)) for n in range(workers)]
    survivors = crew[: workers - killed]
    for worker in crew[workers - killed :]:
        assert worker.wait() == -signal.SIGKILL
    reports = [worker.report() for worker in survivors]
    open(os.path.join(top, "over"), "w").close()
    looks = reader.report()
    before = {epic: sorted(registries.read(top, epic).agents) for epic in EPICS}
    gone = [agent for _, agent, _ in agents.clean(Store(top))]
    return {
        "broken": looks["broken"],
        "looks": looks["looks"],
        "lost": [name for report in reports for name in report["lost"]],
        "claims": sum(report["claims"] for report in reports),
        "before": before,
        "gone": sorted(set(gone)),
        "left": {epic: sorted(registries.read(top, epic).agents) for epic in EPICS},
        "streams": {epic: sorted(registries.read(top, epic).streams) for epic in EPICS},
        "locks": Store(top).list_locks(),
    }


def _live(top: str, gate: Gate, number: int, rounds: int, dies: bool) -> dict[str, Any]:
    chance = random.Random(number)
    actor = Actor(f"agent-{number}", {}, top=top)
    epic = EPICS[number % 2]
    death = chance.randrange(rounds * 5) if dies else -1
    lost: list[str] = []
    claims = 0
    gate.pass_through(lead=number == 0)
    for turn in range(rounds):
        steps = [
            lambda: agents.register(actor, epic, "work", os.getpid()),
            lambda: _claim(actor, epic, number),
            lambda: _lock(actor, number),
            lambda: agents.heartbeat(actor, epic, os.getpid(), count=False),
            lambda: agents.unregister(actor, epic),
        ]
        for place, step in enumerate(steps):
            if turn * len(steps) + place == death:
                _die_in_the_middle(step, chance)
            step()
            if place in (1, 3):
                registry = registries.read(top, epic)
                mine = registry.agents.get(actor.agent)
                if mine is None or mine.ended or f"s-{number}" not in registry.streams:
                    lost.append(actor.agent)
                claims += place == 1
    return {"lost": lost, "claims": claims}


def _claim(actor: Actor, epic: str, number: int) -> None:
    streams.claim(actor, epic, f"s-{number}", [f"src/{number}/**"])


def _lock(actor: Actor, number: int) -> None:
    resource = ownership.resource_of(actor.top, f"src/{number}/a.ts")
    locks.try_acquire(actor.store, Request(resource, process.owner(actor.agent), "edit"))


def _die_in_the_middle(step: Any, chance: random.Random) -> None:
    """SIGKILL, by the kernel's own timer, somewhere within the step or right behind it."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.01))
    step()
    signal.pause()


def _read_all_the_time(top: str, gate: Gate) -> dict[str, Any]:
    gate.pass_through(lead=False)
    broken: list[str] = []
    looks = 0
    while not os.path.exists(os.path.join(top, "over")):
        for epic in EPICS:
            path = agent_records.path_of(top, epic)
            try:
                with open(path, encoding="utf-8") as file:
                    text = file.read()
            except FileNotFoundError:
                continue
            looks += 1
            try:
                if not isinstance(json.loads(text)["agents"], dict):
                    broken.append(text[:200])
            except (ValueError, KeyError):
                broken.append(text[:200])
    return {"broken": broken, "looks": looks}


PAIRS = (
    (["src/db/*"], ["src/**/user.ts"]),
    (["docs/"], ["docs/api/x.md"]),
    (["**/*.sql"], ["db/**"]),
    (["a/[a-m]*"], ["a/[m-z]*"]),
)


def claims(top: str, workers: int, rounds: int) -> dict[str, Any]:
    """In each round all `workers`, half of them in each of two epics, claim at the same moment what overlaps; the
    winner gives it back. Reported: how many won in each round, and every other way in which a claim ended."""
    prepare(top)
    gate = Gate(workers)
    crew = [Worker(lambda n=n: _race(top, gate, n, rounds)) for n in range(workers)]
    reports = [worker.report() for worker in crew]
    return {
        "winners": [sum(report["won"][turn] for report in reports) for turn in range(rounds)],
        "each": [sum(report["won"]) for report in reports],
        "odd": [words for report in reports for words in report["odd"]],
    }


def _race(top: str, gate: Gate, number: int, rounds: int) -> dict[str, Any]:
    actor = Actor(f"agent-{number}", {}, top=top)
    epic = EPICS[number % 2]
    agents.register(actor, epic, "", os.getpid())
    won, odd = [], []
    for turn in range(rounds):
        wanted = PAIRS[turn % len(PAIRS)][number // 2 % 2]
        gate.pass_through(lead=number == 0)
        try:
            streams.claim(actor, epic, f"s-{number}", wanted)
            won.append(1)
        except Busy:
            won.append(0)
        except CcpmError as error:
            won.append(0)
            odd.append(f"{type(error).__name__}: {error}")
        gate.pass_through(lead=number == 0)
        if won[-1]:
            streams.release(actor, epic, f"s-{number}")
        gate.pass_through(lead=number == 0)
    return {"won": won, "odd": odd}
