"""Analyses of issues: the shapes in which people and models write them, and what is said about what is missing."""

from __future__ import annotations

import pytest

from ccpm.core import analysis

HEADINGS = [
    ("### Stream A: Database layer", "A", "Database layer"),
    ("## Stream B - API", "B", "API"),
    ("#### **Stream C: Tests**", "C", "Tests"),
    ("**Stream D: Docs (2 hours)**", "D", "Docs (2 hours)"),
    ("**✅ Stream A: Done**", "A", "Done"),
    ("### Stream 2: 工具注册", "2", "工具注册"),
    ("### 流A：数据模型", "A", "数据模型"),
    ("### Work Stream E", "E", ""),
    ("### Stream F (Frontend)", "F", "Frontend"),
]


@pytest.mark.parametrize(("heading", "letter", "title"), HEADINGS)
def test_a_stream_is_found_by_its_heading(heading: str, letter: str, title: str) -> None:
    (stream,) = analysis.parse(f"# Analysis\n\n{heading}\n**Files**: `a.ts`\n").streams
    assert (stream.letter, stream.title) == (letter, title)


@pytest.mark.parametrize(
    "heading",
    [
        "### Stream A Success Criteria",
        "### Stream A ↔ Stream B",
        "## Parallel Streams",
        "- **Stream A**: starts first",
    ],
)
def test_what_only_speaks_of_streams_is_none(heading: str) -> None:
    assert analysis.parse(f"{heading}\n**Files**: `a.ts`\n").streams == []


LISTS = [
    ("**Files**:\n- `src/a.ts`\n- `src/b/` (new)\n", ["/src/a.ts", "/src/b/"]),
    ("**Files:** `src/a.ts`, `src/b.ts`\n", ["/src/a.ts", "/src/b.ts"]),
    ("- **Files**: `src/a.ts`\n", ["/src/a.ts"]),
    ("**Files to Create/Modify**:\n- src/a.ts\n- src/b.ts - the rest\n", ["/src/a.ts", "/src/b.ts"]),
    ("**Key Files:**\n  - `src/a.ts:12-40`\n", ["/src/a.ts"]),
    ("#### Files\n1. `src/a.ts`\n2. `./src/b.ts`\n", ["/src/a.ts", "/src/b.ts"]),
    ("**文件所有权**:\n- `go.mod`, `go.sum`\n", ["/go.mod", "/go.sum"]),
    ("**Files**:\n- `src/*.ts`\n- `**/*.sql`\n", ["src/*.ts", "**/*.sql"]),
    ("**Files**:\n- `*_test.go`\n", ["*_test.go"]),
    ("**Files**:\n- `app/[id]/page.tsx`\n", ["/app/\\[id\\]/page.tsx"]),
    ("**Files**:\n- `app/[id]/*.tsx`\n", ["app/\\[id\\]/*.tsx"]),
    ("**Files**:\n- `src/{a,b}.ts`\n", ["/src/a.ts", "/src/b.ts"]),
    ("**Files**:\n- `src/{name}.ts`\n", ["src/*.ts"]),
    ("**Files**:\n- `/src/a.ts` - see `src/other.ts`\n", ["/src/a.ts"]),
    ("**Files**:\n- `.github/workflows/ci.yml`\n- Makefile\n", ["/.github/workflows/ci.yml", "/Makefile"]),
    (
        "**Files**:\n- `createUser()`\n- `npm run build`\n- https://x.org/a.ts\n- `1.5`\n- `src/a.ts`\n",
        ["/src/a.ts"],
    ),
    ("| File | What |\n**Files**:\n| `src/a.ts` | new |\n", ["/src/a.ts"]),
    ("**Files**:\r\n- `src/a.ts`\r\n", ["/src/a.ts"]),
]


@pytest.mark.parametrize(("text", "files"), LISTS)
def test_files_are_found_in_every_form_of_list(text: str, files: list[str]) -> None:
    found = analysis.parse(
        f"### Stream A: x\n**Scope**: `not/this.ts` is prose\n{text}\n**Agent**: y\n- `not/that.ts`\n"
    )
    assert found.streams[0].files == files
    assert found.problems == []


