"""Decisions of core/installation.py, one sentence each."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ccpm.core import installation as i
from ccpm.core.installation import ABSENT, Entry

OLD, NEW, THEIRS, EDITED = (i.state_of(word.encode()) for word in ("old", "new", "theirs", "edited"))


def entry(state: str = OLD, following: str = "", original: str = ABSENT) -> Entry:
    return Entry(state, following, original, 0o644)


@pytest.mark.parametrize(
    ("known", "current", "verb", "why"),
    [
        (None, ABSENT, i.NEW, "a path that nobody had"),
        (None, NEW, i.SAME, "a file that happens to be ours already"),
        (None, THEIRS, i.REPLACE, "the user's own file"),
        (entry(NEW), NEW, i.SAME, "up to date"),
        (entry(OLD), OLD, i.UPDATE, "ours of an older version"),
        (entry(OLD), ABSENT, i.NEW, "ours, deleted by the user"),
        (entry(OLD), EDITED, i.SAVE_EDIT, "edited, and changed by this version"),
        (entry(NEW), EDITED, i.LEAVE, "edited, and not changed by this version"),
        (entry(OLD, NEW), NEW, i.SAME, "killed after this path"),
        (entry(OLD, NEW), OLD, i.UPDATE, "killed before this path"),
        (entry(OLD, NEW), EDITED, i.SAVE_EDIT, "killed before an edited path"),
        (entry("", NEW, THEIRS), THEIRS, i.REPLACE, "killed before the user's file was replaced"),
        (entry(OLD, "", OLD), OLD, i.UPDATE, "a file that was ours already when we came"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_install_decides_from_manifest_and_disk(
    known: Entry | None, current: str, verb: str, why: str
) -> None:
    assert i.decide(known, current, NEW) == verb, why


@pytest.mark.parametrize(
    ("known", "current", "verb"),
    [
        (entry(OLD), OLD, i.REMOVE),
        (entry(OLD), ABSENT, i.SAME),
        (entry(OLD), EDITED, i.LEAVE),
        (entry(OLD, "", THEIRS), OLD, i.PUT_BACK),
        (entry(OLD, "", THEIRS), ABSENT, i.PUT_BACK),
        (entry(OLD, "", THEIRS), THEIRS, i.SAME),
        (entry(OLD, "", THEIRS), EDITED, i.LEAVE),
        (entry(OLD, NEW, THEIRS), NEW, i.PUT_BACK),
        (entry(OLD, "", OLD), OLD, i.SAME),
    ],
)
def test_removal_gives_back_what_was_there_and_leaves_what_the_user_changed(
    known: Entry, current: str, verb: str
) -> None:
    assert i.decide_removal(known, current) == verb


def test_an_upgrade_does_not_bring_back_what_the_user_deleted() -> None:
    known = entry(OLD, "", THEIRS)
    assert i.decide_retirement(known, ABSENT) == i.SAME
    assert i.decide_retirement(known, OLD) == i.PUT_BACK


def test_the_original_is_saved_when_it_is_about_to_go_and_at_no_other_time() -> None:
    assert i.needs_backup(entry("", NEW, THEIRS), THEIRS, i.REPLACE)
    assert i.needs_backup(entry(OLD, NEW, OLD), OLD, i.UPDATE)
    assert not i.needs_backup(entry(OLD, NEW, THEIRS), OLD, i.UPDATE)
    assert not i.needs_backup(entry("", NEW, ABSENT), ABSENT, i.NEW)


@pytest.mark.parametrize("text", [b"", b"a\n", b"a", b"a\r\n", b"\n\n", b"\xff\xfe"])
def test_the_block_in_gitignore_goes_without_a_trace(text: bytes) -> None:
    with_it = i.with_block(text)
    assert i.has_block(with_it)
    assert i.with_block(with_it) == with_it
    assert i.without_block(with_it, i.lacks_newline(text)) == text


def test_lines_after_the_block_stay_on_lines_of_their_own() -> None:
    later = i.with_block(b"a") + b"b\n"
    assert i.without_block(later, True) == b"a\nb\n"


def test_a_block_of_an_older_version_is_replaced_in_place() -> None:
    old = i.with_block(b"a\n").replace(b"/.claude/metrics/\n", b"") + b"b\n"
    assert i.with_block(old) == b"a\n" + i.BLOCK + b"b\n"


def test_a_block_without_its_end_is_not_taken_for_one() -> None:
    broken = i.BLOCK.replace(b"# <<< ccpm <<<\n", b"") + b"mine\n"
    assert not i.has_block(broken)
    assert i.without_block(broken, False) == broken


@pytest.mark.parametrize(
    "folder", [".claude/scripts/pm", "ccpm/scripts/pm", "skills/ccpm/references/scripts"]
)
def test_a_forwarder_hands_over_arguments_and_status(folder: str, tmp_path: Path) -> None:
    project = tmp_path / "my project"
    there = project / ".claude" / "commands" / "pm"
    there.mkdir(parents=True)
    (there / "next.sh").write_text('printf "<%s>" "$@"; exit 7\n')
    wanted = i.forwarder(folder, "next.sh", ".claude/commands/pm", is_library=False)
    old = project / wanted.path
    old.parent.mkdir(parents=True)
    old.write_bytes(wanted.content)
    done = subprocess.run(["bash", str(old), "a b", "", "*"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, "<a b><><*>")
    done = subprocess.run(["bash", "next.sh", "x"], capture_output=True, text=True, cwd=old.parent)
    assert (done.returncode, done.stdout) == (7, "<x>")


@pytest.mark.parametrize("folder", [".claude/scripts/lib", "ccpm/scripts/lib"])
def test_a_library_forwarder_defines_the_functions_and_nothing_else(folder: str, tmp_path: Path) -> None:
    lib = tmp_path / ".claude" / "lib"
    lib.mkdir(parents=True)
    (lib / "locking.sh").write_text("acquire_lock() { echo taken; }\n")
    wanted = i.forwarder(folder, "locking.sh", ".claude/lib", is_library=True)
    old = tmp_path / wanted.path
    old.parent.mkdir(parents=True)
    old.write_bytes(wanted.content)
    script = 'set -eu; set >before; . "$1"; set >after; acquire_lock; diff before after | sed -n "/^>/p"'
    done = subprocess.run(["bash", "-c", script, "x", str(old)], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[0] == "taken"
    new = {line for line in done.stdout.splitlines()[1:] if not line.startswith(("> _=", "> BASH_ARG"))}
    assert new <= {"> acquire_lock () ", "> { ", ">     echo taken", "> }"}
