"""Changing keys of frontmatter by splicing text: every byte that is not the value of a changed key stays.

Contract: `edit` gives the bytes of the whole file with the keys set or removed, and what was wrong with the block
already. It is pure text; locks, versions and files are the business of ops/frontmatter.py.

How a value is written
- `[001, 002]` and `{a: b}`: as given, if that is YAML on one line; a list or mapping.
- anything else is text, in the quotes of the value it replaces; plain if there were none and all readers of YAML see
  the same text then, else quoted. Line breaks become escapes.
- a comment behind the value stays; a block list, block scalar or value on several lines is replaced as a whole;
- a new key goes to the end of the block, with the line end of the block.

Guarantees (ruamel.yaml judges before and after)
- If the block was valid YAML, it is valid afterwards, every other key means what it meant, in the same order, and the
  changed ones read back as given; otherwise nothing is returned but Malformed (65).
- If it was not, every other line stays as it is and reads as it did, and `warnings` names what is wrong. A key that
  stands twice, or that an old sync glued together with others, is not written: Malformed, or for `soft` keys a warning.
"""

from __future__ import annotations

import re

from ccpm.errors import Malformed, UsageError
from ccpm.files import frontmatter, frontmatter_problems, yaml_authority, yaml_caps, yaml_inline
from ccpm.files.frontmatter import BOM, Document
from ccpm.files.frontmatter_lines import bare
from ccpm.files.frontmatter_problems import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ccpm.files.frontmatter_lines import Entry
    from ccpm.files.yaml_authority import Meaning
    from ccpm.files.yaml_inline import Value

_NEW_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_COMMENT = re.compile(r"(?: *[|>][-+0-9]*)?( +#.*)")
_MEND = "mend that line by hand; ccpm-fm-cas validate FILE names all that is wrong"


class Edited:
    """`data`: the new content of the file. `warnings`: what is wrong with the block, and the soft keys left alone."""

    __slots__ = ("data", "warnings")

    def __init__(self, data: bytes, warnings: list[Problem]) -> None:
        self.data = data
        self.warnings = warnings


def edit(
    document: Document,
    changes: Mapping[str, str],
    unset: Iterable[str] = (),
    soft: Iterable[str] = (),
    create: bool = False,
) -> Edited:
    """`document` with the keys of `changes` set and those of `unset` removed (one that is not there is no error).

    `soft`: keys of `changes` that are left alone, with a warning, where writing them would be refused.
    `create`: begin a block where there is none. Malformed (65), UsageError (2) for a key or value that cannot be.
    """
    unset = [key for key in dict.fromkeys(unset) if key not in changes]
    document = _with_block(document, create)
    _check_arguments(document, changes)
    before = yaml_authority.load(document.text)
    warnings = [] if before.is_valid else frontmatter_problems.diagnose(document)
    wanted: dict[str, str | None] = dict.fromkeys(unset)
    for key, value in changes.items():
        problem = frontmatter_problems.ambiguity(document, key)
        if problem is None:
            wanted[key] = value
        elif key in soft:
            warnings.append(Problem(problem.line, f"{key} was left as it is: {problem.reason}", key))
        else:
            raise _refused(key, problem)
    for key in unset:
        problem = frontmatter_problems.ambiguity(document, key)
        if problem is not None:
            raise _refused(key, problem)
    expected = {key: None if value is None else _meaning_of(value) for key, value in wanted.items()}
    text = "".join(_splice(document, wanted))
    data = document.data[: document.begin] + _encode(text) + document.data[document.end :]
    _verify(document, before, data, expected)
    return Edited(data, warnings)


