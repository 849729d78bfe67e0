"""Flaws around a block of frontmatter: none at all, no end, keys behind the end, lines that a sync put everywhere.

Contract: `injected(data)`, `unopened(data)`, `unclosed(data)`, `behind(document)` give flaws, with splices where there
is one safe answer. What goes is a copy of what stays, a placeholder, or the earlier of two stamps; all else moves.

Lines everywhere: `sed '/^key:/c…'` of old syncs, run on a file with CRLF ends, wrote `updated: TIME` or `github: URL`
behind every line, with a bare LF (FACTS of real projects: up to 930 such lines in one file).
"""

from __future__ import annotations

import re

from ccpm.errors import Malformed
from ccpm.files import frontmatter, yaml_caps
from ccpm.files.block_flaws import ISO, STAMPS, is_later, is_nothing, is_placeholder, value_splice
from ccpm.files.flaw import Flaw, Splice
from ccpm.files.frontmatter import BOM
from ccpm.files.yaml_inline import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.files.frontmatter import Document

_WRITTEN = re.compile(
    rb"^(?:(?:updated|last_sync): \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|github: https?://\S+)$", re.MULTILINE
)
_OFTEN = 3
"""Copies of one such line from which on no person wrote them."""

_MARKER = re.compile(rb"(?:---|\.\.\.)[ \t]*\r?\n?")
_KEY_LINE = re.compile(
    rb"(github|updated|last_sync|created|status|depends_on|conflicts_with|parallel|progress|version|prd)"
    rb":(?:[ \t]+([^\r\n]*?))?[ \t]*(\r?\n|\Z)"
)
_PLAIN_KEY = re.compile(rb"[A-Za-z_][\w-]*:(?:[ \t][^\n]*)?\r?\n|[ \t]+\S[^\n]*\n|- [^\n]*\n")


def injected(data: bytes) -> Flaw | None:
    """The lines that a sync wrote behind every line of the file."""
    if data.count(b"\nupdated: ") + data.count(b"\ngithub: ") + data.count(b"\nlast_sync: ") < _OFTEN:
        return None
    places: dict[bytes, list[int]] = {}
    for match in _WRITTEN.finditer(data):
        places.setdefault(match[0], []).append(match.start())
    places = {text: starts for text, starts in places.items() if len(starts) >= _OFTEN}
    count = sum(map(len, places.values()))
    if not count or (b"\r\n" not in data and count * 2 < data.count(b"\n")):
        return None
    starts = sorted(at for found in places.values() for at in found)
    line = data.count(b"\n", 0, starts[0]) + 1
    what = f"{count} lines were written into the file by an old sync, the first of them here: "
    what += ", ".join(text.partition(b":")[0].decode() for text in places)
    cuts = [Splice(at, _end_of_line(data, at)) for at in starts]
    keep = _kept(data, cuts, places)
    if keep is None:
        return Flaw(
            "injected", line, what, "the file's block has no end: mend that first, in an editor: {file}"
        )
    copies = tuple(places)
    return Flaw("injected", line, what, "", (*cuts, keep), copies)


