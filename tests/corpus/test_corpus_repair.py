"""Validation and repair on every real project: what is known to be damaged is found, mended where that is certain, and
given back to the byte.

The counts beside DESIGN's list of real damage (38 repositories) are those of the 19 that are in the corpus: 13 glued
lines of 13, 17 of 40 files with keys behind the marker, 8 of 15 duplicate keys, 1 of 16 unquoted colons, 1 line without
a key, 5 of 5 files with injected lines. Neither a leading `@` nor a name cut at ` #` is among them.
"""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from corpus import oracle
from corpus.test_corpus_views import PROJECTS, checkout, query
from corpus.test_golden import GOLDEN, headers

FILES = {
    "glued": 13, "after-marker": 17, "duplicate-key": 8, "no-key": 1, "not-yaml": 1, "injected": 5,
    "no-epic-file": 1, "orphan": 5, "stray": 6, "id-collision": 10, "no-frontmatter": 88,
}  # fmt: skip
"""Kind: how many files of the corpus have such a finding. Damage of other repositories is not in it."""

MACHINE = re.compile(rb"(?m)^(?:(?:updated|last_sync): [0-9TZ:-]+|github: https?://\S+|progress: \d+%?)\r?$")
"""Lines that scripts write: copies of them may go."""


def writable(corpus: Path, name: str, tmp_path: Path) -> Path:
    """A copy of a project that may be written."""
    source = checkout(corpus / name, tmp_path / "checkout")
    target = tmp_path / name
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o755)
    return target


@functools.cache
def known(name: str) -> list[dict[str, object]]:
    """The findings of a project of the corpus, as it is."""
    with tempfile.TemporaryDirectory() as folder:
        return findings(checkout(Path(os.environ["CCPM_CORPUS"]) / name, Path(folder) / name))


def findings(project: Path) -> list[dict[str, object]]:
    done = query(project, "validate", "--all", "--json")
    data = json.loads(done.stdout)
    assert done.returncode == (1 if data["findings"] else 0), done.stderr
    found: list[dict[str, object]] = data["findings"]
    return found


