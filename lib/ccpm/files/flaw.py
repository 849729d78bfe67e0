"""A flaw in the text of one file, with the splices that mend it where there is one safe answer.

Contract: `apply` gives the mended bytes. It refuses (ValueError) splices that would lose text: what is cut out has to
come back in, character by character in its order, or to be declared in `goes` by whoever proved that it says nothing
new. So a mistake in a rule of repair shows as a flaw that is left alone, never as a lost word.
"""

from __future__ import annotations


class Splice:
    """Replace the bytes `start` to `end` (exclusive) by `text`."""

    __slots__ = ("end", "start", "text")

    def __init__(self, start: int, end: int, text: bytes = b"") -> None:
        self.start = start
        self.end = end
        self.text = text


class Flaw:
    """`kind` is one of core.findings.KINDS, `line` that of the file, from 1. `hint` may hold `{file}`.

    `goes`: texts that the splices drop on purpose: copies, empty keys, and what scripts wrote.
    """

    __slots__ = ("goes", "hint", "key", "kind", "line", "splices", "what")

    def __init__(
        self,
        kind: str,
        line: int,
        what: str,
        hint: str,
        splices: tuple[Splice, ...] = (),
        goes: tuple[bytes, ...] = (),
        key: str = "",
    ) -> None:
        self.kind = kind
        self.line = line
        self.what = what
        self.hint = hint
        self.splices = splices
        self.goes = goes
        self.key = key

    @property
    def is_mendable(self) -> bool:
        return bool(self.splices)


def apply(data: bytes, flaw: Flaw) -> bytes:
    """`data` with the splices of `flaw`; ValueError if they overlap or would lose text."""
    parts: list[bytes] = []
    cuts: list[bytes] = []
    at = 0
    for splice in sorted(flaw.splices, key=lambda splice: (splice.start, splice.end)):
        if splice.start < at:
            raise ValueError("two splices overlap")
        parts += [data[at : splice.start], splice.text]
        cut = data[splice.start : splice.end]
        if cut.strip() and not _is_within(cut, splice.text):
            cuts.append(cut)
        at = splice.end
    parts.append(data[at:])
    inserted = [splice.text for splice in flaw.splices if splice.text]
    allowed = {text.strip() for text in flaw.goes}
    for cut in cuts:
        if cut.strip() not in allowed and not any(_is_within(cut, text) for text in inserted):
            raise ValueError(f"the splice would lose {cut[:60]!r}")
    return b"".join(parts)


def _is_within(part: bytes, whole: bytes) -> bool:
    """Whether the characters of `part`, blanks aside, all stand in `whole`, in their order."""
    rest = iter(whole)
    return all(byte in rest for byte in part if not chr(byte).isspace())
