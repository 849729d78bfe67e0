"""Titles, labels and texts that somebody hands in for a plan: what is none is refused before anything changes. Pure."""

from __future__ import annotations

from ccpm.core.issue_text import LONGEST_LABEL
from ccpm.errors import UsageError


def title(text: str) -> str:
    """`text` if it can be a title: one line that is not blank."""
    return _one_line(text, "title", "say in a few words what is to be done")


def label(text: str) -> str:
    """`text` if it can be a label, of GitHub too: one line that is not blank, short, and without a comma."""
    hint = "a label is a word, like urgent"
    if len(text) > LONGEST_LABEL or "," in text:
        raise UsageError(f"{text[:60]!r} is no label: at most {LONGEST_LABEL} characters, no comma", hint)
    return _one_line(text, "label", hint)


def body(text: str) -> str:
    """`text` if it can stand below a frontmatter: it says something, and does not begin with a frontmatter itself."""
    if not text.strip():
        raise UsageError(
            "the new text is empty", "give the whole text below the frontmatter on standard input"
        )
    return without_frontmatter(text)


def without_frontmatter(text: str) -> str:
    """`text`, which may be empty: there is a template for it then."""
    if text.lstrip("\ufeff\r\n").startswith("---"):
        raise UsageError("the new text begins with frontmatter", "give only what stands below it")
    return text


def _one_line(text: str, what: str, hint: str) -> str:
    if not text.strip():
        raise UsageError(f"the {what} is empty", hint)
    if not text.isprintable():
        raise UsageError(f"{text[:60]!r} is no {what}: it is not one line of text", hint)
    return text
