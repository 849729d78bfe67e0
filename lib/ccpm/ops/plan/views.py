"""The read-only views of a plan as plain data: what the commands print, and exactly what --json gives.

Each function takes the coordination root and returns dicts and lists. One pass over the files; no guard is taken.
"""

from __future__ import annotations

from ccpm.core import branch_names
from ccpm.core.plan import CLOSED, IN_PROGRESS, EpicPlan, Task, status_of
from ccpm.files import plan_tree
from ccpm.files.plan_tree import EpicFolder, PlanFile
from ccpm.files.store import Store
from ccpm.ops.distribution import claims
from ccpm.ops.plan import plans
from ccpm.ops.plan.plans import Epic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.core.completion import Finding

Data = dict[str, object]


def status(top: str, archived: bool = False) -> Data:
    epics, prds = plans.load(top, archived)
    return {"prds": len(prds), "epics": len(epics), "tasks": sum_counts(epics)}


def ready(top: str, archived: bool = False) -> Data:
    """Every ready task, the one that holds up the most work first; those of others' claims behind the free ones."""
    tasks = urgent(top, plans.load(top, archived)[0])
    return {"tasks": tasks, "available": sum(not task["claimed_by"] for task in tasks)}


def urgent(top: str, epics: list[Epic]) -> list[Data]:
    """The ready tasks of `epics` in that order."""
    held = claims.held(Store(top))
    tasks = [
        _with_claim(task_data(epic.plan, task), task, held) for epic in epics for task in epic.plan.ready()
    ]
    tasks.sort(key=lambda task: (bool(task["claimed_by"]), -float(str(task["chain_hours"]))))
    return tasks


def blocked(top: str, archived: bool = False) -> Data:
    epics, _ = plans.load(top, archived)
    return {
        "tasks": [task_data(epic.plan, task) for epic in epics for task in epic.plan.blocked()],
        "cycles": [
            {"epic": epic.name, "tasks": [task.id for task in cycle]}
            for epic in epics
            for cycle in epic.plan.cycles()
        ],
    }


def in_progress(top: str, archived: bool = False) -> Data:
    """Tasks that run (by status or by a progress file that is not at 100 %), and the epics that do."""
    epics, _ = plans.load(top, archived)
    active = [epic_data(epic) for epic in epics if epic.status == IN_PROGRESS]
    return {"tasks": running(top, epics, all_progress(top, epics)), "epics": active}


def running(top: str, epics: list[Epic], progress: dict[str, dict[str, PlanFile]]) -> list[Data]:
    """The tasks of `epics` that run. `progress`: what `all_progress` gave for them."""
    held = claims.held(Store(top))
    found = []
    for epic in epics:
        updates = progress[epic.folder.path]
        for task in epic.plan.tasks:
            update = _find_update(updates, task) if updates else None
            if task.status == IN_PROGRESS or (update and not task.is_closed):
                completion, synced = plans.text(update, "completion"), plans.text(update, "last_sync")
                data = _with_claim(task_data(epic.plan, task), task, held)
                found.append({**data, "completion": completion or "0%", "last_sync": synced})
    return found


def epic_list(top: str, archived: bool = False) -> Data:
    epics, _ = plans.load(top, archived)
    return {
        "epics": [epic_data(epic) for epic in epics],
        "tasks": sum(len(epic.plan.tasks) for epic in epics),
    }


def epic_show(top: str, name: str) -> Data:
    epic = plans.load_epic(top, name)
    return {**epic_data(epic), "task_list": [task_data(epic.plan, task) for task in epic.plan.tasks]}


def epic_status(top: str, name: str) -> Data:
    """An epic with what git knows of it: commits by issue, branches, and tasks of which git says more than the file."""
    import time

    from ccpm.external import history
    from ccpm.ops.plan import completion

    epic, loaded = plans.load_around(top, name)
    evidence = completion.Evidence(top)
    numbers = {completion.number_of(task) for task in epic.plan.tasks}
    branches = history.of_epic(evidence.branches, epic.name)
    in_epic = history.merged_into(top, branch_names.epic_branch(epic.name)) if branches else set()
    branches += [
        branch for number in sorted(numbers) for branch in history.of_issue(evidence.branches, number)
    ]
    found = completion.findings(loaded, evidence, time.time())
    return {
        **epic_data(epic),
        "cycles": [[task.id for task in cycle] for cycle in epic.plan.cycles()],
        "git": {
            "commits": {
                number: len(evidence.commits[number])
                for number in sorted(numbers & {*evidence.commits}, key=int)
            },
            "branches": [
                {"name": b.name, "merged": b.is_merged, "in_epic": b.name in in_epic}
                for b in {b.name: b for b in branches}.values()
            ],
            "findings": [finding_data(finding) for finding in found if finding.task.epic == epic.name],
        },
    }


def finding_data(finding: Finding) -> Data:
    return {
        "task": finding.task.id,
        "epic": finding.task.epic,
        "file": finding.task.file,
        "status": finding.task.status,
        "detected": finding.detected,
        "confidence": finding.confidence,
        "reason": finding.reason,
    }


def prd_list(top: str) -> Data:
    return {"prds": [_prd_data(file) for file in plan_tree.load(top).prds]}


