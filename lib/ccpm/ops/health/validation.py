"""Find what is wrong with the plan and its files: what `validate` shows, and the ground on which repair decides.

Contract: `examine(top)` makes one pass over the tree and one read a file; it takes no guard, writes nothing and runs no
command. What counts: tasks, epics and PRDs (only these need frontmatter), the references between tasks, numbers, the
files around them, and locks. `archived`: the epics that were put away too.
"""

from __future__ import annotations

import os
import re

from ccpm.core import plan_findings, renumber
from ccpm.core.findings import Finding, in_order
from ccpm.core.plan import CLOSED, is_status, task_id_of
from ccpm.files import atomic, mending, plan_tree
from ccpm.files.store import Store
from ccpm.ops.locking import lock_state
from ccpm.ops.plan import plans
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.plan_tree import EpicFolder, PlanFile, Tree

_BACKUPS = (".bak", ".orig", ".rej", "~", ".swp", ".swo", ".tmp", ".old", atomic.SUFFIX)
_RENAMING = renumber.ASIDE.rpartition("}")[2]
_SED = re.compile(r"sed[A-Za-z0-9]{6}")
"""The temporary file of GNU `sed -i` that was killed."""

_NO_LINK = frozenset(("", "n/a", "none", "null", "~", "-", "tbd"))


class Report:
    """`findings` in the order of the report; `tree` as it was read; `has_claude`, `has_rules`: what is there."""

    __slots__ = ("findings", "has_claude", "has_rules", "tree")

    def __init__(self, tree: Tree, findings: list[Finding]) -> None:
        self.tree = tree
        self.findings = findings
        self.has_claude = os.path.isdir(os.path.join(tree.top, ".claude"))
        self.has_rules = os.path.isdir(os.path.join(tree.top, ".claude", "rules"))


def examine(top: str, archived: bool = False) -> Report:
    """Everything that is wrong below the coordination root `top`."""
    tree = plan_tree.load(top, archived, everything=True)
    report = Report(tree, [])
    found = report.findings
    if not report.has_claude:
        hint = "install CCPM into the project, or start with /pm:init"
        found.append(Finding("no-claude", ".claude", ".claude directory missing", hint))
    for folder in tree.epics:
        found += _of_epic(tree, folder)
    for file in tree.prds:
        found += of_file(file)
    found += [finding for path in tree.others for finding in _of_other(top, path)]
    found += _of_locks(top)
    report.findings = in_order(found)
    return report


def of_file(file: PlanFile) -> list[Finding]:
    """What is wrong with the frontmatter of one file."""
    name = os.path.basename(file.path)
    return [
        Finding(
            flaw.kind,
            file.path,
            flaw.what.replace("{name}", name),
            fill(flaw.hint, file.path) if flaw.hint else _MEND,
            flaw.line,
            flaw.is_mendable and len(file.data) < plan_tree.LARGEST,
            flaw.key,
        )
        for flaw in mending.find(file.data)
    ]


_MEND = "ccpm-query validate --fix mends it (--dry-run shows how)"


def fill(hint: str, path: str) -> str:
    """`hint` with the file that it is about, as a shell takes it."""
    return hint.replace("{file}", quoted(path))


def of_plan(epic: plans.Epic) -> list[Finding]:
    """What the tasks of `epic` show together, with the lines of the keys that it is about."""
    found = plan_findings.judge(epic.plan, quoted(epic.folder.path))
    if not found:
        return []
    files = {file.path: file for _, file in epic.folder.tasks}
    for finding in found:
        finding.line = _line_of(files[finding.file], finding.key)
        finding.hint = fill(finding.hint, finding.file)
    return found


def is_progress_wrong(epic: plans.Epic) -> bool:
    return plan_findings.is_progress_wrong(epic.stated_progress, epic.plan)


def may_recount(epic: plans.Epic) -> bool:
    """Whether it is certain that the tasks are right and the stated progress is wrong: not for history, not where a
    task does not say its status, and not for an epic that says it is completed."""
    is_told = all(task.stated for task in epic.plan.tasks)
    says_done = epic.status == CLOSED and epic.plan.progress < 100
    return is_told and not says_done and not epic.folder.is_archived


def find_prd(tree: Tree, epic: plans.Epic) -> tuple[str, list[str]] | None:
    """(the link, PRDs that it may mean) if the `prd:` of `epic` names no file; None if it does, or if there is none."""
    link = plans.text(epic.folder.epic, "prd")
    if link.lower() in _NO_LINK or "://" in link or link.lower().startswith(("[will", "will be")):
        return None
    name = os.path.basename(link)
    stem = name if name.endswith(".md") else f"{name}.md"
    relative = os.path.normpath(os.path.join(epic.folder.path, link))
    for path in (link, relative, f".claude/prds/{stem}", f".claude/{link}"):
        if not os.path.isabs(path) and os.path.isfile(os.path.join(tree.top, path)):
            return None
    below = [path for path in tree.others if path.startswith(".claude/prds/") and path.endswith(f"/{stem}")]
    return link, below


