"""Flaws inside a block of frontmatter: lines that are no YAML, and values that say less than they seem to.

Contract: `find(document)` gives every flaw of a closed block, with splices where there is one safe answer:
- several keys in one line are cut apart if each value but the last is one that scripts write whole;
- of two lines with one key the copy goes, or the empty one, or a placeholder; of two stamps the earlier;
- a value on one line that is no YAML gets quotes around all of it: that is how it is read already;
- the address of an issue without a key gets `github:`;
- a value that YAML cuts at ` #12` gets quotes.
Everything else is left with a hint. Blocks that are simple (nearly all) are judged without ruamel.yaml.
"""

from __future__ import annotations

import re

from ccpm.core import versions
from ccpm.errors import Malformed
from ccpm.files import frontmatter_problems, yaml_authority, yaml_inline
from ccpm.files.flaw import Flaw, Splice
from ccpm.files.frontmatter_lines import bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.frontmatter import Document
    from ccpm.files.frontmatter_lines import Entry

STAMPS = ("updated", "last_sync")
"""Keys that only scripts write, with the time of their last write."""

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PLACEHOLDER = re.compile(
    r"\[?\s*(?:will be|to be) (?:updated|set|added|filled)(?: in)?"
    r"(?: (?:when|once|after|on|by|during|with) (?:it is )?sync(?:ed|ing)?(?: (?:to|with) github)?)?\s*\]?",
    re.IGNORECASE,
)
"""What templates put behind `github:` until there is an issue, word for word: more than that, and somebody wrote it."""

_WHOLE = re.compile(
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?|https?://\S+|\d+%?|true|false"
    r"|\"[^\"\\]*\"|'[^']*'|\[[^\[\]]*\]|open|closed|completed|in-progress|pending|backlog"
)
"""Values that are complete as they stand: a key right behind one of them was glued to it."""

_ISSUE_LINE = re.compile(r"https?://\S+/(?:issues|pull)/\d+")
_MACHINE_KEYS = frozenset(
    "status created updated last_sync closed completed progress github prd epic version parallel depends_on "
    "conflicts_with priority size effort hours estimate estimated_hours effort_hours phase".split()
)
"""Keys whose values are words of a fixed set: what follows ` #` there is a comment."""

_EDIT = "mend that line in an editor, then look again: ccpm-fm-cas validate {file}"


def find(document: Document) -> list[Flaw]:
    """Every flaw of the block of `document`, in the order of the lines."""
    flaws: list[Flaw] = []
    if not frontmatter_problems.is_simple(document):
        flaws = _Broken(document).flaws()
    flaws += [flaw for entry in document.entries for flaw in _cut(document, entry)]
    flaws += _version(document)
    return sorted(flaws, key=lambda flaw: flaw.line)


def offsets(document: Document) -> list[int]:
    """Where each line of the block begins in the bytes of the file, and where the last one ends."""
    found = [document.begin]
    for line in document.lines:
        found.append(found[-1] + len(_encode(line)) + 1)
    return found


def value_splice(document: Document, entry: Entry, text: str) -> Splice:
    """`text` in place of the value of `entry`, which stands on one line; what is behind it on the line stays."""
    start, end = document.token(entry)
    line = document.lines[entry.first]
    at = offsets(document)[entry.first] + len(_encode(line[: entry.colon + 1 + start]))
    blank = b" " if line[entry.colon + start : entry.colon + 1 + start] == ":" else b""
    return Splice(
        at, at + len(_encode(line[entry.colon + 1 + start : entry.colon + 1 + end])), blank + _encode(text)
    )


def lines_splice(document: Document, entry: Entry) -> Splice:
    """The lines of `entry` cut out."""
    at = offsets(document)
    return Splice(at[entry.first], at[entry.last])


def is_nothing(document: Document, entry: Entry) -> bool:
    """Whether the line of `entry` has neither a value nor a comment."""
    return entry.last - entry.first == 1 and not document.inline_text(entry).strip(" \t")


def is_placeholder(document: Document, entry: Entry) -> bool:
    one_line = entry.last - entry.first == 1
    return entry.key == "github" and one_line and bool(
        PLACEHOLDER.fullmatch(document.inline_text(entry).strip(" \t\"'"))
    )  # fmt: skip


