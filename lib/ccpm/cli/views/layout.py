"""What the plain views have in common."""

from __future__ import annotations

WIDTH = 20
"""Characters of a bar that stands for a whole."""


def opening(doing: str, title: str, rule: str) -> list[str]:
    return [doing, "", "", title, rule, ""]
