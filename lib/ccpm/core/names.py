"""Names of resources and agents: what is allowed, and how a path becomes one.

Contract: a name that passes is safe as a file name, in a YAML plain scalar and on a command line.
The character set is part of the public format (docs/FORMATS.md).
"""

from __future__ import annotations

from ccpm.errors import UsageError

ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+@=-")
LONGEST = 200


def check_resource(name: str) -> str:
    """`name` itself, or UsageError: 1 to 200 of [A-Za-z0-9._%+@=-], first not `.` or `-`."""
    return _check(
        name, "resource name", "use epic-<name>, task-<issue>, github-api or file-<path with / as %2F>"
    )


def check_agent(name: str) -> str:
    """`name` itself, or UsageError: the same alphabet as a resource, so that it can be a file name too."""
    return _check(name, "agent id", "use agent-<uuid> or another short word")


def _check(name: str, what: str, hint: str) -> str:
    if not name:
        problem = "is empty"
    elif len(name) > LONGEST:
        problem = f"is {len(name)} characters long, at most {LONGEST} are allowed"
    elif name[0] in ".-":
        problem = f"starts with {name[0]!r}"
    elif bad := [c for c in name if c not in ALLOWED]:
        problem = f"contains {bad[0]!r}"
    else:
        return name
    raise UsageError(f"{what} {name[:60]!r} {problem}", hint)


def escape(path: str) -> str:
    """`path` in the resource alphabet: every other byte of its UTF-8 form, and a leading `.` or `-`, as %XX."""
    out = [
        chr(byte) if chr(byte) in ALLOWED and byte != 0x25 else f"%{byte:02X}"
        for byte in path.encode("utf-8", "surrogateescape")
    ]
    if out and out[0] in ".-":
        out[0] = f"%{ord(out[0]):02X}"
    return "".join(out)


def unescape(name: str) -> str:
    """The path that `escape` made `name` of; a `%` without two hexadecimal digits behind it stays."""
    head, *parts = name.encode("utf-8", "surrogateescape").split(b"%")
    for part in parts:
        try:
            byte = bytes([int(part[:2], 16)]) if part[:2].isalnum() and len(part) > 1 else b""
        except ValueError:
            byte = b""
        head += byte + part[2:] if byte else b"%" + part
    return head.decode("utf-8", "surrogateescape")


def parse_fences(text: str) -> dict[str, int]:
    """`R1:42,R2:7` as {resource: token}, the form of $CCPM_FENCE and --fence; UsageError if it is not that."""
    fences: dict[str, int] = {}
    for part in filter(None, text.replace(" ", ",").split(",")):
        resource, colon, token = part.rpartition(":")
        if not colon or not token.isascii() or not token.isdigit() or len(token) > 20:
            raise UsageError(
                f"fence {part[:60]!r} is not RESOURCE:TOKEN", "use the token that acquire printed"
            )
        fences[check_resource(resource)] = int(token)
    return fences


def format_fences(fences: dict[str, int]) -> str:
    return ",".join(f"{resource}:{token}" for resource, token in sorted(fences.items()))
