"""Repair on disk: compare-and-swap under the epic's lock, originals that come back to the byte, and what is left alone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ccpm.core import leases
from ccpm.core.leases import Lease
from ccpm.errors import NotFound
from ccpm.files import process
from ccpm.ops import plain_files
from ccpm.ops.actor import Actor
from ccpm.ops.health import backups, repair, repair_plan, validation
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request

BROKEN = "---\nname: Shelve: the plan\nstatus: open\n---\n# mine\n"


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CCPM_ROOT", str(tmp_path))
    epic = tmp_path / ".claude" / "epics" / "auth"
    epic.mkdir(parents=True)
    (tmp_path / ".claude" / "prds").mkdir()
    (epic / "epic.md").write_text("---\nname: auth\nstatus: open\nprogress: 0%\n---\n")
    (epic / "001.md").write_text(BROKEN)
    (epic / "002.md").write_text("---\nname: Sound\nstatus: open\ndepends_on: [001]\n---\n")
    return tmp_path


def actor(top: Path) -> Actor:
    return Actor("agent-mender", {}, top=str(top))


def kinds(top: Path, archived: bool = False) -> list[tuple[str, str, int]]:
    return [
        (found.kind, os.path.basename(found.file), found.line)
        for found in validation.examine(str(top), archived).findings
    ]


def mend(top: Path, archived: bool = False) -> repair.Outcome:
    return repair.carry_out(actor(top), repair_plan.make(str(top), archived))


def task(top: Path, name: str, text: str, epic: str = "auth") -> Path:
    path = top / ".claude" / "epics" / epic / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_the_plan_alone_writes_nothing(top: Path) -> None:
    before = sorted(str(path) for path in top.rglob("*"))
    plan = repair_plan.make(str(top))
    assert [one.path for one in plan.repairs] == [".claude/epics/auth/001.md"]
    assert '+name: "Shelve: the plan"\n' in plan.repairs[0].diff()
    assert sorted(str(path) for path in top.rglob("*")) == before


def test_originals_are_saved_with_a_manifest_and_undo_restores_bytes_and_mode(top: Path) -> None:
    path = top / ".claude/epics/auth/001.md"
    path.chmod(0o640)
    outcome = mend(top)
    assert outcome.done == [".claude/epics/auth/001.md"]
    folder = top / ".claude/backups" / outcome.backup
    assert (folder / "files/epics/auth/001.md").read_text() == BROKEN
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["agent"], manifest["undone"]) == ("agent-mender", None)
    assert manifest["files"][0]["after"] == backups.sha256(path.read_bytes())
    assert kinds(top) == []
    undone = repair.undo(actor(top))
    assert (undone.done, undone.left) == ([".claude/epics/auth/001.md"], [])
    assert (path.read_text(), path.stat().st_mode & 0o777) == (BROKEN, 0o640)
    with pytest.raises(NotFound, match="no backup to go back to"):
        repair.undo(actor(top))
    assert repair.undo(actor(top), outcome.backup).left == []


def test_undo_leaves_a_file_that_changed_since_and_names_it(top: Path) -> None:
    first, other = top / ".claude/epics/auth/001.md", task(top, "003.md", BROKEN)
    outcome = mend(top)
    first.write_text(first.read_text() + "a new line of mine\n")
    undone = repair.undo(actor(top), outcome.backup)
    assert undone.done == [".claude/epics/auth/003.md"]
    assert undone.left == [
        (".claude/epics/auth/001.md", "it changed since it was mended; nothing was written")
    ]
    assert first.read_text().endswith("a new line of mine\n")
    assert other.read_text() == BROKEN
    manifest = json.loads((top / ".claude/backups" / outcome.backup / "manifest.json").read_text())
    assert manifest["undone"] is None
    first.unlink()
    assert "it was removed since" in repair.undo(actor(top)).left[0][1]


def test_undo_does_not_trust_a_saved_copy_that_was_touched(top: Path) -> None:
    outcome = mend(top)
    (top / ".claude/backups" / outcome.backup / "files/epics/auth/001.md").write_text("other\n")
    assert repair.undo(actor(top)).left == [(".claude/epics/auth/001.md", "its saved copy is damaged")]


def test_a_file_that_changed_between_plan_and_write_is_left_alone(top: Path) -> None:
    path, other = top / ".claude/epics/auth/001.md", task(top, "003.md", BROKEN)
    plan = repair_plan.make(str(top))
    path.write_text(BROKEN + "while you were deciding\n")
    outcome = repair.carry_out(actor(top), plan)
    assert [name for name, _ in outcome.left] == [".claude/epics/auth/001.md"]
    assert "changed since you read it" in outcome.left[0][1]
    assert path.read_text() == BROKEN + "while you were deciding\n"
    assert '"Shelve: the plan"' in other.read_text()


def test_a_stray_file_that_changed_or_went_between_plan_and_move_is_left_alone(top: Path) -> None:
    changed, gone = task(top, "002.md.bak", "an older text\n"), task(top, "epic.md~", "older\n")
    plan = repair_plan.make(str(top))
    changed.write_text("my notes\n")
    gone.unlink()
    outcome = repair.carry_out(actor(top), plan)
    assert [name for name, _ in outcome.left] == [
        ".claude/epics/auth/002.md.bak",
        ".claude/epics/auth/epic.md~",
    ]
    assert changed.read_text() == "my notes\n"


def test_nothing_of_an_epic_is_written_while_somebody_else_holds_it(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "PATIENCE", 0.05)
    other = task(top, "001.md", BROKEN, "billing")
    owner = process.owner("agent-busy", 0)
    lease = locks.try_acquire(actor(top).store, Request("epic-auth", owner, "epic-sync"))
    assert isinstance(lease, Lease)
    outcome = mend(top)
    assert [name for name, _ in outcome.left] == [".claude/epics/auth/001.md"]
    assert "held by agent-busy for epic-sync" in outcome.left[0][1]
    assert (top / ".claude/epics/auth/001.md").read_text() == BROKEN
    assert other.read_text() != BROKEN
    assert lease.mode == leases.EXCLUSIVE


def test_a_write_is_refused_when_the_lease_of_the_epic_is_lost_on_the_way(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_it_first(request: plain_files.Write) -> tuple[str, bytes]:
        locks.release(actor(top).store, "epic-auth", process.owner("x", 0), force=True)
        return write(request)

    write = plain_files.write
    monkeypatch.setattr(plain_files, "write", lose_it_first)
    outcome = mend(top)
    assert "holds no longer" in outcome.left[0][1]
    with pytest.raises(NotFound, match="no backup to go back to"):
        repair.undo(actor(top))
    assert (top / ".claude/epics/auth/001.md").read_text() == BROKEN


def test_a_file_with_versions_gets_the_next_one_and_the_others_keep_all_their_lines(top: Path) -> None:
    path = task(top, "003.md", BROKEN.replace("status", "version: 4\nupdated: 2025-01-01T00:00:00Z\nstatus"))
    mend(top)
    lines = path.read_text().split("\n")
    assert lines[1:3] == ['name: "Shelve: the plan"', "version: 5"]
    assert lines[3].startswith("updated: 20")
    assert "2025-01-01" not in lines[3]
    assert (top / ".claude/epics/auth/001.md").read_text() == BROKEN.replace(
        "Shelve: the plan", '"Shelve: the plan"'
    )


def test_a_stray_copy_moves_to_the_backup_and_comes_back(top: Path) -> None:
    copy, alone = task(top, "002.md.bak", "an older text\n"), task(top, "notes.bak", "notes\n")
    tool = task(top, ".001.md.ccpm-tmp", "half")
    assert ("stray", "notes.bak", 1) in kinds(top)
    outcome = mend(top)
    assert not copy.exists()
    assert not tool.exists()
    assert alone.read_text() == "notes\n"
    assert (
        top / ".claude/backups" / outcome.backup / "files/epics/auth/002.md.bak"
    ).read_text() == "an older text\n"
    assert repair.undo(actor(top)).left == []
    assert copy.read_text() == "an older text\n"


def test_progress_is_recounted_only_where_the_tasks_are_sure_to_be_right(top: Path) -> None:
    epic = top / ".claude/epics/auth/epic.md"
    cases = {
        "---\nname: auth\nstatus: open\nprogress: 30%\n---\n": True,
        "---\nname: auth\nstatus: open\nprogress: 30 # guess\n---\n": True,
        "---\nname: auth\nstatus: completed\nprogress: 100%\n---\n": False,
    }
    task(top, "001.md", "---\nname: a\nstatus: closed\n---\n")
    for text, is_mended in cases.items():
        epic.write_text(text)
        (line,) = [number for number, one in enumerate(text.split("\n"), 1) if one.startswith("progress")]
        assert kinds(top) == [("progress", "epic.md", line)]
        mend(top)
        assert epic.read_text() == (text.replace(": 30", ": 50") if is_mended else text)
    epic.write_text("---\nname: auth\nprogress: 30%\n---\n")
    task(top, "003.md", "# no status at all\n")
    assert repair_plan.make(str(top)).repairs == []
    epic.write_text("---\nname: auth\nprogress: 33%\n---\n")
    assert [kind for kind, _, _ in kinds(top)] == ["no-frontmatter"]


def test_references_by_old_numbers_follow_the_one_rename_that_git_saw(top: Path) -> None:
    git = ["git", "-C", str(top)]
    texts = {
        name: f"---\nname: {name} of mine, long enough\nstatus: open\n---\n{name * 40}\n"
        for name in ("a", "b", "c")
    }
    for number, name in enumerate(texts, 1):
        task(top, f"00{number}.md", texts[name])
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "plan"]):
        subprocess.run([*git, *words], check=True)
    for old, new in (("001.md", "46.md"), ("002.md", "47.md"), ("003.md", "48.md")):
        subprocess.run([*git, "mv", f".claude/epics/auth/{old}", f".claude/epics/auth/{new}"], check=True)
    subprocess.run([*git, "commit", "-qm", "sync"], check=True)
    path = task(top, "48.md", texts["c"].replace("status", 'depends_on: ["001", 002, 009] # in turn\nstatus'))
    assert kinds(top) == [("renamed", "48.md", 3)] * 3
    mend(top)
    assert path.read_text().split("\n")[2] == 'depends_on: ["46", 47, 009] # in turn'
    assert kinds(top) == [("renamed", "48.md", 3)]


def test_a_link_follows_a_prd_that_was_moved_to_one_place(top: Path) -> None:
    epic = top / ".claude/epics/auth/epic.md"
    mend(top)
    epic.write_text("---\nname: auth\nprd: .claude/prds/auth.md\n---\n")
    assert kinds(top) == [("no-prd", "epic.md", 3)]
    assert repair_plan.make(str(top)).repairs == []
    moved = top / ".claude/prds/done/auth.md"
    moved.parent.mkdir()
    moved.write_text("---\nname: auth\n---\n")
    mend(top)
    assert "prd: .claude/prds/done/auth.md\n" in epic.read_text()
    for link in ("auth", "../../prds/auth.md", ".claude/prds/auth.md"):
        (top / ".claude/prds/auth.md").write_text("---\nname: auth\n---\n")
        epic.write_text(f"---\nname: auth\nprd: {link}\n---\n")
        assert ("no-prd", "epic.md", 3) not in kinds(top)


def test_everything_else_is_found_and_left(top: Path) -> None:
    task(top, "1.md", "---\nname: a\nstatus: open\n---\n")
    task(top, "003.md", "---\nname: a\ndepends_on: [003, 099]\n---\n")
    task(top, "004.md", "---\nname: a\ndepends_on: [005]\nconflicts_with: [77]\n---\n")
    task(top, "005.md", "---\nname: a\ndepends_on:\n  - 004\n---\n")
    task(top, "007.md", "---\nname: x\n---\n", "auth/notes")
    task(top, "008.md", "---\nname: x\n---\n", ".")
    task(top, "001.md", "---\nname: old\n---\n", ".archived/past")
    task(top, "x.md", "text", "empty")
    (top / ".claude/epics/auth/001.md").write_text("---\nname: a\nstatus: open\n---\n")
    assert kinds(top) == [
        ("no-epic-file", "empty", 1),
        ("orphan", "008.md", 1),
        ("orphan", "007.md", 1),
        ("id-collision", "1.md", 1),
        ("dangling", "003.md", 3),
        ("dangling", "004.md", 4),
        ("self-dependency", "003.md", 3),
        ("circular", "004.md", 3),
    ]
    assert repair_plan.make(str(top)).repairs == []
    assert ("no-epic-file", "past", 1) in kinds(top, archived=True)
    for found in validation.examine(str(top)).findings:
        assert found.hint
        assert "{file}" not in found.hint


def test_stale_locks_are_found_and_end(top: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        lease = locks.try_acquire(actor(top).store, Request("task-9", process.owner("agent-gone", child.pid)))
        assert isinstance(lease, Lease)
        assert [kind for kind, _, _ in kinds(top)] == ["not-yaml"]
        child.kill()
    assert kinds(top)[0] == ("stale-lock", "task-9.lock", 1)
    outcome = mend(top)
    assert outcome.locks == ["task-9"]
    assert kinds(top) == []


@pytest.mark.parametrize(
    "name", ["-rf", "a b", "ü", "657", "$(touch x)", "'quoted'", os.fsdecode(b"\xff\xfe"), "a\nb"]
)
def test_hostile_names_are_only_names(top: Path, name: str) -> None:
    folder = Path(os.fsdecode(os.fsencode(top))) / ".claude" / "epics" / name
    folder.mkdir()
    (folder / "epic.md").write_text("---\nname: x\nprogress: 90%\nprd: nothing\n---\n")
    (folder / "001.md").write_text(BROKEN)
    (folder / "001.md~").write_text("copy")
    found = [one for one in validation.examine(str(top)).findings if f"/{name}/" in one.file]
    assert [one.kind for one in found] == ["no-prd", "progress", "stray", "not-yaml"]
    outcome = mend(top)
    assert len(outcome.done) == 4
    assert outcome.left == []
    assert [one for one in validation.examine(str(top)).findings if one.kind != "no-prd"] == []
    repair.undo(actor(top))
    assert (folder / "001.md").read_text() == BROKEN
    assert (folder / "001.md~").read_text() == "copy"


def test_a_plan_behind_a_symbolic_link_is_mended_where_it_is(top: Path) -> None:
    real = top / "plans"
    (top / ".claude/epics").rename(real)
    (top / ".claude/epics").symlink_to(real)
    outcome = mend(top)
    assert (outcome.done, outcome.left) == ([".claude/epics/auth/001.md"], [])
    assert '"Shelve: the plan"' in (real / "auth/001.md").read_text()
    assert (top / ".claude/epics").is_symlink()
    repair.undo(actor(top))
    assert (real / "auth/001.md").read_text() == BROKEN


def test_what_is_no_plain_file_is_judged_by_its_name_and_never_read(top: Path) -> None:
    epics = top / ".claude/epics"
    os.mkfifo(epics / "auth/002.md.bak")
    (epics / "auth/epic.md~").symlink_to("epic.md")
    (epics / "auth/009.md").symlink_to("nowhere.md")
    (epics / "empty").mkdir()
    (epics / "empty/epic.md").symlink_to("nowhere.md")
    os.mkfifo(epics / "auth/010.md")
    (epics / "auth/loop").symlink_to(epics)
    assert kinds(top) == [
        ("no-epic-file", "empty", 1),
        ("no-file", "009.md", 1),
        ("no-file", "010.md", 1),
        ("no-file", "epic.md", 1),
        ("stray", "002.md.bak", 1),
        ("stray", "epic.md~", 1),
        ("not-yaml", "001.md", 2),
    ]
    assert mend(top).done == [".claude/epics/auth/001.md"]


def test_a_file_of_ten_megabytes_is_judged_and_never_cut(top: Path) -> None:
    head = "---\nname: Shelve: it\n---\n"
    path = task(top, "001.md", head + "x" * (10 << 20))
    found = [one for one in validation.examine(str(top)).findings if one.kind == "not-yaml"]
    assert [one.is_mendable for one in found] == [False]
    task(top, "003.md", BROKEN)
    assert [one.path for one in repair_plan.make(str(top)).repairs] == [".claude/epics/auth/003.md"]
    assert mend(top).done == [".claude/epics/auth/003.md"]
    assert path.stat().st_size == len(head) + (10 << 20)


def test_only_the_named_backup_is_undone(top: Path) -> None:
    with pytest.raises(NotFound, match=r"no backup '\.\./x'"):
        repair.undo(actor(top), "../x")
    first = mend(top).backup
    task(top, "003.md", BROKEN)
    second = mend(top).backup
    assert first != second
    assert backups.names(str(top)) == [first, second]
    repair.undo(actor(top), first)
    assert (top / ".claude/epics/auth/001.md").read_text() == BROKEN
    assert (top / ".claude/epics/auth/003.md").read_text() != BROKEN
