"""The driver of the demo: makes a project, lets workers loose on its epic, plays the scenes, verifies the result.

    python -m demo [--act 1|2] [--workers N] [--steps N] [--pace S] [--github fake] [--keep] [--verify FOLDER]

Exit status: 0 if every promise held, 1 if one did not (then the project is kept, to be looked at), 2 usage.
The outcome does not depend on timing: every interleaving that matters is forced at a gate (workers.py), and nothing
is waited for by time alone. `DEADLINE` only ends a run that hangs.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from demo import evidence, project, scenes, screen, tracker, verify
from demo.checks import Check
from demo.project import Project
from demo.screen import Screen
from demo.team import act as team
from demo.workers import Crew

DEADLINE = 90.0
"""Seconds after which a run is given up."""

LOOK = 0.05
"""Seconds between two looks at what the workers do."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make demo", description="Workers on one epic, then a team in worktrees; verified."
    )
    parser.add_argument(
        "--act", choices=("1", "2", "both"), default="both", help="workers, a team, or both (default)"
    )
    parser.add_argument("--workers", type=int, default=8, metavar="N", help="processes (default 8)")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="increments a task (default 10)")
    parser.add_argument("--pace", type=float, default=0.05, metavar="S", help="seconds a step takes (0.05)")
    parser.add_argument(
        "--github",
        choices=("", "fake"),
        default="",
        help="sync through gh to a fake GitHub, not to the local tracker",
    )
    parser.add_argument("--keep", action="store_true", help="leave the project where it is")
    parser.add_argument("--verify", type=Path, metavar="FOLDER", help="only verify a project that was kept")
    args = parser.parse_args(argv)
    if args.workers < 3 or args.steps < 1:
        parser.error("needs at least 3 workers (one is killed, one is paused) and 1 step")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # unwinds, which ends the workers
    if args.verify:
        if not (args.verify / "notes" / "run.json").is_file():
            parser.error(f"{args.verify} is no folder that a run has kept")
        return judge(Project(args.verify.resolve()), screen.choose())
    try:
        status = (
            run(args.workers, args.steps, args.pace, args.keep, github=args.github) if args.act != "2" else 0
        )
        return team.run(args.pace, args.keep) if args.act != "1" and status == 0 else status
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def run(
    size: int,
    steps: int,
    pace: float = 0.0,
    keep: bool = False,
    prepare: Callable[[Project], None] = lambda _: None,
    github: str = "",
) -> int:
    """One whole demo; its exit status. `prepare` may change the project before the workers start.

    The project is removed at the end, unless it is to be kept, or something went wrong and asks to be looked at.
    """
    print("setting up a project with the installed tools …", flush=True)
    demo = project.create()
    shown = screen.choose()
    shown.say(f"the project is in {demo.top}")
    try:
        prepare(demo)
        synced = tracker.sync(demo, github)
        shown.say(f"the epic is synced: {len(synced['issues'])} issues in {synced['tracker']}")
        play(demo, shown, size, steps, pace, synced)
        status = judge(demo, shown)
        keep = keep or status != 0
        return status
    except Exception:
        keep = True
        raise
    finally:
        shown.close()
        if keep:
            print(f"kept: {demo.base}")
        else:
            project.remove(demo)


def play(demo: Project, shown: Screen, size: int, steps: int, pace: float, synced: dict[str, Any]) -> None:
    """Run the epic with `size` workers and all scenes; what the verification has to know is in run.json then."""
    stage = [scene(demo) for scene in scenes.ALL]
    started = time.monotonic()
    crew = Crew(demo, size, steps, pace)
    shown.say(f"{size} workers started")
    try:
        plays = [scene.play(crew) for scene in stage]
        while None in crew.statuses().values() or plays:
            plays = [play for play in plays if _goes_on(play, shown.say, crew)]
            shown.show(list(evidence.tasks(demo).values()), evidence.epic(demo), steps, crew.statuses())
            if time.monotonic() - started > DEADLINE:
                shown.say(f"given up after {DEADLINE:.0f} s")
                break
            time.sleep(LOOK)
        exits = {agent: "still running" if code is None else code for agent, code in crew.statuses().items()}
        seconds = round(time.monotonic() - started, 3)
        leftovers = crew.leftovers()
    finally:
        crew.end()
    facts = {
        "workers": size,
        "steps": steps,
        "seconds": seconds,
        "exits": exits,
        "leftovers": leftovers,
        "synced": synced,
        **{scene.name: scene.facts for scene in stage},
    }
    (demo.notes / "run.json").write_text(json.dumps(facts, indent=1) + "\n")


def _goes_on(play: Iterator[str], say: Callable[[str], None], crew: Crew) -> bool:
    """Let a scene go on until it waits; False when it is over, or waits for workers that have all ended."""
    for line in play:
        if not line:
            return None in crew.statuses().values()
        say(line)
    return False


def judge(demo: Project, shown: Screen) -> int:
    """Verify and show the result: 0 if every promise held, else 1."""
    checks: list[Check] = verify.verify(demo)
    shown.table(checks)
    broken = sum(bool(check.problems) for check in checks)
    seconds = evidence.facts(demo)["seconds"]
    if broken:
        print(f"{broken} of {len(checks)} promises broken, after {seconds:.1f} s of work")
        return 1
    print(f"all {len(checks)} promises held; {seconds:.1f} s of work")
    return 0
