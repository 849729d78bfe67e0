"""Limits of frontmatter, checked before any YAML library sees the text.

Contract: `check` raises Malformed (65) within milliseconds for what would keep ruamel.yaml busy or exhaust the stack:
more than `BLOCK` bytes, nesting deeper than `DEPTH`, aliases of anchors (each alias can double what it stands for).

The nesting is counted from above: brackets in quotes and staircases of blanks in block scalars count too. Real
frontmatter has three levels.
"""

from __future__ import annotations

from ccpm.errors import Malformed

BLOCK = 64 << 10
DEPTH = 32

_LEVELS = r"( *)((?:[-?:][ \t]+)*)([^ \t\r\n#]?)"
_BEFORE = r"(?:^|[:\-?,\[{])[ \t]*(?:![^\s,\[\]{}]*[ \t]+)?"
_ANCHOR = "(?m)" + _BEFORE + r"&([^\s,\[\]{}]+)"
_ALIAS = "(?m)" + _BEFORE + r"\*([^\s,\[\]{}]+)"
_HINT = "write the values out on plain lines, one key each"


def check(text: str) -> None:
    """Malformed (65) if the block `text` breaks a limit; the line is that of the file (the block starts on line 2)."""
    if len(text) > BLOCK:
        raise too_large()
    # Each level needs a bracket, an indicator with a blank, or a line of its own.
    openers = text.count("[") + text.count("{")
    others = text.count("\n") + text.count("- ") + text.count("-\t") + text.count("? ") + text.count("?\t")
    if openers + others > DEPTH or text.startswith(":") or "\n:" in text or "- :" in text:
        _check_depth(text)
    if "&" in text and "*" in text:
        _check_aliases(text)


def too_large() -> Malformed:
    return Malformed(
        f"the frontmatter that line 1 opens is not closed within {BLOCK >> 10} KiB",
        "keep frontmatter short: move long text below the closing ---",
    )


def _check_depth(text: str) -> None:
    import re

    flow = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        flow = flow + 1 if bracket[0] in "[{" else max(0, flow - 1)
        if flow > DEPTH:
            raise _too_deep(text.count("\n", 0, bracket.start()) + 2)
    levels: list[int] = []
    pattern = re.compile(_LEVELS)
    for number, line in enumerate(text.split("\n"), 2):
        match = pattern.match(line)
        if not match or not (match[2] or match[3]):
            continue
        while levels and levels[-1] >= match.end(1):
            levels.pop()
        levels += [match.end(1) + at for at, char in enumerate(match[2]) if char in "-?:"]
        levels.append(match.start(3))
        if len(levels) > DEPTH + 1:
            raise _too_deep(number)


def _too_deep(line: int) -> Malformed:
    return Malformed(
        f"line {line}: the frontmatter is nested more than {DEPTH} levels deep", _HINT, line=line
    )


def _check_aliases(text: str) -> None:
    import re

    anchors = {match[1] for match in re.finditer(_ANCHOR, text)}
    for match in re.finditer(_ALIAS, text):
        if match[1] in anchors:
            line = text.count("\n", 0, match.start(1)) + 2
            raise Malformed(f"line {line}: the frontmatter uses the alias *{match[1][:40]}", _HINT, line=line)
