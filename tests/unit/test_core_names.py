"""Names of resources and agents, paths as names, fences as text."""

from __future__ import annotations

import string
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccpm.core import names
from ccpm.errors import UsageError

ALPHABET = string.ascii_letters + string.digits + "._%+@=-"

good = st.text(ALPHABET, min_size=1, max_size=200).filter(lambda name: name[0] not in ".-")


@pytest.mark.parametrize(
    "name", ["epic-auth", "task-12", "github-api", "file-src%2Fa.py", "a" * 200, "_x", "=@"]
)
def test_an_ordinary_name_passes(name: str) -> None:
    assert names.check_resource(name) == name
    assert names.check_agent(name) == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        ("a" * 201, "201 characters"),
        ("x" * 5000, "5000 characters"),
        ("../x", "starts with '.'"),
        (".hidden", "starts with '.'"),
        ("-rf", "starts with '-'"),
        ("a/b", "contains '/'"),
        ("a b", "contains ' '"),
        ("a\nb", r"contains '\n'"),
        ("a\0b", r"contains '\x00'"),
        ("épic", "contains 'é'"),
        ("a:1", "contains ':'"),
        ("a,b", "contains ','"),
    ],
)
def test_any_other_name_is_a_usage_error_that_says_why(name: str, problem: str) -> None:
    for check in (names.check_resource, names.check_agent):
        with pytest.raises(UsageError) as refused:
            check(name)
        assert refused.value.code == 2
        assert problem in refused.value.message
        assert refused.value.hint
        assert len(refused.value.message) < 200, "the whole name is repeated"


@given(st.text())
def test_what_passes_is_a_file_name_of_the_promised_alphabet(name: str) -> None:
    try:
        names.check_resource(name)
    except UsageError:
        return
    assert 1 <= len(name) <= 200
    assert set(name) <= set(ALPHABET)
    assert name[0] not in ".-"


@given(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=60))
@example("src/db/models.py")
@example(".github/x")
@example("-")
@example("100%2F")
@example("ein Pfad/mit Ümlaut.md")
@example("not\udcffutf8")
def test_a_path_becomes_a_name_that_tells_it_from_every_other_path(path: str) -> None:
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates: no file name decodes to them
        return
    name = names.escape(path)
    assert set(name) <= set(ALPHABET)
    assert name[0] not in ".-"
    assert unquote_to_bytes(name) == raw


@given(st.dictionaries(good, st.integers(0, 10**18), max_size=5))
def test_fences_are_read_back_as_they_were_written(fences: dict[str, int]) -> None:
    assert names.parse_fences(names.format_fences(fences)) == fences


def test_fences_may_be_separated_by_blanks_and_empty_parts_mean_nothing() -> None:
    assert names.parse_fences("a:1 b:2,,c:3, ") == {"a": 1, "b": 2, "c": 3}
    assert names.parse_fences("") == {}


@pytest.mark.parametrize("text", ["a", "a:", ":1", "a:x", "a:-1", "a:1.5", "a:²", "a/b:1", "../a:1", "a:1:2"])
def test_anything_else_is_no_fence(text: str) -> None:
    with pytest.raises(UsageError):
        names.parse_fences(text)
