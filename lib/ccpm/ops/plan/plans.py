"""From files to the plan they mean: the one place that maps frontmatter to tasks, epics and PRDs.

Real files differ (docs/FORMATS.md): a name may be missing, an effort may stand in one of six keys or in the body.
Reading is lenient; what is wrong with a file is said by ops/validation, never here.
"""

from __future__ import annotations

import re

from ccpm.core.plan import EpicPlan, Task, hours_of, status_of
from ccpm.errors import NotFound
from ccpm.files import plan_tree
from ccpm.files.plan_tree import EpicFolder, PlanFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.yaml_inline import Value

_EFFORT = (
    "effort_hours",
    "estimated_hours",
    "hours",
    "effort",
    "estimate",
    "effort_estimate",
    "estimated_effort",
    "size",
)
_BODY_HOURS = re.compile(rb"^[-*]\s*\**Hours\**:\**\s*([^\r\n]*)", re.MULTILINE)
_HEADING = re.compile(rb"^#+[ \t]+([^\r\n]+)", re.MULTILINE)
_ISSUE = re.compile(r"/(?:issues|pull)/(\d+)/?$|^#?(\d+)$")


class Epic:
    """An epic with its plan: `name` is its folder (what commands take), `title` what it calls itself."""

    __slots__ = ("created", "folder", "github", "plan", "stated_progress", "stated_status", "status", "title")

    def __init__(self, folder: EpicFolder) -> None:
        self.folder = folder
        file = folder.epic
        self.title = text(file, "name") or folder.name
        self.stated_status = text(file, "status")
        self.status = status_of(self.stated_status)
        self.stated_progress = text(file, "progress")
        self.github = link(file)
        self.created = text(file, "created")
        self.plan = EpicPlan([to_task(folder.name, key, task) for key, task in folder.tasks])

    @property
    def name(self) -> str:
        return self.folder.name


def load(top: str, archived: bool = False) -> tuple[list[Epic], list[PlanFile]]:
    """Every epic with its plan, and every PRD."""
    tree = plan_tree.load(top, archived)
    return [Epic(folder) for folder in tree.epics], tree.prds


def load_around(top: str, name: str) -> tuple[Epic, list[Epic]]:
    """(the epic `name`, every epic with it), each file read once; NotFound (66) names the ones there are."""
    epics, _ = load(top)
    found = next((epic for epic in epics if epic.name == name), None)
    if found is None:
        found = load_epic(top, name)
        epics.append(found)
    return found, epics


def load_epic(top: str, name: str) -> Epic:
    """The epic in the folder `name`; NotFound (66) names the ones there are."""
    folder = plan_tree.load_epic(top, name)
    if folder is None:
        there = ", ".join(epic.name for epic in plan_tree.load(top).epics) or "none"
        raise NotFound(f"no epic {name!r}; there are: {there}", "ccpm-query epic-list", epic=name)
    return Epic(folder)


def to_task(epic: str, key: str, file: PlanFile) -> Task:
    values = file.values
    return Task(
        epic,
        key,
        file.path,
        _text(values, "name") or _text(values, "title") or heading(file) or file.stem,
        _text(values, "status"),
        entries(values.get("depends_on")),
        entries(values.get("conflicts_with")),
        _text(values, "parallel").lower() in ("true", "yes", "1"),
        _effort(file),
        link(file),
        _text(values, "created"),
        _text(values, "updated"),
        entries(values.get("files")),
    )


def text(file: PlanFile | None, key: str) -> str:
    """A value of the frontmatter as text, "" if it is missing or no scalar."""
    return _text(file.values, key) if file else ""


def _text(values: dict[str, Value], key: str) -> str:
    value = values.get(key)
    return value.strip() if isinstance(value, str) else ""


def references(file: PlanFile, key: str) -> list[str]:
    """The entries of a list like depends_on."""
    return entries(file.get(key))


def entries(value: object) -> list[str]:
    """The entries of such a list in every form that people write: `[1, 2]`, a block list, `001`, none."""
    if not value:
        return []
    if isinstance(value, str):
        value = (
            [part.strip() for part in value.split(",")]
            if value.strip() not in ("", "null", "~", "none")
            else []
        )
    if not isinstance(value, list):
        return []
    return [entry.strip() for entry in value if isinstance(entry, str) and entry.strip()]


def link(file: PlanFile | None) -> str:
    """The `github:` of a file if it is an address or a number; the placeholder of an unsynced file is none."""
    found = text(file, "github")
    return found if found and ("://" in found or _ISSUE.search(found)) else ""


def issue_of(github: str) -> str:
    """The issue number at the end of a `github:` value, or ""."""
    match = _ISSUE.search(github)
    return (match[1] or match[2]) if match else ""


def heading(file: PlanFile) -> str:
    match = _HEADING.search(file.data)
    return match[1].decode("utf-8", "replace").strip() if match else ""


def _effort(file: PlanFile) -> float:
    values = file.values
    for key in _EFFORT:
        if key in values and (hours := hours_of(_text(values, key))):
            return hours
    match = _BODY_HOURS.search(file.data) if b"Hours" in file.data else None
    return hours_of(match[1].decode("utf-8", "replace")) if match else 0.0
