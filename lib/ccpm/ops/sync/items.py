"""What of an epic's files concerns the tracker: the epic and its tasks as items, each with the text of its issue.

An item is linked when its `github:` names an issue of the tracker in use; one that is linked elsewhere (another
repository, another tracker) is nobody's to renumber unless the caller says so.
"""

from __future__ import annotations

import os

from ccpm.core import issue_text
from ccpm.core.plan import CLOSED as DONE
from ccpm.core.plan import EpicPlan, Task
from ccpm.errors import Malformed, NotFound, UsageError
from ccpm.files.plan_tree import PlanFile
from ccpm.ops.plan import plans
from ccpm.ops.trackers import CLOSED, OPEN, Tracker

EPIC = "epic.md"
"""The key of an epic's own file among its items."""


class Item:
    """The epic (`task` is None) or one of its tasks. `key`: EPIC, or the task's key. `path`: below the root. `text`:
    what a person reads in its issue. `number`: that of its issue, 0 if it has none here; `elsewhere`: a link to
    another tracker."""

    __slots__ = (
        "elsewhere",
        "file",
        "follows",
        "key",
        "labels",
        "number",
        "path",
        "state",
        "task",
        "text",
        "title",
    )

    def __init__(
        self, key: str, file: PlanFile, task: Task | None, title: str, text: str, is_closed: bool
    ) -> None:
        self.key = key
        self.file = file
        self.path = file.path
        self.task = task
        self.title = issue_text.title(title)
        self.text = text
        self.state = CLOSED if is_closed else OPEN
        self.number = 0
        self.elsewhere = ""
        self.labels: tuple[str, ...] = ()
        self.follows = ""

    def compose(self, marker: str, tasks: str = "") -> str:
        return issue_text.compose(self.text, marker, tasks, self.follows)

    def text_in(self, body: str) -> str:
        """The text for the file in an issue's `body`."""
        is_named = self.text.startswith(f"Follow-up to #{self.follows}")
        return issue_text.undo(body, "" if is_named else self.follows, self.task is None)


class Items:
    """The items of one epic, and the plan that its references are read by."""

    __slots__ = ("all", "epic", "name", "plan", "plans_epic", "tasks")

    def __init__(self, top: str, name: str, tracker: Tracker) -> None:
        found = plans.load_epic(top, name)
        if found.folder.epic is None:
            raise NotFound(f"{found.folder.path} has no epic.md", f"create it: ccpm-plan new-epic {name}")
        self.plans_epic = found
        self.name = found.name
        self.plan: EpicPlan = found.plan
        files = dict(found.folder.tasks)
        text = issue_text.without_task_list(text_of(found.folder.epic, top))
        self.epic = Item(
            EPIC, found.folder.epic, None, f"Epic: {name}", issue_text.trim(text), found.status == DONE
        )
        self.tasks = [_task_item(task, files[task.key], top) for task in self.plan.tasks]
        self.all = [self.epic, *self.tasks]
        kind = "bug" if plans.text(found.folder.epic, "type") == "bug" else "feature"
        mine = issue_text.label(f"epic:{name}")
        for item in self.all:
            item.labels = (
                ("epic", mine, kind) if item is self.epic else ("bug" if item.follows else "task", mine)
            )
            link = plans.link(item.file)
            item.number = tracker.number_of(link)
            item.elsewhere = "" if item.number else _other(link)

    def by_key(self, key: str) -> Item | None:
        return next((item for item in self.all if item.key == key), None)

    def by_number(self, number: int) -> Item | None:
        return next((item for item in self.all if item.number == number), None)


def text_of(file: PlanFile, top: str) -> str:
    """What of a file goes out: the text below its frontmatter, without paths of this machine and control characters."""
    text = file.document.parts()[1].decode("utf-8", "replace")
    return hide(issue_text.trim(text), top)


def hide(text: str, top: str) -> str:
    return issue_text.printable(issue_text.hide_paths(text, top, os.path.expanduser("~")))


def check_fits(item: Item, longest: int) -> None:
    """UsageError (2) for a text that no issue can hold; nothing is cut."""
    size = len(item.compose("0" * 36))
    if size > longest:
        raise UsageError(
            f"{item.path} makes an issue of {size} characters; {longest} fit",
            "move a part of it into a file of the repository, and name that file instead",
            path=item.path,
        )


def check_editable(item: Item, values: dict[str, str]) -> None:
    """Malformed (65) if the frontmatter of `item` cannot take `values`: told before anything is sent."""
    from ccpm.files import frontmatter_edit

    if item.file.document and item.file.problem:
        raise Malformed(f"{item.path}: {item.file.problem.message}", item.file.problem.hint)
    try:
        frontmatter_edit.edit(item.file.document, values, create=True)
    except Malformed as error:
        raise Malformed(f"{item.path}: {error.message}", error.hint, path=item.path) from error


def _task_item(task: Task, file: PlanFile, top: str) -> Item:
    item = Item(task.key, file, task, task.name, text_of(file, top), task.is_closed)
    item.follows = plans.issue_of(plans.text(file, "bug_for"))
    return item


def _other(link: str) -> str:
    """`link` if it names an issue of some other tracker; a bare number names none."""
    return link if "://" in link else ""
