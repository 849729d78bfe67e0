"""What must be true after the second act. Each check looks at git, at the records and at what the act noted (facts)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import evidence
from demo.checks import Check
from demo.project import Project
from demo.team.play import BREAKER, DOOMED, RICH, RIVAL, TASKS, WORKERS
from demo.team.team import CHECK, EPIC


@dataclass(frozen=True)
class Act:
    project: Project
    facts: dict[str, Any]

    def git(self, *arguments: str) -> list[str]:
        return self.project.must("git", *arguments).splitlines()

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in evidence.events(self.project, kind) if event.get("epic") == EPIC]


def refused_and_granted(act: Act) -> Check:
    check = Check("a file that another agent owns: refused, asked for, granted")
    facts = act.facts
    check.expect(
        facts["claim_refused"] == 75, f"the overlapping claim ended with {facts['claim_refused']}, not 75"
    )
    check.expect(facts["commit_refused"] != 0, "the commit of a file of another agent passed")
    check.expect("belongs to agent-ada" in facts["commit_said"], f"git said: {facts['commit_said']}")
    check.expect("the shelf needs a board" in facts["asked"], f"the owner's inbox says: {facts['asked']}")
    check.expect(facts["commit_granted"] == 0, f"the granted commit ended with {facts['commit_granted']}")
    check.figures = "claim 75, commit refused, granted commit passed"
    return check


def stolen_once(act: Act) -> Check:
    check = Check("unstarted work taken by an idle agent, in one step")
    stolen = act.facts["stolen"]
    check.expect(stolen["stolen_from"] == RICH, f"stolen from {stolen['stolen_from']!r}")
    check.expect(stolen["task"] in act.facts["claimed"], f"#{stolen['task']} was not claimed by {RICH}")
    check.expect(
        act.facts["start_after_theft"] == 75,
        f"the victim's start ended with {act.facts['start_after_theft']}",
    )
    check.figures = f"#{stolen['task']} from {stolen['stolen_from']}"
    return check


def done_once(act: Act) -> Check:
    check = Check("every task done exactly once, also the dead agent's")
    done = [event["task"] for event in act.events("work.done")]
    check.expect(len(done) == len(set(done)) == TASKS, f"done: {sorted(done)}")
    check.expect(act.facts["exits"] == [0] * len(WORKERS), f"the agents ended with {act.facts['exits']}")
    left = json.loads((act.project.claude / "epics" / EPIC / "work.json").read_text())["tasks"]
    heir = left[act.facts["killed_in"]].get("left_by", {})
    check.expect(heir.get("agent") == DOOMED, f"#{act.facts['killed_in']} came from {heir}")
    worktree = Path(str(heir.get("worktree", "")))
    half = worktree / "src" / f"part-{act.facts['killed_in']}.sh"
    check.expect(half.is_file(), f"the dead agent's work is not in {worktree}")
    epic = evidence.frontmatter(act.project.claude / "epics" / EPIC / "epic.md")
    check.expect((epic["progress"], epic["status"]) == ("100%", "completed"), f"the epic says {epic}")
    check.figures = f"{len(done)} tasks by {len({e['agent'] for e in act.events('work.done')})} agents"
    return check


def conflict_foreseen(act: Act) -> Check:
    check = Check("a conflict reported before the merge, uncommitted work included")
    check.expect(
        act.facts["conflicts_status"] == 1, f"conflicts.sh ended with {act.facts['conflicts_status']}"
    )
    text = json.dumps(act.facts["conflicts"])
    check.expect(RICH in text and RIVAL in text and "src/common.sh" in text, f"it says: {text[:400]}")
    check.figures = f"{RIVAL} and {RICH}: src/common.sh"
    return check


def held_back(act: Act) -> Check:
    check = Check("exactly one rival held back, the breaking branch found by bisection")
    merge = act.facts["merge"]
    check.expect(act.facts["merge_status"] == 12, f"the merge ended with {act.facts['merge_status']}, not 12")
    held = [entry["agent"] for entry in merge["conflicts"]]
    check.expect(len(held) == 1 and held[0] in (RICH, RIVAL), f"held back: {held}")
    failed = [entry["agent"] for entry in merge["failed"]]
    check.expect(failed == [BREAKER], f"breaks the check: {failed}")
    merged = {entry["agent"] for entry in merge["merged"]}
    check.expect(set(WORKERS) <= merged, f"merged: {sorted(merged)}")
    check.expect({RICH, RIVAL} - set(held) <= merged, f"neither rival was merged: {sorted(merged)}")
    check.figures = f"{len(merged)} merged, {held[0] if held else 'nobody'} held back, {BREAKER} found"
    return check


def check_passes_everywhere(act: Act) -> Check:
    check = Check("the check passes at every commit of the epic's branch")
    commits = act.git("rev-list", "--first-parent", f"epic/{EPIC}")
    place = act.project.notes / "tmp" / "check"
    for commit in commits:
        if "check.sh" not in act.git("ls-tree", "--name-only", commit):
            continue  # older than the check
        act.git("worktree", "add", "-q", "--detach", str(place), commit)
        try:
            done = act.project.run("sh", "-c", 'cd "$1" && $2', "sh", str(place), CHECK)
            check.expect(done.returncode == 0, f"{commit[:10]} does not pass: {done.stderr}")
        finally:
            act.git("worktree", "remove", "--force", str(place))
    parts = [name for name in act.git("ls-tree", "-r", "--name-only", f"epic/{EPIC}") if "/part-" in name]
    check.expect(len(parts) == TASKS, f"the branch has {sorted(parts)}")
    check.figures = f"{len(commits)} commits, {len(parts)} parts"
    return check


def nothing_lost(act: Act) -> Check:
    check = Check("git is whole, and every agent's commit is still there")
    act.git("fsck", "--no-dangling")
    merged = set(act.git("rev-list", f"epic/{EPIC}"))
    branches = set(act.git("for-each-ref", "--format=%(refname:short)", f"refs/heads/epic/{EPIC}--*"))
    waiting = [*act.facts["merge"]["conflicts"], *act.facts["merge"]["failed"]]
    for entry in act.facts["merge"]["merged"]:
        check.expect(entry["commit"] in merged, f"{entry['branch']} is said to be merged, and is not")
    for entry in waiting:
        check.expect(entry["branch"] in branches, f"{entry['branch']} was held back, and is gone")
    check.figures = f"{len(act.facts['merge']['merged'])} merged, {len(branches)} branches kept"
    return check


def drawn(act: Act) -> Check:
    check = Check("the run is drawn and counted")
    outputs = Path(act.facts["outputs"])
    picture = (outputs / "timeline.svg").read_text()
    for agent in (*WORKERS, DOOMED):
        check.expect(agent in picture, f"{agent} is not in the timeline")
    metrics = json.loads((outputs / "metrics.json").read_text())
    check.expect(metrics["work"]["done"] >= TASKS, f"{metrics['work']['done']} tasks counted")
    check.expect(metrics["damaged"] == 0, f"{metrics['damaged']} lines of the log are damaged")
    counts = metrics["merges"].get(EPIC, {})
    check.expect(counts.get("conflicts") == 1, f"merges counted: {counts}")
    check.figures = f"{metrics['events']} events, {outputs.name}/timeline.html"
    return check


PROMISES = (
    refused_and_granted,
    stolen_once,
    done_once,
    conflict_foreseen,
    held_back,
    check_passes_everywhere,
    nothing_lost,
    drawn,
)


def verify(project: Project, facts: dict[str, Any]) -> list[Check]:
    act = Act(project, facts)
    return [promise(act) for promise in PROMISES]
