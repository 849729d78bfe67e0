"""Ways to doctor what the second act left behind, so that exactly one promise is broken: a check that cannot fail proves
nothing. {promise: changes of (facts, project)}."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.project import Project
from demo.team.play import RICH, RIVAL, WORKERS
from demo.team.team import EPIC

Doctor = Callable[[dict[str, Any], Project], None]


def _set(key: str, value: object) -> Doctor:
    return lambda facts, _: facts.update({key: value})


def _log(old: str, new: str) -> Doctor:
    def change(_: dict[str, Any], project: Project) -> None:
        _edit(project.claude / "metrics" / "events.jsonl", old, new)

    return change


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))


def _forget_the_heir(facts: dict[str, Any], project: Project) -> None:
    path = project.claude / "epics" / EPIC / "work.json"
    board = json.loads(path.read_text())
    del board["tasks"][facts["killed_in"]]["left_by"]
    path.write_text(json.dumps(board))


def _break_the_branch(facts: dict[str, Any], project: Project) -> None:
    """A commit on the epic's branch whose check fails."""
    branch = f"refs/heads/epic/{EPIC}"
    bad = project.must("git", "rev-parse", next(e["branch"] for e in facts["merge"]["failed"])).strip()
    tree = project.must("git", "rev-parse", f"{bad}^{{tree}}").strip()
    commit = project.must("git", "commit-tree", tree, "-p", branch, "-m", "unchecked").strip()
    project.must("git", "update-ref", branch, commit)


def _merge_report(change: Callable[[dict[str, Any]], None]) -> Doctor:
    return lambda facts, _: change(facts["merge"])


def _lose_the_drawing(facts: dict[str, Any], _: Project) -> None:
    _edit(Path(facts["outputs"]) / "timeline.svg", WORKERS[1], "agent-nobody")


DOCTORED: dict[str, list[Doctor]] = {
    "refused_and_granted": [
        _set("claim_refused", 0),
        _set("commit_refused", 0),
        _set("asked", "nothing"),
        _set("commit_granted", 1),
    ],
    "stolen_once": [_set("start_after_theft", 0), _set("claimed", [])],
    "done_once": [_log('"event":"work.done"', '"event":"work.undone"'), _set("exits", [1]), _forget_the_heir],
    "conflict_foreseen": [_set("conflicts_status", 0), _set("conflicts", {})],
    "held_back": [
        _merge_report(lambda merge: merge["conflicts"].append({"agent": RIVAL, "branch": "x"})),
        _merge_report(lambda merge: merge["failed"].append({"agent": RICH, "branch": "x"})),
        _merge_report(lambda merge: merge["failed"].clear()),
        _set("merge_status", 0),
    ],
    "check_passes_everywhere": [_break_the_branch],
    "nothing_lost": [
        _merge_report(lambda merge: merge["merged"][0].update(commit="0" * 40)),
        _merge_report(lambda merge: merge["conflicts"][0].update(branch="epic/shelves--agent-nobody")),
    ],
    "drawn": [_lose_the_drawing],
}
