"""Holds what a run left behind against what was promised: one function a promise.

A check looks only at evidence (evidence.py) and returns the figures to show and the problems it found, each in words.
Each scene brings its own check (scenes/).
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from demo import checks, evidence, scenes
from demo.checks import Check, Run
from demo.project import Project

LITTER = (".ccpm-tmp", ".tmp", ".bell", ".lock", ".queue")
"""How the names of files end that may exist only for moments."""


def verify(project: Project) -> list[Check]:
    """All checks of the run whose project this is, in the order in which they are shown."""
    run = checks.read(project)
    return [check(run) for check in (*PROMISES, *(scene.verify for scene in scenes.ALL), *AFTERWARDS)]


def closed_once(run: Run) -> Check:
    check = Check("every task closed exactly once")
    for task in run.tasks.values():
        noted = [write for write in run.done(f"{task.id}.md") if write.purpose == "close"]
        logged = run.entries("close", task.id)
        check.expect(task.status == "closed", f"task {task.id} is {task.status}")
        check.expect(len(noted) == 1, f"task {task.id}: {len(noted)} closing writes were accepted")
        check.expect(len(logged) == 1, f"task {task.id} is closed {len(logged)} times in the log")
    closers = {entry.agent for entry in run.log if entry.event == "close"}
    check.figures = f"{len(run.tasks)} tasks, closed by {len(closers)} workers"
    check.expect(len(run.tasks) == 9, f"there are {len(run.tasks)} tasks, not 9")
    return check


def dependencies_first(run: Run) -> Check:
    check = Check("no task before what it depends on")
    closed: set[str] = set()
    edges = 0
    for entry in run.log:
        if entry.event == "take":
            for other in run.tasks[entry.task].depends_on:
                edges += 1
                check.expect(other in closed, f"task {entry.task} was taken before {other} was closed")
        elif entry.event == "close":
            closed.add(entry.task)
    check.figures = f"{edges} dependencies"
    check.expect(
        edges == sum(len(task.depends_on) for task in run.tasks.values()), "some task was never taken"
    )
    return check


def conflicts_apart(run: Run) -> Check:
    """From the log; and from the work itself, which nothing else protects: a line that is missing was overwritten."""
    check = Check("no two conflicting tasks at once")
    working: set[str] = set()
    for entry in run.log:
        if entry.event == "take":
            for other in working.intersection(run.tasks[entry.task].conflicts_with):
                check.problems.append(f"task {entry.task} was taken while {other} was in progress")
            working.add(entry.task)
        elif entry.event == "close":
            working.discard(entry.task)
    lines = 0
    for file in sorted({task.file for task in run.tasks.values()}):
        path = run.project.top / file
        found = path.read_text().splitlines() if path.exists() else []
        expected = [
            f"{task.id} step {step}"
            for task in run.tasks.values()
            if task.file == file
            for step in range(1, run.facts["steps"] + 1)
        ]
        lines += len(found)
        check.expect(sorted(found) == sorted(expected), f"{file} has {len(found)} of {len(expected)} lines")
    pairs = sum(len(task.conflicts_with) for task in run.tasks.values()) // 2
    check.figures = f"{pairs} pairs; {lines} lines of work"
    return check


def increments(run: Run) -> Check:
    check = Check("every increment of the shared counter present")
    steps = run.facts["steps"]
    expected = {f"step:{task}:{step}" for task in run.tasks for step in range(1, steps + 1)}
    noted = Counter(write.purpose for write in run.done("epic.md") if write.purpose.startswith("step:"))
    conflicts = sum(write.status == 10 for write in run.writes)
    total = int(run.epic["steps"])
    check.expect(total == len(expected), f"the counter says {total}, not {len(expected)}")
    check.expect(set(noted) == expected, f"{len(expected ^ set(noted))} steps are missing or strange")
    for purpose, times in noted.items():
        check.expect(times == 1, f"{purpose} was counted {times} times")
    for task in run.tasks:
        own = run.epic.get(f"steps_{task}", "nothing")
        check.expect(own == str(steps), f"steps_{task} says {own}, not {steps}")
    check.figures = f"{total} of {len(expected)}; {conflicts} conflicts (10) met and retried"
    return check


def versions(run: Run) -> Check:
    """A write that was lost would leave two writers with the same version, one that nobody noted a gap. The first
    writes are those of the sync; what it left is in the facts."""
    check = Check("version = 1 + writes, for every file")
    files = {f"{task}.md" for task in run.tasks} | {"epic.md"}
    writes = 0
    for name in sorted(files):
        noted = sorted(write.version for write in run.done(name))
        version = int(evidence.frontmatter(run.project.epic / name)["version"])
        writes += len(noted)
        first = run.facts["synced"]["versions"][name]
        writes += first - 1
        check.expect(version == first + len(noted), f"{name} has version {version} after {len(noted)} writes")
        check.expect(
            noted == list(range(first + 1, first + 1 + len(noted))), f"{name}: the writers were told {noted}"
        )
    strange = {write.status for write in run.writes} - {0, 10, 11}
    check.expect(not strange, f"writes ended with status {strange}")
    check.expect(writes > 0, "nobody wrote anything")
    check.figures = f"{len(files)} files, {writes} writes"
    return check


def progress(run: Run) -> Check:
    check = Check("progress and status of the epic right")
    check.figures = f"{run.epic['progress']}, {run.epic['status']}"
    check.expect(
        (run.epic["progress"], run.epic["status"]) == ("100%", "completed"), f"they are {check.figures}"
    )
    noted = [write for write in run.done("epic.md") if write.purpose == "progress"]
    check.expect(len(noted) >= len(run.tasks), f"progress was written only {len(noted)} times")
    return check


def commits(run: Run) -> Check:
    check = Check("one commit a task, from one working copy")
    subjects = Counter(run.project.must("git", "log", "--format=%s", "--", "src").splitlines())
    for task in run.tasks:
        times = subjects.pop(f"Task {task}", 0)
        check.expect(times == 1, f"task {task} has {times} commits")
    check.expect(not subjects, f"there are other commits: {sorted(subjects)}")
    check.figures = f"{len(run.tasks)} commits"
    return check


def issues(run: Run) -> Check:
    """Each file is named after its issue, and the tracker has that issue once and no other."""
    check = Check("one issue a task, files named after them")
    found = run.facts["synced"]["issues"]
    titles = Counter(issue["title"] for issue in found)
    for title, times in titles.items():
        check.expect(times == 1, f"{title} is there {times} times")
    numbers = {issue["title"]: str(issue["number"]) for issue in found}
    for task in run.tasks.values():
        number = numbers.get(task.name, "none")
        check.expect(number == task.id, f"{task.name} is in {task.id}.md, its issue is {number}")
    check.expect(len(found) == len(run.tasks) + 1, f"there are {len(found)} issues")
    check.figures = f"{len(found)} issues in {run.facts['synced']['tracker']}"
    return check


def tokens(run: Run) -> Check:
    check = Check("fencing tokens strictly rising for every lock")
    newest: dict[str, int] = {}
    taken = 0
    for event in evidence.events(run.project, "lock.acquired"):
        resource, token = event["resource"], event["token"]
        check.expect(
            token > newest.get(resource, 0), f"{resource}: token {token} after {newest.get(resource)}"
        )
        newest[resource] = token
        taken += 1
    waited = sum(bool(event["contended"]) for event in evidence.events(run.project, "lock.acquired"))
    check.expect(taken > 0, "no lock was taken")
    check.figures = f"{len(newest)} locks taken {taken} times, {waited} times after a wait"
    return check


def workers(run: Run) -> Check:
    check = Check("all workers ended by themselves, but the killed one")
    exits: dict[str, int | str] = run.facts["exits"]
    killed = run.facts["crash"].get("agent")
    for agent, status in exits.items():
        check.expect(agent == killed or status == 0, f"{agent} ended: {status}")
    left = run.facts["leftovers"]
    check.expect(not left, f"processes of {', '.join(left)} still run")
    check.figures = f"{len(exits)} workers"
    return check


def no_litter(run: Run) -> Check:
    check = Check("no litter: locks, queues, temporary files")
    held = json.loads(run.project.must("ccpm-lock", "list", "--json"))
    check.expect(not held, f"ccpm-lock list shows {held}")
    for folder in (run.project.claude / "epics", run.project.claude / "locks", run.project.top / "src"):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(run.project.top)
            check.expect(not path.name.endswith(LITTER), f"left behind: {name}")
    cleaned = json.loads(run.project.must("ccpm-lock", "clean", "--json"))
    check.expect(not cleaned, f"ccpm-lock clean found {cleaned}")
    temporary = sorted(path.name for path in (run.project.notes / "tmp").iterdir())
    check.expect(not temporary, f"left in TMPDIR: {temporary}")
    strange = [
        line[3:].strip('"')
        for line in run.project.must("git", "status", "--porcelain", "--untracked-files=all").splitlines()
        if line[:2] == "??" and Path(line[3:].strip('"')).name != "log.txt"
    ]
    check.expect(not strange, f"files that nobody committed: {strange}")
    check.figures = "nothing held, nothing to clean"
    return check


PROMISES = (issues, closed_once, dependencies_first, conflicts_apart, increments, versions, progress, commits)
AFTERWARDS = (tokens, workers, no_litter)