def search(top: str, query: str, archived: bool = False) -> Data:
    """Files that contain `query`, literally and whatever the case, with the number of matching lines. Archived epics
    are among the other files, unless they are asked for."""
    needle = query.lower()
    tree = plan_tree.load(top, archived)
    prds = _matches([(file.stem, file) for file in tree.prds], needle)
    epics = _matches([(epic.name, epic.epic) for epic in tree.epics if epic.epic], needle)
    tasks = [
        {"task": key, "epic": epic.name, "file": file.path, "matches": count}
        for epic in tree.epics
        for key, file in epic.tasks
        if (count := _count_lines(file.data, needle))
    ]
    known = {*(match["file"] for match in [*prds, *epics]), *(match["file"] for match in tasks)}
    others = [
        {"file": path, "matches": count}
        for path in sorted(plan_tree.walk(top))
        if path.endswith(".md")
        and path not in known
        and (count := _count_lines(plan_tree.read(top, path).data, needle))
    ]
    return {"query": query, "prds": prds, "epics": epics, "tasks": tasks, "others": others}


def epic_data(epic: Epic) -> Data:
    return {
        "name": epic.name,
        "title": epic.title,
        "path": epic.folder.path,
        "file": epic.folder.epic.path if epic.folder.epic else None,
        "status": epic.status,
        "stated_status": epic.stated_status,
        "progress": epic.plan.progress,
        "stated_progress": epic.stated_progress,
        "github": epic.github,
        "issue": plans.issue_of(epic.github),
        "created": epic.created,
        "archived": epic.folder.is_archived,
        "tasks": counts(epic.plan),
    }


def task_data(plan: EpicPlan, task: Task) -> Data:
    return {
        "id": task.id,
        "key": task.key,
        "name": task.name,
        "epic": task.epic,
        "file": task.file,
        "status": task.status,
        "stated_status": task.stated,
        "ready": plan.is_ready(task),
        "parallel": task.is_parallel,
        "github": task.github,
        "hours": task.hours,
        "chain_hours": plan.chain(task),
        "depends_on": task.depends_on,
        "conflicts_with": task.conflicts_with,
        "waiting_for": [
            {"reference": blocker.reference, "task": blocker.task.id if blocker.task else None}
            for blocker in plan.blockers(task)
        ],
    }


def counts(plan: EpicPlan) -> dict[str, int]:
    """Every task is in exactly one of closed, in_progress, ready and blocked."""
    ready_count = sum(plan.is_ready(task) for task in plan.tasks)
    closed, running = plan.count(CLOSED), plan.count(IN_PROGRESS)
    total = len(plan.tasks)
    return {
        "total": total,
        "closed": closed,
        "in_progress": running,
        "ready": ready_count,
        "blocked": total - closed - running - ready_count,
        "open": total - closed - running,
    }


def sum_counts(epics: list[Epic]) -> dict[str, int]:
    total: dict[str, int] = dict.fromkeys(("total", "closed", "in_progress", "ready", "blocked", "open"), 0)
    for epic in epics:
        for key, value in counts(epic.plan).items():
            total[key] += value
    return total


def _with_claim(data: Data, task: Task, claimed: dict[str, claims.Claim]) -> Data:
    claim = claims.find(task, claimed)
    return {**data, "claimed_by": claim.agent if claim else ""}


def all_progress(top: str, epics: list[Epic]) -> dict[str, dict[str, PlanFile]]:
    """{folder of an epic: its progress files}."""
    return {epic.folder.path: progress_files(top, epic.folder) for epic in epics}


def progress_files(top: str, folder: EpicFolder) -> dict[str, PlanFile]:
    """{name of the folder below updates/: its progress.md}."""
    import os

    base = os.path.join(top, folder.path, "updates")
    found = {}
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        path = f"{folder.path}/updates/{name}/progress.md"
        if os.path.isfile(os.path.join(top, path)):
            found[name] = plan_tree.read(top, path)
    return found


def task_of_update(epic: Epic, name: str) -> Task | None:
    """The task whose progress the folder `name` below updates/ holds: its issue or its id."""
    for task in epic.plan.tasks:
        if name in _update_names(task):
            return task
    return None


def _find_update(updates: dict[str, PlanFile], task: Task) -> PlanFile | None:
    return next((updates[name] for name in _update_names(task) if name in updates), None)


def _update_names(task: Task) -> tuple[str, ...]:
    return task.id, task.id.lstrip("0"), plans.issue_of(task.github)


def _prd_data(file: PlanFile) -> Data:
    stated = plans.text(file, "status")
    group = {CLOSED: "implemented", IN_PROGRESS: "in-progress"}.get(status_of(stated), "backlog")
    return {
        "name": plans.text(file, "name") or file.stem,
        "file": file.path,
        "description": plans.text(file, "description"),
        "status": group,
        "stated_status": stated,
        "modified": file.modified,
    }


def _matches(files: list[tuple[str, PlanFile]], needle: str) -> list[Data]:
    return [
        {"name": name, "file": file.path, "matches": count}
        for name, file in files
        if (count := _count_lines(file.data, needle))
    ]


def _count_lines(data: bytes, needle: str) -> int:
    text = data.decode("utf-8", "replace").lower()
    if needle not in text:
        return 0
    return sum(needle in line for line in text.splitlines())
