"""YAML on one line: the scalars and short lists of frontmatter, read and written without a YAML library.

Contract: `read` understands a subset of YAML 1.2 and says None to everything else, never a guess: where it gives a
value, ruamel.yaml gives the same one (tests/model/test_frontmatter_generated.py). `write_scalar` writes only what
`read` or ruamel.yaml reads back unchanged.

All scalars are text: `001` and `2025-11-04` stay as they stand, `version: 3` is "3". The null of YAML (nothing, `~`,
`null`) is "".
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    Value = str | list["Value"] | dict[str, "Value"]

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
"""Plain scalars that are null in the core schema (YAML 1.2.2, 10.3.2)."""

SWITCHES = frozenset(
    word for key in ("y", "n", "yes", "no", "on", "off") for word in (key, key.title(), key.upper())
)
"""Booleans in YAML 1.1 and text in YAML 1.2: readers differ unless they are quoted."""

_ODD = "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""Tabs, line breaks of all kinds, a byte order mark, what YAML forbids, bytes that were no UTF-8. Not compiled here,
and `re` not imported: that takes 10 ms, and printable ASCII, which most text is, needs neither."""

_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_ITEM_STARTS = frozenset("_./(")
_ITEM_SIGNS = frozenset("_ ./()+%&~=;$^—–-")
_ESCAPES = {"\\": "\\", '"': '"', "/": "/", "n": "\n", "t": "\t"}


class Inline:
    """A value on one line: `value`, and where its characters start and end in the text (a comment lies behind)."""

    __slots__ = ("end", "start", "value")

    def __init__(self, value: Value, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end


def read(text: str) -> Inline | None:
    """The value in `text` (all that follows a colon or a dash, without the line end), None where it is not simple."""
    if is_odd(text):
        return None
    start = len(text) - len(text.lstrip(" "))
    first = text[start : start + 1]
    if first in ("", "#"):
        return Inline("", 0, 0)
    if first == '"':
        return _read_double_quoted(text, start)
    if first == "'":
        return _read_single_quoted(text, start)
    if first == "[":
        return _read_list(text, start)
    return _read_plain(text, start, first)


def _read_plain(text: str, start: int, first: str) -> Inline | None:
    if first in _INDICATORS:
        second = text[start + 1 : start + 2]
        if first != "-" or not (second.isalnum() or second in ("_", ".")):
            return None
    comment = text.find(" #", start)
    token = (text[start:] if comment < 0 else text[start:comment]).rstrip(" ")
    if ": " in token or token.endswith(":"):
        return None
    return Inline("" if token in NULLS else token, start, start + len(token))


def _read_double_quoted(text: str, start: int) -> Inline | None:
    parts = []
    at = start + 1
    while True:
        end = text.find('"', at)
        if end < 0:
            return None
        slash = text.find("\\", at, end)
        if slash < 0:
            break
        escaped = _ESCAPES.get(text[slash + 1 : slash + 2])
        if escaped is None:
            return None
        parts += [text[at:slash], escaped]
        at = slash + 2
    parts.append(text[at:end])
    return Inline("".join(parts), start, end + 1) if _ends_at(text, end + 1) else None


def _read_single_quoted(text: str, start: int) -> Inline | None:
    end = text.find("'", start + 1)
    while end >= 0 and text[end + 1 : end + 2] == "'":
        end = text.find("'", end + 2)
    if end < 0 or not _ends_at(text, end + 1):
        return None
    return Inline(text[start + 1 : end].replace("''", "'"), start, end + 1)


def _read_list(text: str, start: int) -> Inline | None:
    end = text.find("]", start) + 1
    if not end or not _ends_at(text, end):
        return None
    inside = text[start + 1 : end - 1].strip(" ")
    items: list[Value] = []
    for part in inside.split(",") if inside else ():
        item = part.strip(" ")
        if _is_plain_item(item) or item == "~":
            items.append("" if item in NULLS else item)
        elif len(item) > 1 and item[0] == item[-1] and _is_simply_quoted(item[1:-1], item[0]):
            items.append(item[1:-1])
        else:
            return None
    return Inline(items, start, end)


def _is_plain_item(item: str) -> bool:
    """Whether `item` is a scalar in a list as it stands: nothing that YAML may take otherwise."""
    first = item[:1]
    return (first.isalnum() or first in _ITEM_STARTS) and all(
        char.isalnum() or char in _ITEM_SIGNS for char in item
    )


def _is_simply_quoted(inside: str, quote: str) -> bool:
    return quote in ("'", '"') and quote not in inside and not (quote == '"' and "\\" in inside)


def _ends_at(text: str, end: int) -> bool:
    """Whether nothing but blanks and a comment follows."""
    tail = text[end:].lstrip(" ")
    return not tail or (tail[0] == "#" and text[end] == " ")


def line_value(text: str) -> str:
    """What a line says that is not YAML: all behind the colon, without blanks and without quotes that match."""
    value = text.strip(" \t\r")
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" and value[0] not in value[1:-1]:
        return value[1:-1]
    return value


def write_scalar(value: str, old: str = "") -> str:
    """`value` as YAML in the style of `old` (the characters of the value that it replaces) where it allows that.

    Plain if every YAML reader then sees this text: not null, not one of `SWITCHES` (unless it replaces one), no
    indicator, no comment. Numbers, dates and ids like 001 stay plain: their readers take them as text.
    """
    quote = old[:1] if old[:1] in ('"', "'") else ""
    if not quote:
        if value == "" or is_plain(value, old):
            return value
        quote = "'" if '"' in value or "\\" in value else '"'
    if quote == "'" and not is_odd(value):
        return "'" + value.replace("'", "''") + "'"
    return _double_quoted(value)


def is_plain(value: str, old: str = "") -> bool:
    """Whether the non-empty `value` may stand without quotes."""
    if value == "=" or value.startswith("<<") or (value in SWITCHES and old not in SWITCHES):
        return False
    found = read(value)
    return found is not None and found.value == value


def _double_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    import re

    return '"' + (re.sub(_ODD, lambda m: _escaped(ord(m[0])), escaped) if is_odd(escaped) else escaped) + '"'


def is_odd(text: str) -> bool:
    """Whether `text`, one line, has characters that YAML forbids, escapes or takes for a line end."""
    if text.isascii():
        return not text.isprintable()
    import re

    return re.search(_ODD, text) is not None


def _escaped(code: int) -> str:
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def as_text(value: Value) -> str:
    """`value` on one line: a scalar as it is, a list or mapping in flow form."""
    return value if isinstance(value, str) else _flow(value)


def _flow(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(entry)}" for key, entry in value.items()) + "}"
    if _is_plain_item(value) and value not in NULLS and not value.endswith(" "):
        return value
    return _double_quoted(value)