def _check_arguments(document: Document, changes: Mapping[str, str]) -> None:
    for key, value in changes.items():
        if not document.find(key) and not _NEW_KEY.fullmatch(key):
            raise UsageError(
                f"{key[:60]!r} cannot be a key", "use letters, digits, _ and -, beginning with a letter"
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UsageError(f"the value of {key} is not UTF-8") from None


def _with_block(document: Document, create: bool) -> Document:
    if not document.has_block:
        if not create:
            raise Malformed(
                "there is no frontmatter: the first line is not ---",
                "begin the file with a line ---, keys, a line ---",
            )
        return _create_block(document.data)
    if not document.is_editable or (document.junk and not document.entries):
        problem = frontmatter_problems.diagnose(document)[0]
        raise Malformed(f"{problem}; nothing was written", "write one `key: value` a line", line=problem.line)
    return document


def _create_block(data: bytes) -> Document:
    start = len(BOM) if data.startswith(BOM) else 0
    first_line, newline, _ = data[start:].partition(b"\n")
    end = b"\r\n" if newline and first_line.endswith(b"\r") else b"\n"
    return frontmatter.parse(data[:start] + (b"---" + end) * 2 + data[start:])


def _refused(key: str, problem: Problem) -> Malformed:
    return Malformed(
        f"line {problem.line}: {problem.reason}; {key} was not written", _MEND, line=problem.line, key=key
    )


def _meaning_of(value: str) -> Value:
    """What `value` from a command line stands for: a list or mapping in flow form, else itself."""
    if value[:1] + value[-1:] in ("[]", "{}"):
        inline = yaml_inline.read(value)
        if inline is not None:
            return inline.value
        if "\n" not in value and "\r" not in value:
            meaning = yaml_authority.load(f"k: {value}\n")
            if meaning.is_valid and meaning.places["k"].end_column == len(value) + 3:
                return meaning.values["k"]
    return value


def _splice(document: Document, wanted: Mapping[str, str | None]) -> list[str]:
    """The lines of the new block, each with its end."""
    lines = [line + "\n" for line in document.lines]
    for entry in reversed(document.entries):
        if entry.key in wanted:
            value = wanted[entry.key]
            end = "\r\n" if lines[entry.first].endswith("\r\n") else "\n"
            lines[entry.first : entry.last] = [] if value is None else [_line(document, entry, value) + end]
    opening = document.data[: document.begin]
    end = "\r\n" if (lines[-1] if lines else opening.decode("utf-8", "replace")).endswith("\r\n") else "\n"
    present = {entry.key for entry in document.entries}
    for key, value in wanted.items():
        if value is not None and key not in present:
            written = _written(value, "")
            lines.append(f"{key}: {written}{end}" if written else f"{key}:{end}")
    return lines


def _line(document: Document, entry: Entry, value: str) -> str:
    """The line of `entry` with `value` in place of the old one; alignment and a comment stay."""
    text = document.inline_text(entry)
    head = bare(document.lines[entry.first])[: entry.colon + 1]
    if entry.last - entry.first == 1:
        start, end = document.token(entry)
        blank, tail = text[:start].replace("\t", " "), text[end:].rstrip("\t")
    else:
        start = len(text) - len(text.lstrip(" "))
        end = len(text)
        blank, tail = (
            text[:start] if text.strip(" ")[:1] not in ("", "#") else "",
            _comment_of(document, entry),
        )
    written = _written(value, text[start:end])
    if not written:
        return head + (blank + tail if tail.strip(" ") else "")
    if not blank.strip(" ") and not tail.strip(" ") and start == end:
        # there was no value: the blanks behind the colon now stand before one
        blank, tail = text.replace("\t", " ") or " ", ""
    if tail[:1] == "#":  # ruamel.yaml takes `{}# note` for a comment; behind a word it would be part of it
        tail = f" {tail}"
    return f"{head}{blank or ' '}{written}{tail}"


def _comment_of(document: Document, entry: Entry) -> str:
    """The comment of a value on several lines: behind the colon, behind `|`, or behind the end of the value."""
    match = _COMMENT.fullmatch(document.inline_text(entry))
    if match:
        return match[1]
    meaning = document.meaning_of(entry)
    for place in meaning.places.values() if meaning.is_valid else ():
        if place.end_column > 0 and place.end_line == entry.last - entry.first - 1:
            tail = bare(document.lines[entry.last - 1])[place.end_column :]
            return tail if tail.lstrip(" ")[:1] == "#" else ""
    return ""


def _written(value: str, old: str) -> str:
    return yaml_inline.write_scalar(value, old) if isinstance(_meaning_of(value), str) else value


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _verify(document: Document, before: Meaning, data: bytes, expected: Mapping[str, Value | None]) -> None:
    """Malformed unless the new content means what the old one did, but for `expected` (None: removed)."""
    if len(data) - len(document.data) + document.end - document.begin > yaml_caps.BLOCK:
        raise yaml_caps.too_large()
    changed = frontmatter.parse(data)
    if before.is_valid:
        meaning = yaml_authority.load(changed.text)
        if not meaning.is_valid:
            raise _spoiled(meaning.line + 2, meaning.reason)
        old, new = before.values, meaning.values
        _compare(document, old, new, expected)
    _compare(document, document.values(), changed.values(), expected)


def _compare(
    document: Document,
    old: Mapping[str, Value],
    new: Mapping[str, Value],
    expected: Mapping[str, Value | None],
) -> None:
    want = {key: value for key, value in old.items() if expected.get(key, "") is not None}
    want.update({key: value for key, value in expected.items() if value is not None})
    if list(want) == list(new) and want == new:
        return
    for key in [*want, *new]:
        if want.get(key) != new.get(key):
            found = document.find(key)
            raise _spoiled(found[0].first + 2 if found else 2, f"{key!r} would change its meaning")
    raise _spoiled(2, "the order of the keys would change")


def _spoiled(line: int, reason: str) -> Malformed:
    return Malformed(
        f"line {line}: the edit would damage the frontmatter ({reason}); nothing was written",
        _MEND,
        line=line,
    )
