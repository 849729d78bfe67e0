"""Editing frontmatter: one key changes, every other byte stays."""

from __future__ import annotations

import time

import pytest
from ruamel.yaml import YAML

from ccpm.errors import Malformed, UsageError
from ccpm.files import frontmatter_edit
from ccpm.files.frontmatter import parse
from ccpm.files.frontmatter_edit import Edited, edit


def change(text: str | bytes, *unset: str, **changes: str) -> bytes:
    return edit(parse(text.encode() if isinstance(text, str) else text), changes, unset).data


def line(before: str, value: str) -> str:
    """The line that `key` has after it was set to `value` in a block of the line(s) `before`."""
    text = change(f"---\n{before}\nlast: x\n---\n", key=value).decode()
    assert text.startswith("---\n")
    assert text.endswith("\nlast: x\n---\n")
    return text[4 : -len("\nlast: x\n---\n")]


def test_only_the_value_changes() -> None:
    before = '---\n# top\nname:   "A: b"  \n\nstatus:    open    # why\nd: [001]\n---\nstatus: open\n---\n'
    assert change(before, status="closed") == before.replace("open    #", "closed    #", 1).encode()


def test_line_ends_byte_order_mark_and_a_missing_final_newline_stay() -> None:
    before = b"\xef\xbb\xbf---\r\nstatus: open\r\nname: \xe7\x99\xbb\r\n--- \r\n\r\nstatus: open\n---"
    after = change(before, status="closed", fresh="1")
    assert after == before.replace(b"open", b"closed", 1).replace(b"\r\n--- ", b"\r\nfresh: 1\r\n--- ")


def test_bytes_that_are_no_utf8_stay() -> None:
    before = b"---\nname: caf\xe9\nstatus: open\n---\n\xff\xfe"
    assert change(before, status="closed") == before.replace(b"open", b"closed")


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("key: open", "closed", "key: closed"),
        ("key: 'open'", "it's", "key: 'it''s'"),
        ('key: "open"', 'say "so"', r'key: "say \"so\""'),
        ('key: "3"', "4", 'key: "4"'),
        ("key: '3'", "two\nlines", r'key: "two\nlines"'),
        ("key:", "x", "key: x"),
        ("key:   ", "x", "key:   x"),
        ("key:  # later", "x", "key: x  # later"),
        ("key: x  # later", "", "key:   # later"),
        ("key: x", "", "key:"),
        ('key: "x"', "", 'key: ""'),
        ("key :\t", "x", "key : x"),
        ("key:   x   ", "z", "key:   z   "),
        ("key: [001]  # two", "[001, 002]", "key: [001, 002]  # two"),
        ("key: &a x", "z", "key: z"),
        ("key: !!str 5", "6", "key: 6"),
        ("key: {a: b}  # c", "x", "key: x  # c"),
    ],
)
def test_style_alignment_and_comment_of_the_line_stay(before: str, value: str, after: str) -> None:
    assert line(before, value) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("key:\n  - a\n  - b", "key: x"),
        ("key:  # why\n- a\n# inside\n- b", "key: x  # why"),
        ("key: |  # why\n  # text\n  text", "key: x  # why"),
        ("key: >+\n  text\n", "key: x"),
        ('key: "a\n  b"  # why', 'key: "x"  # why'),
        ("key: a\n  b", "key: x"),
        ("key: [a,\nb: c]  # why", "key: x  # why"),
        ("key:\n  sub: 1\n\n# next", "key: x\n\n# next"),
    ],
)
def test_a_value_on_several_lines_is_replaced_as_a_whole(before: str, after: str) -> None:
    assert line(before, "x") == after


@pytest.mark.parametrize("value", ["x", "001", "010", "3", "-5", "true", "1.0", "2025-11-04T04:16:21Z", "50%", "a & b",
                                   "https://x.org/o/r/issues/1#top", "日本語", "it's", "a:b", "C#", "N/A"])  # fmt: skip
def test_ordinary_words_numbers_and_dates_are_written_plain(value: str) -> None:
    assert line("key: old", value) == f"key: {value}"


