"""Atomic replacement: what of the old file stays, and what becomes of a file when a step fails."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.errors import IOFailure
from ccpm.files import atomic


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notes.md"
    path.write_bytes(b"old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def failing(monkeypatch: pytest.MonkeyPatch, name: str, code: int, turn: int = 1) -> None:
    """Make the `turn`-th call of os.`name` fail with errno `code`."""
    real: Callable[..., object] = getattr(os, name)
    calls = []

    def fail(*arguments: object, **options: object) -> object:
        calls.append(name)
        if len(calls) == turn:
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, fail)


def test_the_content_is_replaced_and_nothing_else_is_left(file: Path) -> None:
    atomic.replace(str(file), b"new")
    assert file.read_bytes() == b"new"
    assert names(file.parent) == ["notes.md"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o444, 0o2640, 0o4711])
def test_the_mode_stays(file: Path, mode: int) -> None:
    file.chmod(mode)
    atomic.replace(str(file), b"new")
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_new_file_obeys_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic.replace(str(tmp_path / "new"), b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_mode_that_is_asked_for_wins(file: Path, tmp_path: Path) -> None:
    atomic.replace(str(file), b"new", 0o600)
    atomic.replace(str(tmp_path / "new"), b"new", 0o640)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_owner_and_group_stay(file: Path) -> None:
    if os.geteuid() == 0:
        owner, group = 1234, 5678
    else:  # only root may give files away; a group of one's own can be given by anybody
        owner, group = os.geteuid(), max(os.getgroups(), default=os.getegid())
    os.chown(file, owner, group)
    file.chmod(0o4750)  # set after the owner: chown(2) clears the set-user-id bit
    atomic.replace(str(file), b"new")
    found = file.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (owner, group, 0o4750)


def test_an_owner_that_may_not_be_set_is_no_reason_to_fail(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refuse(descriptor: int, owner: int, group: int) -> None:
        tried.append((owner, group))
        raise PermissionError(errno.EPERM, "not permitted")

    found = file.stat()
    monkeypatch.setattr(os, "fchown", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: found.st_uid + 1)
    atomic.replace(str(file), b"new")
    assert file.read_bytes() == b"new"
    assert tried == [(found.st_uid, found.st_gid), (-1, found.st_gid)]


def set_attribute(path: Path, name: str) -> None:
    try:
        os.setxattr(path, name, b"value")
    except (AttributeError, OSError) as error:
        if getattr(error, "errno", None) not in (None, errno.ENOTSUP):
            raise
        pytest.skip("no extended attributes here: set TMPDIR to a file system that has them, on Linux")


def test_extended_attributes_stay(file: Path) -> None:
    set_attribute(file, "user.origin")
    atomic.replace(str(file), b"new")
    assert os.getxattr(file, "user.origin") == b"value"


def test_an_attribute_that_may_not_be_set_does_not_hold_up_the_others(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("user.one", "user.three", "user.two"):
        set_attribute(file, name)
    real = os.setxattr

    def refuse_three(target: int, name: str, value: bytes) -> None:
        if name == "user.three":
            raise PermissionError(errno.EPERM, "not permitted")
        real(target, name, value)

    monkeypatch.setattr(os, "setxattr", refuse_three)
    atomic.replace(str(file), b"new")
    assert sorted(os.listxattr(file)) == ["user.one", "user.two"]


def test_hard_links_keep_the_old_content(file: Path) -> None:
    """A documented non-guarantee: the new content is a new file."""
    os.link(file, file.parent / "link")
    atomic.replace(str(file), b"new")
    assert (file.parent / "link").read_bytes() == b"old"


@pytest.mark.parametrize("turn_into", ["directory", "fifo", "dangling parent"])
def test_what_is_no_regular_file_is_left_alone(tmp_path: Path, turn_into: str) -> None:
    path = tmp_path / "odd"
    if turn_into == "directory":
        path.mkdir()
    elif turn_into == "fifo":
        os.mkfifo(path)
    else:
        path = tmp_path / "absent" / "odd"
    with pytest.raises(IOFailure, match=f"cannot write {path}") as raised:
        atomic.replace(str(path), b"new")
    assert raised.value.hint
    assert names(tmp_path) == (["odd"] if path.parent == tmp_path else [])


@pytest.mark.parametrize("step", ["write", "fsync", "rename", "fchmod", "open"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
def test_a_failed_step_leaves_the_old_content_and_no_temporary_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    failing(monkeypatch, step, code)
    with pytest.raises(IOFailure, match=f"cannot write {file}: {os.strerror(code)}") as raised:
        atomic.replace(str(file), b"new")
    assert (raised.value.code, raised.value.details) == (74, {"errno": code})
    assert raised.value.hint
    assert file.read_bytes() == b"old"
    assert names(file.parent) == ["notes.md"]


def test_a_failed_sync_of_the_directory_says_that_the_new_content_is_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "fsync", errno.EIO, turn=2)
    with pytest.raises(IOFailure, match="has its new content, but it may not survive a power cut"):
        atomic.replace(str(file), b"new")
    assert file.read_bytes() == b"new"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_directories_is_accepted(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    failing(monkeypatch, "fsync", code, turn=2)
    atomic.replace(str(file), b"new")
    assert file.read_bytes() == b"new"


def test_what_need_not_be_durable_is_not_synced(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "fsync", errno.EIO)
    atomic.replace(str(file), b"new", durable=False)
    assert file.read_bytes() == b"new"


@given(data=st.binary(max_size=200), sizes=st.lists(st.integers(1, 9), min_size=1))
def test_short_writes_are_continued_to_the_last_byte(data: bytes, sizes: list[int]) -> None:
    written = bytearray()
    turns = iter(sizes * (len(data) + 1))

    def write(descriptor: int, rest: memoryview) -> int:
        part = bytes(rest[: next(turns)])
        written.extend(part)
        return len(part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        atomic.write_all(1, data)
    assert bytes(written) == data


def test_the_leftover_of_a_killed_writer_is_swept(file: Path) -> None:
    Path(atomic.temporary_of(str(file))).write_bytes(b"half")
    atomic.replace(str(file), b"new")
    assert (file.read_bytes(), names(file.parent)) == (b"new", ["notes.md"])


def test_sweeping_touches_only_the_leftover(file: Path) -> None:
    (file.parent / ".other.md.ccpm-tmp").write_bytes(b"another writer's")
    Path(atomic.temporary_of(str(file))).write_bytes(b"half")
    atomic.sweep(str(file))
    atomic.sweep(str(file))
    assert names(file.parent) == [".other.md.ccpm-tmp", "notes.md"]


@given(st.text(min_size=1, max_size=255).filter(lambda name: "/" not in name and "\0" not in name))
def test_the_temporary_name_fits_and_is_hidden_and_lies_beside_the_file(name: str) -> None:
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        return
    if len(encoded) <= 255 and name not in (".", ".."):
        folder, temporary = os.path.split(atomic.temporary_of(f"/a/{name}"))
        assert folder == "/a"
        assert temporary.startswith(".")
        assert len(os.fsencode(temporary)) <= 255


@pytest.mark.parametrize("name", ["x" * 255, "𝄞" * 63, "é" * 127])
def test_the_longest_names_can_be_written(tmp_path: Path, name: str) -> None:
    for content in (b"one", b"two"):
        atomic.replace(str(tmp_path / name), content)
    assert (tmp_path / name).read_bytes() == b"two"
    assert names(tmp_path) == [name]


def test_long_names_that_begin_alike_have_temporaries_of_their_own() -> None:
    assert atomic.temporary_of("/a/" + "x" * 250 + "1") != atomic.temporary_of("/a/" + "x" * 250 + "2")


def test_removing_says_whether_it_was_there(file: Path) -> None:
    assert atomic.remove(str(file)) is True
    assert atomic.remove(str(file)) is False
    with pytest.raises(IOFailure, match="cannot remove"):
        atomic.remove(str(file.parent))


@pytest.mark.needs("namespaces")
def test_a_file_that_is_a_mount_point_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Docker mounts single files like that: rename(2) answers EBUSY."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from ccpm.files import atomic\n"
        "try: atomic.replace(sys.argv[2], b'new')\n"
        "except Exception as error: print(error.code, error.hint)"
    )
    (tmp_path / "source").write_text("mounted")
    (tmp_path / "file").write_text("old")
    script = 'mount --bind "$1/source" "$1/file" && shift && "$@"; cat "$0"; ls -A "${0%/*}"'
    from unit.interpreter import LIB

    python = ["python3"] if not os.path.exists(LIB / ".python") else [(LIB / ".python").read_text().strip()]
    target = str(tmp_path / "file")
    argv = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        script,
        target,
        str(tmp_path),
        *python,
        "-c",
        code,
        str(LIB),
        target,
    ]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "74 the target is a mount point of its own: write the file it is mounted from",
        "mountedfile", "source",
    ], done.stderr  # fmt: skip
