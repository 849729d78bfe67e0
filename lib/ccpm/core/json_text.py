"""Changing JSON as text: what is added or taken out is spliced, every other byte stays.

Contract: `text` is one JSON value (RFC 8259), perhaps behind a byte order mark. A place in it is a path of keys; an
element of an array is named by its number.

    append(text, ["hooks", "Stop"], value)     value as the last element of that array
    append(text, ["hooks"], value, "Stop")     value as the last member of that object, under the key "Stop"
    remove(text, ["hooks", "Stop", 0])         that element or member, with its comma

Guarantee: an addition is laid out like what is there: its indentation, its line ends, or all on one line.
ValueError, with the place, for text that is no JSON; KeyError, IndexError for a place that is not there.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_BLANKS = " \t\r\n"


class Item:
    """A member or an element: where its text begins (with the key of a member), its value begins, and it ends."""

    __slots__ = ("end", "key", "start", "value")

    def __init__(self, key: str, start: int, value: int, end: int) -> None:
        self.key = key
        self.start = start
        self.value = value
        self.end = end


def parse(text: str) -> Any:
    """The value that `text` means."""
    import json

    return json.loads(text.removeprefix("\ufeff"))


def append(text: str, place: Sequence[str | int], value: object, key: str = "") -> str:
    """`text` with `value` as the last member (`key`) or element of the object or array at `place`."""
    start = _find(text, place)
    items, closing = _items(text, start)
    newline = "\r\n" if "\r\n" in text else "\n"
    if items and "\n" not in text[start:closing]:
        return f"{text[: items[-1].end]}, {_render(value, key, '', '')}{text[items[-1].end :]}"
    unit = _unit(text)
    indent = unit * (len(place) + 1)
    rendered = _render(value, key, unit, indent).replace("\n", newline)
    if items:
        return f"{text[: items[-1].end]},{newline}{indent}{rendered}{text[items[-1].end :]}"
    return f"{text[: start + 1]}{newline}{indent}{rendered}{newline}{unit * len(place)}{text[closing:]}"


def remove(text: str, place: Sequence[str | int]) -> str:
    """`text` without the item at `place`."""
    start = _find(text, place[:-1])
    items, closing = _items(text, start)
    number = _number(items, place[-1])
    if number:
        return text[: items[number - 1].end] + text[items[number].end :]
    if len(items) > 1:
        return text[: items[0].start] + text[items[1].start :]
    return text[: start + 1] + text[closing:]


def _find(text: str, place: Sequence[str | int]) -> int:
    """Where the value at `place` begins."""
    at = _skip(text, 1 if text.startswith("\ufeff") else 0)
    for name in place:
        items, _ = _items(text, at)
        at = items[_number(items, name)].value
    return at


def _number(items: list[Item], name: str | int) -> int:
    if isinstance(name, int):
        items[name]
        return name
    for number in range(len(items) - 1, -1, -1):  # of two members with one key, the last one counts
        if items[number].key == name:
            return number
    raise KeyError(name)


def _items(text: str, start: int) -> tuple[list[Item], int]:
    """(the items of the object or array that begins at `start`, where its closing bracket is)."""
    from json import JSONDecoder

    decode = JSONDecoder(strict=False).raw_decode
    closing = {"{": "}", "[": "]"}.get(text[start : start + 1])
    if closing is None:
        raise ValueError(f"no object or array at character {start}")
    items: list[Item] = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != closing:
        begin, key = at, ""
        if closing == "}":
            key, at = decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        _, end = decode(text, at)
        items.append(Item(key, begin, at, end))
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
    return items, at


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _unit(text: str) -> str:
    """The indentation of one level: that of the first item of the whole."""
    items, _ = _items(text, _find(text, []))
    before = text[: items[0].start] if items else ""
    indent = before.rpartition("\n")[2] if "\n" in before else ""
    return indent or "  "


def _render(value: object, key: str, unit: str, indent: str) -> str:
    import json

    rendered = json.dumps(value, indent=unit or None, ensure_ascii=False)
    lines = rendered.split("\n")
    text = "\n".join([lines[0], *(indent + line for line in lines[1:])])
    return f"{json.dumps(key, ensure_ascii=False)}: {text}" if key else text
