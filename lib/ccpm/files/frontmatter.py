"""The frontmatter of a markdown file: where it is, which lines belong to which key, what each key says.

Contract: `parse(data)` takes the bytes of a whole file. A block begins on the first line (after a byte order mark) with
`---` and ends before the next line that is `---` or `...`; blanks and a carriage return may follow the marker.
The lines of a key are its own and the ones that continue it: indented ones, `- ` lists at column 0, the rest of a
quoted or bracketed value. Comments and blank lines between keys belong to nobody.

Guarantees
- Reading is per key: what a key says depends on its own lines alone, so no other broken line can hide it. Where they
  are YAML, `get` gives what ruamel.yaml gives, as text (ids keep leading zeros, null is ""); where they are not, the
  text behind the colon, without the quotes around it.
- Of a key that stands there twice the FIRST counts: `grep -m1` reads that one, and sync tools insert theirs on top.
- ruamel.yaml is imported only for values that yaml_inline does not know, or when lines cannot be told apart without it.
- A block that is not closed, is larger than 64 KiB, is nested too deep or uses aliases is Malformed (65).

Non-guarantees: keys that YAML knows and lines do not (`{a: 1}` as the whole block, `? key`, indented keys) can be read
but not edited. Bytes that are no UTF-8 are kept, and shown as surrogate escapes.
"""

from __future__ import annotations

from ccpm.errors import Malformed
from ccpm.files import frontmatter_lines, yaml_caps, yaml_inline
from ccpm.files.frontmatter_lines import bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.frontmatter_lines import Entry
    from ccpm.files.yaml_authority import Meaning
    from ccpm.files.yaml_inline import Inline, Value

BOM = b"\xef\xbb\xbf"


class Document:
    """A parsed file. `begin` and `end` are the byte offsets of the block between the markers, `lines` its lines."""

    __slots__ = ("_foreign", "begin", "data", "end", "entries", "has_block", "junk", "lines", "text")

    def __init__(self, data: bytes, begin: int, end: int, has_block: bool) -> None:
        self.data = data
        self.begin = begin
        self.end = end
        self.has_block = has_block
        self.text = data[begin:end].decode("utf-8", "surrogateescape")
        yaml_caps.check(self.text)
        self.lines = self.text.split("\n")[:-1]
        self._foreign: dict[str, Value] | None = None
        scan = frontmatter_lines.Scan(self.lines)
        self.entries, self.junk = scan.entries, scan.junk
        if scan.is_doubtful or _has_lone_cr(self.text):
            self._ask_authority()

    def _ask_authority(self) -> None:
        """Take the keys from ruamel.yaml if the block is YAML; else what the lines look like is all there is."""
        from ccpm.files import yaml_authority

        meaning = yaml_authority.load(self.text)
        if not meaning.is_valid:
            return
        self.junk = []
        entries = frontmatter_lines.entries_of(meaning, self.lines)
        if entries is None:
            self._foreign = meaning.values
        self.entries = entries or []

    @property
    def is_editable(self) -> bool:
        """Whether each key has lines of its own."""
        return self._foreign is None

    def parts(self) -> tuple[bytes, bytes]:
        """The bytes between the markers, and those behind the line of the second one; without a block, all is body."""
        if not self.has_block:
            return b"", self.data[self.begin :]
        newline = self.data.find(b"\n", self.end)
        return self.data[self.begin : self.end], self.data[newline + 1 :] if newline >= 0 else b""

    def keys(self) -> list[str]:
        """The keys in order, each once."""
        return list(dict.fromkeys(entry.key for entry in self.entries)) or list(self._foreign or ())

    def find(self, key: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.key == key]

    def get(self, key: str) -> Value | None:
        """The value of `key`: text, a list or a mapping of such; None if there is no such key."""
        for entry in self.entries:
            if entry.key == key:
                return self.read(entry)
        return self._foreign.get(key) if self._foreign else None

    def get_text(self, key: str) -> str | None:
        """The value of `key` as one word or line for a shell: a list that is written in brackets stays as written."""
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        found = self.find(key)
        raw = self.raw(key) if found and found[0].last - found[0].first == 1 else None
        return raw if raw else yaml_inline.as_text(value)

    def raw(self, key: str) -> str | None:
        """The characters of the value of `key` as they stand, quotes and line breaks included, a comment not."""
        found = self.find(key)
        if not found:
            return None
        entry = found[0]
        if entry.last - entry.first > 1:
            return "\n".join([self.inline_text(entry), *self.continuation(entry)]).strip()
        text = self.inline_text(entry)
        start, end = self.token(entry)
        return text[start:end]

    def values(self) -> dict[str, Value]:
        """Every key with its value."""
        if self._foreign is not None:
            return dict(self._foreign)
        found: dict[str, Value] = {}
        for entry in self.entries:
            if entry.key not in found:
                found[entry.key] = self.read(entry)
        return found

    def inline_text(self, entry: Entry) -> str:
        """What stands behind the colon on the key's own line."""
        return bare(self.lines[entry.first])[entry.colon + 1 :]

    def continuation(self, entry: Entry) -> list[str]:
        return [bare(line) for line in self.lines[entry.first + 1 : entry.last]]

    def read(self, entry: Entry) -> Value:
        simple = self.read_simple(entry)
        if simple is not None:
            return simple.value
        meaning = self.meaning_of(entry)
        for value in meaning.values.values() if meaning.is_valid else ():
            return value
        return yaml_inline.line_value(self.inline_text(entry))

    def read_simple(self, entry: Entry) -> Inline | None:
        """The value of `entry` without ruamel.yaml: None where only that can tell."""
        inline = yaml_inline.read(self.inline_text(entry))
        if inline is None or entry.last - entry.first == 1:
            return inline
        if inline.end:
            return None
        items = _read_block_list(self.continuation(entry))
        return None if items is None else yaml_inline.Inline(items, 0, 0)

    def meaning_of(self, entry: Entry) -> Meaning:
        """What ruamel.yaml makes of the lines of `entry` alone."""
        from ccpm.files import yaml_authority

        return yaml_authority.load("\n".join([*self.lines[entry.first : entry.last], ""]))

    def token(self, entry: Entry) -> tuple[int, int]:
        """Where the value begins and ends in the `inline_text` of a one-line entry."""
        text = self.inline_text(entry)
        inline = yaml_inline.read(text)
        if inline is not None:
            return inline.start, inline.end
        end = len(text.rstrip(" \t"))
        start = len(text) - len(text.lstrip(" \t"))
        meaning = self.meaning_of(entry)
        if meaning.is_valid and meaning.places:
            place = next(iter(meaning.places.values()))
            if place.end_line == 0:
                end = place.end_column - entry.colon - 1
        return start, max(start, end)


