"""The event log under load: no line is lost or mixed up, and what the metrics say of it is what happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prometheus_client.openmetrics import parser as openmetrics

from ccpm.core import metrics
from race.tree import Project, finish

CYCLES = """\
read go
for n in 1 2 3 4 5; do
  ccpm-lock acquire epic-busy --ttl 60 >/dev/null && ccpm-lock release epic-busy || exit
done
"""


def read(project: Project, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.ok("watch", "metrics", "--json", *options))
    return found


def test_every_cycle_of_many_processes_is_counted_by_the_quick_expressions(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    crew = [project.spawn(["sh", "-c", CYCLES], CCPM_AGENT_ID=f"agent-{n}") for n in range(8)]
    for worker in crew:
        assert finish(worker, "go\n").status == 0
    report = read(project)
    assert report["locks"]["acquired"] == report["locks"]["hold_seconds"]["count"] == 40
    assert [(agent["agent"], agent["acquired"]) for agent in report["agents"]] == [
        (f"agent-{n}", 5) for n in range(8)
    ]
    waits = [event["waited"] for event in project.events("lock.acquired")]
    assert report["locks"]["wait_seconds"]["max"] == max(waits)
    log = (project.path / ".claude/metrics/events.jsonl").read_bytes()
    for expression in (metrics._ACQUIRED, metrics._RELEASED):
        assert len(expression.findall(log)) == 40, "ops/locking/locks.py writes its keys in another order now"


def test_since_leaves_out_what_is_older_also_in_rotated_logs(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    folder = project.path / ".claude" / "metrics"
    folder.mkdir()
    now = int(project.ok("lock", "acquire", "epic-x") or 0) and project.events("lock.acquired")[0]["at"]

    def at(age: float) -> str:
        return (
            json.dumps({"ts": "2026-01-12T10:00:00Z", "at": now - age, "event": "work.done", "seconds": age})
            + "\n"
        )

    (folder / "events-20260112T100000Z-1-1.jsonl").write_text("".join(at(age) for age in (90000, 7200, 3700)))
    current = folder / "events.jsonl"
    current.write_text("".join(at(age) for age in (3500, 100, 5)) + current.read_text())
    assert read(project)["work"]["done"] == 6
    assert read(project, "--since", "1h")["work"]["task_seconds"]["max"] == 3500
    assert read(project, "--since", "1d")["work"]["done"] == 5
    assert project.run("watch", "metrics", "--since", "soon").status == 2


def test_scrapers_can_read_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    project.ok("lock", "acquire", "epic-x", "--agent", "agent-ada")
    project.ok("lock", "release", "epic-x", "--agent", "agent-ada")
    text = project.ok("watch", "metrics", "--openmetrics") + "\n"
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(text)}
    assert families["ccpm_lock_acquired"].samples[0].value == 1
    assert {sample.labels.get("quantile") for sample in families["ccpm_lock_hold_seconds"].samples} == {
        "0.5",
        "0.95",
        "0.99",
        None,
    }
    assert families["ccpm_agent_commits"].samples[0].labels == {"agent": "agent-ada"}


def test_a_project_without_events_has_metrics_of_zero(tmp_path: Path) -> None:
    report = read(Project(tmp_path / "p"))
    assert (report["events"], report["locks"]["acquired"], report["agents"]) == (0, 0, [])
