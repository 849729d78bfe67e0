"""What validation finds: the kinds, what each means, and one finding.

Contract: pure data. `KINDS` is the public list of kinds (docs/TROUBLESHOOTING.md is generated from it); its order is
that of the report. A finding names a file and a line, says what is wrong and, as hint, the next safe step.
"""

from __future__ import annotations

STRUCTURE = "structure"
INTEGRITY = "integrity"
REFERENCES = "references"
FRONTMATTER = "frontmatter"


class Kind:
    """`section`: where the report shows it. `is_error`: whether helpers refuse, or work is blocked, because of it.
    `meaning` and `mended` (what --fix does; "" if that is never safe) are for people."""

    __slots__ = ("is_error", "meaning", "mended", "section")

    def __init__(self, section: str, is_error: bool, meaning: str, mended: str = "") -> None:
        self.section = section
        self.is_error = is_error
        self.meaning = meaning
        self.mended = mended


KINDS: dict[str, Kind] = {
    "no-claude": Kind(STRUCTURE, True, "the project has no folder `.claude`"),
    "no-epic-file": Kind(INTEGRITY, False, "a folder below `.claude/epics` has no `epic.md`"),
    "no-prd": Kind(
        INTEGRITY,
        False,
        "the `prd:` of an epic names a file that is not there",
        "the link follows a PRD of that name that was moved",
    ),
    "orphan": Kind(INTEGRITY, False, "a task file lies where no command reads it"),
    "no-file": Kind(
        INTEGRITY, False, "a link that leads nowhere, a pipe or a device in the place of a file of the plan"
    ),
    "id-collision": Kind(
        INTEGRITY, True, "two files in one folder have the same number: `2.md` and `002.md`"
    ),
    "progress": Kind(
        INTEGRITY,
        False,
        "the stated `progress:` is not that of the tasks",
        "it is recounted, unless the epic says that it is completed",
    ),
    "stray": Kind(
        INTEGRITY,
        False,
        "a file that an editor or a script left: `.bak`, `~`, `.orig`, a temporary file",
        "it is moved to the backup if the file that it copies is there",
    ),
    "stale-lock": Kind(INTEGRITY, False, "a lock whose owner is gone or whose time is over", "it is removed"),
    "dangling": Kind(REFERENCES, False, "`depends_on` or `conflicts_with` names no task of the epic"),
    "renamed": Kind(
        REFERENCES,
        False,
        "a task that was renamed to its issue number still names another by the old one (`001`)",
        "the new number, if git saw exactly one rename of that file",
    ),
    "self-dependency": Kind(REFERENCES, True, "a task depends on itself: it is never ready"),
    "circular": Kind(REFERENCES, True, "tasks depend on each other in a circle: none of them is ever ready"),
    "no-frontmatter": Kind(
        FRONTMATTER,
        False,
        "a task, an epic or a PRD that does not begin with `---`",
        "blank lines above the block go",
    ),
    "unclosed": Kind(
        FRONTMATTER,
        True,
        "the block is opened and never closed",
        "closed before the first heading, if only keys stand above that",
    ),
    "too-large": Kind(FRONTMATTER, True, "the block breaks a limit: 64 KiB, 32 levels, no aliases"),
    "injected": Kind(
        FRONTMATTER,
        True,
        "an old sync wrote `updated:` or `github:` behind every line of the file",
        "those lines go; one of each moves to the frontmatter",
    ),
    "after-marker": Kind(
        FRONTMATTER,
        False,
        "keys stand behind the closing `---`, where nothing reads them",
        "they move into the block; a copy of what stands there goes; of two times the later stays",
    ),
    "glued": Kind(
        FRONTMATTER,
        True,
        "several keys stand in one line, because a line end was lost",
        "one line each, if the values between them are whole",
    ),
    "duplicate-key": Kind(
        FRONTMATTER,
        True,
        "a key stands there twice",
        "the copy goes if both say the same or one says nothing; of two times the later stays",
    ),
    "no-key": Kind(
        FRONTMATTER,
        True,
        "a line is neither `key: value` nor the rest of one",
        "the address of an issue gets its `github:`",
    ),
    "not-yaml": Kind(
        FRONTMATTER,
        True,
        "a value is not valid YAML: an unquoted `: `, a leading `@`, …",
        "a value on one line gets quotes",
    ),
    "inline-block": Kind(
        FRONTMATTER, True, "the keys do not stand on lines of their own: nothing can be written"
    ),
    "cut": Kind(
        FRONTMATTER,
        False,
        "YAML ends an unquoted value at ` #`: `Mend #12` reads as `Mend`",
        "quotes, if a number follows the `#`",
    ),
    "no-name": Kind(FRONTMATTER, False, "a task has neither a `name:` nor a heading"),
    "bad-status": Kind(FRONTMATTER, False, "the `status:` of a task is no known word: it counts as open"),
    "bad-version": Kind(FRONTMATTER, True, "`version:` is no whole number: every write is refused"),
}


class Finding:
    """One thing that is wrong. `line` counts from 1. `key`: the frontmatter key that it is about, or "".
    `is_mendable`: whether it has one safe answer, which --fix gives."""

    __slots__ = ("file", "hint", "is_mendable", "key", "kind", "line", "what")

    def __init__(
        self,
        kind: str,
        file: str,
        what: str,
        hint: str,
        line: int = 1,
        is_mendable: bool = False,
        key: str = "",
    ) -> None:
        self.kind = kind
        self.file = file
        self.line = line
        self.what = what
        self.hint = hint
        self.is_mendable = is_mendable
        self.key = key

    @property
    def section(self) -> str:
        return KINDS[self.kind].section

    @property
    def is_error(self) -> bool:
        return KINDS[self.kind].is_error

    def as_data(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "severity": "error" if self.is_error else "warning",
            "file": self.file,
            "line": self.line,
            "what": self.what,
            "hint": self.hint,
            "mendable": self.is_mendable,
        }


def in_order(findings: list[Finding]) -> list[Finding]:
    """As they are reported: by section and kind, then by file and line."""
    rank = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(findings, key=lambda found: (rank[found.kind], found.file, found.line, found.what))
