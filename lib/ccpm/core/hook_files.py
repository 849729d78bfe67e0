"""The lines that CCPM puts into a git hook, and how they get into a file that somebody else wrote.

Contract: pure. `with_block` puts our lines behind the first line of a shell script, or makes a new one;
`without_block` gives back what was there, to the byte. A hook that is no shell script cannot take them (`can_take`):
it is moved aside and called by ours (`forwarder`).

The lines do nothing where CCPM is not installed, and refuse a commit only when the helper says for certain that a
file is another agent's: a helper that is broken, or not set up on a teammate's machine, stops nobody.
"""

from __future__ import annotations

NAMES = ("pre-commit", "prepare-commit-msg", "post-commit", "post-index-change")

ASIDE = "ccpm-before"
"""The folder, beside the hooks, for those that were moved aside."""

_BEGIN = b"# >>> ccpm: whose the files are; `ccpm-agent hooks remove` takes these lines out >>>\n"
_END = b"# <<< ccpm <<<\n"
_SHEBANG = b"#!/bin/sh\n"
_SHELLS = (b"sh", b"bash", b"dash", b"ksh", b"zsh")


def block(name: str, helper: str) -> bytes:
    """Our lines for the hook `name`; `helper`: where ccpm-agent is, relative to the repository's common git folder."""
    after = "[ $? -ne 77 ] || exit 1" if name == "pre-commit" else ":"
    # An index is written often: only where agents are registered it matters, and not while git itself moves commits.
    when = ""
    if name == "post-index-change":
        when = ' && [ -z "${GIT_REFLOG_ACTION-}" ] && ls "${ccpm_agent%/bin/*}"/epics/*/agents.json >/dev/null 2>&1'
    quoted = "'" + helper.replace("'", "'\\''") + "'"
    text = (
        f"ccpm_agent=$(git rev-parse --git-common-dir)/{quoted}\n"
        f'if [ -x "$ccpm_agent" ]{when}; then "$ccpm_agent" git-hook {name} -- "$@" </dev/null || {after}; fi\n'
    )
    return _BEGIN + text.encode("utf-8", "surrogateescape") + _END


def can_take(content: bytes) -> bool:
    """Whether `content` is a shell script (or empty, or has no first line that says what it is)."""
    first, newline, _ = content.partition(b"\n")
    if not first.startswith(b"#!"):
        return b"\0" not in content[:4096]
    if not newline:
        return False
    programs = [word.rpartition(b"/")[2] for word in first[2:].split() if not word.startswith(b"-")]
    if programs[:1] == [b"env"]:
        del programs[0]
    return bool(programs) and programs[0] in _SHELLS


def with_block(content: bytes | None, lines: bytes) -> bytes:
    """`content` (None: no file yet) with our `lines`, at their old place if it had some."""
    if content is None:
        return _SHEBANG + lines
    before, found, after = _split(content)
    if found:
        return before + lines + after
    first, newline, rest = content.partition(b"\n")
    if first.startswith(b"#!"):
        return first + newline + lines + rest
    return lines + content


def without_block(content: bytes) -> bytes | None:
    """`content` without our lines; None if nothing but what we made is left."""
    before, found, after = _split(content)
    if not found:
        return content
    rest = before + after
    return None if rest in (b"", _SHEBANG) else rest


def has_block(content: bytes) -> bool:
    return bool(_split(content)[1])


def forwarder(name: str, lines: bytes) -> bytes:
    """A hook with our `lines` that then becomes the one that was moved aside, if git would have run that one."""
    text = (
        f'ccpm_before=$(dirname "$0")/{ASIDE}/{name}\n[ ! -x "$ccpm_before" ] || exec "$ccpm_before" "$@"\n'
    )
    return _SHEBANG + lines + text.encode()


def is_forwarder(content: bytes) -> bool:
    """Whether `content` is one that `forwarder` made."""
    return has_block(content) and f"/{ASIDE}/".encode() in content


def _split(content: bytes) -> tuple[bytes, bytes, bytes]:
    start = content.find(_BEGIN)
    end = content.find(_END, start)
    if start < 0 or end < 0:
        return content, b"", b""
    end += len(_END)
    return content[:start], content[start:end], content[end:]
