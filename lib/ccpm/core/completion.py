"""What git says about the status of a task, against what its file says. Pure.

Contract: `judge` gives a finding only where git has evidence and the file says less. Nobody's status is lowered: a task
that is closed stays closed, whatever was committed since, and no commits are no evidence.

The rules and their confidence are those of CCPM's detect-completion: a merged branch of the task, with commits that
name it, means closed (high); commits of which the last is a week old mean closed (medium); younger ones mean in
progress (high). If tasks of several epics go by the number, nobody knows whose commits they are (low).
"""

from __future__ import annotations

from ccpm.core.plan import CLOSED, IN_PROGRESS, Task

QUIET = 7 * 86400.0
"""Seconds without a commit after which work counts as finished."""

HIGH, MEDIUM, LOW = "high", "medium", "low"


class Traces:
    """What git knows of one task: `commits`, times of those that name it, newest first (epoch seconds); `merged`, the
    name of a branch of it that was merged, or ""; `is_shared`: tasks of other epics go by the same number."""

    __slots__ = ("commits", "is_shared", "merged")

    def __init__(self, commits: list[float], merged: str = "", is_shared: bool = False) -> None:
        self.commits = commits
        self.merged = merged
        self.is_shared = is_shared


class Finding:
    """`task` is `detected` (CLOSED or IN_PROGRESS) with some `confidence`, because of `reason`."""

    __slots__ = ("confidence", "detected", "reason", "task", "traces")

    def __init__(self, task: Task, detected: str, confidence: str, reason: str, traces: Traces) -> None:
        self.task = task
        self.detected = detected
        self.confidence = confidence
        self.reason = reason
        self.traces = traces


def judge(task: Task, traces: Traces, now: float) -> Finding | None:
    """What git says beyond the file of `task`, None if nothing. `now`: epoch seconds."""
    if task.is_closed or not traces.commits:
        return None
    count, days = len(traces.commits), int((now - traces.commits[0]) // 86400)
    last = "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    reason = f"{count} commit{'s' if count > 1 else ''}, last {last}"
    if traces.merged:
        detected, confidence, reason = CLOSED, HIGH, f"branch {traces.merged} is merged; {reason}"
    elif now - traces.commits[0] >= QUIET:
        detected, confidence = CLOSED, MEDIUM
    else:
        detected, confidence = IN_PROGRESS, HIGH
    if detected == task.status:
        return None
    if traces.is_shared:
        confidence, reason = LOW, f"{reason}; tasks of several epics go by this number"
    return Finding(task, detected, confidence, reason, traces)
