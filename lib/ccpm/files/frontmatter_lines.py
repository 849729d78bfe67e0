"""Which lines of a block of frontmatter belong to which key.

Contract: `Scan(lines)` judges by first characters, without YAML; where that cannot be sure (`is_doubtful`),
`entries_of` takes the keys from what ruamel.yaml saw. The lines of a key are its own and the ones that continue it,
trailing comments and blank lines not.
"""

from __future__ import annotations

from ccpm.files import yaml_inline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.yaml_authority import Meaning

_NO_KEY = frozenset("-?:,[]{}&*!|>%@`")
_BLOCK_SCALAR = r"(?:^| )[|>]([-+0-9]*) *(?:#.*)?$"
_OPENER = r"(?:^|[-:?][ \t])[ \t]*([\"'\[{])"
_STRUCTURE = r"(?s)\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|(?<=[ \n])#[^\n]*|[\[\]{}\"']"


class Entry:
    """The lines `first` to `last` (exclusive, zero-based in the block) of `key`; its value begins behind `colon`."""

    __slots__ = ("colon", "first", "key", "last")

    def __init__(self, key: str, first: int, last: int, colon: int) -> None:
        self.key = key
        self.first = first
        self.last = last
        self.colon = colon


class Scan:
    """`entries` in order, `junk`: numbers of the lines that are neither key, continuation, comment nor blank."""

    __slots__ = ("_block", "_texts", "entries", "is_doubtful", "junk")

    def __init__(self, lines: list[str]) -> None:
        self.entries: list[Entry] = []
        self.junk: list[int] = []
        self.is_doubtful = False
        self._texts: list[str] = []
        self._block = ""
        for number, line in enumerate(lines):
            self._take(number, line)
        if not self.is_doubtful:
            pairs = zip(self.entries, self._texts, strict=True)
            self.is_doubtful = any(_is_open(text, entry, lines) for entry, text in pairs)

    def _take(self, number: int, line: str) -> None:
        first = line[:1]
        if not line.strip(" \t\r"):
            if _keeps_blank(self._block, line):
                self.entries[-1].last = number + 1
        elif first in " \t":
            self._continue_indented(number, line)
        elif first == "#":
            self._block = ""
            self.is_doubtful |= _has_odd_break(line)
        elif first == "-" and line[1:2] in " \t\r":
            self._continue_list(number)
        elif first in "]}" and not self._is_behind_junk() and self._texts[-1].lstrip(" ")[:1] in ("[", "{"):
            self.entries[-1].last = number + 1
        else:
            self._begin(number, line)

    def _is_behind_junk(self) -> bool:
        return not self.entries or bool(self.junk and self.junk[-1] > self.entries[-1].first)

    def _continue_indented(self, number: int, line: str) -> None:
        is_comment = not self._block and line.lstrip(" \t")[:1] == "#"
        if is_comment:
            self.is_doubtful |= _has_odd_break(line)
            return
        if self._is_behind_junk():
            self._reject(number)
        else:
            self.entries[-1].last = number + 1

    def _continue_list(self, number: int) -> None:
        if self._is_behind_junk() or self._texts[-1].strip(" ")[:1] not in ("", "#"):
            self._reject(number)
        else:
            self.entries[-1].last = number + 1

    def _begin(self, number: int, line: str) -> None:
        self._block = ""
        text = bare(line)
        found = split_key(text)
        if found is None:
            name, _, rest = text.partition(":")
            if not name.replace("-", "_").isidentifier() or rest[:2] in ("", "//"):
                self._reject(number)
                return
            self.is_doubtful = True
            found = name, len(name)
        key, colon = found
        self.is_doubtful |= _has_odd_break(key)
        text = text[colon + 1 :]
        self.entries.append(Entry(key, number, number + 1, colon))
        self._texts.append(text)
        self._block = _block_header(text)

    def _reject(self, number: int) -> None:
        self.junk.append(number)
        self.is_doubtful = True


def _has_odd_break(text: str) -> bool:
    """Whether `text` holds what only YAML 1.1 takes for a line break: what follows it may be a key."""
    return not text.isascii() and ("\x85" in text or "\u2028" in text or "\u2029" in text)


