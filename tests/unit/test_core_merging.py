"""The order of merging, and the bisection of batches that fail."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ccpm.core import merge_order
from ccpm.core.merge_batches import Batches
from ccpm.core.merge_order import Candidate

NAMES = [f"b{n:02d}" for n in range(12)]


@given(st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sets(st.sampled_from(NAMES)), st.integers(0, 3))))
def test_every_branch_comes_once_and_after_what_it_needs_unless_that_is_a_circle(
    drawn: dict[str, tuple[set[str], int]],
) -> None:
    candidates = [Candidate(name, frozenset(needs), count, 0) for name, (needs, count) in drawn.items()]
    found = merge_order.order(candidates)
    assert sorted(found) == sorted(drawn)
    place = {name: number for number, name in enumerate(found)}

    def above(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """All that `name` needs, directly or not."""
        needs = {other for other in drawn[name][0] if other in drawn and other not in seen}
        return needs | {far for other in needs for far in above(other, seen | needs)}

    for name in drawn:
        for other in drawn[name][0] & drawn.keys():
            assert place[other] < place[name] or name in above(other) or name == other


def test_the_fewest_conflicts_come_first_then_the_oldest() -> None:
    candidates = [
        Candidate("busy", frozenset(), 2, 1),
        Candidate("young", frozenset(), 0, 9),
        Candidate("old", frozenset(), 0, 3),
        Candidate("needed", frozenset(), 5, 5),
        Candidate("needs", frozenset({"needed"}), 0, 0),
    ]
    assert merge_order.order(candidates) == ["old", "young", "busy", "needed", "needs"]


@given(
    st.integers(0, 40).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, max(n - 1, 0)), max_size=4))
    )
)
def test_the_guilty_are_found_and_all_others_merged(drawn: tuple[int, set[int]]) -> None:
    count, bad = drawn
    names = [str(number) for number in range(count)]
    guilty = {str(number) for number in bad if number < count}
    batches = Batches(names)
    merged: list[str] = []
    checks = 0
    while batch := batches.next():
        checks += 1
        if guilty & set(batch):
            batches.failed()
        else:
            merged += batch
            batches.passed()
    assert set(batches.guilty) == guilty
    assert merged == [name for name in names if name not in guilty]
    if not guilty:
        assert checks == min(count, 1)
    if len(guilty) == 1:
        assert checks <= 2 * math.ceil(math.log2(count)) + 1


def test_two_that_pass_alone_but_not_together_cost_only_the_second() -> None:
    batches = Batches(["a", "b", "c", "d"])
    merged: list[str] = []
    while batch := batches.next():
        if {"b", "c"} <= set(merged + batch):
            batches.failed()
        else:
            merged += batch
            batches.passed()
    assert (merged, batches.guilty) == (["a", "b", "d"], ["c"])


def test_what_is_set_aside_is_not_tried_again_in_this_round() -> None:
    batches = Batches(["a", "b", "c"])
    assert batches.next() == ["a", "b", "c"]
    batches.set_aside("b")
    batches.failed()
    tried = []
    while batch := batches.next():
        tried.append(batch)
        batches.passed()
    assert tried == [["a"], ["c"]]


def test_a_batch_of_which_everything_is_set_aside_is_over() -> None:
    batches = Batches(["a"])
    batches.next()
    batches.set_aside("a")
    assert batches.next() == []
