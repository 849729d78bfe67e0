"""Patterns of files: what they mean, and whether two sets of them can mean one path; pathspec is the judge of both."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccpm.core import patterns
from ccpm.errors import UsageError
from ccpm.ops.team.ownership import means

EXAMPLES = int(os.environ.get("CCPM_GENERATED", "150"))

NAMES = ("a", "b", "ab", "src", ".x", "a.ts")
GLOBS = (*NAMES, "*", "**", "?", "a*", "*.ts", "*b*", "[ab]", "[!a]", "[a-c]?", "\\*", "a**")


@st.composite
def pattern(draw: st.DrawFn) -> str:
    body = "/".join(draw(st.lists(st.sampled_from(GLOBS), min_size=1, max_size=4)))
    return draw(st.sampled_from(("", "", "", "/"))) + body + draw(st.sampled_from(("", "", "", "/")))


@st.composite
def pattern_set(draw: st.DrawFn) -> list[str]:
    """One to four patterns, of which all but the first may take paths out again."""
    rest = draw(st.lists(st.tuples(st.sampled_from(("", "!")), pattern()), max_size=3))
    return [draw(pattern()), *("".join(one) for one in rest)]


FOLDERS = st.lists(st.sampled_from(("a", "b", "ab", "src", ".x", "c", "*", "xb")), max_size=3)
PATHS = st.tuples(FOLDERS, st.sampled_from((*NAMES, "c", "*", "xb", "b.ts"))).map(
    lambda t: "/".join((*t[0], t[1]))
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(mine=pattern_set(), theirs=pattern_set(), tree=st.lists(PATHS, min_size=8, max_size=24))
def test_sets_that_cannot_meet_have_no_common_file_in_any_tree(
    mine: list[str], theirs: list[str], tree: list[str]
) -> None:
    found = patterns.meet(mine, theirs)
    common = [path for path in tree if means(mine, path) and means(theirs, path)]
    if not found:
        assert not common, f"{mine} and {theirs} cannot meet, and yet both mean {common}"
    elif found != patterns.UNDECIDED:
        assert means(mine, found), f"{mine} do not mean {found!r}"
        assert means(theirs, found), f"{theirs} do not mean {found!r}"


@settings(max_examples=EXAMPLES)
@given(one=pattern(), path=PATHS)
def test_a_set_meets_the_exact_pattern_of_a_path_if_and_only_if_it_means_that_path(
    one: str, path: str
) -> None:
    there = patterns.meet([one], [patterns.quoted(path)])
    if means([one], path):
        assert there, f"{one} means {path}, and yet they cannot meet"
    else:
        # it may mean something below, if the path is a folder
        assert there == "" or there.startswith(path + "/"), f"{one} and {path} meet in {there!r}"


@pytest.mark.parametrize(
    ("mine", "theirs", "path"),
    [
        (["src/db/*"], ["src/**/user.ts"], "src/db/user.ts"),
        (["src/db/*"], ["src/api/*"], ""),
        (["src/db"], ["src/db/a.ts"], "src/db/a.ts"),
        (["src/**/a.ts"], ["src/a.ts"], "src/a.ts"),
        (["**/a.ts"], ["/a.ts"], "a.ts"),
        (["src/db.ts"], ["src/db/"], ""),
        (["src/db.ts"], ["src/db.ts/x"], ""),
        (["*.md"], ["docs/**"], "docs/.md"),
        (["src/**", "!src/db/**"], ["src/db/a.ts"], ""),
        (["src/**", "!src/db/**"], ["src/**"], "src/x"),
        (["src/**", "!src/db/**", "src/db/x.ts"], ["src/db/*.ts"], "src/db/x.ts"),
        (["/[a-c].ts"], ["/[d-f].ts"], ""),
        (["[a-c].ts"], ["[d-f].ts"], ""),
        (["*.ts"], ["*.md"], ""),
        (["src/**/*.test.ts"], ["src/api/users.ts"], ""),
        (["vendor/three.js/"], ["*.md"], "vendor/three.js/.md"),
        ([".github"], ["*.yml"], ".github/.yml"),
        (["docs/v1.2"], ["*.md"], "docs/v1.2/.md"),
        (["/[a-d].ts"], ["/[c-f].ts"], "c.ts"),
        (["?"], ["??"], None),
        (["**"], ["x"], "x"),
        (["docs/"], ["docs"], "docs/x"),
        (["/\\!a"], ["/a", "!*"], ""),
    ],
)
def test_examples(mine: list[str], theirs: list[str], path: str | None) -> None:
    found = patterns.meet(mine, theirs)
    if path is None:  # `?` means all below a folder of one letter too
        assert found
        assert means(mine, found)
        assert means(theirs, found)
    else:
        assert found == path
    assert bool(patterns.meet(theirs, mine)) == bool(found)


@pytest.mark.parametrize(
    "wrong", ["#x", "/", "a//b", "../x", "a/./b", "a[b", "x\\", "a\0b", "[z-a]", "//", "!", "a\nb"]
)
def test_a_pattern_that_means_nothing_or_leads_outside_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        patterns.check([wrong])
    assert patterns.readable([wrong, "ok"]) == ["ok"]


def test_a_set_that_only_takes_out_is_refused() -> None:
    with pytest.raises(UsageError):
        patterns.check(["!a"])


@pytest.mark.parametrize("path", ["app/[id]/page.tsx", "a b", "a ", "!x", "#y", "w*", "q?", "b\\c"])
def test_a_quoted_path_means_exactly_itself(path: str) -> None:
    pattern = patterns.quoted(path)
    assert patterns.check([pattern]) == [pattern]
    assert means([pattern], path)
    assert not means([pattern], "x/" + path)
    assert not means([pattern], path + "x")
    assert patterns.meet([pattern], ["**"]) == path


def test_upper_and_lower_case_are_one_where_the_file_system_says_so() -> None:
    assert not means(["src/DB/*"], "src/db/a")
    assert means(["src/DB/*"], "SRC/db/a", fold=True)


def test_a_search_that_grows_without_end_gives_up_on_the_safe_side() -> None:
    hard = ["/" + "*".join("abababab") + f"*{n}*" + "?" * 12 for n in range(6)]
    found = patterns.meet(
        ["**", *("!" + one for one in hard)], ["*a*b*a*b*", *("!" + one + "x" for one in hard)]
    )
    assert found
