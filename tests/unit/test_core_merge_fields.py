"""Three-way merge of fields: by cases, and by laws over generated records."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccpm.core.merge_fields import merge

values = st.sampled_from(["a", "b", "c"])
records = st.fixed_dictionaries({"title": values, "body": values})
sets = st.frozensets(values)


def test_a_side_that_changed_nothing_takes_what_the_other_made() -> None:
    merged = merge({"body": "old"}, {"body": "old"}, {"body": "new"})
    assert (merged.to_local, merged.to_remote, merged.conflicts) == ({"body": "new"}, {}, [])


def test_both_changed_is_a_conflict_and_neither_is_told_anything() -> None:
    merged = merge({"body": "old"}, {"body": "mine"}, {"body": "theirs"})
    assert (merged.to_local, merged.to_remote, merged.conflicts) == ({}, {}, ["body"])
    assert merged.record == {"body": "old"}


def test_one_field_in_conflict_does_not_keep_another_from_being_merged() -> None:
    merged = merge({"b": "1", "s": "open"}, {"b": "2", "s": "open"}, {"b": "3", "s": "closed"})
    assert (merged.to_local, merged.conflicts) == ({"s": "closed"}, ["b"])


def test_a_side_can_be_preferred() -> None:
    assert merge({"b": "1"}, {"b": "2"}, {"b": "3"}, "local").to_remote == {"b": "2"}
    assert merge({"b": "1"}, {"b": "2"}, {"b": "3"}, "remote").to_local == {"b": "3"}


def test_without_a_common_state_different_values_conflict_and_equal_ones_do_not() -> None:
    assert merge({}, {"b": "2"}, {"b": "3"}).conflicts == ["b"]
    assert merge({}, {"b": "2"}, {"b": "2"}).record == {"b": "2"}


def test_sets_are_merged_by_member() -> None:
    base, local, remote = frozenset("ab"), frozenset("ac"), frozenset("abd")
    merged = merge({"l": base}, {"l": local}, {"l": remote})
    assert merged.record == {"l": frozenset("acd")}
    assert merged.conflicts == []


@given(records, records, records)
def test_nothing_that_a_side_changed_is_lost(base: dict, local: dict, remote: dict) -> None:  # type: ignore[type-arg]
    merged = merge(base, local, remote)
    after_local, after_remote = {**local, **merged.to_local}, {**remote, **merged.to_remote}
    for field in base:
        if field in merged.conflicts:
            assert base[field] not in (local[field], remote[field])
            assert (after_local[field], after_remote[field]) == (local[field], remote[field])
        else:
            assert after_local[field] == after_remote[field] == merged.record[field]
            changed = {side[field] for side in (local, remote)} - {base[field]}
            assert after_local[field] in (changed or {base[field]})


@given(records, records, records)
def test_merging_again_changes_nothing(base: dict, local: dict, remote: dict) -> None:  # type: ignore[type-arg]
    first = merge(base, local, remote)
    again = merge({**base, **first.record}, {**local, **first.to_local}, {**remote, **first.to_remote})
    assert (again.to_local, again.to_remote, again.conflicts) == ({}, {}, first.conflicts)


@given(sets, sets, sets)
def test_sets_never_conflict_and_agree_afterwards(
    base: frozenset, local: frozenset, remote: frozenset
) -> None:  # type: ignore[type-arg]
    merged = merge({"l": base}, {"l": local}, {"l": remote})
    assert merged.conflicts == []
    assert merged.record["l"] == (base & local & remote) | (local - base) | (remote - base)
