"""Agents that share the budget of GitHub requests, through the real gh and the fake GitHub."""

from __future__ import annotations

import os
from typing import Any

from ccpm.errors import CcpmError
from ccpm.ops.actor import Actor
from ccpm.ops.github import budget
from race.crew import Gate, Worker

ISSUES = "repos/octo/shop/issues"


def busy_agents(
    top: str, variables: dict[str, str], workers: int, writes: int, reads_each: int = 4
) -> dict[str, Any]:
    """Each worker creates `writes` issues, all let loose at once, and reads after every `reads_each`: what they were told,
    and what went wrong."""
    os.environ.update(variables)
    gate = Gate(workers)
    crew = [Worker(lambda n=n: _work(top, gate, n, writes, reads_each)) for n in range(workers)]
    reports = [worker.report() for worker in crew]
    return {
        "numbers": [number for report in reports for number in report["numbers"]],
        "errors": [error for report in reports for error in report["errors"]],
        "lines": [line for report in reports for line in report["lines"]],
    }


def _work(top: str, gate: Gate, number: int, writes: int, reads_each: int) -> dict[str, Any]:
    lines: list[str] = []
    actor = Actor(f"agent-{number}", {}, lines.append, top)
    numbers: list[int] = []
    errors: list[str] = []
    gate.pass_through(lead=number == 0)
    for turn in range(writes):
        try:
            made = budget.call(actor, "POST", ISSUES, {"title": f"agent-{number} {turn}"}, timeout=120)
            numbers.append(made.json()["number"])
            if turn % reads_each == reads_each - 1:
                budget.call(actor, "GET", f"{ISSUES}/{numbers[-1]}", timeout=120)
        except CcpmError as error:
            errors.append(error.message)
    return {"numbers": numbers, "errors": errors, "lines": lines}


def killed_writer(top: str, variables: dict[str, str], ready: str) -> dict[str, Any]:
    """A writer is killed while its request is under way (`ready` appears when it is); the seconds until another one's
    request has been answered, and whether the gh of the killed one still runs."""
    import time

    from race.crew import until

    os.environ.update(variables)
    victim = Worker(
        lambda: budget.call(Actor("victim", {}, top=top), "POST", ISSUES, {"title": "victim"}).status
    )
    until(lambda: os.path.exists(ready) and os.path.getsize(ready) > 0)
    with open(ready) as file:
        pid = int(file.read())
    started = time.monotonic()
    victim.kill()
    answer = budget.call(Actor("next", {}, top=top), "POST", ISSUES, {"title": "next"}, timeout=10)
    return {"seconds": time.monotonic() - started, "status": answer.status, "gh runs on": _is_running(pid)}


def _is_running(pid: int) -> bool:
    from ccpm.files import process

    return bool(process.start_of(pid))


def deaf_agents(top: str, variables: dict[str, str], workers: int) -> dict[str, Any]:
    """Workers that all read at once, again and again, until each has been answered `workers` times."""
    os.environ.update(variables)
    gate = Gate(workers)

    def read(number: int) -> list[int]:
        actor = Actor(f"agent-{number}", {}, top=top)
        gate.pass_through(lead=number == 0)
        return [budget.call(actor, "GET", "user", timeout=60).status for _ in range(workers)]

    crew = [Worker(lambda n=n: read(n)) for n in range(workers)]
    return {"statuses": [status for worker in crew for status in worker.report()]}


def mortal_agents(
    top: str, variables: dict[str, str], workers: int, writes: int, seed: int
) -> dict[str, Any]:
    """Like busy_agents; every other worker is killed with SIGKILL at a random moment of its work. What the others got."""
    import random
    import time

    os.environ.update(variables)
    gate = Gate(workers)
    crew = [Worker(lambda n=n: _work(top, gate, n, writes, 4)) for n in range(workers)]
    choose = random.Random(seed)
    for victim in crew[1::2]:
        time.sleep(choose.uniform(0.05, 0.4))
        victim.kill()
    reports = [worker.report() for worker in crew[::2]]
    return {
        "numbers": [number for report in reports for number in report["numbers"]],
        "errors": [error for report in reports for error in report["errors"]],
    }
