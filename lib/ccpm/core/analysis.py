"""Analyses of issues (`<issue>-analysis.md`): into which streams the work is divided, and which files each changes.

Contract: pure, and lenient: people and models write these files in many shapes. `parse` finds the streams that a
heading names (`### Stream A: Database`, in bold, numbered, `流A：…`) and below each the lists of files behind a label
(`**Files**:`, `Files to create:`, a heading `Files`), in backquotes or bare, one a line or in one line; without such a
label, the list items that begin with a path in backquotes. What is not found is said in `problems`, each with what to
write.

Guarantee: every pattern is valid in the sense of core/patterns.py. A path without a wildcard means exactly that file or
folder, from the project's top; brackets in it are part of a name (`app/[id]/page.tsx`).
Non-guarantee: prose is not understood. A file that is only mentioned in a sentence is not found.
"""

from __future__ import annotations

import re

from ccpm.core import patterns
from ccpm.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_BOLD = re.compile(r"^\s*\*\*(.+?)\*\*\s*:?$")
_STREAM = re.compile(
    r"^\W*(?i:(?:work|parallel)\s+)?(?:(?i:stream)\s+#?|流\s*)([A-Z]|\d{1,2})(?![\w])\s*"
    r"(?:[:：.\-–—]+\s*(?P<title>.*)|(?P<rest>[(（].*)?)$"
)
_LABEL = re.compile(
    r"^\s*(?:[-*+]\s+)?\**(?:#{2,6}\s+)?\**"
    r"(?P<label>(?:[\w/-]+\s+){0,2}?files?\b[^:：*`]{0,40}?|\w{0,4}文件\w{0,6}|can start|depend\w* on|dependenc\w+)"
    r"\s*(?:\*\*\s*[:：]?|[:：]\s*\**|$)\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?(.*)$")
_ROW = re.compile(r"^\s*\|\s*(`[^`]+`)\s*\|")
_QUOTED = re.compile(r"`([^`]+)`")
_BEHIND = re.compile(r"\s+[-–—→]+\s|[:：]\s")
_NAMES = frozenset(
    ["Makefile", "Dockerfile", "Procfile", "Gemfile", "Rakefile", "LICENSE", "CODEOWNERS", "Jenkinsfile"]
)
_MENTION = re.compile(
    r"(?:stream|流)s?\s*([A-Z]|\d{1,2})\b((?:\s*(?:,|&|and|/|、|\+)\s*(?:stream\s*)?(?:[A-Z]|\d{1,2})\b)*)",
    re.IGNORECASE,
)
_AT_ONCE = re.compile(r"immediate|立即|simultaneous|parallel|any\s?time|now|yes", re.IGNORECASE)
_AFTER = re.compile(r"after|once|when|until|之后|完成后", re.IGNORECASE)


class FoundStream:
    """A stream as an analysis describes it: its letter (or number), title, patterns, and the letters it `waits_for`."""

    __slots__ = ("files", "letter", "line", "title", "waits_for")

    def __init__(self, letter: str, title: str, line: int) -> None:
        self.letter = letter
        self.title = title
        self.line = line
        self.files: list[str] = []
        self.waits_for: list[str] = []


class Analysis:
    """`streams` in the order of the file; `problems`: what is missing, in words, with the line where there is one."""

    __slots__ = ("problems", "streams")

    def __init__(self) -> None:
        self.streams: list[FoundStream] = []
        self.problems: list[str] = []

    def find(self, letter: str) -> FoundStream | None:
        return next((one for one in self.streams if one.letter == letter.upper()), None)


class Overlap:
    """Two streams that could change one file, for example `path`."""

    __slots__ = ("first", "path", "second")

    def __init__(self, first: FoundStream, second: FoundStream, path: str) -> None:
        self.first = first
        self.second = second
        self.path = path


def parse(text: str) -> Analysis:
    analysis = Analysis()
    lines = text.splitlines()
    for stream, body in _sections(lines):
        _read_section(stream, body, analysis)
        before = analysis.find(stream.letter)
        if before is None:
            analysis.streams.append(stream)
        elif not before.files and stream.files:  # a list of streams first, the details of each below
            before.files, before.waits_for = stream.files, before.waits_for or stream.waits_for
    known = {one.letter for one in analysis.streams}
    for one in analysis.streams:
        waits_for = dict.fromkeys(one.waits_for)
        one.waits_for = [letter for letter in waits_for if letter in known and letter != one.letter]
        if not one.files:
            analysis.problems.append(
                f"line {one.line}: stream {one.letter} names no files; write `**Files**:` and a list of paths below it"
            )
    for one in analysis.streams:
        if one.letter in _before(one.letter, analysis.streams):
            analysis.problems.append(
                f"line {one.line}: stream {one.letter} waits for itself, by way of {', '.join(one.waits_for)}; "
                "let one of them begin"
            )
    if not analysis.streams:
        analysis.problems.append(
            "no stream is described; write a heading `### Stream A: TITLE` for each, and `**Files**:` below it"
        )
    return analysis


def overlaps(streams: list[FoundStream]) -> list[Overlap]:
    """Every pair of streams that could change one file at the same time: none of them waits for the other."""
    found = []
    before = {one.letter: _before(one.letter, streams) for one in streams}
    for place, first in enumerate(streams):
        for second in streams[place + 1 :]:
            if first.letter in before[second.letter] or second.letter in before[first.letter]:
                continue
            path = patterns.meet(first.files, second.files)
            if path:
                found.append(Overlap(first, second, path))
    return found


def _before(letter: str, streams: list[FoundStream]) -> set[str]:
    """The letters of all streams that have to be completed before `letter` begins."""
    waits_for = {one.letter: one.waits_for for one in streams}
    found: set[str] = set()
    pending = [*waits_for[letter]]
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending += waits_for.get(one, [])
    return found


