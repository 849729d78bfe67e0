"""Random markdown files with frontmatter, of the shapes that people and old scripts produce, and an oracle for them.

`document(random)` builds one from pieces of YAML; about a third are then damaged. `oracle(block)` asks ruamel.yaml's
composer: no line of the code under test takes part.
"""

from __future__ import annotations

import io
import warnings
from random import Random
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

KEYS = [
    "name", "title", "status", "created", "updated", "github", "depends_on", "parallel", "conflicts_with",
    "progress", "prd", "epic", "version", "effort", "notes", "files", "x-y", "a.b", "übung", "with space", "1st",
]  # fmt: skip
WORDS = [
    "login", "page", "&", "of", "the", "API", "v2", "(draft)", "5%", "re:run", "it's", 'say"so', "a/b", "日本語",
    "naïve", "🚀", "—", "C#", "x=1", "@home", "50/50", "`code`", "!", "*bold*", "[wip]", "{x}", "-1", "a,b", "?", "|",
]  # fmt: skip
PLAIN = [
    "open", "in-progress", "true", "no", "001", "010", "7", "0.5", "1e3", "0x1F", "50%", "null", "~", "N/A",
    "2025-08-30", "2025-08-30T15:40:12Z", "12:30:45", "https://example.org/o/r/issues/4", "(set on sync)", "-", "-5",
    ".5", "=", "<<", "Null", "a:b", "::", "--flag", "?x", "a ", "a\u00a0",
]  # fmt: skip
ODD = [
    "a: b",
    "x # y",
    "@x",
    "*x",
    "&x y",
    "!t x",
    "%d",
    "`x`",
    "[a",
    "a]",
    "{a",
    '"a',
    "'a",
    '"a" b',
    "- x",
    "? x",
    "|x",
]
QUOTED = [
    '""',
    "''",
    '"a b"',
    "'a b'",
    '"a: b # c"',
    "'it''s'",
    r'"tab\t\"q\" \\ \u00e9 \x41"',
    '"null"',
    "'007'",
]
FLOW = [
    "[]", "[ ]", "[1]", "[001, 010]", "[a, b,]", "['004', \"5\"]", "[Will be set on sync]", "[a , b]", "[null, ~, x]",
    "[a: b, c]", "[[1, 2], [3]]", "{}", "{a: 1, b: [x]}", "[https://x.org/a, b#c]", "[a, 'b, c', \"d]\"]", "[-1, a b]",
]  # fmt: skip
VALUES = [
    "closed", "", " lead", "trail ", "true", "null", "~", "yes", "001", "3", "1.0", "2025-11-04T04:16:21Z", "a: b",
    "a:", "a #b", "#x", "@x", "- x", "-x", "-", "---", "...", "? x", "?", "!x", "&x", "*x", "|", ">", "%x", "`x`", ":",
    ": x", "[001, 002]", "[]", "{}", "{a: 1}", "[a", "a]", "[a] b", "[WIP] x [y]", "[a #b]", "[a\nb]", "[*a]",
    "[a: [b, {c: d}]]", "two\nlines", "two\r\nlines\n", "tab\tx", "'q'", '"q"', "it's", 'say "so"', "both ' and \"",
    "back\\slash", "\\n",
    "日本", "🚀", "\u2028", "\x85", "\x07", "\ufeff", "\u00a0x", "=", "<<", "https://x.org/#a", "50%", "x" * 300, ",",
    "a, b",
]  # fmt: skip


def document(random: Random) -> bytes:
    """A file: a block of 0 to 9 keys, a body, in one of the encodings of line ends; sometimes damaged."""
    lines = []
    for key in random.sample(KEYS, random.randrange(10)):
        while random.random() < 0.12:
            lines.append(random.choice(["", "# a comment: here", "  # indented comment", "   "]))
        lines += _entry(random, key)
    if random.random() < 0.33:
        lines = _damaged(random, lines)
    if lines and random.random() < 0.02:
        lines[-1] += "\udcff"  # a byte that is no UTF-8
    lines = [line for line in lines if line.rstrip() not in ("---", "...")]
    text = "\n".join(["---", *lines, random.choice(["---", "---", "---", "--- ", "..."])])
    text += random.choice(["", "\n", "\n\n# Title\n\nstatus: body\n---\nmore: text", "\n# T\n"])
    if random.random() < 0.2:
        text = text.replace("\n", "\r\n")
    data = text.encode("utf-8", "surrogateescape")
    return b"\xef\xbb\xbf" + data if random.random() < 0.1 else data