def is_later(one: str, other: str) -> bool:
    """Whether the stamp `one` is later than `other`; both are ISO, so their text sorts like their time."""
    return one > other


class _Broken:
    """The flaws of a block that is not simple, and so perhaps no YAML."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.firsts: dict[str, Entry] = {}

    def flaws(self) -> list[Flaw]:
        meaning = yaml_authority.load(self.document.text)
        if meaning.is_valid:
            return [] if self.document.is_editable else [_inline_block()]
        found = [self._junk(number) for number in self.document.junk]
        for entry in self.document.entries:
            first = self.firsts.setdefault(entry.key, entry)
            flaw = self._glued(entry) or (self._twice(first, entry) if first is not entry else None)
            flaw = flaw or self._not_yaml(entry)
            found += [flaw] if flaw else []
        return found or [Flaw("not-yaml", meaning.line + 2, f"not valid YAML: {meaning.reason}", _EDIT)]

    def _junk(self, number: int) -> Flaw:
        text = bare(self.document.lines[number]).strip(" \t")
        what = f"A line is neither `key: value` nor the rest of one: {text[:60]}"
        at = offsets(self.document)[number]
        if _ISSUE_LINE.fullmatch(text) and not self.document.find("github"):
            return Flaw("no-key", number + 2, what, "", (Splice(at, at, b"github: "),), key="github")
        hint = "put the key that it belongs to in front of it; ccpm-fm-cas validate {file} checks the block"
        return Flaw("no-key", number + 2, what, hint)

    def _glued(self, entry: Entry) -> Flaw | None:
        document = self.document
        text = document.inline_text(entry)
        if ":" not in text or entry.last - entry.first > 1 or document.read_simple(entry) is not None:
            return None
        matches = list(frontmatter_problems.SWALLOWED.finditer(text))
        if not matches or document.meaning_of(entry).is_valid:
            return None
        names = ", ".join([entry.key, *(match[1] for match in matches)])
        what = f"Several keys are glued into one line: {names}"
        starts = [0, *(match.end() for match in matches)]
        pieces = [text[start : match.start()] for start, match in zip(starts, matches, strict=False)]
        if not all(_WHOLE.fullmatch(piece.strip(" ")) for piece in pieces):
            return Flaw(
                "glued", entry.first + 2, what, f"give each of them a line of its own: {_EDIT}", key=entry.key
            )
        line = document.lines[entry.first]
        end = b"\r\n" if line.endswith("\r") else b"\n"
        base = offsets(document)[entry.first]
        cuts = [base + len(_encode(line[: entry.colon + 1 + match.start()])) for match in matches]
        splices = tuple(Splice(cut, cut, end) for cut in cuts)
        return Flaw("glued", entry.first + 2, what, "", splices, key=entry.key)

    def _twice(self, first: Entry, entry: Entry) -> Flaw:
        document = self.document
        what = f"The key {entry.key!r} stands on line {first.first + 2} already"
        extra = self._extra(first, entry)
        if extra is not None:
            splice = lines_splice(document, extra)
            gone = document.data[splice.start : splice.end]
            return Flaw("duplicate-key", entry.first + 2, what, "", (splice,), (gone,), entry.key)
        hint = f"keep one of the two lines (the first is the one that is read): {_EDIT}"
        return Flaw("duplicate-key", entry.first + 2, what, hint, key=entry.key)

    def _extra(self, first: Entry, entry: Entry) -> Entry | None:
        """Which of two entries of one key says nothing that the other does not say; None if both do."""
        document = self.document
        if "#" in "".join(document.lines[entry.first : entry.last]):
            return None  # a comment may stand there, or a part of the value behind ` #`
        if is_nothing(document, entry):
            return entry
        if is_nothing(document, first):
            return first
        one, other = document.read(first), document.read(entry)
        if one == other and self._is_all_said(first, entry):
            return entry
        if is_placeholder(document, entry) or is_placeholder(document, first):
            return entry if is_placeholder(document, entry) else first
        if "#" in "".join(document.lines[first.first : first.last]):
            return None
        if entry.key in STAMPS and all(isinstance(v, str) and ISO.fullmatch(v) for v in (one, other)):
            return first if is_later(str(other), str(one)) else entry
        return None

    def _is_all_said(self, first: Entry, entry: Entry) -> bool:
        """Whether two entries that mean the same also hold the same text: anchors and tags have no part in a value."""
        document = self.document
        if document.lines[first.first : first.last] == document.lines[entry.first : entry.last]:
            return True
        return document.read_simple(first) is not None and document.read_simple(entry) is not None

    def _not_yaml(self, entry: Entry) -> Flaw | None:
        document = self.document
        if document.read_simple(entry) is not None:
            return None
        meaning = document.meaning_of(entry)
        if meaning.is_valid:
            return None
        line = entry.first + min(meaning.line, entry.last - entry.first - 1) + 2
        what = f"The value of {entry.key!r} is not valid YAML: {meaning.reason}"
        quoted = self._quoted(entry)
        if quoted is not None:
            return Flaw("not-yaml", line, what, "", (quoted,), key=entry.key)
        hint = f"put quotes around the value: {_EDIT}"
        return Flaw("not-yaml", line, what, hint, key=entry.key)

    def _quoted(self, entry: Entry) -> Splice | None:
        """The whole value in quotes, None where something else may be meant: a quote or bracket that is not closed,
        a comment, a list, a block scalar."""
        document = self.document
        text = document.inline_text(entry).strip(" \t")
        lists = entry.key in ("depends_on", "conflicts_with")
        opens = text[:1] in ("[", "{") and text.count(text[0]) > text.count("]" if text[0] == "[" else "}")
        if (
            entry.last - entry.first > 1
            or lists
            or opens
            or " #" in text
            or text[:1] in ("", '"', "'", "|", ">", "#")
        ):
            return None
        written = yaml_inline.write_scalar(text)
        inline = yaml_inline.read(written)
        if inline is None or inline.value != text:
            return None
        line = bare(document.lines[entry.first])
        head = line[: entry.colon + 1]
        if not yaml_authority.load(f"{head} {written}\n").is_valid:
            return None
        start = line.index(text, entry.colon + 1)
        at = offsets(document)[entry.first] + len(_encode(line[:start]))
        blank = b" " if start == entry.colon + 1 else b""
        return Splice(at, at + len(_encode(text)), blank + _encode(written))


def _cut(document: Document, entry: Entry) -> list[Flaw]:
    text = document.inline_text(entry)
    if " #" not in text or entry.last - entry.first > 1 or entry.key.lower() in _MACHINE_KEYS:
        return []
    inline = document.read_simple(entry)
    if inline is None or not inline.value or text[inline.start] in "\"'[":
        return []
    comment = text[inline.end :].strip(" ")
    if comment[1:2] in ("", " ", "#", "!"):
        return []  # a comment as people write them
    what = f"The value of {entry.key!r} is cut: YAML takes {comment[:40]!r} for a comment"
    whole = text.strip(" ")
    written = yaml_inline.write_scalar(whole)
    if comment[1:2].isdigit():
        head = len(_encode(bare(document.lines[entry.first])[: entry.colon + 1 + inline.start]))
        at = offsets(document)[entry.first] + head
        splice = Splice(at, at + len(_encode(whole)), _encode(written))
        return [Flaw("cut", entry.first + 2, what, "", (splice,), key=entry.key)]
    hint = (
        "if it belongs to the value, quote the whole; if it is a comment, put a blank behind the #: "
        "ccpm-fm-cas update {file} " + f"'{entry.key}=…'"
    )
    return [Flaw("cut", entry.first + 2, what, hint, key=entry.key)]


def _version(document: Document) -> list[Flaw]:
    found = document.find(versions.KEY)
    try:
        versions.of(document.get(versions.KEY))
    except Malformed as error:
        line = found[0].first + 2 if found else 2
        what = f"{error.message[0].upper()}{error.message[1:]}"
        hint = "give it a whole number, and a product's version another key, in an editor: {file}"
        return [Flaw("bad-version", line, what, hint, key=versions.KEY)]
    return []


def _inline_block() -> Flaw:
    what = "The keys do not stand on lines of their own, so they can be read but not written"
    return Flaw("inline-block", 2, what, "write one `key: value` a line, in an editor: {file}")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
