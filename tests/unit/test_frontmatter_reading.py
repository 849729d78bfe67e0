"""Reading frontmatter: where the block is, which lines a key has, what it says."""

from __future__ import annotations

import time

import pytest

from ccpm.errors import Malformed
from ccpm.files import frontmatter, yaml_authority
from ccpm.files.frontmatter import Document, parse

USUAL = """---
name: Sessions that expire
status: open   # set by hand
created: 2025-08-30T15:40:12Z
updated: 2025-08-30T15:40:12Z
github: https://github.com/example/shop/issues/41
depends_on: [001, 010]
parallel: true
conflicts_with: []
version: 3
---

# Task: Sessions that expire

status: this is the body
---
"""


def block(*lines: str) -> Document:
    return parse("\n".join(["---", *lines, "---", "body", ""]).encode())


def test_a_usual_file_is_read_without_ruamel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_authority, "load", None)
    found = parse(USUAL.encode())
    assert found.get("name") == "Sessions that expire"
    assert found.get("status") == "open"
    assert found.get("github") == "https://github.com/example/shop/issues/41"
    assert found.get("conflicts_with") == []
    assert found.get("nothing") is None
    assert found.keys()[:3] == ["name", "status", "created"]


def test_a_usual_file_is_read_in_microseconds() -> None:
    data = USUAL.encode()
    best = min(_seconds(lambda: parse(data).get("status")) for _ in range(200))
    assert best < 200e-6  # 25 µs where this was written


def _seconds(action: object) -> float:
    start = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - start


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("001", "001"),
        ("3", "3"),
        ("1.50", "1.50"),
        ("true", "true"),
        ("2025-08-30", "2025-08-30"),
        ("2025-08-30T15:40:12Z", "2025-08-30T15:40:12Z"),
        ("12:30:45", "12:30:45"),
        ("0o17", "0o17"),
        ("", ""),
        ("~", ""),
        ("null", ""),
        ('"null"', "null"),
        ("'007'", "007"),
        ("N/A", "N/A"),
    ],
)
def test_scalars_are_text_and_null_is_empty(written: str, read: str) -> None:
    assert block(f"key: {written}").get("key") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[001, 010]", ["001", "010"]),
        ("[]", []),
        ("['004', \"5\"]", ["004", "5"]),
        ("[Will be updated when synced to GitHub]", ["Will be updated when synced to GitHub"]),
        ("[2, 4] # needs both", ["2", "4"]),
        ("[a, [b, c], {d: 01}]", ["a", ["b", "c"], {"d": "01"}]),
        ("{a: 1, b: [x]}", {"a": "1", "b": ["x"]}),
    ],
)
def test_bracketed_values_are_lists_and_mappings_of_text(written: str, read: object) -> None:
    assert block(f"key: {written}").get("key") == read


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_a_block_list_belongs_to_the_key_above_it(indent: str) -> None:
    found = block("depends_on:", f"{indent}- 001", f'{indent}- "a: b"', f"{indent}- x  # why", "status: open")
    assert found.get("depends_on") == ["001", "a: b", "x"]
    assert found.get("status") == "open"


def test_values_on_several_lines_are_read_as_yaml_reads_them() -> None:
    found = block(
        "folded: >",
        "  one",
        "  two",
        "literal: |",
        "  # no comment",
        "  two",
        "plain: one",
        "  two",
        'quoted: "one',
        '  two"',
        "flow: [a,",
        "  b,",
        "]",
        "nested:",
        "  creates: [x.py]",
        "last: yes",
    )
    assert found.get("folded") == "one two\n"
    assert found.get("literal") == "# no comment\ntwo\n"
    assert found.get("plain") == "one two"
    assert found.get("quoted") == "one two"
    assert found.get("flow") == ["a", "b"]
    assert found.get("nested") == {"creates": ["x.py"]}
    assert found.get("last") == "yes"


def test_a_quoted_value_may_go_on_in_lines_that_look_like_keys() -> None:
    found = block('name: "first', "status: second", 'third"', "status: open")
    assert found.values() == {"name": "first status: second third", "status": "open"}


def test_a_quote_that_is_never_closed_hides_no_other_key() -> None:
    found = block('name: "the "big" one', "status: open", "depends_on: [001]")
    assert found.get("name") == '"the "big" one'
    assert found.get("status") == "open"
    assert found.get("depends_on") == ["001"]


def test_a_comment_is_no_part_of_a_value_where_yaml_says_so() -> None:
    assert block("name: Triage PR #605 of the parser").get("name") == "Triage PR"
    assert block("name: Port to C#").get("name") == "Port to C#"
    assert block("name: x#y").get("name") == "x#y"


def test_an_unquoted_colon_gives_the_whole_line_value() -> None:
    found = block("name: Phase 2: the plan", "status: open")
    assert found.get("name") == "Phase 2: the plan"
    assert found.get("status") == "open"


@pytest.mark.parametrize("value", ["@assignee", "`code`", "**bold**", "%done", "[unclosed", "a\tb"])
def test_a_value_that_is_no_yaml_is_given_as_it_stands(value: str) -> None:
    assert block(f"name: {value}", "status: open").get("name") == value


def test_quotes_around_a_value_that_is_no_yaml_are_removed() -> None:
    assert block('name: "\\q"').get("name") == "\\q"


def test_the_first_of_two_equal_keys_counts() -> None:
    found = block("updated: 2026-01-02", "name: x", "updated: 2025-01-01")
    assert found.get("updated") == "2026-01-02"
    assert found.keys() == ["updated", "name"]


