"""Give every PRD, epic and task a version: `version: 1` where there is none.

Resumable by nature: each file is one atomic write, and a file that has a version is left alone. Files that cannot take
one (no frontmatter, a broken block) are named and passed over; nothing stops the rest.
"""

from __future__ import annotations

from ccpm.errors import CcpmError
from ccpm.files import plan_tree
from ccpm.files.plan_tree import PlanFile
from ccpm.ops import frontmatter
from ccpm.ops.plan import plans


class Outcome:
    """What one run did: paths `migrated`, paths that `had` a version, and (path, reason) for the `skipped` ones."""

    __slots__ = ("had", "migrated", "skipped")

    def __init__(self) -> None:
        self.migrated: list[str] = []
        self.had: list[str] = []
        self.skipped: list[tuple[str, str]] = []


def migrate(top: str, agent: str, epics: list[str], dry_run: bool) -> Outcome:
    """Migrate the named epics, or everything. NotFound (66) if a named epic does not exist."""
    outcome = Outcome()
    for file in _files(top, epics):
        try:
            if file.problem or not file.document.has_block:
                raise file.problem or CcpmError("it has no frontmatter")
            if file.document.get("version") is not None:
                outcome.had.append(file.path)
            elif dry_run or frontmatter.ensure_version(f"{top}/{file.path}", agent):
                outcome.migrated.append(file.path)
            else:
                outcome.had.append(file.path)
        except CcpmError as error:
            outcome.skipped.append((file.path, error.message))
    return outcome


def _files(top: str, epics: list[str]) -> list[PlanFile]:
    if epics:
        folders, prds = [plans.load_epic(top, name).folder for name in epics], []
    else:
        tree = plan_tree.load(top)
        folders, prds = tree.epics, tree.prds
    found = list(prds)
    for folder in folders:
        found += [folder.epic] if folder.epic else []
        found += [file for _, file in folder.tasks]
    for file in found:
        _ = file.document  # parse now, so that `problem` is known
    return found
