"""Renaming files after their issues: references, and an order in which no rename lands on a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.core import renumber
from ccpm.core.plan import EpicPlan, Task


def task(key: str, *depends: str) -> Task:
    return Task("auth", key, f"{key}.md", key, "open", list(depends), [])


def carry_out(moves: list[tuple[str, str]], files: dict[str, str]) -> dict[str, str]:
    for old, new in moves:
        assert old in files, f"{old} is not there"
        assert new not in files, f"{new} would be replaced"
        files[new] = files.pop(old)
    return files


@given(st.permutations(range(6)), st.integers(0, 3), st.sets(st.integers(0, 9)))
def test_every_order_of_renames_arrives_and_replaces_nothing(
    numbers: list[int], shift: int, others: set[int]
) -> None:
    """Six files, 0.md to 5.md, that get the names of each other, shifted, among other files."""
    files = {f"{n}.md": f"content {n}" for n in others | set(range(6))}
    wanted = {f"{n}.md": f"{numbers[n] + shift}.md" for n in range(6) if numbers[n] + shift != n}
    renames = renumber.order(wanted, set(files))
    after = carry_out(renames.moves, dict(files))
    assert sorted(after.values()) == sorted(files.values()), "a file was lost"
    kept = {old for old, _ in renames.kept}
    for old, new in wanted.items():
        assert after[old if old in kept else new] == files[old]
    for _, new in renames.kept:
        assert files.get(new) or new in wanted.values()
    assert not [name for name in after if name.endswith(".renaming")]


def test_a_circle_goes_through_a_third_name() -> None:
    renames = renumber.order({"1.md": "2.md", "2.md": "1.md"}, {"1.md", "2.md"})
    assert renames.moves == [("1.md", ".1.md.renaming"), ("2.md", "1.md"), (".1.md.renaming", "2.md")]


def test_a_file_that_does_not_move_keeps_its_place() -> None:
    renames = renumber.order({"001.md": "12.md", "002.md": "13.md"}, {"001.md", "002.md", "12.md"})
    assert renames.moves == [("002.md", "13.md")]
    assert renames.kept == [("001.md", "12.md")]


def test_two_files_of_one_issue_do_not_fight_for_its_name() -> None:
    renames = renumber.order({"001.md": "12.md", "01.md": "12.md"}, {"001.md", "01.md"})
    assert renames.moves == [("001.md", "12.md")]
    assert renames.kept == [("01.md", "12.md")]


def test_references_are_rewritten_all_at_once() -> None:
    tasks = [task("001"), task("002", "001"), task("003", "#1", "002.md", "task-003", "nothing", "99")]
    plan = EpicPlan(tasks)
    numbers = {"001": 2, "002": 3, "003": 1}
    assert renumber.references(tasks[2].depends_on, tasks[2], plan, numbers) == [
        "2",
        "3",
        "1",
        "nothing",
        "99",
    ]


def test_an_id_as_it_is_written_goes_before_its_number() -> None:
    tasks = [task("2"), task("002"), task("3", "2", "002", "02")]
    numbers = {"2": 10, "002": 11, "3": 12}
    assert renumber.references(tasks[2].depends_on, tasks[2], EpicPlan(tasks), numbers)[:2] == ["10", "11"]


@pytest.mark.parametrize(
    ("key", "number", "moves"),
    [
        ("001", 12, True),
        ("12", 12, False),
        ("012", 12, True),
        ("12-login", 12, False),
        ("issue-12", 12, False),
    ],
)
def test_a_file_that_has_its_number_in_its_name_stays(key: str, number: int, moves: bool) -> None:
    assert renumber.needs_rename(task(key), number) == moves


def test_entries_that_are_no_plain_words_are_quoted() -> None:
    assert (
        renumber.as_list(["12", "a-b", "two words", 'a "b"', "#1"])
        == r'[12, a-b, "two words", "a \"b\"", "#1"]'
    )
