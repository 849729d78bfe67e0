"""Optimistic versions, as pure decisions."""

from __future__ import annotations

import pytest

from ccpm.core import versions
from ccpm.errors import Malformed, VersionConflict


@pytest.mark.parametrize(
    ("value", "version"), [(None, 0), ("", 0), ("0", 0), ("3", 3), ("007", 7), ("9" * 15, 10**15 - 1)]
)
def test_a_missing_or_empty_version_is_zero_and_a_number_counts(value: str | None, version: int) -> None:
    assert versions.of(value) == version


@pytest.mark.parametrize(
    "value", ["1.0", "-1", "+1", "v2", "3.8", " 3", "٣", "²", "1e3", "9" * 16, ["1"], {"a": "1"}]
)
def test_anything_else_is_malformed_and_named(value: object) -> None:
    with pytest.raises(Malformed) as caught:
        versions.of(value)
    assert repr(str(value)) in caught.value.message


def test_each_write_makes_it_one_more() -> None:
    assert versions.next_version(0) == 1
    assert versions.next_version(41) == 42


def test_the_expected_version_passes() -> None:
    versions.check(3, 3, "2025-11-04T04:16:21Z", "agent-b")


@pytest.mark.parametrize("found", [0, 2, 4])
def test_another_version_is_a_conflict_that_says_what_who_and_when(found: int) -> None:
    with pytest.raises(VersionConflict) as caught:
        versions.check(3, found, "2025-11-04T04:16:21Z", "agent-b", "001.md")
    error = caught.value
    assert error.code == 10
    assert error.message == (
        f"001.md changed since you read it: expected version 3, found {found}; "
        "last written by agent-b at 2025-11-04T04:16:21Z; nothing was written"
    )
    assert error.details == {
        "expected": 3,
        "found": found,
        "by": "agent-b",
        "updated": "2025-11-04T04:16:21Z",
    }


def test_an_unknown_writer_is_left_out_of_the_message() -> None:
    with pytest.raises(VersionConflict) as caught:
        versions.check(0, 1)
    assert (
        caught.value.message
        == "the file changed since you read it: expected version 0, found 1; nothing was written"
    )


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "9" * 16, " 1"])
def test_an_expected_version_that_is_no_number_is_refused(text: str) -> None:
    assert versions.parse("0") == 0
    with pytest.raises(ValueError, match="whole number"):
        versions.parse(text)