def contents(project: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(project)): path.read_bytes()
        for folder in ("epics", "prds")
        for path in sorted((project / ".claude" / folder).rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", PROJECTS)
def test_repair_mends_only_what_it_names_and_gives_everything_back(
    corpus: Path, name: str, tmp_path: Path
) -> None:
    project = writable(corpus, name, tmp_path)
    before, found = contents(project), known(name)
    done = query(project, "validate", "--all", "--fix", "--json")
    repair = json.loads(done.stdout)
    assert (done.stderr, repair["skipped"]) == ("", [])
    mended = {entry["file"]: entry["mended"] for entry in repair["files"]}
    changed = set(mended)
    after = contents(project)
    assert {path for path in before if before[path] != after.get(path)} == changed
    assert changed <= {str(one["file"]) for one in found if one["mendable"]}
    for path in changed & set(after):
        assert words(MACHINE.sub(b"", before[path])) <= words(after[path]), path
        assert bodies(before[path]) == bodies(after[path]), path
        if not any("injected" in what for what in mended[path]):
            assert len(changes(before[path], after[path])) <= 4 * len(mended[path]), path

    again = findings(project)
    assert sum(bool(one["mendable"]) for one in again) == 0
    assert len(again) < len(found) or not changed
    shown = [(one["file"], one["what"]) for one in found]
    new = [one for one in again if (one["file"], one["what"]) not in shown]
    assert {one["kind"] for one in new} <= {"renamed"}, "a glued line hid the key depends_on"
    assert query(project, "validate", "--undo").returncode == (0 if changed else 66)
    assert contents(project) == before


def changes(before: bytes, after: bytes) -> list[str]:
    """The lines that a diff of the two shows as removed or added."""
    texts = [data.decode("utf-8", "surrogateescape").split("\n") for data in (before, after)]
    return [line for line in difflib.unified_diff(*texts, n=0) if re.match(r"[-+](?![-+]{2} )", line)]


def words(data: bytes) -> Counter[bytes]:
    """The words of a text: letters and digits, cut where a lost line end glued a key to a value."""
    return Counter(re.findall(rb"\w+", re.sub(rb"(github|depends_on):", rb"\n\1:", data)))


def bodies(data: bytes) -> list[bytes]:
    """The lines of the text below the frontmatter, but those that scripts write."""
    lines = [line.strip(b"\r") for line in MACHINE.sub(b"", data).split(b"\n")]
    start = lines.index(b"---", 1) + 1 if lines[0] == b"---" else 0
    return [line for line in lines[start:] if line]


def test_every_damaged_file_of_the_corpus_is_found(corpus: Path) -> None:
    files: dict[str, set[str]] = {}
    for name in PROJECTS:
        for one in known(name):
            files.setdefault(str(one["kind"]), set()).add(f"{name}/{one['file']}")
    counts = {kind: len(paths) for kind, paths in files.items()}
    assert {kind: counts.get(kind, 0) for kind in FILES} == FILES
    assert set(counts) - set(FILES) == {"no-prd", "progress", "dangling", "renamed"}
    assert not {"too-large", "unclosed", "inline-block", "bad-version", "cut"} & set(counts)


@pytest.mark.parametrize("name", PROJECTS)
def test_the_oracle_agrees_on_references_progress_and_missing_frontmatter(
    corpus: Path, name: str, tmp_path: Path
) -> None:
    project = checkout(corpus / name, tmp_path / name)
    found = known(name)
    bare, dangling, wrong = set(), Counter(), set()
    for epic in all_epics(project):
        tasks = oracle.tasks_of(epic)
        closed = sum(oracle.status(oracle.fields(path)) == "closed" for path in tasks)
        stated = (
            oracle.fields(epic / "epic.md").get("progress", "").rstrip("%")
            if (epic / "epic.md").is_file()
            else ""
        )
        if stated.isdigit() and tasks and abs(int(stated) - closed * 100 / len(tasks)) >= 1:
            wrong.add(str((epic / "epic.md").relative_to(project)))
        numbers = {oracle.normal(oracle.identifier(path)) for path in tasks}
        for path in tasks:
            if not path.read_bytes().startswith((b"---", b"\xef\xbb\xbf---")):
                bare.add(str(path.relative_to(project)))
            for reference in oracle.references(oracle.fields(path)):
                match = re.match(r"(?i)#?(?:(?:task|issue)-)?(\d+(?:\.\d+)*[a-z]?)", reference)
                if not match or oracle.normal(match[1]) not in numbers:
                    dangling[str(path.relative_to(project))] += 1
    injected = {one["file"] for one in found if one["kind"] == "injected"}
    assert bare - injected <= {one["file"] for one in found if one["kind"] == "no-frontmatter"}
    references = [one for one in found if one["kind"] in ("dangling", "renamed")]
    assert Counter(one["file"] for one in references if "conflicts_with" not in str(one["what"])) == dangling
    assert {one["file"] for one in found if one["kind"] == "progress"} == wrong


def all_epics(project: Path) -> list[Path]:
    base = project / ".claude" / "epics"
    archived = [
        path for archive in oracle.ARCHIVES for path in sorted((base / archive).glob("*")) if path.is_dir()
    ]
    return [*oracle.epics_of(project), *archived]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_report_has_the_sections_and_line_shapes_of_the_original(
    corpus: Path, name: str, tmp_path: Path
) -> None:
    """Differences: only tasks, epics and PRDs need frontmatter, not every note beside them; `archived` is no epic; a PRD
    whose name begins with digits is no orphaned task; 002 names 2; progress, PRD links and the rest are new."""
    expected = (corpus / "golden" / name / "validate.txt").read_text().split("\n")
    done = query(checkout(corpus / name, tmp_path / name), "validate", "--all")
    found = done.stdout.split("\n")
    wanted = [header for header in headers(expected) if not header.startswith("💡")]
    assert [header for header in headers(found) if header in wanted] == wanted
    assert found[:11] == expected[:11]
    missing = Counter(line for line in expected if line.startswith("  ⚠️ Missing frontmatter: "))
    said = Counter(line for line in found if line.startswith("  ⚠️ Missing frontmatter: "))
    assert said <= missing
    for line in missing - said:
        assert not oracle.is_task(line.partition(": ")[2]), line
    for label in ("  Errors: ", "  Warnings: ", "  Invalid files: "):
        assert sum(line.startswith(label) for line in found) == 1
