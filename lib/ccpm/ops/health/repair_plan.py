"""What repair would do: each file with its bytes before and after. Reads, decides, writes nothing.

Contract: `make(top)` mends, in memory and in this order: the frontmatter of each file (files/mending.py), then what the
mended tasks show together: references to renamed tasks, links to moved PRDs, the progress of epics. So a second run
finds nothing more to do. A file that has a `version:` gets the next one and a fresh `updated:`, as with every write of
the helpers; one that does not count its versions keeps every other line.

What has more than one answer stays as it is; `ops/health/validation` says so. Files above plan_tree.LARGEST are
left alone.
"""

from __future__ import annotations

import os
import time

from ccpm.core import plan_findings, versions
from ccpm.core.findings import Finding
from ccpm.errors import Malformed
from ccpm.files import clock, mending, plain, plan_tree
from ccpm.files.plan_tree import PlanFile
from ccpm.ops.health import validation
from ccpm.ops.plan import plans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.plan_tree import EpicFolder, Tree


class Repair:
    """One file: `path` below the root, its bytes `before` and `after` (None: it is moved to the backup), and what is
    `mended`, in words. `epic`: the folder of its epic, "" for a PRD."""

    __slots__ = ("after", "before", "epic", "mended", "path")

    def __init__(self, path: str, before: bytes, after: bytes | None, epic: str, mended: list[str]) -> None:
        self.path = path
        self.before = before
        self.after = after
        self.epic = epic
        self.mended = mended

    def diff(self) -> str:
        """The change as a unified diff; bytes that are no UTF-8 as surrogates."""
        if self.after is None:
            return f"--- {self.path}\n+++ /dev/null\n(moved to the backup: {len(self.before)} bytes)\n"
        import difflib

        lines = difflib.unified_diff(_lines(self.before), _lines(self.after), self.path, self.path)
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )


class Plan:
    """`repairs` by path, and the findings `stale_locks`, which ccpm-lock clean ends."""

    __slots__ = ("repairs", "stale_locks")

    def __init__(self, repairs: list[Repair], stale_locks: list[Finding]) -> None:
        self.repairs = repairs
        self.stale_locks = stale_locks


def make(top: str, archived: bool = False) -> Plan:
    """Everything below the coordination root `top` that has one safe answer."""
    report = validation.examine(top, archived)
    work = _Work(report.tree)
    if any(finding.is_mendable or finding.kind == "renamed" for finding in report.findings):
        work.mend_all(any(finding.kind == "renamed" for finding in report.findings))
    locks = [finding for finding in report.findings if finding.kind == "stale-lock"]
    return Plan(work.repairs(), locks)


