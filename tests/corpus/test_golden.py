"""Layout against the original scripts: the same section headers in the same order, the same shapes of lines.

Where a number differs, a rule of the plan (lib/ccpm/core/plan.py) is the reason; they are listed in RULES, with the
commands that they touch. Shapes that the original does not have are listed in ADDED, each with its reason.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from corpus import oracle
from corpus.test_corpus_views import checkout, query

GOLDEN = ["boilermaker", "engaged-app-ccpm", "holos", "nahel", "regression-analyzer"]
VERBS = {
    "status": [],
    "next": [],
    "blocked": [],
    "in-progress": [],
    "epic-list": [],
    "epic-show": ["EPIC"],
    "epic-status": ["EPIC"],
    "prd-list": [],
    "prd-status": [],
    "standup": [],
    "search-auth": ["auth"],
}

RULES = {
    "a task whose dependencies are all closed is ready, not blocked": ("next", "blocked", "epic-status", "standup"),
    "closed = completed = complete = done, in every spelling": (
        "status", "next", "blocked", "epic-list", "epic-show", "epic-status", "in-progress", "standup",
    ),
    "open is everything that is neither closed nor running": ("status", "standup"),
    "only tasks are tasks (`12-analysis.md` is none); those below tasks/ and in linked folders are": (
        "status", "epic-list", "epic-status", "epic-show", "search-auth", "standup",
    ),
    "what is most urgent comes first": ("next", "standup"),
    "an epic's progress is that of its tasks, not what its file states": ("epic-list", "epic-show", "in-progress"),
    "a progress file of a task that is closed, or that does not exist, is no work in progress": (
        "in-progress", "standup",
    ),
    "a PRD counts by the meaning of its status": ("prd-list", "prd-status"),
    "today's activity comes from commits and stated times": ("standup",),
    "every file counts once, and all of them are searched": ("search-auth",),
}  # fmt: skip

ADDED = {
    "  In Progress: N": "status and epic-status count what runs apart from what is open",
    "  🏃 In progress: N": "the same in epic-status",
    "   No such task: …": "a reference that names no task is said, not passed over",
    "   Waiting for: …": "a reason for every blocked task",
    "   Status: …": "a task that says it is blocked",
    "🔁 Circular in …": "circular dependencies are reported",
    "  🔁 Circular: …": "the same in epic-status",
    "Stated: …": "the progress that the epic's file states, where it is another",
    "🔎 Evidence:": "what git knows of the epic",
    "🗒️ Other files:": "search names the files behind its total",
    "  • …": "an entry of a list",
}


def shape(line: str) -> str:
    """A line without its names and numbers: what stays is what a script could look for."""
    line = re.sub(r"(✅ Ready: |⏸️ Task |📝 Issue |⬜ |✅ )#.*", r"\1#…", line)
    line = re.sub(r"^( {2,3}📋 ).*", r"\1…", line)
    line = re.sub(
        r"^(\s+(?:Epic|Blocked by|Waiting for|No such task|Last update|Status|GitHub|Created|Progress): ).*",
        r"\1…",
        line,
    )
    line = re.sub(r"^(Stated: ).*", r"\1…", line)
    line = re.sub(r"^(🔁 Circular in |  🔁 Circular: |🔗 GitHub: ).*", r"\1…", line)
    line = re.sub(r"^(\s+• ).*", r"\1…", line)
    line = re.sub(r"\[[█░]*\]", "[█]", line)
    return re.sub(r"\d+(-\d+)*", "N", line).rstrip()


def headers(lines: list[str]) -> list[str]:
    """The section headers of an output: lines of fixed words, in order."""
    found = [line.strip() for line in lines if re.match(r"^[^\w\s•]+\s?[A-Z][\w' -]*(\([\w ]+\))?:?$", line)]
    return [re.sub(r"\d{4}-\d\d-\d\d$", "DATE", line) for line in found]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("project", GOLDEN)
def test_headers_and_line_shapes_are_those_of_the_original(
    corpus: Path, tmp_path: Path, project: str, verb: str
) -> None:
    expected = (corpus / "golden" / project / f"{verb}.txt").read_text().split("\n")
    arguments = [oracle_epic(expected) if word == "EPIC" else word for word in VERBS[verb]]
    done = query(checkout(corpus / project, tmp_path / project), verb.removesuffix("-auth"), *arguments)
    if "❌ Epic not found: archived" in expected:
        assert (done.returncode, "no epic 'archived'" in done.stderr) == (66, True)
        return
    assert done.returncode == 0
    found = done.stdout.split("\n")
    wanted = [header for header in headers(expected) if header not in optional(verb)]
    assert [header for header in headers(found) if header in wanted] == wanted
    allowed = {
        shape(line)
        for path in (corpus / "golden").glob(f"*/{verb}.txt")
        for line in path.read_text().split("\n")
    }
    unknown = {
        line
        for line in map(shape, found)
        if line not in allowed and line not in ADDED and line not in texts(verb)
    }
    assert unknown == set()


def optional(verb: str) -> set[str]:
    """Headers that stand only where there is something to say, and depend on numbers that the RULES change."""
    return {
        "next": {"💡 Suggestions:"},
        "in-progress": set(),
        "epic-show": {"💡 Actions:"},
    }.get(verb, set())


def texts(verb: str) -> set[str]:
    """Fixed lines of the original that happen to be in none of the golden files."""
    return {
        "next": {"No available tasks found.", "   🔄 Can run in parallel", "💡 Suggestions:"},
        "blocked": {
            "No blocked tasks found!",
            "💡 All tasks with dependencies are either completed or in progress.",
        },
        "in-progress": {
            "No active work items found.",
            "💡 Start work with: /pm:next",
            "📊 Total active items: N",
        },
        "standup": {"  No activity recorded today"},
        "epic-status": {"Progress: No tasks created", "Progress: [█] N%"},
    }.get(verb, set())


def oracle_epic(lines: list[str]) -> str:
    """The epic that a golden epic-show or epic-status is about."""
    title = next(line for line in lines if line.startswith(("📚 Epic", "❌ Epic not found")))
    return title.partition(": ")[2]


def test_every_difference_in_a_number_has_a_rule() -> None:
    assert set(VERBS) == {verb for verbs in RULES.values() for verb in verbs}


def test_the_oracle_explains_the_counts_of_status(corpus: Path, tmp_path: Path) -> None:
    for name in GOLDEN:
        project = checkout(corpus / name, tmp_path / name)
        sums = [oracle.summarise(epic) for epic in oracle.epics_of(project)]
        total, closed = (sum(int(str(one[key])) for one in sums) for key in ("total", "closed"))
        lines = query(project, "status").stdout.split("\n")
        assert f"  Closed: {closed}" in lines
        assert f"  Total: {total}" in lines[-2:]


def test_the_golden_folder_holds_what_is_compared(corpus: Path) -> None:
    assert {path.name for path in (corpus / "golden").iterdir()} == set(GOLDEN)
    assert os.path.isfile(corpus / "golden" / GOLDEN[0] / "status.txt")
