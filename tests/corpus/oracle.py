"""A second computation of what a plan says, which shares no code with the commands: plain text tools only.

It reads each file line by line, believes the first line of each key, and decides readiness by its own fixpoint.
"""

from __future__ import annotations

import re
from pathlib import Path

CLOSED = {"closed", "completed", "complete", "done", "finished", "implemented", "merged"}
RUNNING = {"in-progress", "active", "started", "wip", "doing"}
ARCHIVES = {"archived", ".archived", "_archived"}


def fields(path: Path) -> dict[str, str]:
    """The first line of each key of the frontmatter; a `- ` list under a key joined by commas."""
    lines = path.read_text("utf-8", "replace").lstrip("\ufeff").split("\n")
    lines = [line.rstrip("\r") for line in lines]
    if not lines or lines[0].rstrip() != "---":
        return {}
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        return {}
    found: dict[str, str] = {}
    key = ""
    for line in lines[1:end]:
        match = re.match(r"([A-Za-z_][\w-]*):(?:\s+(.*))?$", line)
        if match:
            key = match[1] if match[1] not in found else ""
            if key:
                found[key] = (match[2] or "").strip()
        elif key and re.match(r"\s*- ", line):
            found[key] += ("," if found[key] else "") + line.strip()[2:]
    return found


def is_task(name: str) -> bool:
    if not re.fullmatch(r"(?i)((task|issue)-)?\d+(\.\d+)*[a-z]?(-.+)?\.md", name):
        return False
    return not re.search(r"(?i)-(.*-)?(analysis|plan|summary)\.md$", name)


def tasks_of(epic: Path) -> list[Path]:
    direct = [path for path in epic.iterdir() if path.is_file() and is_task(path.name)]
    below = epic / "tasks"
    nested = [path for path in below.rglob("*.md") if is_task(path.name)] if below.is_dir() else []
    return sorted(direct + nested)


def identifier(path: Path) -> str:
    match = re.match(r"(?i)(?:(?:task|issue)-)?(\d+(?:\.\d+)*[a-z]?)", path.name)
    assert match
    return match[1]


def normal(text: str) -> str:
    """An id without leading zeros in its parts."""
    return ".".join(re.sub(r"^0+(?=\d)", "", part) for part in text.split("."))


def status(values: dict[str, str]) -> str:
    text = re.sub(r"\s+#.*$", "", values.get("status", "")).strip("\"' ").lower().replace("_", "-")
    return (
        "closed"
        if text in CLOSED
        else "running"
        if text in RUNNING
        else text
        if text == "blocked"
        else "open"
    )


def references(values: dict[str, str]) -> list[str]:
    text = re.sub(r"\s+#.*$", "", values.get("depends_on", ""))
    if text in ("null", "~", "none"):
        return []
    return [part.strip().strip("\"'") for part in text.strip("[]").split(",") if part.strip()]


def summarise(epic: Path) -> dict[str, object]:
    """{total, closed, in_progress, ready: [ids], blocked: [ids], progress} of an epic's folder."""
    paths = tasks_of(epic)
    known = {path: fields(path) for path in paths}
    states = {path: status(values) for path, values in known.items()}

    def find(reference: str, near: Path) -> Path | None:
        match = re.match(r"(?i)#?(?:(?:task|issue)[-\s#]*)?(\d+(?:\.\d+)*[a-z]?)", reference)
        if not match:
            return None
        same = [path for path in paths if identifier(path) == match[1]]
        same = same or [path for path in paths if normal(identifier(path)) == normal(match[1])]
        return next((path for path in same if path.parent == near.parent), same[0] if same else None)

    ready, blocked = [], []
    for path, values in known.items():
        targets = [find(reference, path) for reference in references(values)]
        stuck = any(target is None or states[target] != "closed" for target in targets)
        if states[path] == "blocked" or (states[path] == "open" and stuck):
            blocked.append(identifier(path))
        elif states[path] == "open":
            ready.append(identifier(path))
    closed = sum(state == "closed" for state in states.values())
    return {
        "total": len(paths),
        "closed": closed,
        "in_progress": sum(state == "running" for state in states.values()),
        "ready": sorted(ready),
        "blocked": sorted(blocked),
        "progress": closed * 100 // len(paths) if paths else 0,
    }


def epics_of(project: Path) -> list[Path]:
    base = project / ".claude" / "epics"
    return (
        sorted(path for path in base.iterdir() if path.is_dir() and path.name not in ARCHIVES)
        if base.is_dir()
        else []
    )
