"""The slash commands that are installed, by subject: what help shows. Each says itself what it does and takes."""

from __future__ import annotations

import os

from ccpm.files import plan_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.plan.views import Data

GROUPS = {
    "PRD Commands": ("prd-new", "prd-parse", "prd-list", "prd-edit", "prd-status"),
    "Epic Commands": (
        "epic-decompose", "epic-sync", "epic-oneshot", "epic-list", "epic-show", "epic-status", "epic-close",
        "epic-edit", "epic-refresh", "epic-start", "epic-start-worktree", "epic-merge", "epic-merge-agents",
    ),
    "Issue Commands": (
        "issue-show", "issue-status", "issue-start", "issue-sync", "issue-close", "issue-reopen", "issue-edit",
        "issue-analyze", "bug-report",
    ),
    "Workflow Commands": ("next", "status", "standup", "blocked", "in-progress"),
    "Sync Commands": ("sync", "import", "detect-completion"),
    "Agent Commands": (
        "agents", "locks", "lock-status", "worktrees", "conflicts", "deadlock-check", "metrics", "timeline",
    ),
    "Maintenance Commands": ("validate", "doctor", "clean", "search", "migrate-versions", "test-reference-update"),
    "Setup Commands": ("init", "help"),
}  # fmt: skip
"""The order in which they are shown. A command that stands nowhere here goes by the first word of its name."""

_BY_FIRST_WORD = {"prd": "PRD Commands", "epic": "Epic Commands", "issue": "Issue Commands"}
_REST = "Agent Commands"


def by_group(folder: str) -> Data:
    """{groups: [{title, commands: [{name, arguments, description}]}]} of the command files in `folder`."""
    there = (
        sorted(name[:-3] for name in os.listdir(folder) if name.endswith(".md"))
        if os.path.isdir(folder)
        else []
    )
    known = {name for names in GROUPS.values() for name in names}
    groups = []
    for title, names in GROUPS.items():
        others = [
            n for n in there if n not in known and _BY_FIRST_WORD.get(n.partition("-")[0], _REST) == title
        ]
        found = [_command(folder, name) for name in [*names, *others] if name in there]
        if found:
            groups.append({"title": title, "commands": found})
    return {"groups": groups}


def _command(folder: str, name: str) -> Data:
    file = plan_tree.read(folder, f"{name}.md")
    hint, description = file.get("argument-hint"), file.get("description")
    return {
        "name": name,
        "arguments": hint if isinstance(hint, str) else "",
        "description": description if isinstance(description, str) else "",
    }
