"""The page of /pm:help: the way of an epic, and every slash command that is installed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Data = dict[str, Any]

_MARKS = {
    "PRD Commands": "📄",
    "Epic Commands": "📚",
    "Issue Commands": "📝",
    "Workflow Commands": "🔄",
    "Sync Commands": "🔗",
    "Agent Commands": "🤖",
    "Maintenance Commands": "🔧",
    "Setup Commands": "⚙️ ",
}
_START = (
    ("prd-new <name>", "Create a new PRD"),
    ("prd-parse <name>", "Convert PRD to epic"),
    ("epic-decompose <name>", "Break into tasks"),
    ("epic-sync <name>", "Push to GitHub"),
    ("epic-start <name>", "Start parallel execution"),
)
_TIPS = (
    "Use /pm:next to find available work",
    "Run /pm:status for quick overview",
    "Epic workflow: prd-new → prd-parse → epic-decompose → epic-sync",
    "Each command is a script too: bash .claude/commands/pm/next.sh --json",
)


def lines(data: Data) -> list[str]:
    found = ["Helping...", "", "", "📚 Claude Code PM - Project Management System", "=" * 45, ""]
    found.append("🎯 Quick Start Workflow")
    found += [f"  {n}. /pm:{usage:<21} - {what}" for n, (usage, what) in enumerate(_START, 1)]
    for group in data["groups"]:
        found += ["", f"{_MARKS[group['title']]} {group['title']}"]
        usages = [f"/pm:{one['name']} {one['arguments']}".rstrip() for one in group["commands"]]
        width = max(len(usage) for usage in usages if len(usage) < 40)
        for usage, one in zip(usages, group["commands"], strict=True):
            found.append(f"  {usage:<{width}} - {one['description']}")
    return [*found, "", "💡 Tips", *(f"  • {tip}" for tip in _TIPS)]
