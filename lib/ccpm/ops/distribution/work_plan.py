"""Plan an epic: assign its unfinished tasks to agents, so that all are done early, and put the plan on its board.

Contract: what is in work stays with its agent; the rest is given out by list scheduling (core/schedule.py). A plan is
advice that `ccpm-work next` follows and `steal` overrides: it binds nobody, and others take the share of a dead agent.
"""

from __future__ import annotations

import time

from ccpm.core import schedule, work
from ccpm.errors import NotFound, UsageError
from ccpm.files import clock, events
from ccpm.files.json_record import Changing
from ccpm.ops.actor import Actor
from ccpm.ops.distribution.board import Look, board_path, live_agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.core.schedule import Schedule


def make(actor: Actor, epic: str, agents: list[str], dry_run: bool = False) -> dict[str, Any]:
    """Assign the tasks of `epic` to `agents` (none given: all live ones of its registry). NotFound (66) without such an
    epic, UsageError (2) without an agent."""
    agents = agents or live_agents(actor, epic)
    if not agents:
        raise UsageError(
            f"no agent to plan epic {epic!r} for",
            f"name them (--agents agent-a,agent-b), or register them: ccpm-agent register {epic}",
        )
    look = Look(actor, epic)
    if not look.plan.tasks:
        raise NotFound(f"epic {epic!r} has no tasks", f"add one: ccpm-plan new-task {epic} --title '…'")
    jobs = work.to_jobs(look.plan)
    running = {key: agent for key, agent in look.board.held.items() if any(job.key == key for job in jobs)}
    made = schedule.make(jobs, agents, running)
    assignments = {slot.job.key: slot.agent for slot in made.slots if slot.job.key not in running}
    if not dry_run:
        with Changing(board_path(actor.top, look.epic)) as board:
            stamp = clock.to_iso(time.time())
            board.data["plan"] = {"made": stamp, "by": actor.agent, "assignments": assignments}
            board.save()
        events.append(actor.top, "work.planned", epic=epic, agent=actor.agent, tasks=len(assignments))
    return _describe(look, made, agents, running)


def _describe(look: Look, made: Schedule, agents: list[str], running: dict[str, str]) -> dict[str, Any]:
    names = {task.key: task for task in look.plan.tasks}
    slots = [
        {
            "task": names[slot.job.key].id,
            "key": slot.job.key,
            "name": names[slot.job.key].name,
            "agent": slot.agent,
            "start": round(slot.start, 2),
            "end": round(slot.end, 2),
            "in_work": slot.job.key in running,
        }
        for slot in made.slots
    ]
    chains = schedule.chain_lengths([slot.job for slot in made.slots])
    bound = max(made.work / len(agents), max(chains.values(), default=0.0))
    return {
        "epic": look.epic.name,
        "agents": agents,
        "slots": slots,
        "hours": round(made.makespan, 2),
        "work_hours": round(made.work, 2),
        "least_hours": round(bound, 2),
        "impossible": [
            {"task": names[key].id, "why": work.why_not(look.board, names[key])} for key in made.impossible
        ],
    }
