"""Layout against the original scripts: the same section headers in the same order, the same shapes of lines.

Where a number differs, a rule of the plan (lib/ccpm/core/plan.py) is the reason; they are listed in RULES, with the
commands that they touch. Shapes that the original does not have are listed in ADDED, each with its reason.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
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

CLOSED_DEPS, WORDS, OPEN, LINKED, ARCHIVED, STATED, PROGRESS, PRDS, ALL_FILES, ADDED_LINES = (
    "a task whose dependencies are all closed is ready, not blocked",
    "closed = completed = complete = done, in every spelling",
    "open is everything that is neither closed nor running",
    "a plan in a linked folder is a plan",
    "archived epics are none, unless asked for",
    "an epic's progress is that of its tasks, not what its file states",
    "a progress file of a task that is closed, or that does not exist, is no work in progress",
    "a PRD counts by the meaning of its status",
    "every file counts once, and all of them are searched",
    "a line that the original does not have, see ADDED",
)
RULES = {
    CLOSED_DEPS: ("next", "blocked", "epic-status", "standup"),
    WORDS: (
        "status", "next", "blocked", "epic-list", "epic-show", "epic-status", "in-progress", "standup",
    ),
    OPEN: ("status", "standup", "next", "blocked"),
    "only tasks are tasks (`12-analysis.md` is none); those below tasks/ are": (
        "status", "epic-list", "epic-status", "epic-show", "search-auth", "standup",
    ),
    LINKED: ("status", "epic-list", "standup", "search-auth"),
    ARCHIVED: ("epic-list", "standup", "search-auth"),
    "what is most urgent comes first": ("next", "standup"),
    STATED: ("epic-list", "epic-show", "in-progress"),
    PROGRESS: ("in-progress", "standup"),
    PRDS: ("prd-list", "prd-status"),
    "today's activity comes from commits and stated times": ("standup",),
    ALL_FILES: ("search-auth",),
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
    "💡 Nothing waits for anything: every open task can begin.": "tasks with dependencies may be open, and ready",
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


class Answers:
    """What each command says about each project; each is asked once."""

    def __init__(self, corpus: Path, scratch: Path) -> None:
        self._corpus = corpus
        self._scratch = scratch
        self._known: dict[tuple[str, str], subprocess.CompletedProcess[str]] = {}

    def to(self, project: str, verb: str, golden: list[str]) -> subprocess.CompletedProcess[str]:
        if (project, verb) not in self._known:
            where = self._scratch / project
            where = where if where.exists() else checkout(self._corpus / project, where)
            arguments = [oracle_epic(golden) if word == "EPIC" else word for word in VERBS[verb]]
            self._known[project, verb] = query(where, verb.removesuffix("-auth"), *arguments)
        return self._known[project, verb]


@pytest.fixture(scope="module")
def answers(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return Answers(corpus, tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("project", GOLDEN)
def test_headers_and_line_shapes_are_those_of_the_original(
    corpus: Path, answers: Answers, project: str, verb: str
) -> None:
    expected = (corpus / "golden" / project / f"{verb}.txt").read_text().split("\n")
    done = answers.to(project, verb, expected)
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
        "blocked": {"No blocked tasks found!"},
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


NUMBERS: dict[tuple[str, str], dict[str, tuple[list[int], list[int], tuple[str, ...]]]] = {
    ("boilermaker", "status"): {
        "Closed": ([0], [1], (WORDS,)),
        "In Progress": ([], [0], (ADDED_LINES,)),
        "Open": ([23], [36], (OPEN,)),
    },
    ("boilermaker", "next"): {
        "Summary": ([15], [30], (CLOSED_DEPS, OPEN)),
    },
    ("boilermaker", "blocked"): {
        "Total blocked": ([8], [6], (CLOSED_DEPS,)),
    },
    ("boilermaker", "in-progress"): {
        "Total active items": ([7], [], (PROGRESS,)),
        "progress of a task": ([0, 0, 0, 0, 0, 0, 0], [], (PROGRESS,)),
    },
    ("boilermaker", "epic-list"): {
        "progress of an epic": ([16], [20], (STATED,)),
    },
    ("boilermaker", "epic-show"): {
        "Progress": ([16], [20], (STATED,)),
    },
    ("boilermaker", "epic-status"): {
        "Stated": ([], [16], (ADDED_LINES,)),
        "⏸️ Blocked": ([4], [2], (CLOSED_DEPS,)),
        "🏃 In progress": ([], [0], (ADDED_LINES,)),
        "🔄 Available": ([0], [2], (CLOSED_DEPS,)),
    },
    ("boilermaker", "standup"): {
        "closed": ([0], [1], (WORDS, OPEN)),
        "open": ([23], [36], (WORDS, OPEN)),
    },
    ("boilermaker", "search-auth"): {
        "matches, 🗒️ Other files": ([], [2, 4], (ALL_FILES,)),
    },
    ("engaged-app-ccpm", "status"): {
        "In Progress": ([], [0], (ADDED_LINES,)),
        "Open": ([13], [20], (OPEN,)),
    },
    ("engaged-app-ccpm", "next"): {
        "Summary": ([8], [11], (CLOSED_DEPS, OPEN)),
    },
    ("engaged-app-ccpm", "blocked"): {
        "Total blocked": ([5], [9], (OPEN,)),
    },
    ("engaged-app-ccpm", "epic-list"): {
        "Total epics": ([3], [2], (ARCHIVED,)),
        "Total tasks": ([32], [20], (ARCHIVED,)),
    },
    ("engaged-app-ccpm", "standup"): {
        "open": ([23], [20], (ARCHIVED, OPEN)),
        "total": ([32], [20], (ARCHIVED, OPEN)),
    },
    ("engaged-app-ccpm", "search-auth"): {
        "matches, 📚 Epics": ([5], [], (ARCHIVED,)),
        "matches, 🗒️ Other files": ([], [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 12, 16, 20, 21, 31], (ALL_FILES,)),
    },
    ("holos", "status"): {
        "Closed": ([0], [13], (LINKED,)),
        "In Progress": ([], [0], (ADDED_LINES,)),
        "Open": ([0], [46], (LINKED,)),
        "Total": ([0], [59], (LINKED,)),
    },
    ("holos", "next"): {
        "Summary": ([14], [15], (CLOSED_DEPS,)),
    },
    ("holos", "blocked"): {
        "Total blocked": ([32], [31], (CLOSED_DEPS,)),
        "no such task": ([], [73, 73, 75, 76], (ADDED_LINES,)),
    },
    ("holos", "epic-list"): {
        "Total epics": ([11], [10], (ARCHIVED,)),
        "Total tasks": ([0], [59], (LINKED,)),
        "progress of an epic": ([0], [30], (STATED,)),
    },
    ("holos", "epic-status"): {
        "Stated": ([], [10], (ADDED_LINES,)),
        "🏃 In progress": ([], [0], (ADDED_LINES,)),
    },
    ("holos", "standup"): {
        "closed": ([0], [13], (LINKED,)),
        "open": ([0], [46], (LINKED,)),
        "total": ([0], [59], (LINKED,)),
    },
    ("holos", "search-auth"): {
        "Total files with matches": ([0], [11], (LINKED,)),
        "matches, 📚 Epics": ([], [1], (LINKED,)),
    },
    ("nahel", "status"): {
        "Closed": ([0], [10], (WORDS,)),
        "In Progress": ([], [0], (ADDED_LINES,)),
    },
    ("nahel", "epic-status"): {
        "🏃 In progress": ([], [0], (ADDED_LINES,)),
    },
    ("nahel", "standup"): {
        "closed": ([0], [10], (WORDS,)),
    },
    ("regression-analyzer", "status"): {
        "In Progress": ([], [0], (ADDED_LINES,)),
    },
    ("regression-analyzer", "epic-list"): {
        "progress of an epic": ([100], [0], (STATED,)),
    },
    ("regression-analyzer", "epic-status"): {
        "🏃 In progress": ([], [0], (ADDED_LINES,)),
    },
    ("regression-analyzer", "prd-list"): {
        "Implemented": ([0], [5], (PRDS,)),
    },
    ("regression-analyzer", "prd-status"): {
        "Backlog": ([8], [3], (PRDS,)),
        "Implemented": ([0], [5], (PRDS,)),
    },
}  # fmt: skip
"""(project, verb): {what is counted: (numbers of the original that are others now, the numbers instead, why)}."""


def numbers(lines: list[str]) -> dict[str, list[int]]:
    """The numbers of an output by what they count. Names are no part of it: what stands for an epic, a task or a file
    is counted together."""
    found: dict[str, list[int]] = {}
    section = ""
    for line in lines:
        if re.match(r"\S", line):
            section = line.strip().rstrip(":") if ":" in line else ""
        for pattern, labels in (
            (r"   📋 .*- (\d+)% complete \((\d+) tasks\)$", ("progress of an epic", "tasks of an epic")),
            (r"  • .* \((\d+) matches\)$", (f"matches, {section}",)),
            (r"Progress: \[.*\] (\d+)%", ("Progress",)),
            (r"   Progress: (\d+)% complete", ("progress of a task",)),
            (r"   No such task: .*?(\d+)$", ("no such task",)),
            (r"  Tasks: (\d+) open, (\d+) closed, (\d+) total", ("open", "closed", "total")),
            (r"(?:📊 )?\s*([^:]*[A-Za-z][^:]*):\s+(\d+)%?(?: .*)?$", ()),
        ):
            match = re.match(pattern, line)
            if match:
                pairs = zip(labels, match.groups(), strict=True) if labels else [(match[1].strip(), match[2])]
                for label, number in pairs:
                    found.setdefault(label, []).append(int(number))
                break
    return found


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("project", GOLDEN)
def test_every_difference_in_a_number_has_a_rule(
    corpus: Path, answers: Answers, project: str, verb: str
) -> None:
    expected = (corpus / "golden" / project / f"{verb}.txt").read_text().split("\n")
    if "❌ Epic not found: archived" in expected:
        return
    done = answers.to(project, verb, expected)
    old, new = numbers(expected), numbers(done.stdout.split("\n"))
    differences = {}
    for label in old.keys() | new.keys():
        gone, come = Counter(old.get(label, [])), Counter(new.get(label, []))
        if gone != come:
            differences[label] = (sorted((gone - come).elements()), sorted((come - gone).elements()))
    explained = NUMBERS.get((project, verb), {})
    assert differences == {label: (before, after) for label, (before, after, _) in explained.items()}


def test_every_explanation_is_a_rule_of_its_command() -> None:
    assert set(VERBS) == {verb for verbs in RULES.values() for verb in verbs}
    for (_, verb), explained in NUMBERS.items():
        for _, _, rules in explained.values():
            assert rules
            for rule in rules:
                assert rule == ADDED_LINES or verb in RULES[rule], (verb, rule)


def test_help_has_the_sections_and_commands_of_the_original(corpus: Path) -> None:
    expected = (corpus / "golden" / GOLDEN[0] / "help.txt").read_text().split("\n")
    done = query(corpus / GOLDEN[0], "commands")
    assert done.returncode == 0
    found = done.stdout.split("\n")
    assert found[:5] == expected[:5]
    wanted = headers(expected)
    assert len(wanted) > 8
    assert [header for header in headers(found) if header in wanted] == wanted
    name = re.compile(r"^  (?:\d\. )?/pm:([a-z-]+).* +- \S")
    names = {match[1] for line in expected if (match := name.match(line))}
    assert len(names) > 30
    shown = {match[1] for line in found if (match := name.match(line))}
    assert names <= shown
    shapes = {re.sub(r"/pm:.*", "/pm:…", line) for line in found}
    assert {re.sub(r"/pm:.*", "/pm:…", line) for line in expected if line.startswith("  ")} - shapes == {
        "  • View README.md for complete documentation"
    }


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