def bare(line: str) -> str:
    """`line` without the carriage return of a CRLF line end."""
    return line[:-1] if line.endswith("\r") else line


def split_key(line: str) -> tuple[str, int] | None:
    """(key, column of its colon) of a line that begins with `key:` and then a blank or nothing; None for another."""
    first = line[:1]
    if first in ("'", '"'):
        end = line.find(first, 1)
        if end < 0 or "\\" in line[:end]:
            return None
        rest = line[end + 1 :]
        colon = end + 1 + len(rest) - len(rest.lstrip(" "))
        key = line[1:end]
    else:
        colon = line.find(":")
        while colon >= 0 and line[colon + 1 : colon + 2] not in ("", " ", "\t"):
            colon = line.find(":", colon + 1)
        key = line[: max(colon, 0)].rstrip(" ")
        if not key or first in _NO_KEY or "#" in key:
            return None
    if line[colon : colon + 1] != ":" or line[colon + 1 : colon + 2] not in ("", " ", "\t"):
        return None
    return key, colon


def entries_of(meaning: Meaning, lines: list[str]) -> list[Entry] | None:
    """The entries that ruamel.yaml sees; None unless each key begins a line of its own at column 0."""
    starts = [place.line for place in meaning.places.values()]
    if not starts:
        return []  # comments, or nothing that YAML sees
    entries = []
    for (key, place), following in zip(meaning.places.items(), [*starts[1:], len(lines)], strict=True):
        found = split_key(bare(lines[place.line])) if place.line < len(lines) else None
        if place.column or found is None or found[0] != key or following <= place.line:
            return None
        entry = Entry(key, place.line, place.line + 1, found[1])
        if place.end_column > 0:
            entry.last = max(entry.last, place.end_line + 1)
        else:  # a block list, mapping or scalar: it ends where the next token begins
            entry.last = _last_line(lines, entry, following)
        entries.append(entry)
    return entries


def _last_line(lines: list[str], entry: Entry, following: int) -> int:
    block = _block_header(bare(lines[entry.first])[entry.colon + 1 :])
    for last in range(following, entry.first + 1, -1):
        line = lines[last - 1] if block else lines[last - 1].lstrip(" \t")
        if line[:1] != "#" and (line.strip(" \t\r") or _keeps_blank(block, lines[last - 1])):
            return last
    return entry.first + 1


def _block_header(text: str) -> str:
    """`|` and the indicators behind it if `text` opens a block scalar, or ""."""
    if "|" not in text and ">" not in text:
        return ""
    import re

    match = re.search(_BLOCK_SCALAR, text)
    return f"|{match[1]}" if match else ""


def _keeps_blank(block: str, line: str) -> bool:
    """Whether a blank line may be content of the block scalar with the header `block`: `|+` keeps all of them, the
    others those with more blanks than the text is indented by."""
    return bool(block) and ("+" in block or bare(line) != "")


def _is_open(text: str, entry: Entry, lines: list[str]) -> bool:
    """Whether a value begins with a quote or bracket that is not closed within its lines, or a part of it on one of
    the further lines is not closed there."""
    further = lines[entry.first + 1 : entry.last]
    if text.lstrip(" \t")[:1] in ("[", "{", '"', "'"):
        return yaml_inline.read(text) is None and not _is_closed("\n".join([text.lstrip(" \t"), *further]), 0)
    if _block_header(text):
        return False
    return any(_leaves_open(line) for line in further)


def _leaves_open(line: str) -> bool:
    """Whether a quote or bracket where a value may begin is not closed on `line`."""
    if not any(char in line for char in "\"'[{"):
        return False
    import re

    return any(not _is_closed(line, match.start(1)) for match in re.finditer(_OPENER, line))


def _is_closed(text: str, start: int) -> bool:
    """Whether the quote or bracket at `start` finds its partner."""
    import re

    depth = 0
    for part in re.compile(_STRUCTURE).finditer(text, start):
        if part[0] in ('"', "'"):
            return False
        if part[0] in ("[", "{"):
            depth += 1
        elif part[0] in ("]", "}"):
            depth -= 1
        if depth <= 0:
            return True
    return False