def _kept(data: bytes, cuts: list[Splice], places: dict[bytes, list[int]]) -> Splice | None:
    """One of each line right behind the closing marker (`behind` then finds it a place), or in a block of its own."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    one_each = b"".join(text + end for text in places)
    gone = {cut.start for cut in cuts}
    at = len(BOM) if data.startswith(BOM) else 0
    opened = False
    is_first = True
    while at < len(data):
        following = _end_of_line(data, at)
        if at not in gone:
            is_marker = bool(_MARKER.fullmatch(data, at, following))
            if opened and is_marker:
                return Splice(following, following, one_each)
            if is_first:
                if not is_marker or data.startswith(b"...", at):
                    break
                opened, is_first = True, False
        at = following
    if opened:
        return None
    begin = len(BOM) if data.startswith(BOM) else 0
    return Splice(begin, begin, b"---" + end + one_each + b"---" + end + end)


def unopened(data: bytes) -> Flaw:
    """A file whose first line is not `---`. Blank lines above a block go; more is not known for certain."""
    what = "Missing frontmatter: {name}"
    begin = len(BOM) if data.startswith(BOM) else 0
    stripped = data[begin:].lstrip(b" \t\r\n")
    if stripped.startswith(b"---") and len(stripped) < len(data) - begin:
        try:
            document = frontmatter.parse(stripped)
        except Malformed:
            document = None
        if document and document.has_block and document.entries and not document.junk:
            return Flaw("no-frontmatter", 1, what, "", (Splice(begin, len(data) - len(stripped)),))
    hint = "begin the file with a line ---, then name: and status: on lines of their own, then a line ---: {file}"
    return Flaw("no-frontmatter", 1, what, hint)


def unclosed(data: bytes, error: Malformed) -> Flaw:
    """A block that cannot be read: it has no end, or breaks a limit. The end is put before the first heading if only
    keys stand above it."""
    message = f"{error.message[0].upper()}{error.message[1:]}"
    if error.details.get("line") != 1:
        line = error.details.get("line")
        return Flaw("too-large", line if isinstance(line, int) else 1, message, f"{error.hint}: {{file}}")
    at = first = _end_of_line(data, len(BOM) if data.startswith(BOM) else 0)
    while match := _PLAIN_KEY.match(data, at):
        at = match.end()
    rest = data[at:]
    heading = rest.lstrip(b" \t\r\n")
    if (
        first < at <= first + yaml_caps.BLOCK
        and (not heading or heading[:1] == b"#")
        and rest[:1] in b"\r\n#"
    ):
        end = b"\r\n" if data[first - 2 : first] == b"\r\n" else b"\n"
        return Flaw("unclosed", 1, message, "", (Splice(at, at, b"---" + end),))
    return Flaw("unclosed", 1, message, "put a line --- behind the last key, in an editor: {file}")


def starts_with_key(data: bytes, end: int) -> bool:
    """Whether the line behind the marker at `end` is one that belongs into a block."""
    return bool(_KEY_LINE.match(data, _end_of_line(data, end)))


def behind(document: Document) -> list[Flaw]:
    """Keys on the lines right behind the closing marker."""
    data = document.data
    at = _end_of_line(data, document.end)
    line = data.count(b"\n", 0, at) + 1
    found = []
    while at < len(data) and (match := _KEY_LINE.match(data, at)):
        found.append(_misplaced(document, match, line))
        at, line = match.end(), line + 1
    return found


def _misplaced(document: Document, match: re.Match[bytes], line: int) -> Flaw:
    key, value = match[1].decode(), (match[2] or b"").decode("utf-8", "surrogateescape")
    what = f"{key!r} stands behind the closing ---, where nothing reads it"
    cut = Splice(match.start(), match.end())
    place = _place(document, key, value, match[0])
    if place is None:
        hint = "its line in the block says something else: keep the right one, in an editor: {file}"
        return Flaw("after-marker", line, what, hint, key=key)
    splices, goes = place
    return Flaw("after-marker", line, what, "", (cut, *splices), goes, key)


def _place(
    document: Document, key: str, value: str, line: bytes
) -> tuple[tuple[Splice, ...], tuple[bytes, ...]] | None:
    """What happens in the block for the misplaced `line`: (splices, texts that may go); None if it is not certain."""
    if not document.is_editable:
        return None
    entries = document.find(key)
    if not entries:
        opening = document.data[: document.begin]
        end = b"\r\n" if opening.endswith(b"\r\n") else b"\n"
        return (Splice(document.end, document.end, line.rstrip(b"\r\n") + end),), ()
    for entry in entries:
        current = document.read(entry)
        raw = document.inline_text(entry).strip(" \t")
        if value in (raw, as_text(current)):
            return (), (line,)
    if len(entries) > 1 or "#" in raw:
        return None
    written = value.encode("utf-8", "surrogateescape")
    old = raw.encode("utf-8", "surrogateescape")
    is_stamp = key in STAMPS and ISO.fullmatch(value) and isinstance(current, str)
    if is_stamp and ISO.fullmatch(str(current)) and not is_later(value, str(current)):
        return (), (line,)
    later = is_stamp and ISO.fullmatch(str(current))
    if later or is_nothing(document, entry) or is_placeholder(document, entry):
        return (value_splice(document, entry, value),), (old, line, written)
    return None


def _end_of_line(data: bytes, at: int) -> int:
    newline = data.find(b"\n", at)
    return newline + 1 if newline >= 0 else len(data)
