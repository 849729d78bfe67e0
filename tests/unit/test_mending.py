"""Flaws of one file: each kind is found on its line, mended where one answer is safe, and left with a hint elsewhere."""

from __future__ import annotations

import pytest

from ccpm.files import flaw, frontmatter, frontmatter_problems, mending
from ccpm.files.flaw import Flaw, Splice

URL = "https://github.com/o/r/issues/12"
EARLY, LATE = "2025-08-30T16:13:59Z", "2025-09-01T08:00:00Z"

MENDED = {
    "glued by a lost line end": (
        "glued",
        f"---\nname: Shelve\nupdated: {EARLY}github: {URL}depends_on: [001]\nparallel: true\n---\nbody\n",
        f"---\nname: Shelve\nupdated: {EARLY}\ngithub: {URL}\ndepends_on: [001]\nparallel: true\n---\nbody\n",
    ),
    "glued with CRLF ends": (
        "glued",
        f"---\r\nupdated: {EARLY}github: {URL}\r\n---\r\n",
        f"---\r\nupdated: {EARLY}\r\ngithub: {URL}\r\n---\r\n",
    ),
    "glued behind a list": (
        "glued",
        "---\ndepends_on: [001, 2]conflicts_with: []\n---\n",
        "---\ndepends_on: [001, 2]\nconflicts_with: []\n---\n",
    ),
    "glued, and there already": (
        "glued",
        f"---\nupdated: {EARLY}github: {URL}\ngithub: {URL}\n---\n",
        f"---\nupdated: {EARLY}\ngithub: {URL}\n---\n",
    ),
    "the same line twice": (
        "duplicate-key",
        f"---\nupdated: {EARLY}\nname: Shelve\nupdated: {EARLY}\n---\n",
        f"---\nupdated: {EARLY}\nname: Shelve\n---\n",
    ),
    "the same value in other quotes": (
        "duplicate-key",
        "---\nname: Shelve it\nname: 'Shelve it'\n---\n",
        "---\nname: Shelve it\n---\n",
    ),
    "an empty copy above": (
        "duplicate-key",
        "---\nname:\nstatus: open\nname: Shelve\n---\n",
        "---\nstatus: open\nname: Shelve\n---\n",
    ),
    "a placeholder beside the address": (
        "duplicate-key",
        f"---\ngithub: [Will be updated when synced to GitHub]\nname: x\ngithub: {URL}\n---\n",
        f"---\nname: x\ngithub: {URL}\n---\n",
    ),
    "two stamps": (
        "duplicate-key",
        f"---\nupdated: {EARLY}\nname: x\nupdated: {LATE}\n---\n",
        f"---\nname: x\nupdated: {LATE}\n---\n",
    ),
    "two stamps, the later first": (
        "duplicate-key",
        f"---\nupdated: {LATE}\nname: x\nupdated: {EARLY}\n---\n",
        f"---\nupdated: {LATE}\nname: x\n---\n",
    ),
    "an unquoted colon": (
        "not-yaml",
        "---\nname: Shelve: the old way\nstatus: open\n---\n",
        '---\nname: "Shelve: the old way"\nstatus: open\n---\n',
    ),
    "an unquoted colon and quotes inside": (
        "not-yaml",
        '---\nname: Say "yes": then go\n---\n',
        "---\nname: 'Say \"yes\": then go'\n---\n",
    ),
    "a leading at sign": ("not-yaml", "---\nassignee: @ada\n---\n", '---\nassignee: "@ada"\n---\n'),
    "a bracket that closes too early": (
        "not-yaml",
        "---\nname: [Bug] it falls over\n---\n",
        '---\nname: "[Bug] it falls over"\n---\n',
    ),
    "an issue's address without its key": (
        "no-key",
        f"---\nname: x\n{URL}\nstatus: open\n---\n",
        f"---\nname: x\ngithub: {URL}\nstatus: open\n---\n",
    ),
    "a number behind a hash": (
        "cut",
        "---\nname: Triage PR #605 and #606\n---\n",
        '---\nname: "Triage PR #605 and #606"\n---\n',
    ),
    "a copy behind the marker": (
        "after-marker",
        f"---\ngithub: {URL}\n---\ngithub: {URL}\n\nbody\n",
        f"---\ngithub: {URL}\n---\n\nbody\n",
    ),
    "a key that only stands behind the marker": (
        "after-marker",
        f"---\r\nname: x\r\n---\r\ngithub: {URL}\r\nstatus: open\r\n\r\nbody\r\n",
        f"---\r\nname: x\r\ngithub: {URL}\r\nstatus: open\r\n---\r\n\r\nbody\r\n",
    ),
    "the address behind the marker, a placeholder in the block": (
        "after-marker",
        f"---\ngithub: [Will be updated when synced to GitHub]\nname: x\n---\ngithub: {URL}\n",
        f"---\ngithub: {URL}\nname: x\n---\n",
    ),
    "a later stamp behind the marker": (
        "after-marker",
        f"---\nupdated: {EARLY}\nname: x\n---\nupdated: {LATE}\n",
        f"---\nupdated: {LATE}\nname: x\n---\n",
    ),
    "an earlier stamp behind the marker": (
        "after-marker",
        f"---\nupdated: {LATE}\n---\nupdated: {EARLY}\nbody\n",
        f"---\nupdated: {LATE}\n---\nbody\n",
    ),
    "a value behind the marker, an empty key in the block": (
        "after-marker",
        "---\nstatus:\nname: x\n---\nstatus: open\n",
        "---\nstatus: open\nname: x\n---\n",
    ),
    "no end before the first heading": (
        "unclosed",
        "---\nname: x\ndepends_on:\n  - 001\n\n# Task\n\ntext: more\n",
        "---\nname: x\ndepends_on:\n  - 001\n---\n\n# Task\n\ntext: more\n",
    ),
    "no end at all": ("unclosed", "---\r\nname: x\r\n", "---\r\nname: x\r\n---\r\n"),
    "blank lines above the block": (
        "no-frontmatter",
        "\n \r\n---\nname: x\n---\nbody\n",
        "---\nname: x\n---\nbody\n",
    ),
    "a byte order mark and a blank line": (
        "no-frontmatter",
        "\ufeff\n---\nname: x\n---\n",
        "\ufeff---\nname: x\n---\n",
    ),
}

