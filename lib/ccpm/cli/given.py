"""What a helper is given: on standard input, or in a file that is named behind `--from`."""

from __future__ import annotations

import sys

from ccpm.errors import Malformed, NotFound, io_failure


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


def content(source: str | None) -> bytes:
    """All that is in `source`, which may be a pipe (`<(…)`, /dev/stdin); without one, in standard input. NotFound (66)
    if it is not there."""
    try:
        if source is None:
            return sys.stdin.buffer.read()
        with open(source, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise NotFound(
            f"no such file: {source}", "check the path behind --from; nothing was written"
        ) from error
    except OSError as error:
        raise io_failure(f"read {source or 'standard input'}", error) from error
