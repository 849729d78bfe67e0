"""Power loss: what SIGKILL cannot show. The trace of each command has the calls in the one order that survives it.

write → fsync of the file → rename → fsync of the directory, each on the right file; and the fencing counter is on disk
before a record that uses a number which it could forget. The record of a lease that is bound to a process is not synced:
a power cut ends that process.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccpm.files import process
from ccpm.files.store import BATCH
from crash import cases
from crash.harness import Call, Project, trace

pytestmark = pytest.mark.needs("strace")

SYNC = ("fsync", "fdatasync")
COUNTERS = {
    "batch is full": b"%020d %s\n" % (BATCH - 1, process.boot_id().encode()),
    "another boot": b"%020d another-boot\n" % 7,
    "unknown boot": b"%020d\n" % 7,
}
PUBLISHING = [case for case in cases.ALL if case.published]
DURABLE = [case for case in PUBLISHING if case.is_durable]


def traced(kind: type[cases.Case], tmp_path: Path, counted: bytes = b"") -> tuple[cases.Case, list[Call]]:
    """The calls of a clean run on the project's files; `counted`: with this in the token counter."""
    case = kind()
    project = Project.create(tmp_path / "project")
    command = case.prepare(project)
    if counted:
        (project.path / cases.GUARD).parent.mkdir(parents=True, exist_ok=True)
        (project.path / cases.GUARD).write_bytes(counted)
    done, calls = trace(project, command)
    assert done.status == 0, done.err
    return case, [call for call in calls if call.paths and not call.result.startswith("-")]


def position(calls: list[Call], name: str | tuple[str, ...], *paths: str, after: int = -1) -> int:
    """The first call of `name` (or a kin: rename, renameat) on exactly `paths`, behind the position `after`."""
    for index, call in enumerate(calls):
        if index > after and call.name.startswith(name) and call.paths == paths:
            return index
    raise AssertionError(f"no {name} of {paths} after {after}: " + "\n".join(map(str, calls)))


@pytest.mark.parametrize("kind", DURABLE, ids=lambda kind: kind.__name__)
def test_new_content_is_written_synced_renamed_and_its_directory_synced(
    kind: type[cases.Case], tmp_path: Path
) -> None:
    case, calls = traced(kind, tmp_path)
    for path in case.published:
        folder, name = os.path.split(path)
        temporary = os.path.join(folder, f".{name}.ccpm-tmp")
        opened = position(calls, "openat", temporary)
        assert "O_EXCL" in calls[opened].arguments
        written = position(calls, "write", temporary, after=opened)
        synced = position(calls, SYNC, temporary, after=written)
        renamed = position(calls, "rename", temporary, path, after=synced)
        position(calls, SYNC, folder or ".", after=renamed)
        assert not [c for c in calls[synced:renamed] if c.name == "write" and c.paths == (temporary,)]
        in_place = [
            c for c in calls if c.name.startswith(("write", "pwrite", "ftruncate")) and c.paths == (path,)
        ]
        assert not in_place, f"written in place: {in_place[0]}"


def test_a_lease_that_ends_with_its_process_waits_for_no_disk(tmp_path: Path) -> None:
    _, calls = traced(cases.AcquireBound, tmp_path, b"%020d %s\n" % (7, process.boot_id().encode()))
    position(calls, "rename", ".claude/locks/.task-1.lock.ccpm-tmp", cases.LOCK)
    assert not [call for call in calls if call.name in SYNC]


@pytest.mark.parametrize("kind", [cases.Acquire, cases.AcquireBound, cases.TakeOver, cases.Join])
@pytest.mark.parametrize("counted", COUNTERS.values(), ids=COUNTERS)
def test_the_counter_is_on_disk_before_a_record_shows_a_token_that_it_could_forget(
    kind: type[cases.Case], counted: bytes, tmp_path: Path
) -> None:
    """When a batch of tokens is used up, and in another boot (or one that cannot be told)."""
    _, calls = traced(kind, tmp_path, counted)
    pwritten = position(calls, "pwrite64", cases.GUARD)
    synced = position(calls, SYNC, cases.GUARD, after=pwritten)
    assert synced < position(calls, "rename", ".claude/locks/.task-1.lock.ccpm-tmp", cases.LOCK)


def test_the_first_token_of_a_resource_syncs_the_name_of_its_counter(tmp_path: Path) -> None:
    """A counter that vanished with a power cut would hand out its tokens again."""
    _, calls = traced(cases.AcquireBound, tmp_path)
    made = position(calls, "mkdir", ".claude/locks/.state")
    for folder in (".claude/locks", ".claude"):
        position(calls, SYNC, folder, after=made)
    counted = position(calls, SYNC, cases.GUARD)
    named = position(calls, SYNC, ".claude/locks/.state", after=counted)
    assert named < position(calls, "rename", ".claude/locks/.task-1.lock.ccpm-tmp", cases.LOCK)


@pytest.mark.parametrize("kind", PUBLISHING, ids=lambda kind: kind.__name__)
def test_everything_is_published_under_the_guard(kind: type[cases.Case], tmp_path: Path) -> None:
    case, calls = traced(kind, tmp_path)
    guard = next(call.paths[0] for call in calls if call.name == "flock")
    locked = position(calls, "flock", guard)
    freed = position(calls, "close", guard, after=locked)
    for path in case.published:
        folder, name = os.path.split(path)
        renamed = position(calls, "rename", os.path.join(folder, f".{name}.ccpm-tmp"), path)
        assert locked < renamed < freed


def test_a_guard_is_never_renamed_unlinked_or_truncated(tmp_path: Path) -> None:
    for index, kind in enumerate(cases.ALL):
        if kind.is_exact:
            _, calls = traced(kind, tmp_path / str(index))
            changing = ("rename", "unlink", "ftruncate", "truncate")
            harmed = [c for c in calls if c.name.startswith(changing) and c.paths[-1].endswith(".guard")]
            assert not harmed