def test_without_a_list_of_files_the_items_that_begin_with_a_path_count() -> None:
    text = "### Stream A: x\n**Components:**\n- `src/widget.tsx` - the widget\n- Unread `src/b.ts`\n- `npm test`\n"
    assert analysis.parse(text).streams[0].files == ["/src/widget.tsx"]


def test_files_below_the_next_heading_belong_to_the_next_stream() -> None:
    text = "## Streams\n### Stream A: x\n**Files**: `a.ts`\n### Stream B: y\n**Files**: `b.ts`\n## Notes\n**Files**: `c.ts`\n"
    assert [one.files for one in analysis.parse(text).streams] == [["/a.ts"], ["/b.ts"]]


def test_a_stream_that_is_listed_first_and_described_below_is_one_stream() -> None:
    text = "**Stream A: x**\n- soon\n### Stream A: x\n**Files**: `a.ts`\n"
    (stream,) = analysis.parse(text).streams
    assert stream.files == ["/a.ts"]


WAITS = [
    ("**Dependencies**: none\n", []),
    ("**Dependencies**: Stream A\n", ["A"]),
    ("**Can Start**: immediately\n**Dependencies**: Stream A (types)\n", ["A"]),
    ("**Can Start**: after Stream A and C complete\n", ["A", "C"]),
    ("**Can Start**: after Streams A, C complete\n", ["A", "C"]),
    ("**Can Start**: in parallel with Stream A\n", []),
    ("**Depends on**: Stream A, Stream B, Stream Z\n", ["A"]),
]


@pytest.mark.parametrize(("text", "waits"), WAITS)
def test_what_a_stream_waits_for(text: str, waits: list[str]) -> None:
    others = "### Stream A: a\n**Files**: `a.ts`\n### Stream C: c\n**Files**: `c.ts`\n"
    found = analysis.parse(f"{others}### Stream B: b\n**Files**: `b.ts`\n{text}").find("b")
    assert found
    assert found.waits_for == waits


def test_what_is_missing_is_said_with_the_line() -> None:
    assert (
        "no stream is described; write a heading `### Stream A: TITLE`"
        in analysis.parse("# Notes\n").problems[0]
    )
    (problem,) = analysis.parse("\n### Stream A: x\n**Scope**: all\n").problems
    assert problem.startswith("line 2: stream A names no files")
    (problem,) = analysis.parse("### Stream A: x\n**Files**: `a.ts`, `../b.ts`\n").problems
    assert "`.` or `..`" in problem


def test_streams_that_could_change_one_file_are_reported_with_that_file() -> None:
    text = "### Stream A: x\n**Files**: `src/*.ts`\n### Stream B: y\n**Files**: `src/b.ts`\n### Stream C: z\n**Files**: `doc.md`\n"
    (overlap,) = analysis.overlaps(analysis.parse(text).streams)
    assert (overlap.first.letter, overlap.second.letter, overlap.path) == ("A", "B", "src/b.ts")


def test_streams_that_wait_for_each_other_do_not_overlap() -> None:
    text = (
        "### Stream A\n**Files**: `src/a.ts`\n### Stream B\n**Files**: `src/b.ts`\n**Dependencies**: Stream A\n"
        "### Stream C\n**Files**: `src/*.ts`\n**Dependencies**: Stream B\n"
    )
    found = analysis.parse(text)
    assert (found.problems, analysis.overlaps(found.streams)) == ([], [])
    (overlap,) = analysis.overlaps(
        analysis.parse(text.replace("Dependencies**: Stream A", "Note**: -")).streams
    )
    assert (overlap.first.letter, overlap.second.letter) == ("A", "C")


def test_streams_that_wait_in_a_circle_are_a_problem() -> None:
    text = "### Stream A\n**Files**: `a.ts`\n**Dependencies**: B\n### Stream B\n**Files**: `b.ts`\n**Dependencies**: A\n"
    problems = analysis.parse(text.replace(": B", ": Stream B").replace(": A\n", ": Stream A\n")).problems
    assert len(problems) == 2
    assert "stream A waits for itself, by way of B" in problems[0]