def _of_epic(tree: Tree, folder: EpicFolder) -> list[Finding]:
    found = [finding for _, file in folder.tasks for finding in [*of_file(file), *_of_task(file)]]
    if folder.epic is None:
        what = f"Missing epic.md in {folder.name}"
        hint = f"create it: ccpm-plan new-epic {quoted(folder.name)}; or move what is in it to the epic it belongs to"
        found.append(Finding("no-epic-file", folder.path, what, hint))
    else:
        found += of_file(folder.epic)
    epic = plans.Epic(folder)
    found += of_plan(epic)
    if folder.epic and is_progress_wrong(epic):
        closed, total = epic.plan.count(CLOSED), len(epic.plan.tasks)
        what = (
            f"Epic {folder.name} states progress {epic.stated_progress}: {closed} of {total} tasks are closed"
        )
        hint = f"recount it: ccpm-plan refresh {quoted(folder.name)}"
        if not may_recount(epic):
            hint = f"close those that are done (ccpm-plan close-task {quoted(folder.name)} TASK), or {hint}"
        line = _line_of(folder.epic, "progress")
        found.append(Finding("progress", folder.epic.path, what, hint, line, may_recount(epic), "progress"))
    missing = find_prd(tree, epic) if folder.epic else None
    if missing and folder.epic:
        link, places = missing
        there = (
            f"it is now {places[0]}" if len(places) == 1 else "name the file that is there, or write the PRD"
        )
        hint = fill(f"{there}: ccpm-fm-cas update {{file}} 'prd=…'", folder.epic.path)
        what = f"Epic {folder.name} links to a PRD that is not there: {link}"
        line = _line_of(folder.epic, "prd")
        found.append(Finding("no-prd", folder.epic.path, what, hint, line, len(places) == 1, "prd"))
    return found


def _of_task(file: PlanFile) -> list[Finding]:
    """Whether a task says what it is called, and a status that means something."""
    if file.problem or not file.document.has_block:
        return []
    found = []
    if not (plans.text(file, "name") or plans.text(file, "title") or plans.heading(file)):
        hint = fill("give it one: ccpm-fm-cas update {file} 'name=…'", file.path)
        found.append(Finding("no-name", file.path, "The task has no name", hint))
    status = file.get("status")
    if status and not (isinstance(status, str) and is_status(status)):
        hint = fill("write open, in-progress or closed: ccpm-fm-cas update {file} status=…", file.path)
        shown = status if isinstance(status, str) else "a list or a mapping"
        what = f"The status is no known one, and counts as open: {shown}"
        found.append(Finding("bad-status", file.path, what, hint, _line_of(file, "status"), key="status"))
    return found


def is_stray(name: str) -> bool:
    """Whether an editor or a script left the file `name`."""
    is_emacs = name.startswith((".#", "#")) and (name.startswith(".#") or name.endswith("#"))
    return name.lower().endswith(_BACKUPS) or bool(_SED.fullmatch(name)) or is_emacs


def original_of(name: str) -> str:
    """The name of the file that the stray `name` is a copy or a temporary form of, "" if it does not tell."""
    if name.startswith(".") and name.endswith(atomic.SUFFIX):
        return name[1 : -len(atomic.SUFFIX)]
    for suffix in (".bak", ".orig", "~"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return ""


def is_movable(top: str, path: str) -> bool:
    """Whether the stray `path` can go to the backup: a plain file, and the file that it was made from is there."""
    stray = os.path.join(top, path)
    folder, name = os.path.split(stray)
    original = original_of(name)
    is_plain = os.path.isfile(stray) and not os.path.islink(stray)
    return bool(original) and is_plain and os.path.isfile(os.path.join(folder, original))


def _of_other(top: str, path: str) -> list[Finding]:
    name = os.path.basename(path)
    if is_stray(name):
        can_go = is_movable(top, path)
        hint = f"look whether it holds anything new, then move it out of the plan: {quoted(path)}"
        return [Finding("stray", path, f"Stray file: {name}", _MEND if can_go else hint, is_mendable=can_go)]
    if name.startswith(".") and name.endswith(_RENAMING):
        epic = quoted(path.split("/")[-2])
        hint = f"a sync was interrupted while it renamed files; let it finish: ccpm-sync epic {epic}"
        return [Finding("stray", path, f"A task under a name in between: {name}", hint)]
    real = os.path.join(top, path)
    if name.endswith(".md") and not os.path.isfile(real):
        kind = "a link that leads to no file" if os.path.islink(real) else "no file, but a pipe or a device"
        hint = f"put a file in its place, or move it out of the plan: {quoted(path)}"
        return [Finding("no-file", path, f"Not readable: {name} is {kind}", hint)]
    if task_id_of(name) and path.startswith(".claude/epics/"):
        hint = "move it to the folder of its epic, or to tasks/ below that, or give it another name: "
        return [Finding("orphan", path, f"Orphaned task file: {name}", hint + quoted(path))]
    return []


def _of_locks(top: str) -> list[Finding]:
    store = Store(top)
    found = []
    for resource in store.list_locks():
        state = lock_state.look(store, resource)
        path = f".claude/locks/{resource}.lock"
        for lease, why in state.stale:
            what = f"Stale lock: {resource}, held by {lease.owner.agent}: {why}"
            found.append(Finding("stale-lock", path, what, "ccpm-lock clean", is_mendable=True))
        if state.unreadable and not state.is_blocked:
            what = f"Stale lock: {resource}: its record is unreadable ({state.unreadable.reason})"
            found.append(Finding("stale-lock", path, what, "ccpm-lock clean", is_mendable=True))
    return found


def _line_of(file: PlanFile, key: str) -> int:
    entries = file.document.find(key) if key else []
    return entries[0].first + 2 if entries else 1
