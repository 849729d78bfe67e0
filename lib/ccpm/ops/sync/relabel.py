"""Files get the numbers of their issues: links, references, names. A redo log, so that a kill anywhere is completed.

`prepare` decides everything once, from the plan as it stands, and what it decides goes into the journal as one entry;
then `finish` carries it out, and does so again after a kill:
1. each file gets its `github:` and its rewritten references in one write; a value that is not the one the entry
  starts from any more is left alone (it was done already, or somebody changed it since); then the epic's board, and
  the streams in its registry, each all at once;
2. files are renamed in the order of the entry; each rename is journaled before it is done, so that it is known which
  one may or may not have happened. Only frontmatter is ever rewritten.
"""

from __future__ import annotations

import os
import re

from ccpm.core import renumber
from ccpm.core.plan import task_id_of
from ccpm.core.renumber import Numbered
from ccpm.errors import NotFound, VersionConflict
from ccpm.files.journal import Journal
from ccpm.ops import frontmatter
from ccpm.ops.actor import Actor
from ccpm.ops.distribution import board
from ccpm.ops.plan import moving, plans
from ccpm.ops.sync.items import EPIC, Item, Items
from ccpm.ops.team import streams
from ccpm.ops.trackers import Tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LISTS = ("depends_on", "conflicts_with")
_COMPANION = re.compile(r"(\d+(?:\.\d+)*[a-z]?)-.+\.md", re.IGNORECASE)


def prepare(actor: Actor, items: Items, tracker: Tracker, numbers: dict[str, int]) -> dict[str, Any]:
    """What becomes of the files of an epic whose items have the issues `numbers` {key: number}."""
    import uuid

    files = [_edit(item, items, tracker, numbers) for item in items.all]
    files = [edit for edit in files if len(edit) > 1]
    renames = _renames(actor.top, items, numbers)
    kept = {old for old, _ in renames.kept}
    moved = [
        task
        for task in items.plan.tasks
        if task.key in numbers
        and f"{task.key}.md" not in kept
        and renumber.needs_rename(task, numbers[task.key])
    ]
    ids = [task.id for task in items.plan.tasks]
    return {
        "id": str(uuid.uuid4()),
        "files": files,
        "moves": renames.moves,
        "kept": renames.kept,
        "names": {task.key: Numbered(task, numbers[task.key]).new_key for task in moved},
        "issues": {task.id: str(numbers[task.key]) for task in moved if ids.count(task.id) == 1},
    }


def finish(actor: Actor, journal: Journal, folder: str) -> list[str]:
    """Carry out the last `relabel` entry of the journal, or what is left of it; warnings. `folder`: the epic's,
    absolute."""
    at = max((i for i, entry in enumerate(journal.entries) if "relabel" in entry), default=-1)
    if at < 0:
        return []
    plan = journal.entries[at]["relabel"]
    begun = max((int(entry["move"]) for entry in journal.entries[at:] if "move" in entry), default=-1)
    warnings = [f"{old} keeps its name: {new} is another file" for old, new in plan["kept"]]
    if begun < 0:
        for edit in plan["files"]:
            warnings += _apply(actor, folder, edit)
        path = os.path.join(folder, board.NAME)
        board.renumber(path, plan.get("names", {}), plan.get("id", ""), actor.store, actor.fences)
        streams.renumber(actor, os.path.basename(folder), plan.get("issues", {}), plan.get("id", ""))
    for index, (old, new) in enumerate(plan["moves"]):
        source, target = os.path.join(folder, old), os.path.join(folder, new)
        if index < begun or (index == begun and not os.path.lexists(source)):
            continue
        if index > begun:
            journal.append({"move": index})
        try:
            moving.rename(actor, source, target)
        except (NotFound, VersionConflict) as error:
            warnings.append(error.message)
    return warnings


def _edit(item: Item, items: Items, tracker: Tracker, numbers: dict[str, int]) -> dict[str, Any]:
    """What changes in the frontmatter of `item`: {file, github, depends_on: [before, after] …}."""
    edit: dict[str, Any] = {"file": EPIC if item.key == EPIC else f"{item.key}.md"}
    number = numbers.get(item.key, 0)
    if number and item.number != number:
        edit["github"] = tracker.url(number)
    if item.task:
        for key in LISTS:
            before = plans.references(item.file, key)
            after = renumber.references(before, item.task, items.plan, numbers)
            if after != before:
                edit[key] = [before, after]
    return edit


def _renames(top: str, items: Items, numbers: dict[str, int]) -> renumber.Renames:
    folder = os.path.join(top, items.plans_epic.folder.path)
    ids: dict[tuple[str, str], int] = {}
    moving_tasks = []
    for task in items.plan.tasks:
        numbered = Numbered(task, numbers.get(task.key, 0))
        ids[numbered.folder, task.id] = ids.get((numbered.folder, task.id), 0) + 1
        if numbered.number and renumber.needs_rename(task, numbered.number):
            moving_tasks.append(numbered)
    wanted, present = {}, set()
    for below in {numbered.folder for numbered in moving_tasks} | {"updates/"}:
        present |= {below + name for name in _names(os.path.join(folder, below))}
    for numbered in moving_tasks:
        wanted[f"{numbered.task.key}.md"] = f"{numbered.new_key}.md"
        if ids[numbered.folder, numbered.task.id] == 1:
            wanted.update(_companions(numbered, present))
    return renumber.order(wanted, present)


def _companions(numbered: Numbered, present: set[str]) -> dict[str, str]:
    """What goes with a task's file: `001-analysis.md` and its like beside it, and its folder below updates/."""
    folder, old, new = numbered.folder, numbered.task.id, str(numbered.number)
    found = {}
    for name in present:
        base = name[len(folder) :] if name.startswith(folder) else ""
        match = _COMPANION.fullmatch(base)
        if match and match[1] == old and not task_id_of(base):
            found[name] = f"{folder}{new}{base[len(old) :]}"
    for name in (old, numbered.task.key.replace("/", "-")):
        if f"updates/{name}" in present:
            found[f"updates/{name}"] = f"updates/{new}"
            break
    return found


def _apply(actor: Actor, folder: str, edit: dict[str, Any]) -> list[str]:
    path = os.path.join(folder, edit["file"])
    try:
        document = frontmatter.read(path)
    except NotFound:
        return [f"{path} is gone; its issue stays"]
    if "github" in edit and document.get_text("github") == edit["github"]:
        return []  # this file was done before the kill, in the same write as its references
    values = {"github": edit["github"]} if "github" in edit else {}
    for key in LISTS:
        if key in edit and _references(document.get(key)) == edit[key][0]:
            values[key] = renumber.as_list(edit[key][1])
    if not values:
        return []
    change = frontmatter.Change(path, actor.agent, values, (), actor.fences, create=True)
    return frontmatter.apply(change)[1]


def _references(value: object) -> list[str]:
    return plans.entries(value)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
