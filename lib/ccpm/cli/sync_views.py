"""What ccpm-sync prints: one function a verb, data in, lines out."""

from __future__ import annotations

from ccpm.cli.sync_progress import WORTH_SAYING, duration
from ccpm.cli.views import changes
from ccpm.ops.wording import counted, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Data = dict[str, Any]


def epic(data: Data) -> list[str]:
    created = [number for number in data["created"] if number != data["issue"]]
    if not data["created"]:
        return [
            f"✅ Epic {data['epic']} has its issues in {data['tracker']}; nothing was made",
            f"  Epic: #{data['issue']}, {counted(len(data['tasks']), 'task')}",
            f"  Whether files and issues say the same: ccpm-sync status {quoted(data['epic'])}",
        ]
    lines = [
        f"✅ Synced epic {data['epic']} to {data['tracker']}",
        f"  Epic: #{data['issue']} - {data['url']}",
        f"  Tasks: {counted(len(created), 'issue')} created"
        + (f" (#{created[0]} to #{created[-1]})" if len(created) > 1 else ""),
        "  Files are named after their issues; depends_on and conflicts_with use the numbers",
    ]
    return [*lines, f"  Branch: {data['branch']}"] if data["branch"] else lines


def plan(data: Data) -> list[str]:
    lines = [f"Epic {data['epic']}, tracker {data['tracker']}; nothing was changed"]
    if data["unfinished"]:
        lines.append("An earlier sync was interrupted: the next one completes it first")
    for one in data["create"]:
        lines.append(f"  create {one['title']!r} from {one['file']} ({', '.join(one['labels'])})")
    lines += [f"  rename {path}" for path in data["rename"]]
    if not data["create"] and not data["rename"]:
        lines.append("  nothing to do")
    if data["seconds"] >= WORTH_SAYING:
        lines.append(f"It would take about {duration(data['seconds'])} under GitHub's limits")
    return lines


def issue(data: Data) -> list[str]:
    lines = [f"☁️ Issue #{data['issue']}: {data['file']} {_done(data)}"]
    if data["comments"]:
        lines.append(
            f"  Posted {counted(data['comments'], 'comment')}: what was new in {', '.join(data['files'])}"
        )
    elif not data["fields"]:
        lines.append("  No updates since the last sync")
    if data["completion"]:
        lines.append(f"  Completion: {data['completion']}")
    return [*lines, f"  {data['url']}"]


def both(data: Data) -> list[str]:
    lines = [f"🔄 Sync with {data['tracker']} complete"]
    for one in data["epics"]:
        changed = one["changed"]
        made = f", {counted(len(one['created']), 'issue')} created" if one["created"] else ""
        lines.append(
            f"  {one['epic']}: {len(changed)} changed{made}"
            if changed or made
            else f"  {one['epic']}: in sync"
        )
        lines += [f"    #{row['issue']} {row['file']}: {_done(row)}" for row in changed]
    return [
        *lines,
        *(f"  {name}: not synced yet (ccpm-sync epic {quoted(name)})" for name in data["skipped"]),
    ]


def imported(data: Data) -> list[str]:
    made = f"{counted(len(data['epics']), 'epic')} and {counted(len(data['tasks']), 'task')}"
    lines = [f"📥 Imported {made} from {data['tracker']}"]
    lines += [f"  {path}" for path in [*data["epics"], *data["tasks"]]]
    lines += [f"  kept: {path} was there already" for path in data["kept"]]
    return [*lines, f"  Skipped (already tracked): {data['skipped']}"]


def close(data: Data) -> list[str]:
    return [f"✅ Closed {_what(data, 'issue')} ({data['file']})", _progress(data)]


def reopen(data: Data) -> list[str]:
    return [f"🔄 Reopened {_what(data, 'issue')} ({data['file']})", _progress(data)]


def edit(data: Data) -> list[str]:
    return [
        f"✅ Updated issue #{data['issue']} ({data['file']}): {_done(data)}",
        f"  Labels: {', '.join(data['labels'])}",
    ]


