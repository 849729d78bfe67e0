"""The act: a plan is synced, agents claim and are refused, ask and are granted, work, die, steal; a coordinator merges.

`play` returns what the verification has to know. Nothing depends on timing: the one agent that dies stops itself in the
middle of its task, and is killed there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.project import Project
from demo.team.team import CHECK, CHECK_SCRIPT, EPIC, Team, end

WORKERS = ("agent-ada", "agent-bob", "agent-cyd", "agent-dan")
DOOMED, RICH, RIVAL, BREAKER = "agent-eve", "agent-fay", "agent-gus", "agent-hal"
TASKS = 8
LIMIT = 90.0

Facts = dict[str, Any]


def play(project: Project, say: Callable[[str], None], pace: float, outputs: Path) -> Facts:
    team = Team(project)
    plan(team, say)
    facts: Facts = {}
    for agent in (*WORKERS, DOOMED, RICH, RIVAL, BREAKER):
        team.join(agent)
    say(f"{len(team.worktrees)} agents have worktrees")
    for scene in (claims, a_stolen_task, work, rivals):
        facts |= scene(team, say, pace)
    facts |= merge(team, say)
    facts |= pictures(team, say, outputs)
    return facts


def plan(team: Team, say: Callable[[str], None]) -> None:
    """An epic of eight tasks in which the last two wait for the first, synced to the local tracker."""
    driver, project = "demo-driver", team.project
    (project.top / "check.sh").write_text(CHECK_SCRIPT)
    (project.top / "src").mkdir(exist_ok=True)
    (project.top / "src" / "common.sh").write_text("echo common\n")
    team.must(driver, "ccpm-plan", "new-epic", EPIC)
    for number in range(1, TASKS + 1):
        after = ["--depends-on", "001"] if number > TASKS - 2 else []
        title, hours = f"Shelf {number}", str(1 + number % 3)
        team.must(driver, "ccpm-plan", "new-task", EPIC, "--title", title, "--hours", hours, *after)
    team.must(driver, "git", "add", "-A")
    team.must(driver, "git", "commit", "-q", "-m", "Plan the shelves")
    team.must(driver, "bash", ".claude/commands/pm/epic-sync.sh", EPIC)
    say(f"epic {EPIC}: {TASKS} tasks, synced to the local tracker")


def claims(team: Team, say: Callable[[str], None], pace: float) -> Facts:
    """Ada owns src/ada; Bob's claim that overlaps and his commit there are refused; he asks, she grants, he commits."""
    ada, bob = WORKERS[:2]
    team.must(ada, "ccpm-agent", "claim", EPIC, "ada", "src/ada/**")
    refused = team.run(bob, "ccpm-agent", "claim", EPIC, "bob", "src/**/shelf.sh")
    say(f"{bob} wants src/**/shelf.sh: refused with {refused.returncode}, {ada} owns src/ada/**")
    file = "src/ada/shelf.sh"
    team.write(bob, file, "echo shelf\n")
    commit = team.commit(bob, "Bob's shelf")
    say(f"{bob} commits {file}: git refuses it ({commit.returncode})")
    team.run(
        bob, "ccpm-agent", "request", file, "--reason", "the shelf needs a board"
    )  # 75: asked, not yet yours
    asked = team.must(ada, "ccpm-agent", "inbox")
    team.must(ada, "ccpm-agent", "grant", file)
    granted = team.commit(bob, "Bob's shelf")
    say(f"{bob} asks, {ada} grants, and the commit passes ({granted.returncode})")
    return {
        "claim_refused": refused.returncode,
        "commit_refused": commit.returncode,
        "commit_said": commit.stderr,
        "asked": asked,
        "commit_granted": granted.returncode,
    }