LEFT = {
    "glued behind a word": ("glued", 2, "---\nname: see 'a'title: b\nstatus: x\"prd: y: z\n---\n"),
    "two names": ("duplicate-key", 3, "---\nname: One\nname: Two\n---\n"),
    "two addresses": ("duplicate-key", 3, f"---\ngithub: {URL}\ngithub: {URL}3\n---\n"),
    "a copy with a comment": ("duplicate-key", 3, "---\nname: One\nname: One # or two\n---\n"),
    "two anchors of nothing": ("duplicate-key", 3, "---\nname: &one\nname: &two\n---\n"),
    "a colon and a comment": ("not-yaml", 2, "---\nname: One: two # three\n---\n"),
    "a quote that is not closed": ("not-yaml", 2, '---\nname: "One\n---\n'),
    "a list that is not closed": ("not-yaml", 2, "---\ndepends_on: [001, 002\nname: x\n---\n"),
    "a line of prose": ("no-key", 3, "---\nname: x\nsome words of mine\nstatus: open\n---\n"),
    "an address, and a github key": ("no-key", 3, f"---\ngithub: {URL}\n{URL}\n---\n"),
    "a word behind a hash": ("cut", 2, "---\nname: Learn C #csharp\n---\n"),
    "other addresses behind the marker": ("after-marker", 4, f"---\ngithub: {URL}\n---\ngithub: {URL}9\n"),
    "another status behind the marker": ("after-marker", 4, "---\nstatus: open\n---\nstatus: closed\n"),
    "no end before prose": ("unclosed", 1, "---\nname: x\n\nSome prose. And more.\n# Heading\n"),
    "no frontmatter": ("no-frontmatter", 1, "# Task\n\n**Status**: open\n"),
    "nothing": ("no-frontmatter", 1, ""),
    "a product's version": ("bad-version", 2, "---\nversion: 1.2.0\n---\n"),
    "keys in braces": ("inline-block", 2, "---\n{name: x, status: open}\n---\n"),
    "64 KiB": ("too-large", 1, "---\n" + "name: x\n" * 9000 + "---\n"),
    "aliases": ("too-large", 3, "---\na: &x 1\nb: *x\n---\n"),
}

SOUND = {
    "plain": "---\nname: x\nstatus: open\nversion: 3\n---\nbody\n",
    "a comment": "---\nparallel: true # with 002\nname: x # as agreed\n---\n",
    "a list on lines": "---\nname: x\ndepends_on:\n  - 001\n  - 002\n---\n",
    "a rule in the body": "---\nname: x\n---\n\ntext\n\n---\n\ngithub: mentioned in prose\n",
    "quotes around a hash": '---\nname: "PR #605"\n---\n',
    "two stamps in a code block": f"---\nname: x\n---\n```\nupdated: {EARLY}\nupdated: {EARLY}\n```\n",
}


