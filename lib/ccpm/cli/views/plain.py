"""The plain shape of every view. Section headers and line shapes are interface: scripts and prompts read them."""

from __future__ import annotations

from ccpm.cli.views import help as help_page
from ccpm.cli.views import prds
from ccpm.cli.views.layout import WIDTH, opening

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Data = dict[str, Any]


def status(data: Data) -> list[str]:
    tasks = data["tasks"]
    return [
        *opening("Getting status...", "📊 Project Status", "================"),
        "📄 PRDs:",
        f"  Total: {data['prds']}" if data["prds"] else "  No PRDs found",
        "",
        "📚 Epics:",
        f"  Total: {data['epics']}" if data["epics"] else "  No epics found",
        "",
        "📝 Tasks:",
        f"  Open: {tasks['open']}",
        f"  In Progress: {tasks['in_progress']}",
        f"  Closed: {tasks['closed']}",
        f"  Total: {tasks['total']}",
    ]


def ready(data: Data) -> list[str]:
    lines = opening("Getting status...", "📋 Next Available Tasks", "=======================")
    for task in data["tasks"]:
        if task["claimed_by"]:
            lines += [f"🔒 Claimed: #{task['id']} - {task['name']}", f"   Epic: {task['epic']}"]
            lines += [f"   By: {_claimant(task)}", ""]
            continue
        lines += [f"✅ Ready: #{task['id']} - {task['name']}", f"   Epic: {task['epic']}"]
        if task["parallel"]:
            lines.append("   🔄 Can run in parallel")
        lines.append("")
    if not data["available"]:
        lines += ["No available tasks found.", "", "💡 Suggestions:"]
        lines += ["  • Check blocked tasks: /pm:blocked", "  • View all tasks: /pm:epic-list"]
    return [*lines, "", f"📊 Summary: {data['available']} tasks ready to start"]


def blocked(data: Data) -> list[str]:
    lines = opening("Getting tasks...", "🚫 Blocked Tasks", "================")
    for task in data["tasks"]:
        lines += [f"⏸️ Task #{task['id']} - {task['name']}", f"   Epic: {task['epic']}"]
        lines.append(f"   Blocked by: [{' '.join(task['depends_on'])}]")
        waiting = [f"#{blocker['task']}" for blocker in task["waiting_for"] if blocker["task"]]
        missing = [blocker["reference"] for blocker in task["waiting_for"] if not blocker["task"]]
        if waiting:
            lines.append(f"   Waiting for: {' '.join(waiting)}")
        if missing:
            lines.append(f"   No such task: {' '.join(missing)}")
        if not task["waiting_for"]:
            lines.append(f"   Status: {task['stated_status']}")
        lines.append("")
    for cycle in data["cycles"]:
        circle = " → ".join(f"#{identifier}" for identifier in [*cycle["tasks"], cycle["tasks"][0]])
        lines += [f"🔁 Circular in {cycle['epic']}: {circle}", ""]
    if data["tasks"]:
        return [*lines, f"📊 Total blocked: {len(data['tasks'])} tasks"]
    lines += ["No blocked tasks found!", ""]
    return [*lines, "💡 Nothing waits for anything: every open task can begin."]


def in_progress(data: Data) -> list[str]:
    lines = opening("Getting status...", "🔄 In Progress Work", "===================")
    for task in data["tasks"]:
        lines += [f"📝 Issue #{task['id']} - {task['name']}", f"   Epic: {task['epic']}"]
        lines.append(f"   Progress: {task['completion']} complete")
        if task["last_sync"]:
            lines.append(f"   Last update: {task['last_sync']}")
        if task["claimed_by"]:
            lines.append(f"   By: {_claimant(task)}")
        lines.append("")
    lines.append("📚 Active Epics:")
    lines += [f"   • {epic['title']} - {epic['progress']}% complete" for epic in data["epics"]]
    lines.append("")
    if data["tasks"]:
        return [*lines, f"📊 Total active items: {len(data['tasks'])}"]
    return [*lines, "No active work items found.", "", "💡 Start work with: /pm:next"]


