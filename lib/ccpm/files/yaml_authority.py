"""What a block of frontmatter means to ruamel.yaml, without its conversions: the judge before and after each write.

Contract: `load` reads a whole block, or the lines of one key, into text values (yaml_inline: scalars stay text, null is
""). It never raises for bad YAML, it says what is wrong and where. Aliases are not expanded but wrong.

Only events are used (ruamel's parser): no constructor runs, nothing recurses, a value cannot change its spelling.
ruamel.yaml is imported on the first call (40 ms).
"""

from __future__ import annotations

from ccpm.errors import Unavailable
from ccpm.files import yaml_caps
from ccpm.files.yaml_inline import NULLS, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ccpm.files.yaml_inline import Value


class Place:
    """Where a key and its value stand: zero-based lines of the block, columns in characters."""

    __slots__ = ("column", "end_column", "end_line", "line", "start_column", "start_line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.start_line = self.start_column = self.end_line = self.end_column = -1


class Meaning:
    """`values` and `places` by key, in order; or `reason` (why it is no YAML mapping) and `line` (zero-based)."""

    __slots__ = ("line", "places", "reason", "values")

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.places: dict[str, Place] = {}
        self.reason = ""
        self.line = 0

    @property
    def is_valid(self) -> bool:
        return not self.reason


class _Wrong(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def prepare() -> None:
    """Import ruamel.yaml now, for callers that will need it while others wait for them. Unavailable (69) without it."""
    load("")


def load(text: str) -> Meaning:
    """The meaning of `text`. Malformed (65) if it breaks a limit; Unavailable (69) without ruamel.yaml."""
    yaml_caps.check(text)
    yaml = _library()
    meaning = Meaning()
    try:
        _Builder(meaning).build(yaml.YAML(typ="safe", pure=True).parse(text))
    except _Wrong as error:
        meaning.reason, meaning.line = error.reason, error.line
    except (
        Exception
    ) as error:  # whatever a parser of ten thousand lines raises at hostile text: it is no YAML
        meaning.reason, meaning.line = _explain(error, text)
    return meaning


def _library() -> Any:
    try:
        import ruamel.yaml
    except ImportError as error:
        raise Unavailable(
            "ruamel.yaml is missing: the packages of lib/vendor are not installed",
            "run lib/setup.sh",
            cause=str(error),
        ) from error
    return ruamel.yaml


def _explain(error: Exception, text: str) -> tuple[str, int]:
    """(reason, line) of an error of ruamel.yaml."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    if mark is not None:
        return str(reason), int(mark.line)
    position = getattr(error, "position", None)
    return str(reason), text.count("\n", 0, position) if isinstance(position, int) else 0


class _Frame:
    """A collection that is being read: `value` is a list, or a dict whose next key is `key`."""

    __slots__ = ("key", "lines", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.key: str | None = None
        self.lines: dict[str, int] = {}


class _Builder:
    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self._stack: list[_Frame] = []
        self._documents = 0

    def build(self, events: Any) -> None:
        for event in events:
            kind = type(event).__name__
            line = event.start_mark.line
            if kind == "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1 or event.explicit:
                    raise _Wrong(line, "another document begins here")
            elif kind == "AliasEvent":
                raise _Wrong(line, f"the alias *{str(event.anchor)[:40]}: aliases are not supported")
            elif kind == "ScalarEvent":
                is_null = event.implicit[0] and event.value in NULLS and not event.style
                self._add("" if is_null else event.value, event, event)
            elif kind in ("SequenceStartEvent", "MappingStartEvent"):
                if kind == "SequenceStartEvent" and not self._stack:
                    raise _Wrong(line, "a list, not lines of the form `key: value`")
                self._open(event, [] if kind == "SequenceStartEvent" else {})
            elif kind in ("SequenceEndEvent", "MappingEndEvent"):
                self._close(event)

    def _open(self, event: Any, value: Value) -> None:
        if len(self._stack) == 1 and self._stack[0].key is not None:
            place = self._meaning.places[self._stack[0].key]
            place.start_line, place.start_column = event.start_mark.line, event.start_mark.column
        self._stack.append(_Frame(value))

    def _close(self, event: Any) -> None:
        value = self._stack.pop().value
        if self._stack:
            self._add(value, None, event)
        elif isinstance(value, dict):
            self._meaning.values = value

    def _add(self, value: Value, start: Any, end: Any) -> None:
        if not self._stack:
            raise _Wrong(end.start_mark.line, "text, not lines of the form `key: value`")
        frame = self._stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key is None:
            self._begin_key(frame, as_text(value), end.start_mark)
        elif isinstance(frame.value, dict):
            if len(self._stack) == 1:
                self._end_value(frame.key, start, end)
            frame.value[frame.key] = value
            frame.key = None

    def _begin_key(self, frame: _Frame, key: str, mark: Any) -> None:
        if key in frame.lines:
            first = frame.lines[key] + 2
            raise _Wrong(mark.line, f"the key {key[:60]!r} stands on line {first} already")
        frame.lines[key] = mark.line
        frame.key = key
        if len(self._stack) == 1:
            self._meaning.places[key] = Place(mark.line, mark.column)

    def _end_value(self, key: str, start: Any, end: Any) -> None:
        place = self._meaning.places[key]
        if start is not None:
            place.start_line, place.start_column = start.start_mark.line, start.start_mark.column
        place.end_line, place.end_column = end.end_mark.line, end.end_mark.column
