"""What reaches a terminal gives it no orders."""

from __future__ import annotations

import pytest

from ccpm.cli.output import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Store hashes", "Store hashes"),
        ("a\tb\nc", "a\tb\nc"),
        ("red \x1b[31m", "red ?[31m"),
        ("bell\a, rub\x7f, csi\x9b", "bell?, rub?, csi?"),
        ("é 日 \U0001f469\u200d\U0001f52c", "é 日 \U0001f469\u200d\U0001f52c"),
    ],
)
def test_control_characters_are_shown_as_question_marks(text: str, shown: str) -> None:
    assert printable(text) == shown
