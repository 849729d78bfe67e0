"""What a helper is given on standard input."""

from __future__ import annotations

import sys

from ccpm.errors import Malformed


def standard_input() -> str:
    """Standard input as text; nothing when a person sits at it. Malformed (65) if it is not UTF-8."""
    if sys.stdin.isatty():
        return ""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise Malformed(
            f"standard input is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}; "
            "nothing was written",
            "convert it first: iconv -f LATIN1 -t UTF-8",
        ) from error
