"""What ccpm-plan says about a change that was made: lines that people, scripts and prompts read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Data = dict[str, Any]

_RULE = "━" * 39


def lines(verb: str, data: Any, is_check: bool) -> list[str]:
    """The lines for the result `data` of a verb; of a check, its findings as `key: value`."""
    if is_check:
        return _check(data)
    return RENDERERS[verb](data)


def _check(data: Data) -> list[str]:
    found = []
    for key, value in data.items():
        if isinstance(value, list):
            found += [f"{key}: {len(value)}", *(f"  - {entry}" for entry in value)]
        elif value not in (None, ""):
            found.append(f"{key}: {value}")
    return found


def _path(data: Data) -> list[str]:
    return [data["path"]]


def _version(data: Data) -> list[str]:
    return [str(data["version"])]


def _task_list(data: Data) -> list[str]:
    return [f"✅ {data['epic']}: the list names {data['tasks']} tasks"]


def _decompose(data: Data) -> list[str]:
    found = [f"✅ Created {len(data['created'])} tasks for epic: {data['epic']}"]
    found += [f"  - {path}" for path in data["created"]]
    found += [f"  - {path} (was there already)" for path in data["existed"]]
    return [*found, f"Total tasks: {data['total']}", f"Next: /pm:epic-sync {data['epic']}"]


def _refresh(data: Data) -> list[str]:
    before = data["before"]
    found = [f"🔄 Epic refreshed: {data['epic']}", "", "Tasks:", f"  Closed: {data['closed']}"]
    found += [f"  Open: {data['open']}", f"  Total: {data['total']}", ""]
    found += [
        f"Progress: {before['progress'] or 'none'} → {data['progress'] or 'none'}",
        f"Status: {before['status'] or 'none'} → {data['epic_status'] or 'none'}",
        "",
    ]
    if data["total"] and data["closed"] == data["total"]:
        return [*found, f"Run /pm:epic-close {data['epic']} to close epic"]
    return [*found, "Run /pm:next to see priority tasks"]


def _set_status(data: Data) -> list[str]:
    word = "Closed" if data["status"] == "closed" else "Opened again"
    return [
        f"✅ {word}: #{data['task']} in {data['epic']}",
        f"  Progress: {data['progress']} ({data['closed']} of {data['total']} tasks)",
    ]


def _close_epic(data: Data) -> list[str]:
    if data["already"]:
        return [f"✅ Epic {data['epic']} was closed and archived before: {data['archived']}"]
    found = [f"✅ Epic closed: {data['epic']}", f"  Tasks completed: {data['tasks']}"]
    if data["days"] is not None:
        found.append(f"  Duration: {data['days']} days")
    if data["prd"]:
        found.append(f"  Implemented: {data['prd']}")
    if data["archived"]:
        found.append(f"  Archived to {data['archived']}")
    return [*found, "", "Next epic: Run /pm:next to see priority work"]


def _clean(data: Data) -> list[str]:
    if not (data["epics"] or data["updates"] or data["empty"]):
        return ["✅ Nothing to clean up"]
    return _cleanup_plan(data) if data["dry_run"] else _cleanup_done(data)


def _cleanup_plan(data: Data) -> list[str]:
    found = ["🧹 Cleanup Plan", ""]
    if data["epics"]:
        found.append("Completed Epics to Archive:")
        found += [f"  {epic['name']} - Completed {epic['days']} days ago" for epic in data["epics"]]
        found.append("")
    if data["updates"]:
        found.append("Stale Progress to Archive:")
        found += [f"  #{one['task']} in {one['epic']} - {one['days']} days old" for one in data["updates"]]
        found.append("")
    if data["empty"]:
        found += ["Empty Directories:", *(f"  {path}" for path in data["empty"]), ""]
    return [*found, "This is a dry run. No changes made."]


def _cleanup_done(data: Data) -> list[str]:
    kept = {skipped["what"] for skipped in data["skipped"]}
    epics = sum(epic["name"] not in kept for epic in data["epics"])
    found = ["✅ Cleanup Complete", "", "Archived:", f"  {epics} completed epics"]
    found.append(f"  {len(data['moved']) - epics} stale progress folders")
    found += [f"  → {path}" for path in data["moved"]]
    found += ["", "Removed:", f"  {sum(path not in kept for path in data['empty'])} empty directories"]
    found += [f"⚠️ Left alone: {skipped['what']} ({skipped['why']})" for skipped in data["skipped"]]
    return found


def _detect(data: Data) -> list[str]:
    scope = f"🔍 Scanning epic: {data['epic']}" if data["epic"] else "🔍 Scanning all epics..."
    found = [scope, ""]
    for one in data["findings"]:
        name = one["task"] if data["epic"] else f"{one['epic']}/{one['task']}"
        found += [f"⚠️  Task {name}: Status Mismatch", f"    Current: {one['status']}"]
        found.append(f"    Detected: {one['detected']} ({one['confidence']} confidence)")
        found.append(f"    Reason: {one['reason']}")
        found += ["    ✅ Updated"] if one["applied"] else []
        found += [f"    🔒 Left to {one['held_by']}, who works on it"] if one["held_by"] else []
        found.append("")
    applied, mismatches = sum(one["applied"] for one in data["findings"]), len(data["findings"])
    found += [_RULE, "Summary:", f"  ✅ Correct: {sum(data['scanned'].values()) - mismatches}"]
    found.append(f"  ⚠️  Mismatches: {mismatches}")
    if applied:
        found.append(f"  ✅ Updated: {applied}")
    if not mismatches:
        found += ["", "✅ All task statuses are up to date!"]
    return found


RENDERERS: dict[str, Callable[[Data], list[str]]] = {
    "new-prd": _path,
    "new-epic": _path,
    "new-task": _path,
    "new-bug": _path,
    "decompose": _decompose,
    "edit-prd": _version,
    "edit-epic": _version,
    "task-list": _task_list,
    "refresh": _refresh,
    "close-task": _set_status,
    "reopen-task": _set_status,
    "close-epic": _close_epic,
    "archive": _path,
    "clean": _clean,
    "detect": _detect,
}