@pytest.mark.parametrize("value", ["a: b", "a:", "a #b", "#b", "@x", "*x", "&x", "!x", "%x", "`x`", "- x", "-", "---",
                                   "? x", "|", ">", "null", "~", "yes", "Off", "=", "<<", " x", "x ", "[a", "{a", ", a",
                                   "[a] b", "[a #b]", "'x'", '"x"', "'", "a\nb", "a\r\nb\n", "\t", "\x07", "\x85",
                                   "\u2028", "\ufeff", "[a\nb]", "[*a]"])  # fmt: skip
def test_what_some_reader_would_take_for_something_else_is_quoted(value: str) -> None:
    for old in ("key: old", "key: 'old'", 'key: "old"', "key:"):
        text = line(old, value)
        assert text[5] in "'\""
        assert YAML(typ="safe", pure=True).load(text)["key"] == value
        assert parse(f"---\n{text}\n---\n".encode()).get("key") == value


def test_a_switch_in_the_words_of_yaml_1_1_stays_plain_where_one_stood() -> None:
    assert line("key: yes", "no") == "key: no"
    assert line("key: Norway", "no") == 'key: "no"'


@pytest.mark.parametrize(
    "value", ["[001, 002]", "[]", "{}", "{a: 1}", "[a, [b]]", "['x, y', z]", "[Will be set on sync]"]
)
def test_a_value_in_brackets_is_written_as_given(value: str) -> None:
    assert line('key: "old"', value) == f"key: {value}"


def test_a_new_key_goes_to_the_end_of_the_block() -> None:
    assert change("---\na: 1\n# end\n---\n", b="x: y") == b'---\na: 1\n# end\nb: "x: y"\n---\n'
    assert change("---\n---", a="") == b"---\na:\n---"
    assert change("---\nt: |+\n  x\n\n---\n", a="1") == b"---\nt: |+\n  x\n\na: 1\n---\n"


def test_a_key_is_removed_with_all_its_lines() -> None:
    assert (
        change("---\na: 1\nb:\n  - x\n\n  - y  # z\n# c\nc: 2\n---\n", "b", "absent")
        == b"---\na: 1\n# c\nc: 2\n---\n"
    )


def test_a_body_marker_and_a_key_in_the_body_stay() -> None:
    before = "---\nstatus: open\n---\nstatus: open\n---\nstatus: open\n"
    assert change(before, status="closed") == before.replace("open", "closed", 1).encode()


def test_a_key_that_begins_like_another_is_another() -> None:
    before = "---\nstatus_old: 1\nstatus: 2\nsub:\n  status: 3\n---\n"
    assert change(before, status="9") == before.replace("status: 2", "status: 9").encode()


def test_an_edit_that_changes_nothing_gives_the_same_bytes() -> None:
    before = b"---\nname: 'x'\nd: [ 1,2 ]\n---\n"
    assert change(before, name="x") == before


def test_a_file_without_frontmatter_is_refused_unless_a_block_shall_be_created() -> None:
    with pytest.raises(Malformed, match="no frontmatter"):
        change("# Title\n", status="open")
    created = edit(parse(b"\xef\xbb\xbf# Title\r\n"), {"status": "open"}, create=True)
    assert created.data == b"\xef\xbb\xbf---\r\nstatus: open\r\n---\r\n# Title\r\n"
    assert edit(parse(b""), {"status": "open"}, create=True).data == b"---\nstatus: open\n---\n"


@pytest.mark.parametrize(
    "lines", ["{status: open}", "  status: open", "? status\n: open", "just prose", "- a\n- b"]
)
def test_a_block_without_a_key_on_each_line_is_refused(lines: str) -> None:
    with pytest.raises(Malformed, match="line 2"):
        change(f"---\n{lines}\n---\n", status="closed")


@pytest.mark.parametrize("key", ["", "a b", "a:", "-a", "1a", "ä\n", "---", "a" * 101])
def test_a_new_key_must_be_a_plain_word(key: str) -> None:
    with pytest.raises(UsageError):
        edit(parse(b"---\n---\n"), {key: "x"})


def test_a_value_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(UsageError, match="not UTF-8"):
        change("---\na: 1\n---\n", a="\udcff")


# -- blocks that are broken already ------------------------------------------------------------------------------


def edit_broken(text: str, **changes: str) -> Edited:
    return edit(parse(text.encode()), changes, soft=("updated",))


