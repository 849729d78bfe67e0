"""Drafts of tasks: what is read, and which line is named when it cannot be."""

from __future__ import annotations

import pytest

from ccpm.core import drafts
from ccpm.errors import Malformed, UsageError


def test_drafts_are_read_with_keys_and_bodies() -> None:
    first, second = drafts.parse(
        "\n=== Store  hashes\nparallel: Yes\nhours: 4-6\n\n## Description\n\n---\nkey: no key here\n"
        "=== Log in\r\ndepends_on: [@1, 007]\nconflicts_with: #12\nbug_for: #3\n"
    )
    assert (first.name, first.is_parallel, first.hours) == ("Store hashes", True, "4-6")
    assert first.body == "## Description\n\n---\nkey: no key here"
    assert (second.depends_on, second.conflicts_with, second.bug_for) == (("@1", "007"), ("12",), "3")
    assert (second.body, second.is_parallel, second.line) == ("", False, 10)


def test_nothing_is_no_draft() -> None:
    assert drafts.parse("") == []
    assert drafts.parse("\n \n") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("words", 1),
        ("words\n=== A", 1),
        ("=== A\n===  \n", 2),
        ("=== A\nwords", 2),
        ("=== A\n\n=== B\ncolour: red", 4),
        ("=== A\nparallel: sometimes", 1),
        ("=== A\n\n=== B\ndepends_on: @3", 3),
        ("=== A\ndepends_on: @0", 1),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(text: str, line: int) -> None:
    with pytest.raises(Malformed) as caught:
        drafts.parse(text)
    assert caught.value.details["line"] == line
    assert f"line {line} of the drafts" in caught.value.message


@pytest.mark.parametrize("text", ["001, 002", "[001, 002]", "001 002", "#001,task-002", "['001', \"002\"]"])
def test_references_are_read_in_every_form(text: str) -> None:
    assert drafts.references(text) == ("001", "002")


@pytest.mark.parametrize(
    "draft",
    [
        drafts.Draft(" "),
        drafts.Draft("A", "---\nname: x\n---\n"),
        drafts.Draft("A", "\n---\n"),
        drafts.Draft("A", hours="abc"),
    ],
)
def test_what_can_be_no_task_is_refused_before_it_is_written(draft: drafts.Draft) -> None:
    with pytest.raises(UsageError):
        draft.check()


def test_a_draft_needs_no_text_and_no_effort() -> None:
    drafts.Draft("A").check()
    drafts.Draft("A", "## Text\n\n---\n", hours="4-6").check()
