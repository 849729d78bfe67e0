"""Ways to doctor the result of a good run, each of which breaks one promise: the test of the verification.

`DOCTORED` has them by the promise that they break. Every promise of verify.py and of the scenes must be there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.evidence import EPIC_LOCK
from demo.project import Project


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def edit_line(path: Path, pattern: str, new: str) -> None:
    text, times = re.subn(pattern, new, path.read_text(), count=1, flags=re.MULTILINE)
    assert times == 1
    path.write_text(text)


def edit_facts(project: Project, change: Callable[[dict[str, Any]], object]) -> None:
    path = project.notes / "run.json"
    facts = json.loads(path.read_text())
    change(facts)
    path.write_text(json.dumps(facts))


def edit_events(project: Project, pattern: str, new: str) -> None:
    edit_line(project.claude / "metrics" / "events.jsonl", pattern, new)


def log_of(project: Project) -> Path:
    return project.epic / "log.txt"


def notes_of(project: Project, pattern: str) -> Path:
    """The notes of the worker who wrote a line that matches."""
    return next(
        path
        for path in sorted(project.notes.glob("*.notes"))
        if re.search(pattern, path.read_text(), re.MULTILINE)
    )


def reopen_a_task(project: Project) -> None:
    edit(project.epic / "5.md", "status: closed", "status: in-progress")


def close_a_task_twice_in_the_log(project: Project) -> None:
    edit_line(log_of(project), r"^(.* close 5)$", r"\1\n\1")


def close_a_task_twice_in_the_notes(project: Project) -> None:
    edit_line(notes_of(project, r"5\.md 0 \d+ close"), r"^(write 5\.md 0 \d+ close)$", r"\1\n\1")


def take_a_task_before_its_dependency(project: Project) -> None:
    lines = log_of(project).read_text().splitlines(keepends=True)
    taken = next(line for line in lines if line.endswith("take 10\n"))
    lines.remove(taken)
    log_of(project).write_text(taken + "".join(lines))


def take_a_task_beside_one_it_conflicts_with(project: Project) -> None:
    edit_line(log_of(project), r"^(.*) take 4$", r"\1 take 4\n\1 take 5")


def lose_a_line_of_work(project: Project) -> None:
    edit(project.top / "src" / "main.txt", "4 step 2\n", "")


def lose_an_increment(project: Project) -> None:
    edit(project.epic / "epic.md", "steps: 18", "steps: 17")


def count_a_step_twice(project: Project) -> None:
    notes = notes_of(project, r"0 \d+ step:6:1$")
    edit_line(notes, r"^(write epic\.md 0 \d+ step:6:1)$", r"\1\n\1")


def forget_a_step(project: Project) -> None:
    edit_line(notes_of(project, r"0 \d+ step:6:1$"), r"^write epic\.md 0 \d+ step:6:1\n", "")


def write_behind_the_version(project: Project) -> None:
    edit_line(project.epic / "6.md", r"^version: 4$", "version: 3")


def give_two_writers_one_version(project: Project) -> None:
    edit_line(notes_of(project, r"6\.md 0 4 close"), r"^write 6\.md 0 4 close$", "write 6.md 0 3 close")


def accept_the_outdated_write(project: Project) -> None:
    pattern = r"^write epic\.md 10 0 step:2:1\n"
    while any(re.search(pattern, path.read_text(), re.MULTILINE) for path in project.notes.glob("*.notes")):
        edit_line(notes_of(project, pattern), pattern, "")


def hold_up_nobody(project: Project) -> None:
    edit_facts(project, lambda facts: facts["conflict"].clear())


def state_another_progress(project: Project) -> None:
    edit(project.epic / "epic.md", "progress: 100%", "progress: 88%")


def lose_a_commit(project: Project) -> None:
    project.must("git", "reset", "-q", "--soft", "HEAD~1")


def tell_of_no_takeover(project: Project) -> None:
    edit_events(project, rf'^.*"lock.takeover","resource":"{EPIC_LOCK}".*gone.*\n', "")


def kill_nobody(project: Project) -> None:
    edit_facts(project, lambda facts: facts["crash"].clear())


def kill_somebody_who_holds_no_lock(project: Project) -> None:
    edit_facts(project, lambda facts: facts["crash"]["fences"].clear())


def accept_the_late_write(project: Project) -> None:
    edit_facts(project, lambda facts: facts["pause"].update(status=0))


def change_the_file_all_the_same(project: Project) -> None:
    edit_facts(project, lambda facts: facts["pause"].update(sha256=["0", "1"]))


def tell_of_no_refused_fence(project: Project) -> None:
    edit_events(project, r'^.*"fence.refused".*\n', "")


def pause_nobody(project: Project) -> None:
    edit_facts(project, lambda facts: facts["pause"].clear())


def grant_a_token_twice(project: Project) -> None:
    edit_events(project, rf'^(.*"lock.acquired","resource":"{EPIC_LOCK}".*)$', r"\1\n\1")


def end_a_worker_with_an_error(project: Project) -> None:
    def change(facts: dict[str, Any]) -> None:
        agent = next(agent for agent, status in facts["exits"].items() if status == 0)
        facts["exits"][agent] = 70

    edit_facts(project, change)


def leave_a_process(project: Project) -> None:
    edit_facts(project, lambda facts: facts["leftovers"].append("worker-1"))


def leave_a_temporary_file(project: Project) -> None:
    (project.epic / ".epic.md.ccpm-tmp").touch()


def leave_a_bell(project: Project) -> None:
    os.mkfifo(project.claude / "locks" / ".state" / f"{EPIC_LOCK}.1.bell")


def leave_a_lock(project: Project) -> None:
    project.must("ccpm-lock", "acquire", "worktree-main")


def leave_something_in_tmpdir(project: Project) -> None:
    (project.notes / "tmp" / "ccpm-session-1").mkdir()


def leave_a_file_in_the_project(project: Project) -> None:
    (project.top / "epic.md.bak").touch()


def make_an_issue_twice(project: Project) -> None:
    edit_facts(project, lambda facts: facts["synced"]["issues"].append(facts["synced"]["issues"][3]))


def name_a_file_after_another_issue(project: Project) -> None:
    edit_facts(project, lambda facts: facts["synced"]["issues"][3].update(number=99))


DOCTORED = {
    "one issue a task, files named after them": [make_an_issue_twice, name_a_file_after_another_issue],
    "every task closed exactly once": [
        reopen_a_task,
        close_a_task_twice_in_the_log,
        close_a_task_twice_in_the_notes,
    ],
    "no task before what it depends on": [take_a_task_before_its_dependency],
    "no two conflicting tasks at once": [take_a_task_beside_one_it_conflicts_with, lose_a_line_of_work],
    "every increment of the shared counter present": [lose_an_increment, count_a_step_twice, forget_a_step],
    "version = 1 + writes, for every file": [write_behind_the_version, give_two_writers_one_version],
    "progress and status of the epic right": [state_another_progress],
    "one commit a task, from one working copy": [lose_a_commit],
    "write of an outdated version refused, then repeated": [accept_the_outdated_write, hold_up_nobody],
    "locks of the killed worker taken over, its task finished": [
        tell_of_no_takeover,
        kill_nobody,
        kill_somebody_who_holds_no_lock,
    ],
    "late write of the paused worker refused": [
        accept_the_late_write,
        change_the_file_all_the_same,
        tell_of_no_refused_fence,
        pause_nobody,
    ],
    "fencing tokens strictly rising for every lock": [grant_a_token_twice],
    "all workers ended by themselves, but the killed one": [end_a_worker_with_an_error, leave_a_process],
    "no litter: locks, queues, temporary files": [
        leave_a_temporary_file,
        leave_a_bell,
        leave_a_lock,
        leave_something_in_tmpdir,
        leave_a_file_in_the_project,
    ],
}
"""Promise: what is done to the result of a good run, each of which breaks it."""