def _entry(random: Random, key: str) -> list[str]:
    if random.random() < 0.04:
        key = random.choice([f'"{key}"', f"'{key}'"])
    gap = random.choice(["", "", "", "", " "])
    head = f"{key}{gap}:"
    blank = random.choice([" ", " ", " ", "  ", "     "])
    tail = random.choice(["", "", "", "", " ", "  # note", " # note: [x"])
    kind = random.randrange(16)
    if kind < 4:
        return [head + blank + random.choice(PLAIN) + tail]
    if kind < 7:
        return [head + blank + _prose(random) + tail]
    if kind == 7:
        return [head + blank + random.choice(QUOTED) + tail]
    if kind < 10:
        return [head + blank + random.choice(FLOW) + tail]
    if kind == 10:
        return [head + random.choice(["", " ", "  # empty"])]
    if kind == 11:
        return [head + blank + random.choice(ODD) + tail]
    return _many_lines(random, head, blank, tail)


def _many_lines(random: Random, head: str, blank: str, tail: str) -> list[str]:
    kind = random.randrange(8)
    indent = random.choice(["  ", "  ", " ", "    "])
    if kind < 3:
        dash = random.choice(["", indent, indent])
        items = [
            random.choice([*PLAIN, *QUOTED, _prose(random), "[1, 2]", "k: v"])
            for _ in range(random.randrange(1, 5))
        ]
        lines = [f"{dash}- {item}{tail if random.random() < 0.2 else ''}" for item in items]
        if random.random() < 0.2:
            lines.insert(random.randrange(len(lines)), random.choice(["", f"{indent}# between", "# left"]))
        return [head + tail, *lines]
    if kind == 3:
        return [head, *(f"{indent}{key}: {random.choice(PLAIN + FLOW)}" for key in random.sample(KEYS, 2))]
    if kind == 4:
        marker = random.choice(["|", ">", "|-", ">+", "|+", "|2", ">-"])
        body = [
            random.choice([f"    {_prose(random)}", f"    {_prose(random)}", "", "    # no comment"])
            for _ in range(3)
        ]
        return [head + blank + marker + random.choice(["", "", " # note"]), f"    {_prose(random)}", *body]
    if kind == 5:
        return [head + blank + _prose(random), f"{indent}{_prose(random)}"]
    if kind == 6:
        quote = random.choice("\"'")
        return [f"{head}{blank}{quote}first part", random.choice(["", indent]) + f"second: part{quote}{tail}"]
    return [
        f"{head}{blank}[a,",
        f"{random.choice(['', indent])}b: c, 'd',",
        random.choice(["]", " ]", "  e]"]) + tail,
    ]


def _prose(random: Random) -> str:
    return " ".join(random.choice(WORDS) for _ in range(random.randrange(1, 6)))


def _damaged(random: Random, lines: list[str]) -> list[str]:
    lines = list(lines)
    for _ in range(random.randrange(1, 3)):
        if not lines:
            return ["just a line of text"]
        at = random.randrange(len(lines))
        kind = random.randrange(9)
        if kind == 0:
            lines.insert(random.randrange(len(lines) + 1), lines[at])
        elif kind == 1 and at + 1 < len(lines):
            lines[at : at + 2] = [lines[at] + lines[at + 1]]
        elif kind == 2:
            where = random.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:where] + random.choice("\t\"'[]{}:#&*-\x00\r\u2028 ") + lines[at][where:]
        elif kind == 3 and lines[at]:
            where = random.randrange(len(lines[at]))
            lines[at] = lines[at][:where] + lines[at][where + 1 :]
        elif kind == 4:
            lines.insert(
                at,
                random.choice(
                    ["https://example.org/issues/26", "- stray", "  stray", "]", "stray", "key:value"]
                ),
            )
        elif kind == 5:
            lines[at] = "  " + lines[at]
        elif kind == 6:
            lines[at] = "updated: 2025-08-30T16:14:01Zgithub: https://x.org/issues/2depends_on: [001]"
        elif kind == 7:
            lines[at] = f"name: {_prose(random)}: {_prose(random)}"
        else:
            del lines[at]
    return lines


def oracle(block: str) -> dict[str, Any] | None:
    """The keys and values of `block` as text, null as ""; None where ruamel.yaml does not load it as a mapping."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of an anchor that is used twice
        return _oracle(block)


def _oracle(block: str) -> dict[str, Any] | None:
    try:
        node = YAML(typ="safe", pure=True).compose(io.StringIO(block))
        if node is None:
            return {}
        return dict(_text(node)) if isinstance(node, MappingNode) else None
    except (YAMLError, KeyError):
        return None


def _text(node: Any) -> Any:
    if isinstance(node, ScalarNode):
        return "" if node.tag == "tag:yaml.org,2002:null" else node.value
    if isinstance(node, SequenceNode):
        return [_text(child) for child in node.value]
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = _flow(_text(key))
        if name in found:
            raise KeyError(name)  # what ruamel.yaml's loader says to a key that stands twice
        found[name] = _text(value)
    return found


def _flow(key: Any) -> str:
    """A key as text: one that is a list or a mapping (`? [a, b]`) in flow form."""
    nothing = '""'
    if isinstance(key, list):
        return "[" + ", ".join(_flow(item) or nothing for item in key) + "]"
    if isinstance(key, dict):
        return "{" + ", ".join(f"{name}: {_flow(value) or nothing}" for name, value in key.items()) + "}"
    return str(key)
