"""The views of a plan: one read a file, and how they look on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ccpm.files import plan_tree
from ccpm.ops.plan import standup, views

BIN = Path(__file__).parents[2] / "bin"
TASK = "---\nname: {name}\nstatus: {status}\ndepends_on: {needs}\n---\nwords of auth\n"


@pytest.fixture
def top(tmp_path: Path) -> str:
    (tmp_path / ".git").mkdir()
    epic = tmp_path / ".claude" / "epics" / "auth"
    (epic / "updates" / "2").mkdir(parents=True)
    (tmp_path / ".claude" / "prds").mkdir()
    (tmp_path / ".claude" / "prds" / "auth.md").write_text("---\nname: auth\nstatus: backlog\n---\n")
    (epic / "epic.md").write_text("---\nname: auth\nstatus: in-progress\nprogress: 10%\n---\n")
    (epic / "1.md").write_text(TASK.format(name="Store", status="closed", needs="[]"))
    (epic / "2.md").write_text(TASK.format(name="Log in", status="in-progress", needs="[1]"))
    (epic / "3.md").write_text(TASK.format(name="Log out", status="open", needs="[1]"))
    (epic / "4.md").write_text(TASK.format(name="Stay", status="open", needs="[2, 9]"))
    (epic / "updates" / "2" / "progress.md").write_text("---\ncompletion: 40%\n---\n")
    (epic / "2-analysis.md").write_text("about auth\n")
    return str(tmp_path)


VIEWS = {
    "status": views.status,
    "next": views.ready,
    "blocked": views.blocked,
    "in-progress": views.in_progress,
    "epic-list": views.epic_list,
    "epic-show": lambda top: views.epic_show(top, "auth"),
    "epic-status": lambda top: views.epic_status(top, "auth"),
    "prd-list": views.prd_list,
    "standup": lambda top: standup.report(top, 1.8e9),
    "search": lambda top: views.search(top, "auth"),
}
ARGUMENTS = {"epic-show": ["auth"], "epic-status": ["auth"], "search": ["auth"]}


@pytest.mark.parametrize("verb", VIEWS)
def test_a_view_reads_each_file_once(verb: str, top: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    real = plan_tree._read

    def counted(path: str, name: str) -> plan_tree.PlanFile:
        reads[os.path.realpath(path)] += 1
        return real(path, name)

    monkeypatch.setattr(plan_tree, "_read", counted)
    VIEWS[verb](top)
    assert reads
    assert {path: count for path, count in reads.items() if count > 1} == {}


WORDS = {
    "status": ["📊 Project Status", "Open: 2"],
    "next": ["Task", "#3", "Log out", "1 tasks ready"],
    "blocked": ["Waits for", "#4", "#2, 9: no such task"],
    "in-progress": ["#2", "40%"],
    "epic-list": ["Epic", "auth", "25%"],
    "epic-show": ["Task", "#3", "Log out", "ready"],
    "epic-status": ["25%", "Stated:"],
    "prd-list": ["auth", "backlog"],
    "prd-status": ["Total PRDs: 1"],
    "standup": ["📅 Daily Standup", "#3 - Log out"],
    "search": ["auth", "2-analysis.md"],
    "commands": ["/pm:next"],
}


@pytest.mark.parametrize("verb", WORDS)
def test_a_terminal_gets_colour_and_the_same_facts(verb: str, top: str) -> None:
    shown = on_a_terminal(top, verb, *ARGUMENTS.get(verb, []))
    for word in WORDS[verb]:
        assert word in shown, shown
    assert "\x1b[" in shown
    assert "\x1b[" not in on_a_terminal(top, verb, *ARGUMENTS.get(verb, []), NO_COLOR="1")


def on_a_terminal(top: str, *arguments: str, **variables: str) -> str:
    """What ccpm-query writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": top, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [str(BIN / "ccpm-query"), *arguments],
        cwd=top,
        env={**environment, "LC_ALL": "C.UTF-8", **variables},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=sys.stderr,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # EIO: the last writer has closed it (Linux)
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()
