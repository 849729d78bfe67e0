"""From the text of a file to an issue's body and back, and what must not get out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.core import issue_text, retries

UUID = "6f1c0a52-5f0e-4c3a-9a55-0123456789ab"


@given(st.text(), st.sampled_from(["", "- [ ] #1 a\n- [x] #2 b"]), st.sampled_from(["", "12"]))
def test_what_a_body_is_made_of_comes_out_of_it_again(text: str, tasks: str, follows: str) -> None:
    text = issue_text.trim(text)
    body = issue_text.compose(text, UUID, tasks, follows)
    assert issue_text.marker_of(body) == UUID
    assert issue_text.same(issue_text.strip(body), issue_text.strip(text))
    assert issue_text.tasks_in(body) == tasks or "<!--" in text


def test_a_marker_that_somebody_quoted_is_not_ours() -> None:
    other = UUID.replace("6", "7")
    assert issue_text.marker_of(issue_text.compose(f"see <!-- ccpm:{other} -->", UUID)) == UUID


@given(st.text(alphabet="ab \n", min_size=1, max_size=300), st.integers(1, 40))
def test_a_split_text_is_whole(text: str, longest: int) -> None:
    parts = issue_text.split(text, longest)
    assert all(len(part) <= longest for part in parts)
    assert "".join(parts).replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(" ", "")


def test_a_long_text_is_cut_at_lines() -> None:
    assert issue_text.split("one\ntwo\nthree", 8) == ["one\ntwo", "three"]
    assert issue_text.split("abcdef", 4) == ["abcd", "ef"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in /home/ada/shop/src/a.py", "in src/a.py"),
        ("`/home/ada/shop/.claude/epics/auth/1.md`", "`.claude/epics/auth/1.md`"),
        ("cd /home/ada/shop", "cd ./"),
        ("cd /home/ada/shop.", "cd ./."),
        ("(/home/ada/shop)", "(./)"),
        ("/home/ada/.config/gh and /home/ada/notes", "~/.config/gh and ~/notes"),
        ("https://example.org/home/ada/shop/x", "https://example.org/home/ada/shop/x"),
        ("/home/adam/x", "/home/adam/x"),
        ("/home/ada/shopping/x", "~/shopping/x"),
        ("nothing here", "nothing here"),
    ],
)
def test_no_path_of_this_machine_gets_out(text: str, expected: str) -> None:
    assert issue_text.hide_paths(text, "/home/ada/shop", "/home/ada") == expected


def test_a_project_at_the_root_replaces_nothing() -> None:
    assert issue_text.hide_paths("/etc/hosts or /", "/", "/root") == "/etc/hosts or /"
    assert issue_text.hide_paths("/root/x", "/", "/root") == "~/x"


def test_titles_and_labels_fit() -> None:
    assert issue_text.title("a\n  b") == "a b"
    assert issue_text.title("") == "Untitled"
    assert len(issue_text.title("x" * 300)) == issue_text.LONGEST_TITLE
    assert issue_text.label("epic:a,b") == "epic:a b"
    assert len(issue_text.label("x" * 90)) == issue_text.LONGEST_LABEL


def test_the_section_tasks_created_stays_local() -> None:
    text = "# Epic\n\n## Tasks Created\n- [ ] 001.md\n\n## Risks\n\nnone\n"
    assert issue_text.without_task_list(text) == "# Epic\n\n## Risks\n\nnone\n"
    merged = issue_text.with_task_section("# Epic, edited", text)
    assert merged == "# Epic, edited\n\n## Tasks Created\n- [ ] 001.md"


def test_what_is_new_stands_behind_the_last_mark() -> None:
    text = "one\n<!-- SYNCED: 2026-01-01T00:00:00Z -->\ntwo\n<!-- SYNCED: 2026-01-02T00:00:00Z -->\nthree\n"
    assert issue_text.news(text) == ("three", len(text))
    assert issue_text.news("one\n") == ("one", 4)
    assert issue_text.news("one\n<!-- SYNCED: x -->\n") == ("", 23)


@pytest.mark.parametrize("text", ["one\n", "one", "", "one\r\n"])
def test_a_mark_makes_all_of_it_old_and_nothing_of_what_came_later(text: str) -> None:
    marked = issue_text.mark(text + "later\n", len(text), "now") if text.endswith("\n") or not text else ""
    if marked:
        assert issue_text.news(marked)[0] == "later"
    assert issue_text.news(issue_text.mark(text, len(text), "now"))[0] == ""


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, [0, 10, 20, 150]), (5, [0, 5, 20, 150]), (30, [0, 150]), (1000, [0])],
)
def test_an_unanswered_request_is_looked_for_as_long_as_lists_may_lag(
    age: float, expected: list[float]
) -> None:
    assert retries.pauses((0.0, 10.0, 30.0, 180.0), age) == expected


def test_lookups_can_be_set() -> None:
    assert retries.parse("0,0.5") == (0.0, 0.5)
    for text in ("", "a", "-1", "0,99999"):
        with pytest.raises(ValueError, match=r"."):
            retries.parse(text)
