"""The texts of PRDs and epics: what there is, and a new text in place of the old one.

Contract: the caller reads a file with its version, decides, and hands in the whole text behind the frontmatter with
that version. If the file was changed meanwhile, VersionConflict (10), and nothing is written.
"""

from __future__ import annotations

import os
import re

from ccpm.core import given_text
from ccpm.errors import NotFound
from ccpm.files import plan_tree
from ccpm.files.plan_tree import PlanFile
from ccpm.ops import frontmatter
from ccpm.ops.actor import Actor
from ccpm.ops.plan import epics, plans
from ccpm.ops.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.plan.views import Data

_HEADING = re.compile(r"^#{1,3}[ \t]+([^\r\n]+?)[ \t]*\r?$", re.MULTILINE)


def look_at_prd(top: str, name: str) -> Data:
    """{file, version, sections, epic: path or None, tasks} of a PRD; NotFound (66) names those that there are."""
    path = f".claude/prds/{name.removesuffix('.md')}.md"
    if "/" in name or not os.path.isfile(os.path.join(top, path)):
        there = ", ".join(prd.stem for prd in plan_tree.load(top).prds) or "none"
        raise NotFound(
            f"no PRD {name!r}; there are: {there}", f"/pm:prd-new {quoted(name)} creates it", prd=name
        )
    file = plan_tree.read(top, path)
    found = [epic for epic in plans.load(top)[0] if (prd := epics.prd_of(top, epic)) and prd.path == path]
    epic = found[0] if found else None
    return {
        **_look(file),
        "epic": epic.folder.epic.path if epic and epic.folder.epic else None,
        "tasks": len(epic.plan.tasks) if epic else 0,
    }


def look_at_epic(top: str, name: str) -> Data:
    """{file, version, sections, status, prd: path or None, issue, tasks: names of files} of an epic."""
    epic = plans.load_epic(top, name)
    if epic.folder.epic is None:
        raise NotFound(f"{epic.folder.path} has no epic.md", f"create it: /pm:prd-parse {quoted(name)}")
    prd = epics.prd_of(top, epic)
    return {
        **_look(epic.folder.epic),
        "status": epic.stated_status or "backlog",
        "prd": prd.path if prd else None,
        "issue": plans.issue_of(epic.github),
        "tasks": [f"{task.key}.md - {task.name}" for task in epic.plan.tasks],
    }


def replace_text(actor: Actor, path: str, text: str, version: int) -> int:
    """Put `text` behind the frontmatter of `path` (relative to the root) if that still has `version`; the new one."""
    body = "\n" + given_text.body(text).strip("\n") + "\n"
    change = frontmatter.Change(
        os.path.join(actor.top, path), actor.agent, {}, (), actor.fences, body=lambda _: body
    )
    return frontmatter.apply(change, version)[0]


def _look(file: PlanFile) -> Data:
    body = file.document.parts()[1].decode("utf-8", "replace")
    return {
        "file": file.path,
        "version": int(plans.text(file, "version") or 0),
        "sections": _HEADING.findall(re.sub(r"(?ms)^```.*?^```", "", body)),
    }