def parse(data: bytes) -> Document:
    """The frontmatter of a file with the content `data`; Malformed (65) if it is not closed or breaks a limit."""
    return Document(data, *locate(data))


def locate(data: bytes) -> tuple[int, int, bool]:
    """(begin, end, whether there is one) of the block between the markers; Malformed (65) as in `parse`."""
    if data.startswith(
        b"---\n"
    ):  # as nearly every file has it, and no other marker comes before the second one
        end = data.find(b"\n---", 3, yaml_caps.BLOCK)
        if end >= 0 and data.startswith(b"\n", end + 4) and data.find(b"\n...", 3, end) < 0:
            return 4, end + 1, True
    begin = len(BOM) if data.startswith(BOM) else 0
    start = _end_of_opening(data, begin)
    if start < 0:
        return begin, begin, False
    most = min(len(data), start + yaml_caps.BLOCK + 8)
    end = _find_closing(data, start, most)
    if end < 0 and most == len(data):
        raise Malformed(
            "line 1 opens frontmatter with --- and no later line closes it",
            "put a line --- behind the last key",
            line=1,
        )
    if end < 0 or end - start > yaml_caps.BLOCK:
        raise yaml_caps.too_large()
    return start, end, True


def _end_of_opening(data: bytes, begin: int) -> int:
    """The offset behind the first line if that is `---`, else -1."""
    if not data.startswith(b"---", begin):
        return -1
    newline = data.find(b"\n", begin)
    end = newline + 1 if newline >= 0 else len(data)
    return -1 if data[begin + 3 : end].strip(b" \t\r\n") else end


def _find_closing(data: bytes, start: int, most: int) -> int:
    """The offset of the first line from `start` on that is `---` or `...`, -1 if none begins and ends before `most`."""
    found = _find_marker(data, b"\n---", start - 1, most)
    dots = _find_marker(data, b"\n...", start - 1, most if found < 0 else found)
    return found if dots < 0 else dots


def _find_marker(data: bytes, marker: bytes, start: int, most: int) -> int:
    at = data.find(marker, max(0, start), most)
    while at >= 0:
        newline = data.find(b"\n", at + 4, most)
        end = newline if newline >= 0 else most
        if (newline >= 0 or most == len(data)) and not data[at + 4 : end].strip(b" \t\r"):
            return at + 1
        at = data.find(marker, at + 4, most)
    return -1


def _read_block_list(lines: list[str]) -> Value | None:
    items: list[Value] = []
    indent = -1
    for line in lines:
        content = line.lstrip(" ")
        if not content or content[0] == "#":
            continue
        column = len(line) - len(content)
        item = yaml_inline.read(content[1:]) if content[:2] == "- " else None
        if item is None or indent not in (-1, column):
            return None
        indent = column
        items.append(item.value)
    return items


def _has_lone_cr(text: str) -> bool:
    """Whether YAML sees line ends that are none here: a carriage return alone (YAML 1.2.2, 5.4)."""
    return "\r" in text and text.count("\r") != text.count("\r\n")