def epic_list(data: Data) -> list[str]:
    if not data["epics"]:
        what = "📁 No epics found. Create your first epic with: /pm:prd-parse <feature-name>"
        return ["Getting epics...", "", "", what]
    lines = opening("Getting epics...", "📚 Project Epics", "================")
    groups = {
        "📝 Planning:": ("open", "blocked"),
        "🚀 In Progress:": ("in-progress",),
        "✅ Completed:": ("closed",),
    }
    for title, statuses in groups.items():
        lines.append(title)
        lines += [_epic_line(epic) for epic in data["epics"] if epic["status"] in statuses] or ["   (none)"]
        lines.append("")
    return [
        *lines,
        "📊 Summary",
        f"   Total epics: {len(data['epics'])}",
        f"   Total tasks: {data['tasks']}",
    ]


def epic_show(data: Data) -> list[str]:
    tasks, name = data["tasks"], data["name"]
    lines = opening("Getting epic...", f"📚 Epic: {name}", "================================")
    lines += ["📊 Metadata:", f"  Status: {data['stated_status'] or 'planning'}"]
    lines.append(f"  Progress: {_progress(data)}")
    if data["github"]:
        lines.append(f"  GitHub: {data['github']}")
    lines += [f"  Created: {data['created'] or 'unknown'}", "", "📝 Tasks:"]
    for task in data["task_list"]:
        mark = "✅" if task["status"] == "closed" else "⬜"
        parallel = " (parallel)" if task["parallel"] and task["status"] != "closed" else ""
        lines.append(f"  {mark} #{task['id']} - {task['name']}{parallel}")
    if not data["task_list"]:
        lines += ["  No tasks created yet", f"  Run: /pm:epic-decompose {name}"]
    lines += ["", "📈 Statistics:", f"  Total tasks: {tasks['total']}"]
    lines += [f"  Open: {tasks['total'] - tasks['closed']}", f"  Closed: {tasks['closed']}"]
    if tasks["total"]:
        lines.append(f"  Completion: {data['progress']}%")
    lines += ["", "💡 Actions:"]
    if not tasks["total"]:
        lines.append(f"  • Decompose into tasks: /pm:epic-decompose {name}")
    elif not data["github"]:
        lines.append(f"  • Sync to GitHub: /pm:epic-sync {name}")
    if data["github"] and data["status"] != "closed":
        lines.append(f"  • Start work: /pm:epic-start {name}")
    return lines


def epic_status(data: Data) -> list[str]:
    tasks, percent = data["tasks"], data["progress"]
    lines = opening(
        "Getting status...", f"📚 Epic Status: {data['name']}", "================================"
    )
    filled = percent * WIDTH // 100
    bar = f"Progress: [{'█' * filled}{'░' * (WIDTH - filled)}] {percent}%"
    lines.append(bar if tasks["total"] else "Progress: No tasks created")
    if data["stated_progress"].rstrip("% ") not in ("", str(percent)):
        lines.append(f"Stated:   {data['stated_progress']} (mend it with /pm:epic-refresh {data['name']})")
    lines += [
        "",
        "📊 Breakdown:",
        f"  Total tasks: {tasks['total']}",
        f"  ✅ Completed: {tasks['closed']}",
        f"  🔄 Available: {tasks['ready']}",
        f"  🏃 In progress: {tasks['in_progress']}",
        f"  ⏸️ Blocked: {tasks['blocked']}",
    ]
    for cycle in data["cycles"]:
        lines.append("  🔁 Circular: " + " → ".join(f"#{identifier}" for identifier in [*cycle, cycle[0]]))
    lines += _evidence(data["git"], data["name"])
    if data["github"]:
        lines += ["", f"🔗 GitHub: {data['github']}"]
    return lines