def bug(data: Data) -> list[str]:
    if not data["issue"]:
        return [data["path"]]
    return [
        f"✅ Bug issue created: #{data['issue']}",
        f"  Linked to: #{data['bug_for']}",
        f"  Epic: {data['epic']}",
        f"  File: {data['path']}",
    ]


def show(data: Data) -> list[str]:
    lines = [f"🎫 {_what(data)}: {data['title']}", f"   Status: {data['state']}"]
    lines += [f"   Labels: {', '.join(data['labels']) or 'none'}"]
    lines += [f"   Assignee: {', '.join(data['assignees']) or 'Unassigned'}"]
    lines += [
        f"   Created: {data['created']}",
        f"   Updated: {data['updated']}",
        f"   {data['url'] or 'No issue yet'}",
    ]
    if data["file"]:
        lines += ["", f"📁 {data['file']} ({data['status']}), {data['sync']}"]
        lines += [f"   Epic: {data['epic']}, {data['progress']} tasks closed"]
        for name in ("parent", "depends_on", "blocking", "sub_issues"):
            value = data[name]
            if value:
                lines.append(f"   {name.replace('_', ' ').capitalize()}: {_numbers(value)}")
    else:
        lines += ["", f"📁 No file of the plan: ccpm-sync import {data['issue']}"]
    lines += ["", "📝 Description:", data["body"]]
    if data["comments"]:
        lines += ["", f"💬 {counted(data['comment_count'], 'comment')}, the newest:"]
        lines += [
            f"   {one['created']} - {one['author']}: {' '.join(one['body'].split())[:100]}"
            for one in data["comments"]
        ]
    return lines


def status(data: Data) -> list[str]:
    if "issues" in data:
        return [line for one in data["issues"] for line in _short(one)]
    lines = [f"📊 Files and issues in {data['tracker']}"]
    rows = [
        (row["epic"], f"#{row['issue']}" if row["issue"] else "-", row["status"], row["file"])
        for row in data["files"]
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for epic, number, what, file in rows:
        lines.append(f"  {epic:<{widths[0]}} {number:>{widths[1]}} {what:<{widths[2]}} {file}")
    return lines


def close_epic(data: Data) -> list[str]:
    lines = changes.RENDERERS["close-epic"](data)
    return [lines[0], f"  Issue: #{data['issue']} closed", *lines[1:]] if data["issue"] else lines


def refresh(data: Data) -> list[str]:
    return changes.RENDERERS["refresh"](data)


def _short(data: Data) -> list[str]:
    sign = "✅" if data["state"] == "closed" else "🟢"
    lines = [
        f"{sign} {_what(data, '')}: {data['title']}",
        f"   Status: {data['state']}, last update {data['updated']}",
    ]
    lines += [f"   Labels: {', '.join(data['labels']) or 'none'}"]
    if data["file"]:
        lines += [f"   Epic: {data['epic']}, {data['progress']} tasks closed"]
        lines += [f"   File: {data['file']} ({data['status']}), {data['sync']}"]
    return lines


def _done(row: Data) -> str:
    fields = f" ({', '.join(row['fields'])})" if row["fields"] else ""
    return f"{row['what']}{fields}"


def _what(data: Data, word: str = "Issue") -> str:
    """`word` and the number of the issue; of a task that has none, EPIC/TASK."""
    return f"{word} #{data['issue']}".strip() if data["issue"] else str(data["reference"])


def _progress(data: Data) -> str:
    return f"  Epic progress: {data['progress']} ({data['closed']}/{data['total']} tasks complete)"


def _numbers(value: object) -> str:
    values = value if isinstance(value, list) else [value]
    return ", ".join(f"#{one}" if str(one).isdigit() else str(one) for one in values)


RENDERERS: dict[str, Callable[[Data], list[str]]] = {
    "epic": epic,
    "plan": plan,
    "issue": issue,
    "sync": both,
    "pull": both,
    "import": imported,
    "close": close,
    "reopen": reopen,
    "edit": edit,
    "bug": bug,
    "show": show,
    "status": status,
    "close-epic": close_epic,
    "refresh": refresh,
}