def _sections(lines: list[str]) -> Iterator[tuple[FoundStream, list[str]]]:
    """Each stream with the lines below its heading, up to the next heading that is not inside."""
    current: tuple[FoundStream, int] | None = None
    body: list[str] = []
    is_code = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        heading = None if is_code else _HEADING.match(line)
        level = len(heading[1]) if heading else 7
        text = heading[2] if heading else _whole_bold(line)
        stream = None if is_code or not text else _stream_of(text, number)
        if stream or (heading and current and level <= current[1]):
            if current:
                yield current[0], body
            current, body = (stream, level) if stream else None, []
        elif current:
            body.append(line)
    if current:
        yield current[0], body


def _whole_bold(line: str) -> str:
    match = _BOLD.match(line)
    return match[1] if match else ""


def _stream_of(text: str, line: int) -> FoundStream | None:
    match = _STREAM.match(text.replace("**", "").strip())
    if not match:
        return None
    title = (match["title"] or (match["rest"] or "").strip("（）()")).strip()
    return FoundStream(match[1], title, line)


def _read_section(stream: FoundStream, body: list[str], analysis: Analysis) -> None:
    is_list = False
    is_code = False
    for line in body:
        if line.lstrip().startswith("```"):
            is_code = not is_code
            continue
        label = None if is_code else _LABEL.match(line)
        if label and not _is_path(label["label"].strip("* ")):
            kind = label["label"].lower()
            is_list = "file" in kind or "文件" in kind
            if is_list:
                _take(stream, label["rest"], analysis, False)
            else:
                stream.waits_for += _waits(kind, label["rest"])
            continue
        if not is_list or not line.strip():
            continue
        item, row = _ITEM.match(line), _ROW.match(line)
        if item or row or is_code:
            _take(stream, row[1] if row else item[1] if item else line, analysis, True)
        elif not line.startswith((" ", "\t", "|")):
            is_list = False
    if not stream.files:  # under whatever label: items that begin with a path in backquotes
        for line in body:
            item = _ITEM.match(line)
            if item and item[1].startswith("`"):
                _take(stream, item[1], analysis, True)


def _take(stream: FoundStream, text: str, analysis: Analysis, is_item: bool) -> None:
    for path in _paths_in(text, is_item):
        for pattern in _patterns_of(path):
            try:
                kept = patterns.check([pattern])
            except UsageError as error:
                analysis.problems.append(f"line {stream.line}: stream {stream.letter}: {error.message}")
                continue
            stream.files += [one for one in kept if one not in stream.files]


def _paths_in(text: str, is_item: bool) -> list[str]:
    """The paths that a list item, or the rest of a line behind a label, begins with; what explains them is left out."""
    text = text.strip()
    quoted = list(_QUOTED.finditer(text))
    if quoted:
        if is_item:
            behind = _BEHIND.search(text, quoted[0].end())
            quoted = [one for one in quoted if behind is None or one.start() < behind.start()]
        return [path for one in quoted if _is_path(path := _bare(one[1]))]
    found = []
    for part in re.split(r"[,，、;]\s*", text):
        words = part.replace("**", "").split()
        if words and _is_path(path := _bare(words[0])):
            found.append(path)
        elif is_item:
            break
    return found


def _bare(text: str) -> str:
    path = text.strip().strip("\"'").rstrip(",;").strip()
    path = re.sub(r"^\*\*([^/*].*[^/*])\*\*$", r"\1", path)  # bold
    path = re.sub(r":\d+(?:-\d+)?$", "", path)
    return path.removesuffix("...").removesuffix("…") if "/" in path else path.rstrip(":")


def _is_path(text: str) -> bool:
    if not text or any(c.isspace() for c in text) or "://" in text or text.startswith(("-", "@", "$", "<")):
        return False
    if text.endswith((")", "(", "=")) or re.fullmatch(r"[\d./]+%?", text) or text.strip("./*") == "":
        return text in ("*", "**")
    name = text.rstrip("/").rpartition("/")[2]
    return (
        "/" in text or text in _NAMES or bool(re.fullmatch(r"[\w.*?\[\]{},-]*\.[A-Za-z*][\w*-]{0,12}", name))
    )


def _patterns_of(path: str) -> list[str]:
    """`path` in gitignore syntax; `{a,b}` is written out, and a placeholder `{name}` means any name."""
    brace = re.search(r"\{([^{}/]*)\}", path)
    if brace:
        choices = brace[1].split(",") if "," in brace[1] else ["*"]
        return [
            one
            for choice in choices
            for one in _patterns_of(path[: brace.start()] + choice.strip() + path[brace.end() :])
        ]
    path = re.sub(r"^(?:\./)+", "", path)
    if "*" not in path and "?" not in path:
        return [patterns.quoted(path) + ("/" if path.endswith("/") else "")]
    return [re.sub(r"([\\\[\]!#])", r"\\\1", path)]


def _waits(kind: str, text: str) -> list[str]:
    if kind.startswith("can"):
        if not _AFTER.search(text) or _AT_ONCE.match(text.strip("* ")):
            return []
        text = text[_AFTER.search(text).start() :]  # type: ignore[union-attr]
        text = re.split(r"\bparallel\b", text)[0]
    elif re.match(r"\W*(?:none|无|n/?a)\b", text, re.IGNORECASE):
        return []
    found = []
    for mention in _MENTION.finditer(text):
        found += [mention[1].upper(), *re.findall(r"\b([A-Z]|\d{1,2})\b", mention[2])]
    return list(dict.fromkeys(found))