@pytest.mark.parametrize("case", MENDED)
def test_a_flaw_with_one_safe_answer_is_found_and_mended(case: str) -> None:
    kind, before, after = MENDED[case]
    assert kind in {found.kind for found in mending.find(before.encode())}
    mended = mending.mend(before.encode())
    assert mended.data.decode() == after
    assert not mended.left
    assert not frontmatter_problems.diagnose(frontmatter.parse(mended.data))


@pytest.mark.parametrize("case", LEFT)
def test_a_flaw_with_several_answers_is_found_on_its_line_and_left_with_a_hint(case: str) -> None:
    kind, line, text = LEFT[case]
    found = {(flaw.kind, flaw.line): flaw for flaw in mending.find(text.encode())}
    assert (kind, line) in found
    assert not found[kind, line].is_mendable
    assert "{file}" in found[kind, line].hint
    mended = mending.mend(text.encode())
    assert mended.data.decode() == text
    assert mended.mends == []


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_file_has_no_flaw(case: str) -> None:
    assert mending.find(SOUND[case].encode()) == []


@pytest.mark.parametrize("has_block", [True, False])
def test_lines_that_a_sync_wrote_behind_every_line_go_and_one_of_each_moves_to_the_block(
    has_block: bool,
) -> None:
    block = "---\r\nname: x\r\n---\r\n" if has_block else ""
    lines = [*block.splitlines(True), "# Task\r\n", "\r\n", "text\r\n", "the end"]
    noise = f"updated: {EARLY}\ngithub: {URL}\nupdated: {EARLY}\n"
    damaged = "".join(line + ("" if line.endswith("\n") else "\n") + noise for line in lines)
    head = f"---\r\nname: x\r\nupdated: {EARLY}\r\ngithub: {URL}\r\n---\r\n"
    if not has_block:
        head = f"---\r\nupdated: {EARLY}\r\ngithub: {URL}\r\n---\r\n\r\n"
    (flaw,) = mending.find(damaged.encode())
    assert (flaw.kind, flaw.line) == ("injected", 2)
    mended = mending.mend(damaged.encode())
    assert mended.data.decode() == head + "# Task\r\n\r\ntext\r\nthe end\n"
    assert not mended.left


def test_a_mend_that_would_lose_a_word_is_refused() -> None:
    data = b"---\nname: mine\n---\n"
    lossy = Flaw("cut", 2, "", "", (Splice(4, 15),))
    with pytest.raises(ValueError, match="would lose b'name: mine"):
        flaw.apply(data, lossy)
    moved = Flaw("cut", 2, "", "", (Splice(4, 15), Splice(19, 19, b"name: mine\n")))
    assert flaw.apply(data, moved) == b"---\n---\nname: mine\n"
    overlapping = Flaw("cut", 2, "", "", (Splice(4, 8, b"name"), Splice(6, 9, b"me:")))
    with pytest.raises(ValueError, match="overlap"):
        flaw.apply(data, overlapping)


def test_references_are_renamed_in_every_form_of_a_list() -> None:
    names = {"001": "46", "2": "47"}
    for before, after in (
        ("[001, 2, 0010]", "[46, 47, 0010]"),
        ("['001', \"2\"]  # why", "['46', \"47\"]  # why"),
        ("\n  - 001\n  - 12\n", "\n  - 46\n  - 12\n"),
        ("001", "46"),
    ):
        text = f"---\nname: 001 and 2\ndepends_on: {before}\nstatus: open\n---\n001\n"
        data = mending.replace_items(frontmatter.parse(text.encode()), "depends_on", names)
        assert data.decode() == text.replace(f"depends_on: {before}", f"depends_on: {after}")
    text = "---\ndepends_on: [001] # 001 was first\n---\n"
    data = mending.replace_items(frontmatter.parse(text.encode()), "depends_on", names)
    assert data.decode() == text.replace("[001]", "[46]")
    with pytest.raises(ValueError, match="would read as"):
        mending.replace_items(frontmatter.parse(text.encode()), "depends_on", {"001": "x, y"})


def test_ten_megabytes_of_frontmatter_are_judged_at_once() -> None:
    import time

    data = b"---\n" + b"name: x y\nupdated: 1\n" * 500_000
    begin = time.process_time()
    (found,) = mending.find(data)
    assert (found.kind, found.is_mendable) == ("too-large", False)
    assert time.process_time() - begin < 1
