"""A repair, and its undo, at the same moment as others write to the same file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ccpm.ops import plain_files
from ccpm.ops.actor import Actor
from ccpm.ops.health import repair, repair_plan
from ccpm.ops.plain_files import Write
from race.crew import Gate, Worker, until

DAMAGED = "---\nname: Shelve: it\nstatus: open\n---\n"
MENDED = '---\nname: "Shelve: it"\nstatus: open\n---\n'


def writes(number: int, step: int) -> bool:
    """Whether the others write in a step of a round: in every third one the repair has its way, in every sixth its undo
    too. In another third they begin when the repair holds the lock of the epic, right before it writes."""
    return number % 6 != 5 if step else number % 3 < 2


def mend_while_others_write(top: str, rounds: int, writers: int) -> dict[str, Any]:
    """In each round one agent has planned its repair, then it writes while the others append a line each; then it takes
    the repair back while they append another. `lost`: lines that are not there at the end of a round. `torn`: contents
    that are neither the damaged nor the mended text and whole lines. `left`: how often each step met a change."""
    os.environ["CCPM_ROOT"] = top
    folder = Path(top, ".claude", "epics", "auth")
    folder.mkdir(parents=True)
    (folder / "epic.md").write_text("---\nname: auth\n---\n")
    task = folder / "001.md"
    lock = os.path.join(top, ".claude", "locks", "epic-auth.lock")
    gate = Gate(writers + 1)

    def mend() -> dict[str, Any]:
        actor = Actor("agent-mender", {}, top=top)
        seen: dict[str, Any] = {"left": [0, 0], "done": [0, 0], "lost": [], "torn": []}
        for number in range(rounds):
            task.write_text(DAMAGED)
            plan = repair_plan.make(top)
            gate.pass_through(lead=True)
            outcome = repair.carry_out(actor, plan)
            seen["left" if outcome.left else "done"][0] += 1
            gate.pass_through(lead=True)
            if outcome.done:
                undone = repair.undo(actor, outcome.backup)
                seen["left" if undone.left else "done"][1] += 1
            gate.pass_through(lead=True)
            text = task.read_text()
            head = next((one for one in (DAMAGED, MENDED) if text.startswith(one)), "")
            lines = text[len(head) :].splitlines()
            seen["torn"] += [] if head else [text]
            wanted = {
                f"{number}.{step}.{writer}"
                for step in range(2)
                for writer in range(writers)
                if writes(number, step)
            }
            seen["lost"] += sorted(wanted - set(lines))
            seen["torn"] += sorted(set(lines) - wanted)
            gate.pass_through(lead=True)
        return seen

    def write(writer: int) -> int:
        for number in range(rounds):
            for step in range(2):
                gate.pass_through(lead=False)
                if not writes(number, step):
                    continue
                if number % 3 == 1 and not step:
                    until(lambda: os.path.exists(lock) or task.read_text().startswith(MENDED))
                line = f"{number}.{step}.{writer}\n".encode()
                plain_files.write(Write(str(task), line, f"agent-{writer}", append=True))
            gate.pass_through(lead=False)
            gate.pass_through(lead=False)
        return rounds

    crew = [Worker(mend), *(Worker(lambda n=n: write(n)) for n in range(writers))]
    report: dict[str, Any] = crew[0].report()
    for worker in crew[1:]:
        assert worker.report() == rounds
    return report