def _evidence(git: Data, epic: str) -> list[str]:
    """What git knows of an epic: commits, branches, and where a task's status says something else."""
    lines = []
    if git["commits"] or git["branches"]:
        lines += ["", "🔎 Evidence:"]
        lines += [f"  • Issue #{issue}: {count} commits" for issue, count in sorted(git["commits"].items())]
    for branch in git["branches"]:
        where = "main branch" if branch["merged"] else "epic" if branch["in_epic"] else ""
        lines.append(f"  • Branch {branch['name']}" + (f" (all of it in the {where})" if where else ""))
    for one in git["findings"]:
        lines.append(f"  ⚠️ #{one['task']} is {one['status']}, git shows {one['detected']}: {one['reason']}")
    if git["findings"]:
        lines.append(f"  💡 Write it with: /pm:detect-completion {epic}")
    return lines


def standup(data: Data) -> list[str]:
    lines = [f"📅 Daily Standup - {data['date']}", "================================", ""]
    lines += ["Getting status...", "", "", "📝 Today's Activity:", "====================", ""]
    words = {
        "prd": "Modified {} PRD(s)",
        "epic": "Updated {} epic(s)",
        "task": "Worked on {} task(s)",
        "update": "Posted {} progress update(s)",
    }
    activity = [f"  • {words[kind].format(count)}" for kind, count in data["modified"].items() if count]
    activity += [f"  • Commit: {subject}" for subject in data["commits"][:10]]
    lines += activity or ["  No activity recorded today"]
    lines += ["", "🔄 Currently In Progress:"]
    lines += [f"  • Issue #{t['id']} ({t['epic']}) - {t['completion']} complete" for t in data["in_progress"]]
    lines += ["", "⏭️ Next Available Tasks:"]
    lines += [f"  • #{task['id']} - {task['name']}" for task in data["next"] if not task["claimed_by"]][:3]
    tasks = data["tasks"]
    lines += ["", "📊 Quick Stats:"]
    lines += [f"  Tasks: {tasks['open']} open, {tasks['closed']} closed, {tasks['total']} total"]
    return [*lines, f"  In progress: {tasks['in_progress']}"] if tasks["in_progress"] else lines


def search(data: Data) -> list[str]:
    query = data["query"]
    lines = opening(
        f"Searching for '{query}'...", f"🔍 Search results for: '{query}'", "================================"
    )
    for title, group in (("📄 PRDs:", "prds"), ("📚 Epics:", "epics")):
        lines.append(title)
        lines += [f"  • {hit['name']} ({hit['matches']} matches)" for hit in data[group]] or ["  No matches"]
        lines.append("")
    lines.append("📝 Tasks:")
    lines += [f"  • Task #{hit['task']} in {hit['epic']}" for hit in data["tasks"]] or ["  No matches"]
    if data["others"]:
        lines += [
            "",
            "🗒️ Other files:",
            *(f"  • {hit['file']} ({hit['matches']} matches)" for hit in data["others"]),
        ]
    total = sum(len(data[group]) for group in ("prds", "epics", "tasks", "others"))
    return [*lines, "", f"📊 Total files with matches: {total}"]


def _claimant(task: Data) -> str:
    return f"{task['claimed_by']}{' (you)' if task['claimed_by_you'] else ''}"


def _epic_line(epic: Data) -> str:
    file = epic["file"] or f"{epic['path']} (no epic.md)"
    issue = f" (#{epic['issue']})" if epic["issue"] else ""
    return f"   📋 {file}{issue} - {_progress(epic)} complete ({epic['tasks']['total']} tasks)"


def _progress(epic: Data) -> str:
    """What the tasks say; an epic without tasks can only be believed."""
    return f"{epic['progress']}%" if epic["tasks"]["total"] else epic["stated_progress"] or "0%"


RENDERERS: dict[str, Callable[[Data], list[str]]] = {
    "status": status,
    "next": ready,
    "blocked": blocked,
    "in-progress": in_progress,
    "epic-list": epic_list,
    "epic-show": epic_show,
    "epic-status": epic_status,
    "prd-list": prds.prd_list,
    "prd-status": prds.prd_status,
    "standup": standup,
    "search": search,
    "commands": help_page.lines,
}