def test_a_key_in_a_broken_block_is_written_and_the_broken_line_named_but_not_repaired() -> None:
    before = "---\nname: Phase 2: the plan\nstatus: open\nhttps://x.org/issues/1\n---\n"
    edited = edit_broken(before, status="closed", version="1")
    assert edited.data.decode() == before.replace("open", "closed").replace("\n---\n", "\nversion: 1\n---\n")
    assert [str(w) for w in edited.warnings] == [
        "line 2: not valid YAML: mapping values are not allowed here",
        "line 4: neither `key: value` nor a continuation of it",
    ]


def test_the_broken_line_itself_may_be_replaced() -> None:
    after = edit_broken("---\nname: Phase 2: the plan\nstatus: open\n---\n", name="Phase 2: done").data
    assert after == b'---\nname: "Phase 2: done"\nstatus: open\n---\n'


def test_a_key_that_stands_twice_is_not_written() -> None:
    with pytest.raises(
        Malformed, match="line 2: the key 'status' stands on lines 2 and 4; status was not written"
    ):
        edit_broken("---\nstatus: open\nname: x\nstatus: done\n---\n", status="closed")
    with pytest.raises(Malformed, match="lines 2 and 3"):
        edit(parse(b"---\na: 1\na: 2\n---\n"), {}, unset=["a"])


GLUED = (
    "---\nstatus: open\nupdated: 2025-08-30T16:14:01Zgithub: https://x.org/issues/2depends_on: [001]\n---\n"
)


@pytest.mark.parametrize("key", ["github", "depends_on"])
def test_a_key_that_was_glued_into_another_line_is_not_written_again(key: str) -> None:
    with pytest.raises(
        Malformed, match="line 3: several keys are glued into one line: updated, github, depends_on"
    ):
        edit_broken(GLUED, **{key: "x"})


def test_a_soft_key_on_a_glued_line_is_left_alone_with_a_warning() -> None:
    edited = edit_broken(GLUED, status="closed", updated="2026-01-01T00:00:00Z")
    assert edited.data.decode() == GLUED.replace("open", "closed")
    assert "updated was left as it is" in str(edited.warnings[-1])
    with pytest.raises(Malformed, match="glued"):
        edit(parse(GLUED.encode()), {"updated": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    "name", ["Rename: the plan", "Set username: and filename: right", "Fix version: 2", "See #4: github"]
)
def test_prose_with_a_colon_is_not_taken_for_glued_keys(name: str) -> None:
    assert (
        edit_broken(f"---\nname: {name}\n---\n", version="1").data
        == f"---\nname: {name}\nversion: 1\n---\n".encode()
    )


def test_lines_below_a_broken_value_are_not_thrown_away() -> None:
    with pytest.raises(Malformed, match="line 3: the lines of 'name' are not valid YAML"):
        edit_broken("---\nname: x\n  status: open\n---\n", name="y")


# -- the judge ---------------------------------------------------------------------------------------------------


def test_a_splice_that_changes_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontmatter_edit, "_splice", lambda document, wanted: ["a: 9\n", "b: 3\n"])
    with pytest.raises(Malformed, match=r"line 3: the edit would damage .* \('b' would change"):
        change("---\na: 1\nb: 2\n---\n", a="9")


def test_a_splice_that_gives_no_yaml_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontmatter_edit, "_splice", lambda document, wanted: ["a: 9: 8\n", "b: 2\n"])
    with pytest.raises(Malformed, match="line 2: the edit would damage"):
        change("---\na: 1\nb: 2\n---\n", a="9: 8")


def test_a_splice_that_moves_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontmatter_edit, "_splice", lambda document, wanted: ["b: 2\n", "a: 9\n"])
    with pytest.raises(Malformed, match="order"):
        change("---\na: 1\nb: 2\n---\n", a="9")


def test_a_block_may_not_grow_beyond_its_limit() -> None:
    with pytest.raises(Malformed, match="64 KiB"):
        change("---\na: 1\n---\n", a="x" * (64 << 10))


def test_a_value_beyond_the_limit_is_refused_before_it_is_parsed() -> None:
    start = time.process_time()
    with pytest.raises(Malformed, match="64 KiB"):
        change("---\na: 1\n---\n", a="[" + "[1], " * 100_000 + "[2]]")
    assert time.process_time() - start < 0.2
