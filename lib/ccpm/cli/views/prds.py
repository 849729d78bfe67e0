"""The plain shape of the views of PRDs."""

from __future__ import annotations

from ccpm.cli.views.layout import WIDTH, opening

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Data = dict[str, Any]


def prd_list(data: Data) -> list[str]:
    if not data["prds"]:
        return ["📁 No PRDs found. Create your first PRD with: /pm:prd-new <feature-name>"]
    lines = opening("Getting PRDs...", "📋 PRD List", "===========")
    groups = {
        "🔍 Backlog PRDs:": "backlog",
        "🔄 In-Progress PRDs:": "in-progress",
        "✅ Implemented PRDs:": "implemented",
    }
    for title, group in groups.items():
        lines.append(title)
        found = [prd for prd in data["prds"] if prd["status"] == group]
        lines += [f"   📋 {prd['file']} - {prd['description'] or 'No description'}" for prd in found] or [
            "   (none)"
        ]
        lines.append("")
    count = _prd_counts(data)
    return [
        *lines,
        "📊 PRD Summary",
        f"   Total PRDs: {len(data['prds'])}",
        f"   Backlog: {count['backlog']}",
        f"   In-Progress: {count['in-progress']}",
        f"   Implemented: {count['implemented']}",
    ]


def prd_status(data: Data) -> list[str]:
    lines = ["📄 PRD Status Report", "====================", ""]
    if not data["prds"]:
        return [*lines, "No PRDs found."]
    count, total = _prd_counts(data), len(data["prds"])
    lines += ["Getting status...", "", "", "📊 Distribution:", "================", ""]
    for label, group in (
        ("Backlog:    ", "backlog"),
        ("In Progress:", "in-progress"),
        ("Implemented:", "implemented"),
    ):
        lines.append(f"  {label} {count[group]:<3} [{'█' * (count[group] * WIDTH // total)}]")
    lines += ["", f"  Total PRDs: {total}", "", "📅 Recent PRDs (last 5 modified):"]
    recent = sorted(data["prds"], key=lambda prd: -prd["modified"])[:5]
    lines += [f"  • {prd['name']}" for prd in recent]
    lines += ["", "💡 Next Actions:"]
    if count["backlog"]:
        lines.append("  • Parse backlog PRDs to epics: /pm:prd-parse <name>")
    if count["in-progress"]:
        lines.append("  • Check progress on active PRDs: /pm:epic-status <name>")
    return lines


def _prd_counts(data: Data) -> dict[str, int]:
    return {
        group: sum(prd["status"] == group for prd in data["prds"])
        for group in ("backlog", "in-progress", "implemented")
    }