class _Work:
    """The tree while it is mended: `now` is what each changed file would hold."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.before: dict[str, bytes] = {}
        self.now: dict[str, PlanFile] = {}
        self.epic_of: dict[str, str] = {}
        self.mended: dict[str, list[str]] = {}
        self._renames: list[tuple[str, str]] = []

    def mend_all(self, with_renames: bool) -> None:
        tree = self.tree
        if with_renames:
            from ccpm.external import history

            self._renames = history.renames(tree.top, ".claude/epics")
        for file in tree.prds:
            self._mend_text(file, "")
        for folder in tree.epics:
            folder.tasks = [(key, self._mend_text(file, folder.name)) for key, file in folder.tasks]
            folder.epic = self._mend_text(folder.epic, folder.name) if folder.epic else None
            self._mend_references(folder)
            self._mend_epic(folder)
        for path in tree.others:
            if validation.is_stray(os.path.basename(path)) and validation.is_movable(tree.top, path):
                self._move(path)

    def repairs(self) -> list[Repair]:
        found = [
            Repair(path, self.before[path], self._stamped(file), self.epic_of[path], self.mended[path])
            for path, file in self.now.items()
        ]
        found += [
            Repair(path, self.before[path], None, self.epic_of[path], self.mended[path])
            for path in self.before
            if path not in self.now
        ]
        return sorted(found, key=lambda repair: repair.path)

    def _mend_text(self, file: PlanFile, epic: str) -> PlanFile:
        if len(file.data) >= plan_tree.LARGEST:
            return file
        mended = mending.mend(file.data)
        what = [
            f"{flaw.kind}: {flaw.what.replace('{name}', os.path.basename(file.path))}"
            for flaw in mended.mends
        ]
        return self._replace(file, epic, mended.data, what) if what else file

    def _mend_references(self, folder: EpicFolder) -> None:
        epic = plans.Epic(folder)
        files = {file.path: number for number, (_, file) in enumerate(folder.tasks)}
        for task in epic.plan.tasks:
            names: dict[str, dict[str, str]] = {}
            for key, reference in plan_findings.missing_references(epic.plan, task):
                if plan_findings.is_renamed(task, reference):
                    new = plan_findings.new_reference(epic.plan, folder.name, reference, self._renames)
                    names.setdefault(key, {}).update({reference: new} if new else {})
            for key, changes in names.items():
                number = files[task.file]
                path, file = folder.tasks[number]
                data = _renumber(file, key, changes) if changes else None
                if data is not None:
                    new_names = ", ".join(f"{old} is {new} now" for old, new in changes.items())
                    folder.tasks[number] = (
                        path,
                        self._replace(file, folder.name, data, [f"renamed: {key}: {new_names}"]),
                    )

    def _mend_epic(self, folder: EpicFolder) -> None:
        epic = plans.Epic(folder)
        if not folder.epic:
            return
        missing = validation.find_prd(self.tree, epic)
        if missing and len(missing[1]) == 1:
            what = f"no-prd: the PRD {missing[0]} is {missing[1][0]} now"
            folder.epic = self._set(folder.epic, folder.name, "prd", missing[1][0], what)
        if validation.is_progress_wrong(epic) and validation.may_recount(epic):
            stated, percent = epic.stated_progress, "%" if "%" in epic.stated_progress else ""
            value = f"{epic.plan.progress}{percent}"
            what = f"progress: {stated} is {value} by its tasks"
            folder.epic = self._set(folder.epic, folder.name, "progress", value, what)

    def _set(self, file: PlanFile, epic: str, key: str, value: str, what: str) -> PlanFile:
        from ccpm.files import frontmatter_edit

        try:
            edited = frontmatter_edit.edit(file.document, {key: value})
        except Malformed:
            return file
        return self._replace(file, epic, edited.data, [what])

    def _move(self, path: str) -> None:
        data = plain.read(os.path.join(self.tree.top, path))
        if data is not None:
            self.before[path] = data
            folders = path.split("/")
            self.epic_of[path] = folders[-2] if folders[1] == "epics" and len(folders) > 3 else ""
            self.mended[path] = ["stray: a copy, or a temporary file, of the file beside it"]

    def _replace(self, file: PlanFile, epic: str, data: bytes, what: list[str]) -> PlanFile:
        self.before.setdefault(file.path, file.data)
        self.epic_of[file.path] = epic
        self.mended.setdefault(file.path, []).extend(what)
        changed = PlanFile(file.path, data, file.modified)
        self.now[file.path] = changed
        return changed

    def _stamped(self, file: PlanFile) -> bytes:
        """`file` as its next version, if it counts its versions."""
        from ccpm.files import frontmatter_edit

        try:
            found = file.document.get(versions.KEY)
            if not isinstance(found, str) or not found:
                return file.data
            stamp = {
                versions.KEY: str(versions.next_version(versions.of(found))),
                versions.STAMP: clock.to_iso(time.time()),
            }
            return frontmatter_edit.edit(file.document, stamp, (), (versions.STAMP,)).data
        except Malformed:  # what is still wrong with it keeps its version from being written
            return file.data


def _renumber(file: PlanFile, key: str, names: dict[str, str]) -> bytes | None:
    try:
        return mending.replace_items(file.document, key, names)
    except (ValueError, Malformed):
        return None


def _lines(data: bytes) -> list[str]:
    """The lines with their ends; only a line feed ends one."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