def a_stolen_task(team: Team, say: Callable[[str], None], pace: float) -> Facts:
    """Three agents have a task each, Fay has claimed three and begun none; Dan is idle and takes one of hers."""
    *busy, thief = WORKERS
    claimed = [team.must(RICH, "ccpm-work", "next", EPIC) for _ in range(3)]
    hands = dict.fromkeys(claimed, RICH)
    hands |= {team.must(agent, "ccpm-work", "next", EPIC): agent for agent in busy}
    stolen = json.loads(team.must(thief, "ccpm-work", "steal", EPIC, "--json"))
    late = team.run(RICH, "ccpm-work", "start", f"{EPIC}/{stolen['task']}")
    say(
        f"{thief} steals #{stolen['task']} from {stolen['stolen_from']}, whose start is refused ({late.returncode})"
    )
    for task, agent in (hands | {stolen["task"]: thief}).items():
        team.must(agent, "ccpm-work", "release", f"{EPIC}/{task}")
    return {"claimed": claimed, "stolen": stolen, "start_after_theft": late.returncode}


def work(team: Team, say: Callable[[str], None], pace: float) -> Facts:
    """All tasks are worked off; one agent is killed in the middle of its task."""
    mark = team.project.notes / "tmp" / "dying"
    doomed = team.start(DOOMED, pace, DEMO_DIES=str(mark))
    crew = []
    started = time.monotonic()
    try:
        while not mark.exists() or not mark.read_text().endswith("\n"):
            if time.monotonic() - started > LIMIT or doomed.poll() is not None:
                raise RuntimeError(f"{DOOMED} never came to its task: {doomed.poll()}")
            time.sleep(0.02)
        task = mark.read_text().strip()
        end(doomed)
        mark.unlink()
        say(f"{DOOMED} was killed in the middle of #{task}")
        crew = [team.start(agent, pace) for agent in WORKERS]
        exits = [process.wait(timeout=LIMIT) for process in crew]
    finally:
        for process in (doomed, *crew):
            end(process)
    say(f"{len(WORKERS)} agents have done {TASKS} tasks in {time.monotonic() - started:.1f} s")
    return {"killed_in": task, "exits": exits, "seconds": round(time.monotonic() - started, 3)}


def rivals(team: Team, say: Callable[[str], None], pace: float) -> Facts:
    """Two agents change the same line, one of them not yet committed; one branch breaks the project's check."""
    team.write(RIVAL, "src/common.sh", "echo gus\n")
    team.commit(RIVAL, "Common, as Gus likes it")
    team.write(RICH, "src/common.sh", "echo fay\n")
    found = team.run("demo-driver", "bash", ".claude/commands/pm/conflicts.sh", EPIC, "--json")
    say(f"{RIVAL} and {RICH} change one line, one of them uncommitted: conflicts.sh exits {found.returncode}")
    team.commit(RICH, "Common, as Fay likes it")
    team.write(BREAKER, "src/broken.sh", "exit 3\n")
    team.commit(BREAKER, "A part that fails")
    return {"conflicts_status": found.returncode, "conflicts": json.loads(found.stdout)}


def merge(team: Team, say: Callable[[str], None]) -> Facts:
    """The coordinator merges what passes, holds back one rival, and finds the branch that breaks the check."""
    command = ("bash", ".claude/commands/pm/epic-merge-agents.sh", EPIC, "--check", CHECK, "--json")
    done = team.run("agent-coordinator", *command)
    report = json.loads(done.stdout)
    names = ", ".join(entry["agent"] for entry in report["merged"])
    say(f"the coordinator merged {names}")
    say(
        f"held back: {[e['agent'] for e in report['conflicts']]}; breaks the check: {[e['agent'] for e in report['failed']]}"
    )
    return {"merge_status": done.returncode, "merge": report}


def pictures(team: Team, say: Callable[[str], None], outputs: Path) -> Facts:
    """The timeline and the metrics of the run, where they stay."""
    outputs.mkdir(parents=True, exist_ok=True)
    for name, command in (
        ("timeline.html", ("timeline", EPIC, "--html")),
        ("timeline.svg", ("timeline", EPIC, "--svg")),
        ("trace.json", ("timeline", EPIC, "--trace")),
        ("metrics.json", ("metrics", "--json")),
        ("metrics.txt", ("metrics",)),
    ):
        (outputs / name).write_text(team.must("demo-driver", "ccpm-watch", *command) + "\n")
    say(f"timeline and metrics of the run: {outputs / 'timeline.html'}, {outputs / 'metrics.txt'}")
    return {"outputs": str(outputs)}
