"""Ordinary files under a guard: all writers of one file meet, whatever they call it and wherever they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.core.names import check_resource
from ccpm.errors import Busy, IOFailure, NotFound
from ccpm.files import atomic, guard, plain, root
from ccpm.files.plain import Guarded
from unit.interpreter import after_line, start

HOLD = """
from ccpm.files import root
from ccpm.files.plain import Guarded
os.chdir(sys.argv[1])
with Guarded(root.resolve(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CCPM_ROOT", raising=False)
    monkeypatch.setattr(guard, "PATIENCE", 0.05)
    path = tmp_path / "project"
    (path / ".claude" / "epics").mkdir(parents=True)
    (path / "docs").mkdir()
    (path / "docs" / "a.md").write_text("old")
    for command in (["init"], ["add", "."], ["commit", "-m", "x"], ["worktree", "add", "../linked"]):
        subprocess.run(["git", *command], cwd=path, check=True, capture_output=True)
    (path / ".claude" / "epics" / "e.md").write_text("old")
    (tmp_path / "link.md").symlink_to(path / "docs" / "a.md")
    return path


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (".", "docs/a.md"),
        ("docs", "a.md"),
        ("docs", "../docs/./a.md"),
        ("..", "project/docs/a.md"),
        ("..", "link.md"),
        ("../linked", "../project/docs/a.md"),
    ],
)
def test_every_name_of_a_file_leads_to_one_guard(project: Path, folder: str, name: str) -> None:
    with start(HOLD, project / folder, name) as holder:
        after_line(holder)
        with pytest.raises(Busy):
            Guarded(str(project / "docs" / "a.md")).__enter__()


def test_a_shared_file_has_one_guard_in_all_worktrees(project: Path) -> None:
    with start(HOLD, project / ".." / "linked", ".claude/epics/e.md") as holder:
        after_line(holder)
        with pytest.raises(Busy):
            Guarded(str(project / ".claude" / "epics" / "e.md")).__enter__()


def test_another_file_is_not_held_up(project: Path) -> None:
    with start(HOLD, project, "docs/a.md") as holder:
        after_line(holder)
        with Guarded(str(project / "docs" / "b.md")):
            pass
        with Guarded(root.resolve(str(project / ".." / "linked" / "docs" / "a.md"))):
            pass


def test_a_file_outside_every_project_is_guarded_by_its_folder(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    loose = tmp_path / "loose"
    loose.mkdir()
    with start(HOLD, loose, "x.md") as holder:
        after_line(holder)
        with pytest.raises(Busy):
            Guarded(str(loose / "x.md")).__enter__()
    with Guarded(str(loose / "x.md")) as file:
        assert file.top == ""
        assert file.read() is None
        file.publish(b"new")
    assert os.listdir(loose) == ["x.md"]


def test_reading_deciding_and_publishing(project: Path) -> None:
    path = str(project / "docs" / "a.md")
    with Guarded(path) as file:
        assert file.read() == b"old"
        file.publish(b"new", 0o600)
        assert file.read() == b"new"
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_what_a_killed_writer_left_is_swept_even_if_nothing_is_published(project: Path) -> None:
    path = str(project / "docs" / "a.md")
    Path(atomic.temporary_of(path)).write_text("half")
    with Guarded(path):
        pass
    assert os.listdir(project / "docs") == ["a.md"]


def test_a_missing_folder_is_named_with_the_command_that_makes_it(project: Path) -> None:
    with pytest.raises(NotFound, match="no such folder") as raised:
        Guarded(str(project / "absent" / "a.md"))
    assert raised.value.hint == f"create it first: mkdir -p '{project / 'absent'}'"


def test_a_file_that_cannot_be_read_is_an_io_error(project: Path) -> None:
    assert plain.read(str(project / "absent")) is None
    with pytest.raises(IOFailure, match="cannot read"):
        plain.read(str(project))


@given(st.text(min_size=1, max_size=300).filter(lambda name: "\0" not in name))
def test_a_key_is_a_resource_name_that_fits_a_file_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    key = plain.key_of(f"/top/{name}", "/top")
    assert check_resource(key) == key
    assert key.startswith("file-")
    assert len(key) <= 200


def test_two_long_names_have_two_keys() -> None:
    folder = "/top/" + "deep/" * 60
    assert plain.key_of(folder + "a.md", "/top") != plain.key_of(folder + "b.md", "/top")


def test_the_documented_key_of_a_path() -> None:
    assert plain.key_of("/top/.claude/epics/a b/001.md", "/top") == "file-%2Eclaude%2Fepics%2Fa%20b%2F001.md"


ENVIRONMENTS = [{}, {"CCPM_ROOT": "project"}, {"CCPM_ROOT": "."}, {"HOME": "project"}, {"HOME": "."}]
"""Variables of two writers: folders below that of the test."""


@pytest.mark.parametrize("variables", ENVIRONMENTS, ids=str)
@pytest.mark.parametrize(
    "name", ["project/docs/a.md", "project/.claude/epics/e.md", "plain/.claude/epics/e.md", "plain/a.md"]
)
def test_the_guard_of_a_file_follows_from_its_place_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    (project.parent / "plain" / ".claude" / "epics").mkdir(parents=True)
    path = str(project.parent / name)
    with Guarded(path) as expected:
        place = expected._guard.path
    for variable, folder in variables.items():
        monkeypatch.setenv(variable, str(project.parent / folder))
    with Guarded(path) as found:
        assert found._guard.path == place


def test_a_long_name_has_one_guard_wherever_the_project_is_mounted(tmp_path: Path) -> None:
    name = "ä" * 60 + "/a.md"
    assert plain.key_of(f"/here/{name}", "/here") == plain.key_of(f"/mnt/there/{name}", "/mnt/there")


@pytest.mark.parametrize(
    ("one", "other"), [("Auth.md", "auth.md"), ("\u00e9.md", "e\u0301.md"), ("Straße.md", "STRASSE.md")]
)
def test_names_that_some_file_systems_take_for_one_have_one_guard(
    project: Path, one: str, other: str
) -> None:
    with Guarded(str(project / "docs" / one)) as first:
        place = first._guard.path
    with Guarded(str(project / "docs" / other)) as second:
        assert second._guard.path == place


def test_what_is_no_regular_file_is_refused_and_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "docs" / "pipe")
    with pytest.raises(IOFailure, match="not a regular file"):
        plain.read(str(project / "docs" / "pipe"))
