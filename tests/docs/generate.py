"""Writes the generated parts of the documents, or with --check fails if one is out of date.

make docs          make docs-check
"""

from __future__ import annotations

import sys
from pathlib import Path

from ccpm import cli
from docs import regions
from docs.markdown import REPOSITORY, documents

COMMANDS = REPOSITORY / "docs" / "COMMANDS.md"
BEHIND_THE_HELPERS = "\n## Slash commands\n"


def outdated() -> dict[Path, str]:
    """Every document with a generated part that is out of date, and what it should be."""
    found = {}
    for path in documents():
        if path.is_file():
            before = path.read_text()
            after = regions.fill(_with_all_helpers(before) if path == COMMANDS else before)
            if after != before:
                found[path] = after
    return found


def _with_all_helpers(text: str) -> str:
    """`text` with a section for each helper that has none yet."""
    for name, summary in cli.HELPERS.items():
        part = f"helper ccpm-{name}"
        if f"<!-- begin: {part} -->" not in text:
            title = f"{summary[0].upper()}{summary[1:]}"
            section = f"\n## ccpm-{name}\n\n{title}.\n\n<!-- begin: {part} -->\n<!-- end: {part} -->\n"
            head, rest, tail = text.partition(BEHIND_THE_HELPERS)
            text = head + section + rest + tail
    return text


def main(argv: list[str]) -> int:
    if argv not in ([], ["--check"]):
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    found = outdated()
    for path, text in found.items():
        name = path.relative_to(REPOSITORY)
        if argv:
            print(f"{name} is out of date; write it with: make docs", file=sys.stderr)
        else:
            path.write_text(text)
            print(f"wrote {name}")
    return 1 if argv and found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