def test_a_key_glued_into_another_line_is_not_seen_as_a_key() -> None:
    found = block(
        "updated: 2025-08-30T16:14:01Zgithub: https://x.org/issues/2depends_on: [001]", "status: open"
    )
    assert found.get("updated") == "2025-08-30T16:14:01Zgithub: https://x.org/issues/2depends_on: [001]"
    assert found.get("github") is None
    assert found.get("status") == "open"


def test_a_line_without_a_key_hides_no_other() -> None:
    found = block("updated: 2025-09-06", "https://x.org/issues/26", "depends_on: [25]")
    assert found.values() == {"updated": "2025-09-06", "depends_on": ["25"]}
    assert found.junk == [1]


def test_a_missing_blank_behind_the_colon_is_read_leniently() -> None:
    assert block("status:open", "name: x").get("status") == "open"


def test_keys_behind_the_closing_marker_are_body() -> None:
    assert parse(b"---\nname: x\n---\ngithub: https://x.org/1\n").get("github") is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("close", ["---", "--- ", "---\t", "..."])
def test_line_ends_byte_order_mark_and_markers_do_not_matter(end: str, start: str, close: str) -> None:
    text = start + end.join(["--- ", "name: 登录页面", "list:", "- a", close, "---"])
    assert parse(text.encode()).values() == {"name": "登录页面", "list": ["a"]}


def test_the_block_may_end_the_file() -> None:
    assert parse(b"---\nstatus: open\n---").get("status") == "open"
    assert parse(b"---\n---").keys() == []


@pytest.mark.parametrize(
    "data", [b"", b"# Title\n---\nstatus: open\n---\n", b"\n---\na: b\n---\n", b"----\na: b\n"]
)
def test_a_file_that_does_not_begin_with_the_marker_has_no_frontmatter(data: bytes) -> None:
    found = parse(data)
    assert not found.has_block
    assert found.values() == {}


def test_a_block_that_is_never_closed_is_malformed_and_named() -> None:
    with pytest.raises(Malformed, match="line 1 opens frontmatter") as caught:
        parse(b"---\nname: x\n--\n")
    assert caught.value.details == {"line": 1}


def test_bytes_that_are_no_utf8_spoil_only_their_own_key() -> None:
    found = parse(b"---\nname: caf\xe9\nstatus: open\n---\n")
    assert found.get("name") == "caf\udce9"
    assert found.get("status") == "open"


def test_keys_that_have_no_lines_of_their_own_can_be_read() -> None:
    for lines in (
        ["{status: open, id: 007}"],
        ["  status: open", "  id: 007"],
        ["? status", ": open", "id: 007"],
    ):
        found = block(*lines)
        assert found.values() == {"status": "open", "id": "007"}
        assert not found.is_editable


def test_line_ends_that_only_yaml_knows_are_left_to_yaml() -> None:
    found = block("a: 1\rb: 2", "c: 3")
    assert found.values() == {"a": "1", "b": "2", "c": "3"}
    assert not found.is_editable


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
def test_line_breaks_within_a_value_do_not_matter_to_other_keys(odd: str) -> None:
    found = block(f"a: 1{odd}b: 2", f"b: [1,{odd}2]", "c: 3")
    assert found.values() == {"a": f"1{odd}b: 2", "b": ["1", "2"], "c": "3"}


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
def test_a_key_with_a_line_break_behind_it_that_only_yaml_knows_is_the_key_that_yaml_sees(odd: str) -> None:
    found = block(f"a{odd}: 1", "b: 2")
    assert found.values() == {"a": "1", "b": "2"}
    assert not found.is_editable


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("indent", ["", "  "])
def test_a_key_behind_such_a_line_break_in_a_comment_is_the_key_that_yaml_sees(odd: str, indent: str) -> None:
    found = block(f"{indent}# a note{odd}b: 2")
    assert found.values() == {"b": "2"}
    assert not found.is_editable


def test_quoted_keys_and_blanks_before_the_colon_are_read() -> None:
    assert block('"status": open', "'a b': 1", "name : x").values() == {
        "status": "open",
        "a b": "1",
        "name": "x",
    }


def test_a_list_is_given_to_a_shell_as_it_is_written_in_brackets() -> None:
    assert block("d: ['004', 5]  # both").get_text("d") == "['004', 5]"
    assert block("d:", "  - 004", '  - "a, b"').get_text("d") == '[004, "a, b"]'
    assert block("d:").get_text("d") == ""
    assert block('d: "x"').get_text("d") == "x"
    assert block("d: x").get_text("e") is None


def test_the_raw_characters_of_a_value_are_available() -> None:
    assert block('d:   "x"  # y').raw("d") == '"x"'
    assert block("d: {a: b}  # y").raw("d") == "{a: b}"
    assert block("d: >", "  one", "  two", "e: f").raw("d") == ">\n  one\n  two"
    assert block("d: x").raw("e") is None


def test_entries_know_their_lines_and_comments_between_keys_belong_to_nobody() -> None:
    found = block("a: 1", "# about b", "b:", "  - x", "", "  # about c", "c: |+", "  y", "", "# end")
    assert [(entry.key, entry.first, entry.last) for entry in found.entries] == [
        ("a", 0, 1),
        ("b", 2, 4),
        ("c", 6, 9),
    ]
    assert frontmatter.parse(found.data).get("c") == "y\n\n"


@pytest.mark.parametrize("text", ["\r#", "\ufeff", "# only a comment\r\r"])
def test_a_block_in_which_yaml_sees_no_key_has_none(text: str) -> None:
    document = parse(f"---\n{text}\n---\n".encode())
    assert (document.keys(), document.values()) == ([], {})
