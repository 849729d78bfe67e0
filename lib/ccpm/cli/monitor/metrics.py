"""Metrics as a report for people, and as text for Prometheus and OpenMetrics scrapers."""

from __future__ import annotations

import sys

from ccpm.cli.monitor import duration
from ccpm.cli.tables import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Report = dict[str, Any]

_SUMMARIES = (
    ("ccpm_lock_wait_seconds", "how long callers waited for a lock", ("locks", "wait_seconds")),
    ("ccpm_lock_hold_seconds", "how long locks were held", ("locks", "hold_seconds")),
    ("ccpm_task_seconds", "how long tasks took from their start to their end", ("work", "task_seconds")),
)
_COUNTERS = (
    ("ccpm_lock_acquired", "locks given", ("locks", "acquired")),
    ("ccpm_lock_contended", "locks that somebody had to wait for", ("locks", "contended")),
    ("ccpm_lock_takeovers", "locks taken over from dead owners", ("locks", "takeovers")),
    ("ccpm_lock_timeouts", "waits that ended without the lock", ("locks", "timeouts")),
    (
        "ccpm_lock_deadlocks_refused",
        "waits refused because they would never end",
        ("locks", "deadlocks_refused"),
    ),
    ("ccpm_lock_lost", "leases lost while a command ran under them", ("locks", "lost")),
    (
        "ccpm_late_writes_refused",
        "writes refused because their lease was lost",
        ("locks", "late_writes_refused"),
    ),
    ("ccpm_tasks_done", "tasks closed with evidence", ("work", "done")),
    ("ccpm_tasks_stolen", "tasks that idle agents took over", ("work", "stolen")),
    ("ccpm_github_requests", "requests to GitHub", ("github", "requests")),
    ("ccpm_github_refused", "requests that GitHub refused for their rate", ("github", "refused")),
)
_AGENT_COUNTERS = (
    ("ccpm_agent_uptime_seconds", "how long agents were registered", "uptime_seconds"),
    ("ccpm_agent_crashes", "times that agents were found dead", "crashes"),
    ("ccpm_agent_commits", "commits of agents", "commits"),
    ("ccpm_agent_github_requests", "requests to GitHub", "github_requests"),
)


def show(report: Report, since: str) -> None:
    write = sys.stdout.write
    locks, work, github = report["locks"], report["work"], report["github"]
    write(f"📈 Metrics {since}\n{'=' * (len(since) + 11)}\n\n")
    damaged = f", {report['damaged']} lines could not be read" if report["damaged"] else ""
    write(f"{report['events']} events{damaged}\n\n")
    rate = locks["contention_rate"] * 100
    write(f"Locks: {locks['acquired']} given, {locks['contended']} contended ({rate:.1f}%)\n")
    rows = [
        _row("wait for a lock", locks["wait_seconds"]),
        _row("hold of a lock", locks["hold_seconds"]),
        _row("task, start to end", work["task_seconds"]),
    ]
    table(("TIMES", "COUNT", "P50", "P95", "P99", "MAX"), rows)
    write("\n")
    for label, names in _LINES:
        write(f"{label}: " + ", ".join(f"{_value(report, path)} {word}" for path, word in names) + "\n")
    if github["statuses"]:
        write("  " + ", ".join(f"{count} × {status}" for status, count in github["statuses"].items()) + "\n")
    for epic, counts in report["merges"].items():
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items())
        write(f"Merges of {epic}: {kinds}\n")
    contended = [entry for entry in locks["resources"] if entry["contended"]]
    if contended:
        rows = [(e["resource"], str(e["acquired"]), str(e["contended"])) for e in contended]
        write("\n")
        table(("RESOURCE", "GIVEN", "CONTENDED"), rows)
    if report["agents"]:
        write("\n")
        head = ("AGENT", "UP FOR", "LOCKS", "TASKS", "COMMITS", "REQUESTS", "CRASHES")
        table(head, [_agent(entry) for entry in report["agents"]])


_LINES = (
    (
        "Faults",
        (
            (("locks", "takeovers"), "taken over from dead owners"),
            (("locks", "timeouts"), "timed out"),
            (("locks", "deadlocks_refused"), "deadlocks refused"),
            (("locks", "lost"), "leases lost"),
            (("locks", "late_writes_refused"), "late writes refused"),
        ),
    ),
    (
        "Work",
        (
            (("work", "claimed"), "claimed"),
            (("work", "done"), "done"),
            (("work", "stolen"), "stolen"),
            (("work", "given_back"), "given back"),
        ),
    ),
    (
        "GitHub",
        (
            (("github", "requests"), "requests"),
            (("github", "writes"), "of them writes"),
            (("github", "refused"), "refused"),
        ),
    ),
)


def add_commits(report: Report, top: str) -> None:
    """Count the commits of agents that are still registered: the log has those of agents that have left."""
    from ccpm.ops.team import registries

    counted = {
        agent.id: agent.commits
        for registry, _ in registries.listing(top)
        for agent in registry.agents.values()
    }
    for entry in report["agents"]:
        entry["commits"] += counted.get(entry["agent"], 0)


def openmetrics(report: Report) -> str:
    """The report in the OpenMetrics text format 1.0, which node_exporter's textfile collector reads as well."""
    lines: list[str] = []
    for name, text, path in _SUMMARIES:
        found = _value(report, path)
        lines += [f"# TYPE {name} summary", f"# HELP {name} {text}"]
        quantiles = (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))
        lines += [f'{name}{{quantile="{share}"}} {found[key]:.9g}' for share, key in quantiles]
        lines += [f"{name}_sum {found['mean'] * found['count']:.9g}", f"{name}_count {found['count']}"]
    for name, text, path in _COUNTERS:
        lines += [f"# TYPE {name} counter", f"# HELP {name} {text}", f"{name}_total {_value(report, path)}"]
    for name, text, key in _AGENT_COUNTERS:
        lines += [f"# TYPE {name} counter", f"# HELP {name} {text}"]
        lines += [f'{name}_total{{agent="{_label(a["agent"])}"}} {a[key]}' for a in report["agents"]]
    return "\n".join([*lines, "# EOF", ""])


def _value(report: Report, path: tuple[str, ...]) -> Any:
    found: Any = report
    for key in path:
        found = found[key]
    return found


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _row(label: str, found: dict[str, float]) -> tuple[str, ...]:
    return (label, str(found["count"]), *(duration(found[key]) for key in ("p50", "p95", "p99", "max")))


def _agent(agent: dict[str, Any]) -> tuple[str, ...]:
    up = duration(agent["uptime_seconds"]) if agent["uptime_seconds"] else "-"
    numbers = (agent[key] for key in ("acquired", "tasks_done", "commits", "github_requests", "crashes"))
    return (agent["agent"], up + (" so far" if agent["up"] else ""), *map(str, numbers))
