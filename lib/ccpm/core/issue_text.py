"""What the text of a file becomes in an issue, and back.

Contract: pure. An issue's body is the file's text below its frontmatter, without blank lines around it, and behind it
a marker, an HTML comment that no reader sees: `<!-- ccpm:UUID -->`. By it an issue is found again whose creation was
not answered. An epic's body leaves out the section "Tasks Created", which is about files; where the tracker knows no
sub-issues, a list of its tasks between two markers of its own stands there instead.

Guarantee: `strip(compose(text, …)) == strip(text)`. Both sides of a comparison go through `strip`, so that nothing
which this module adds, and nothing that looks like it, counts as a change. Guarantee: no path of this machine gets
out (`hide_paths`): what lies below the project's top becomes relative, what lies below the home directory begins with
`~`.
"""

from __future__ import annotations

import re

LONGEST = 65_536
"""Characters of an issue's or a comment's body that GitHub accepts ("body is too long (maximum is 65536
characters)")."""

LONGEST_TITLE = 256
LONGEST_LABEL = 50
"""GitHub refuses longer titles and labels (422)."""

_MARKER = re.compile(r"\s*<!-- ccpm:([0-9a-f-]{36}) -->")
_LIST_BEGIN, _LIST_END = "<!-- ccpm-tasks -->", "<!-- /ccpm-tasks -->"
_LIST = re.compile(rf"\s*{_LIST_BEGIN}.*?{_LIST_END}", re.DOTALL)
_FOLLOW_UP = re.compile(r"\AFollow-up to #\d+\.?[ \t]*(?:\r?\n\s*|\Z)")
_SECTION = re.compile(r"^## Tasks Created[ \t]*\r?$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1f\x80-\x9f]")
_SYNCED = re.compile(r"^[ \t]*<!-- SYNCED: [^>\n]*-->[ \t]*\r?\n?", re.MULTILINE)


def compose(text: str, marker: str = "", tasks: str = "", follows: str = "") -> str:
    """The body of an issue: `text`, in front of it the issue that it follows up, behind it a list of tasks, the
    marker."""
    is_named = text.startswith(f"Follow-up to #{follows}")
    parts = [f"Follow-up to #{follows}." if follows and not is_named else "", text]
    parts += [f"{_LIST_BEGIN}\n{tasks}\n{_LIST_END}" if tasks else ""]
    parts += [f"<!-- ccpm:{marker} -->" if marker else ""]
    return "\n\n".join(part for part in parts if part)


def strip(body: str) -> str:
    """What a person wrote of an issue's body: without markers, our list of tasks, and blank lines around it."""
    return trim(_FOLLOW_UP.sub("", _MARKER.sub("", _LIST.sub("", body)).lstrip()))


def undo(body: str, follows: str = "", is_epic: bool = False) -> str:
    """The text that `compose` made `body` of: only what it puts in goes, not what a person wrote that looks like it."""
    text = re.sub(rf"\s*<!-- ccpm:{marker_of(body) or '-'} -->", "", body)
    text = _LIST.sub("", text) if is_epic else text
    return trim(_FOLLOW_UP.sub("", text.lstrip()) if follows else text)


def tasks_in(body: str) -> str:
    """The list of tasks that `compose` put into a body, "" if there is none."""
    found = _LIST.search(body)
    return found[0].strip().removeprefix(_LIST_BEGIN).removesuffix(_LIST_END).strip("\n") if found else ""


def marker_of(body: str) -> str:
    """The marker in a body, "" if there is none; of several the last, which is ours (a quoted one stands above
    it)."""
    found = _MARKER.findall(body)
    return str(found[-1]) if found else ""


def trim(text: str) -> str:
    """`text` without blank lines before it and blanks behind it; line ends as they are."""
    return re.sub(r"\A(?:[ \t]*\r?\n)+", "", text).rstrip()


def same(left: str, right: str) -> bool:
    """Whether two bodies say the same: line ends and blanks at the end of the text do not count."""
    return unified(left) == unified(right)


def unified(text: str) -> str:
    return trim(text.replace("\r\n", "\n"))


def without_task_list(text: str) -> str:
    """An epic's text without the section "Tasks Created"."""
    return _SECTION.sub("", text)


def with_task_section(text: str, old: str) -> str:
    """The text of an epic that came from its issue, with the section "Tasks Created" of the `old` text behind it."""
    section = _SECTION.search(old)
    return f"{trim(text)}\n\n{trim(section[0])}" if section else text


def task_list(tasks: list[tuple[int, str, bool]]) -> str:
    """The tasks of an epic as GitHub's task list: (number, name, whether it is closed)."""
    lines = [f"- [{'x' if closed else ' '}] #{number} {name}" for number, name, closed in tasks]
    return "\n".join(["## Tasks", "", *lines])


def title(text: str) -> str:
    """`text` as one line that fits into a title."""
    line = " ".join(text.split()) or "Untitled"
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rstrip() + "…"


def label(text: str) -> str:
    """`text` as a label: no comma (it separates labels in a query), no more characters than GitHub takes."""
    return text.replace(",", " ")[:LONGEST_LABEL].strip()


def hide_paths(text: str, top: str, home: str) -> str:
    """`text` without absolute paths of this machine: those below `top` become relative, those below `home` `~/…`.

    A folder counts where a path begins: `/home/ada` in `http://example.org/home/ada` is none of ours. A `top` or
    `home` with a single component (`/`, `/root`) is replaced only where something follows it.
    """
    for folder, instead, alone in ((top, "", "./"), (home, "~/", "~")):
        folder = folder.rstrip("/")
        if len(folder) < 2:
            continue
        start = r"(?<![\w./~-])" + re.escape(folder)
        text = re.sub(start + r"/(?=[\w.@-])", instead, text)
        if folder.count("/") > 1:
            text = re.sub(start + r"/?(?![\w/-]|\.\w)", alone, text)
    return text


def printable(text: str) -> str:
    """`text` with a caret and a letter for control characters, `^[` for escape: gh shows them so, and the issue would
    look changed."""
    return _CONTROL.sub(lambda found: f"^{chr(ord(found[0]) ^ 64)}" if found[0] < " " else "�", text)


def split(text: str, longest: int = LONGEST) -> list[str]:
    """`text` in parts of at most `longest` characters, cut behind a line where there is one, else behind a blank.
    Nothing is lost: joined with what was cut away between them (one line end or blank), they are `text`."""
    parts = []
    rest = text
    while len(rest) > longest:
        cut = rest.rfind("\n", 1, longest + 1)
        cut = cut if cut > 0 else rest.rfind(" ", 1, longest + 1)
        if cut > 0:
            parts.append(rest[:cut])
            rest = rest[cut + 1 :]
        else:
            parts.append(rest[:longest])
            rest = rest[longest:]
    return [*parts, rest]


def news(text: str) -> tuple[str, int]:
    """What has been written since the last `<!-- SYNCED: … -->` of a progress file, and the length of the whole
    text."""
    marks = list(_SYNCED.finditer(text))
    return trim(text[marks[-1].end() :] if marks else text), len(text)


def mark(text: str, at: int, when: str) -> str:
    """`text` with `<!-- SYNCED: when -->` on a line of its own behind its first `at` characters."""
    head, tail = text[:at], text[at:]
    line_end = "" if not head or head.endswith("\n") else "\n"
    return f"{head}{line_end}<!-- SYNCED: {when} -->\n{tail.removeprefix(chr(10)) if line_end else tail}"
