"""What an installation does to each path of a project, decided from three states: what our manifest says we put
there, what is there now, and what this version wants there.

A *state* is "" (nothing there), `sha256:<hex>` (a file) or `link:<target>` (a symbolic link). The manifest is written
before the first path is touched (each entry with `following`, the state on its way) and again when all are done, so a
run that was killed anywhere is understood and completed by the next one.

Guarantees, if every decision is carried out as it says: what was there before the first installation is saved
once and comes back on removal; what the user changed since is never lost, on upgrades it is saved or left alone, on
removal it stays.
"""

from __future__ import annotations

ABSENT = ""

NEW = "new"
SAME = "same"  # nothing to do
UPDATE = "update"  # ours, of another version
REPLACE = "replace"  # the user's, from before: saved as the original
LEAVE = "leave"  # ours, edited by the user; this version did not change it
SAVE_EDIT = "save-edit"  # ours, edited by the user, and changed by this version

REMOVE = "remove"
PUT_BACK = "put-back"


class Wanted:
    """One file (`content`, and whether it is `executable`) or link (`link`) that this version has at `path`, relative
    to the project's top."""

    __slots__ = ("content", "executable", "is_forwarder", "link", "path", "state")

    def __init__(
        self,
        path: str,
        content: bytes = b"",
        executable: bool = False,
        link: str = "",
        is_forwarder: bool = False,
    ) -> None:
        self.path = path
        self.content = content
        self.executable = executable
        self.link = link
        self.is_forwarder = is_forwarder
        self.state = f"link:{link}" if link else state_of(content)


class Entry:
    """What the manifest knows of a path. `original`: its state before the first installation, with
    `original_mode`."""

    __slots__ = ("following", "original", "original_mode", "state")

    def __init__(self, state: str, following: str, original: str, original_mode: int) -> None:
        self.state = state
        self.following = following
        self.original = original
        self.original_mode = original_mode

    def is_ours(self, current: str) -> bool:
        return current != ABSENT and current in (self.state, self.following)


def state_of(content: bytes) -> str:
    import hashlib

    return "sha256:" + hashlib.sha256(content).hexdigest()


def mark_of(state: str) -> str:
    """Eight characters that tell one state of a path from another, for the name of a saved copy."""
    return state_of(state.encode())[7:15]


def decide(entry: Entry | None, current: str, wanted: str) -> str:
    """What an installation does to a path."""
    if current == wanted:
        return SAME
    if current == ABSENT:
        return NEW
    if entry is None or (entry.original == current and not entry.is_ours(current)):
        return REPLACE
    if entry.is_ours(current):
        return UPDATE
    return LEAVE if entry.state == wanted else SAVE_EDIT


def decide_removal(entry: Entry, current: str) -> str:
    """What the removal of CCPM does to a path."""
    if current == entry.original:
        return SAME
    if current != ABSENT and not entry.is_ours(current):
        return LEAVE
    return PUT_BACK if entry.original else REMOVE


def decide_retirement(entry: Entry, current: str) -> str:
    """What an upgrade does to a path that it no longer has. What the user deleted stays deleted."""
    return SAME if current == ABSENT else decide_removal(entry, current)


def needs_backup(entry: Entry, current: str, verb: str) -> bool:
    """Whether `current` is the original and about to go: the one moment to save it."""
    return verb in (REPLACE, UPDATE) and current != ABSENT and current == entry.original


# --- the files that stand where older layouts had theirs ---

_SCRIPT = """\
#!/usr/bin/env bash
# Forwards to {there}/{name}. Left here by CCPM's install.sh, so that commands which name the old place go on working.
there=$(CDPATH='' cd "$(dirname "${{BASH_SOURCE[0]}}")/{up}" && pwd) || exit 69
exec bash "$there/{name}" "$@"
"""
_LIBRARY = """\
# Forwards to {there}/{name}. Left here by CCPM's install.sh, so that scripts which source the old place go on
# working.
# shellcheck shell=bash
. "$(dirname "${{BASH_SOURCE[0]}}")/{up}/{name}"
"""


def forwarder(folder: str, name: str, there: str, is_library: bool) -> Wanted:
    """The file `folder/name` that hands over to `there/name`; both folders relative to the project's top."""
    old, new = folder.split("/"), there.split("/")
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    text = _LIBRARY if is_library else _SCRIPT
    content = text.format(there=there, name=name, up="/".join([".."] * len(old) + new))
    return Wanted(f"{folder}/{name}", content.encode(), executable=not is_library, is_forwarder=True)


# --- the lines in .gitignore ---

_BEGIN = b"# >>> ccpm: made anew on each machine >>>\n"
_END = b"# <<< ccpm <<<\n"
IGNORED = (
    "/.claude/lib/vendor",
    "/.claude/lib/.vendor-*",
    "/.claude/lib/.python",
    "/.claude/lib/.python.*",
    "/.claude/lib/**/__pycache__/",
    "/.claude/locks/",
    "/.claude/metrics/",
    "/.claude/epics/*/agents.json",
    "/.claude/epics/**/sync-journal.jsonl",
    "/.claude/backups/",
    "/.claude/worktrees/",
)
BLOCK = _BEGIN + b"".join(line.encode() + b"\n" for line in IGNORED) + _END


def with_block(text: bytes) -> bytes:
    """`text` with our block, at its old place if it had one, else at the end. A missing last newline is supplied
    (`without_block` is told to take it away again)."""
    before, found, after = _split(text)
    if found:
        return before + BLOCK + after
    return text + (b"\n" if lacks_newline(text) else b"") + BLOCK


def without_block(text: bytes, newline_added: bool) -> bytes:
    before, found, after = _split(text)
    if found and newline_added and not after:
        before = before.removesuffix(b"\n")
    return before + after if found else text


def lacks_newline(text: bytes) -> bool:
    return text != b"" and not text.endswith(b"\n")


def has_block(text: bytes) -> bool:
    return bool(_split(text)[1])


def _split(text: bytes) -> tuple[bytes, bytes, bytes]:
    """(before, our block or nothing, after)."""
    start = text.find(_BEGIN)
    end = text.find(_END, start)
    if start < 0 or end < 0:
        return text, b"", b""
    end += len(_END)
    return text[:start], text[start:end], text[end:]
