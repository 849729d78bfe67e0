"""Bring the status of tasks up to what git shows: the use case of detect-completion, the evidence in epic-status."""

from __future__ import annotations

import os

from ccpm.core.completion import HIGH, Finding, Traces, judge
from ccpm.core.plan import Task
from ccpm.errors import NotFound
from ccpm.external import history
from ccpm.external.history import Branch
from ccpm.files import clock
from ccpm.ops import frontmatter
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import claims
from ccpm.ops.plan import epics, naming, plans
from ccpm.ops.plan.plans import Epic


class Evidence:
    """What git knows: `commits` {issue number: times}, `branches`. One look for a whole plan."""

    __slots__ = ("branches", "commits")

    def __init__(self, top: str) -> None:
        self.commits: dict[str, list[float]] = history.commits(top)
        self.branches: list[Branch] = history.branches(top)


def number_of(task: Task) -> str:
    """The number by which commits name `task`: its issue's, else the one in its file name, without zeros."""
    return plans.issue_of(task.github) or task.id.lstrip("0")


def findings(loaded: list[Epic], evidence: Evidence, now: float) -> list[Finding]:
    """What git says beyond the files, for the tasks of `loaded`; the epics that share numbers have to be among them."""
    owners: dict[str, set[str]] = {}
    for epic in loaded:
        for task in epic.plan.tasks:
            owners.setdefault(number_of(task), set()).add(epic.name)
    found = []
    for epic in loaded:
        for task in epic.plan.tasks:
            number = number_of(task)
            times = evidence.commits.get(number)
            if times and not task.is_closed:
                merged = next(
                    (b.name for b in history.of_issue(evidence.branches, number) if b.is_merged), ""
                )
                finding = judge(task, Traces(times, merged, len(owners[number]) > 1), now)
                found += [finding] if finding else []
    return found


class Detected:
    """`scanned`: how many tasks were looked at, {epic: count}. `findings`, which of them were `applied`, and which were
    not because another agent works on the task, with that agent (`held`)."""

    __slots__ = ("applied", "findings", "held", "scanned")

    def __init__(self) -> None:
        self.scanned: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.applied: list[Finding] = []
        self.held: list[tuple[Finding, str]] = []


def detect(top: str, epic: str, now: float) -> Detected:
    """The findings of `epic`, or of every epic if it is ""; NotFound (66) if it does not exist."""
    done = Detected()
    if epic:
        only, loaded = plans.load_around(top, epic)
        wanted = [only]
    else:
        loaded = wanted = plans.load(top)[0]
    done.scanned = {found.name: len(found.plan.tasks) for found in wanted}
    names = set(done.scanned)
    done.findings = [f for f in findings(loaded, Evidence(top), now) if f.task.epic in names]
    return done


def apply(actor: Actor, done: Detected, tasks: tuple[str, ...]) -> None:
    """Write what was found: the findings of high confidence, or those about `tasks` (ids, or EPIC/ID) whatever their
    confidence. NotFound (66) for one that nothing was found about, UsageError (2) for what several are called. Each
    under the lock of its epic; a task that another agent has is left to it."""
    chosen = [finding for finding in done.findings if finding.confidence == HIGH]
    if tasks:
        chosen = [_about(actor.top, done, reference) for reference in tasks]
    held = claims.held(actor.store)
    for name in dict.fromkeys(finding.task.epic for finding in chosen):
        with actor.holding(epics.resource_of(name), "detect-completion") as fences:
            present = {task.key: task for task in plans.load_epic(actor.top, name).plan.tasks}
            for finding in (finding for finding in chosen if finding.task.epic == name):
                task = present.get(finding.task.key)
                claim = claims.find(task, held) if task else None
                if claim and claim.agent != actor.agent:
                    done.held.append((finding, claim.agent))
                elif task and not task.is_closed and task.status != finding.detected:
                    frontmatter.apply(_change(actor, finding, fences))
                    done.applied.append(finding)
            epics.recount(actor, name, fences, is_lenient=True)


def _change(actor: Actor, finding: Finding, fences: dict[str, int]) -> frontmatter.Change:
    values = {
        "status": finding.detected,
        "git_commits": str(len(finding.traces.commits)),
        "last_commit": clock.to_iso(finding.traces.commits[0]),
        "detected_completion": "true",
    }
    return frontmatter.Change(os.path.join(actor.top, finding.task.file), actor.agent, values, (), fences)


def _about(top: str, done: Detected, reference: str) -> Finding:
    if "/" not in reference and len(done.scanned) == 1:
        reference = f"{next(iter(done.scanned))}/{reference}"
    task = naming.task(top, reference)
    about = next((f for f in done.findings if (f.task.epic, f.task.key) == (task.epic, task.key)), None)
    if about is None:
        raise NotFound(
            f"nothing was found about {reference!r}; nothing was written",
            "name it as the report does: EPIC/ID",
        )
    return about
