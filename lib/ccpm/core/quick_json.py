"""JSON as the json module reads it, without loading that module: it takes longer to load than a helper may take.

The scanner of json is written in C, and json itself only adds the blanks around it and its messages. So this asks for
the scanner by itself, and leaves the rest to json: wherever there is no such scanner, and to say what is wrong.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BLANKS = " \t\n\r"


class _Settings:
    """What the scanner asks its decoder for (json.decoder.JSONDecoder.__init__)."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def loads(data: bytes) -> Any:
    """The value in `data`; ValueError or RecursionError where json.loads raises it."""
    scan = _scanner()
    try:
        text = data.decode()
        start = len(text) - len(text.lstrip(_BLANKS))
        if scan is not None:
            value, end = scan(text, start)
            if not text[end:].strip(_BLANKS):
                return value
    except (
        ValueError,
        StopIteration,
        SystemError,
    ):  # the last: its error would be one of json, which is not loaded
        pass
    import json

    return json.loads(data)


def _scanner() -> Callable[[str, int], tuple[Any, int]] | None:
    try:
        from _json import make_scanner
    except ImportError:
        return None
    scanner: Callable[[str, int], tuple[Any, int]] = make_scanner(_Settings)  # type: ignore[arg-type,unused-ignore]
    return scanner
