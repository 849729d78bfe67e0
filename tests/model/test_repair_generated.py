"""Files that are damaged at random, in every way that is known and in some that are not: no word is ever lost.

Each word of a person is one of its own (`q17`), so that a word that is lost, or moved within the text, shows.
CCPM_GENERATED sets how many files are tried.
"""

from __future__ import annotations

import os
import re
from collections import Counter

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ccpm.files import flaw, frontmatter, frontmatter_problems, mending, plain_block

MANY = settings(
    max_examples=int(os.environ.get("CCPM_GENERATED", "150")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

WORD = re.compile(rb"q\d+")
STAMPS = ("2025-08-30T16:13:59Z", "2025-09-01T08:00:00Z", "2026-02-03T04:05:06Z")
URLS = ("https://github.com/o/r/issues/12", "https://github.com/o/r/issues/13")
MACHINE = [*(f"{key}: {stamp}" for key in ("updated", "last_sync") for stamp in STAMPS)]
MACHINE += [f"github: {url}" for url in URLS]


class Words:
    """Gives words that never come again, in order."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"q{self.count}"


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    word = Words()
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [_key_line(draw, word) for _ in range(draw(st.integers(0, 6)))]
    lines = _damage_block(draw, lines, word)
    body = [draw(st.sampled_from(BODY)).replace("W", word()) for _ in range(draw(st.integers(0, 5)))]
    tail = draw(st.lists(st.sampled_from([*MACHINE, "status: open", f"depends_on: [{word()}]"]), max_size=3))
    text = ["---", *lines, "---", *tail, *body]
    if draw(st.integers(0, 5)) == 0:
        text.remove("---")
    if draw(st.integers(0, 5)) == 0:
        text = ["", " ", *text]
    if draw(st.integers(0, 7)) == 0:
        del text[text.index("---", 1) if text.count("---") > 1 else 0]
    whole = end.join([*text, ""])
    if draw(st.integers(0, 4)) == 0:
        noise = "".join(
            f"{line}\n" for line in draw(st.lists(st.sampled_from(MACHINE), min_size=1, max_size=3))
        )
        whole = "".join(line + noise for line in whole.splitlines(True))
    return whole.encode()


BODY = ["# W W", "", "W: W", "- [ ] W #12", "---", "updated: W", "```", "github: none yet, says W", "…W"]
VALUES = [
    "W", "W: W", "@W", "[W] W", "W #12 W", "W # W", "'W'", '"W', "[W, 'W']", "[W", "|", "> W", "W:", "{W: W}",
    "*W", "&W", "!W", "%W", "`W`", "W 'W' \"W\"", "", "~", "[]", "Will be updated when synced to GitHub",
]  # fmt: skip
KEYS = ["name", "status", "depends_on", "github", "description", "version", "W"]


def _key_line(draw: st.DrawFn, word: Words) -> str:
    if draw(st.booleans()):
        return draw(st.sampled_from(MACHINE))
    text = f"{draw(st.sampled_from(KEYS))}: {draw(st.sampled_from(VALUES))}"
    return re.sub("W(?!ill)", lambda _: word(), text)


def _damage_block(draw: st.DrawFn, lines: list[str], word: Words) -> list[str]:
    for _ in range(draw(st.integers(0, 3))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["glue", "copy", "keyless", "junk", "indent", "cut"]))
        if kind == "glue" and at + 1 < len(lines):
            lines[at : at + 2] = [lines[at] + lines[at + 1]]
        elif kind == "copy":
            lines.append(lines[at])
        elif kind == "keyless":
            lines[at] = lines[at].partition(": ")[2]
        elif kind == "junk":
            lines.insert(at, f"{word()} {word()}")
        elif kind == "indent":
            lines.insert(at + 1, f"  - {word()}")
        else:
            lines[at] += f" #{word()}"
    return lines


def words(data: bytes) -> list[bytes]:
    return WORD.findall(data)


@MANY
@given(damaged())
@example(b"---\nupdated: 2025-08-30T16:13:59Zgithub: https://github.com/o/r/issues/12name: q1\n---\nq2\n")
@example(
    b"---\ngithub: https://github.com/o/r/issues/12github: Will be updated when synced to GitHubname: q1\nname: q2\n---\n"
)
def test_no_word_is_lost_and_a_second_repair_has_nothing_to_do(data: bytes) -> None:
    mended = mending.mend(data)
    assert set(words(mended.data)) == set(words(data))
    again = mending.mend(mended.data)
    assert (again.data, again.mends) == (mended.data, [])
    assert not [left.what for left in mended.left if left.is_mendable]
    if not mended.mends:
        assert mended.data == data


@MANY
@given(damaged())
def test_the_text_below_the_frontmatter_keeps_its_order_and_its_lines(data: bytes) -> None:
    mended = mending.mend(data).data
    assert [line for line in lines_of_text(mended) if line in lines_of_text(data)] == lines_of_text(data)


def lines_of_text(data: bytes) -> list[bytes]:
    """The lines that stand in no block and were never in one: those of BODY with a word of their own."""
    found = [line.strip() for line in data.split(b"\n")]
    return [line for line in found if re.match(rb"# q|- \[ \] q|github: none|\xe2\x80\xa6q", line)]


@MANY
@given(damaged())
def test_what_is_read_from_sound_lines_is_the_same_after_the_repair(data: bytes) -> None:
    """A key with one line that no flaw is about reads as it did."""
    mended = mending.mend(data)
    try:
        before = frontmatter.parse(data)
    except Exception:
        return
    if not before.has_block or any(
        one.kind in ("injected", "no-frontmatter", "unclosed") for one in mended.mends
    ):
        return
    touched = {one.key for one in mended.mends} | {
        match[1]
        for one in mended.mends
        if one.kind == "glued"
        for match in re.finditer(r"\b(\w+)\b", one.what)
    }
    after = frontmatter.parse(mended.data)
    for key in before.values():
        if key not in touched:
            assert after.get(key) == before.get(key), key


@MANY
@given(st.text(alphabet="abZ09:#-'\"[]{}|>@&*!,. \n\r\t~é\ufeff", max_size=120))
def test_any_text_between_markers_is_judged_and_nothing_of_it_goes(text: str) -> None:
    data = f"---\n{text}\n---\nend\n".encode()
    mended = mending.mend(data)
    assert mending.mend(mended.data).data == mended.data
    copies = any(one.goes for one in mended.mends)  # what says nothing new may go
    assert copies or Counter(re.findall(r"\S", data.decode())) <= Counter(
        re.findall(r"\S", mended.data.decode())
    )


@MANY
@given(st.binary(max_size=200))
def test_any_bytes_are_judged_without_an_error(data: bytes) -> None:
    for text in (data, b"---\n" + data, b"---\n" + data + b"\n---\n" + data):
        mending.mend(text)


@MANY
@given(st.lists(st.sampled_from(["name: a", "name: b c", "status: open", "depends_on: [1, '2']", "x: y: z", "  - q",
    "- q", "# c", "", "version: 3", "k:", "k: |", "  text", "a b: c", "\"q\": 1", "x:\ty", "é: ü", "- ", "...x"]), max_size=8))  # fmt: skip
def test_a_block_that_is_called_simple_is_sound(lines: list[str]) -> None:
    data = "\n".join(["---", *lines, "---", ""]).encode()
    document = frontmatter.parse(data)
    if frontmatter_problems.is_simple(document):
        assert frontmatter_problems.diagnose(document) == []
    if mending._is_plainly_sound(data):
        assert mending.find(data) == []
        assert frontmatter_problems.diagnose(document) == []
        assert plain_block.read(document.text) is not None


def test_a_rule_that_would_lose_a_word_is_caught_by_the_splice() -> None:
    data = b"---\nname: q1\n---\n"
    lossy = flaw.Flaw("cut", 2, "", "", (flaw.Splice(10, 12, b"q2"),))
    try:
        flaw.apply(data, lossy)
    except ValueError:
        return
    raise AssertionError("the word q1 was lost")
