"""What the tests see of a markdown document: code blocks, links, headings. Only the subset that our documents use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"(```+)(\w*)\s*")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Block:
    """A fenced code block: the line of its first fence (from 1), its language, its text."""

    line: int
    end: int
    language: str
    text: str


@dataclass(frozen=True)
class Example:
    """A bash block and the output that the text block right behind it shows (None: it shows none)."""

    line: int
    code: str
    expected: str | None


def documents() -> list[Path]:
    """Every document of the project that a person or an agent reads."""
    tops = [REPOSITORY / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*tops, *sorted((REPOSITORY / "docs").rglob("*.md")), *sorted((REPOSITORY / "rules").glob("*.md"))]


def blocks(text: str) -> list[Block]:
    found: list[Block] = []
    opened: tuple[int, str, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        fence = _FENCE.fullmatch(line)
        if opened is None:
            if fence:
                opened, inside = (number, fence[1], fence[2]), []
        elif line.rstrip() == opened[1]:
            found.append(Block(opened[0], number, opened[2], "\n".join([*inside, ""])))
            opened = None
        else:
            inside.append(line)
    if opened:
        raise ValueError(f"the code block in line {opened[0]} is not closed")
    return found


def examples(text: str) -> list[Example]:
    """The bash blocks in order, each with the output that the document shows for it."""
    lines = text.split("\n")
    found = []
    every = blocks(text)
    for number, block in enumerate(every):
        if block.language != "bash":
            continue
        after = every[number + 1] if number + 1 < len(every) else None
        is_shown = (
            after is not None
            and after.language == "text"
            and not "".join(lines[block.end : after.line - 1]).strip()
        )
        found.append(Example(block.line, block.text, after.text if after and is_shown else None))
    return found


def prose(text: str) -> str:
    """`text` with its code blocks emptied, line for line."""
    lines = text.split("\n")
    for block in blocks(text):
        for number in range(block.line - 1, block.end):
            lines[number] = ""
    return "\n".join(lines)


def links(text: str) -> list[tuple[int, str]]:
    """(line, target) of every inline link outside of code."""
    return [
        (number, match[1])
        for number, line in enumerate(prose(text).split("\n"), 1)
        for match in _LINK.finditer(_CODE.sub("", line))
    ]


def anchors(text: str) -> set[str]:
    """The fragments that GitHub gives the headings: lower case, blanks to dashes, other punctuation dropped."""
    found: set[str] = set()
    for line in prose(text).split("\n"):
        if re.match(r"#{1,6} ", line):
            heading = line.lstrip("#").strip().lower()
            found.add(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-"))
    return found
