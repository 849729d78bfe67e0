"""Installing and removing, killed at every step: the next run completes it, and nothing of the user's is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ccpm.core import hook_settings
from ccpm.errors import Busy, IOFailure, Malformed, NotFound
from ccpm.ops import installing

Tree = dict[str, tuple[str, bytes | str, int]]


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours catches it."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small CCPM: enough to install."""
    top = tmp_path / "source"
    write(top / "bin/ccpm", "#!/bin/sh\n", 0o755)
    (top / "bin/ccpm-lock").symlink_to("ccpm")
    write(top / "lib/main.py", "main = 1\n")
    write(top / "lib/locking.sh", "acquire_lock() { :; }\n")
    write(top / "lib/ccpm/core/plan.py", "plan = 1\n")
    write(top / "commands/pm/next.sh", "echo next\n", 0o755)
    write(top / "commands/pm/next.md", "next, version 1\n")
    write(top / "commands/pm/gone.sh", "echo gone\n", 0o755)
    write(top / "rules/agents.md", "rules, version 1\n")
    return top


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an old layout, an own rule of the same name and a .gitignore without a last newline."""
    top = tmp_path / "project"
    write(top / ".gitignore", "node_modules")
    write(top / ".claude/settings.json", '{"model": "opus", "hooks": { }}', 0o600)
    write(top / ".claude/epics/auth/1.md", "---\nname: x\n---\n")
    write(top / ".claude/rules/agents.md", "their rules\n", 0o600)
    write(top / ".claude/scripts/pm/next.sh", "echo old next\n", 0o755)
    write(top / ".claude/scripts/pm/other.sh", "echo theirs\n", 0o755)
    write(top / "ccpm/scripts/lib/locking.sh", "old_lock() { :; }\n")
    (top / ".claude/commands/pm").mkdir(parents=True)
    (top / ".claude/commands/pm/next.md").symlink_to("../../rules/agents.md")
    return top


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def tree(top: Path) -> Tree:
    found: Tree = {}
    for where, folders, names in os.walk(top):
        for name in folders + names:
            path = Path(where, name)
            key = str(path.relative_to(top))
            if path.is_symlink():
                found[key] = ("link", os.readlink(path), 0)
            elif path.is_dir():
                found[key] = ("folder", "", 0)
            else:
                found[key] = ("file", path.read_bytes(), path.stat().st_mode & 0o777)
    return found


def install(source: Path, project: Path, hooks: bool | None = None) -> installing.Plan:
    with installing.Alone(str(project)):
        plan = installing.plan_install(str(source), str(project), hooks)
        installing.install(plan)
    return plan


def remove(project: Path) -> list[str]:
    with installing.Alone(str(project)):
        return installing.remove(installing.plan_removal(str(project)))


def upgrade(source: Path) -> None:
    """Make `source` a later version: one file changed, one gone, one new."""
    write(source / "commands/pm/next.md", "next, version 2\n")
    write(source / "rules/agents.md", "rules, version 2\n")
    (source / "commands/pm/gone.sh").unlink()
    write(source / "commands/pm/fresh.sh", "echo fresh\n", 0o755)


def kills(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> Iterator[int]:
    """Call `action` again and again, killed before its first change on disk, then before its second, … until it
    ends. The caller puts the tree back in between."""
    names = ("rename", "replace", "unlink", "symlink", "rmdir", "makedirs", "write", "fchmod")
    real = {name: getattr(os, name) for name in names}
    point = 0
    while True:
        point += 1
        left = [point]

        def strike(name: str, left: list[int] = left) -> Callable[..., object]:
            def call(*args: object, **options: object) -> object:
                left[0] -= 1
                if left[0] <= 0:  # dead: what the clean-up would do does not happen either
                    raise Killed
                return real[name](*args, **options)

            return call

        with monkeypatch.context() as patch:
            for name in names:
                patch.setattr(os, name, strike(name))
            try:
                action()
            except Killed:
                pass
            else:
                return
        yield point


def test_a_second_run_changes_nothing(source: Path, project: Path) -> None:
    install(source, project)
    once = tree(project)
    stamps = {path: os.lstat(project / path).st_mtime_ns for path in once}
    assert install(source, project).is_done
    assert tree(project) == once
    assert {path: os.lstat(project / path).st_mtime_ns for path in once} == stamps


def test_removal_restores_to_the_byte(source: Path, project: Path) -> None:
    before = tree(project)
    install(source, project)
    assert tree(project) != before
    assert remove(project) == []
    assert tree(project) == before


def test_removal_after_an_upgrade_restores_to_the_byte(source: Path, project: Path) -> None:
    before = tree(project)
    install(source, project)
    upgrade(source)
    install(source, project)
    assert not (project / ".claude/commands/pm/gone.sh").exists()
    assert (project / ".claude/commands/pm/next.md").read_text() == "next, version 2\n"
    assert remove(project) == []
    assert tree(project) == before


def test_an_installation_killed_anywhere_is_completed_by_the_next(
    source: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(project)
    pristine = tmp_path / "pristine"
    shutil.copytree(project, pristine, symlinks=True)
    install(source, project)
    whole = tree(project)
    restart(pristine, project)
    points = 0
    for point in kills(monkeypatch, lambda: install(source, project)):
        install(source, project)
        assert tree(project) == whole, f"killed before change {point}"
        assert remove(project) == []
        assert tree(project) == before, f"killed before change {point}, then removed"
        restart(pristine, project)
        points = point
    assert points > 30


def test_an_upgrade_killed_anywhere_keeps_the_edit_and_the_original(
    source: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(source, project)
    write(project / ".claude/rules/agents.md", "rules, edited\n")
    upgrade(source)
    edited = tmp_path / "edited"
    shutil.copytree(project, edited, symlinks=True)
    install(source, project)
    whole = tree(project)
    assert saved_edits(project) == [b"rules, edited\n"]
    restart(edited, project)
    for point in kills(monkeypatch, lambda: install(source, project)):
        install(source, project)
        assert tree(project) == whole, f"killed before change {point}"
        restart(edited, project)


def test_a_removal_killed_anywhere_is_completed_by_the_next(
    source: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(project)
    install(source, project)
    installed = tmp_path / "installed"
    shutil.copytree(project, installed, symlinks=True)
    for point in kills(monkeypatch, lambda: remove(project)):
        if (project / ".claude/.ccpm/manifest.json").exists():
            remove(project)
            assert tree(project) == before, f"killed before change {point}"
        else:  # only empty folders can be left
            assert {k: v for k, v in tree(project).items() if v[0] != "folder"} == {
                k: v for k, v in before.items() if v[0] != "folder"
            }
        restart(installed, project)


def restart(copy: Path, project: Path) -> None:
    shutil.rmtree(project)
    shutil.copytree(copy, project, symlinks=True)


def saved_edits(project: Path) -> list[bytes]:
    return [path.read_bytes() for path in (project / ".claude/.ccpm/edited").rglob("*") if path.is_file()]


def test_an_edit_is_left_alone_by_the_same_version(source: Path, project: Path) -> None:
    install(source, project)
    write(project / ".claude/rules/agents.md", "rules, edited\n")
    plan = install(source, project)
    assert [step.path for step in plan.steps if step.verb == "leave"] == [".claude/rules/agents.md"]
    assert (project / ".claude/rules/agents.md").read_text() == "rules, edited\n"


def test_an_edit_survives_removal_and_the_original_is_kept_beside_it(source: Path, project: Path) -> None:
    install(source, project)
    write(project / ".claude/rules/agents.md", "rules, edited\n")
    assert remove(project) == [".claude/.ccpm/originals/.claude/rules/agents.md"]
    assert (project / ".claude/rules/agents.md").read_text() == "rules, edited\n"
    assert (project / ".claude/.ccpm/originals/.claude/rules/agents.md").read_text() == "their rules\n"


def test_an_original_kept_by_a_removal_is_not_lost_by_the_next_installation(
    source: Path, project: Path
) -> None:
    install(source, project)
    write(project / ".claude/rules/agents.md", "rules, edited\n")
    remove(project)
    install(source, project)
    assert saved_edits(project) == [b"their rules\n"]
    assert (project / ".claude/.ccpm/originals/.claude/rules/agents.md").read_text() == "rules, edited\n"


def test_a_lost_manifest_is_made_anew_from_what_is_there(source: Path, project: Path) -> None:
    install(source, project)
    (project / ".claude/.ccpm/manifest.json").unlink()
    assert not install(source, project).is_done
    assert install(source, project).is_done


def test_unknown_keys_of_the_manifest_are_kept(source: Path, project: Path) -> None:
    install(source, project)
    manifest = project / ".claude/.ccpm/manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"later": [1]}))
    upgrade(source)
    install(source, project)
    assert json.loads(manifest.read_text())["later"] == [1]


def test_a_damaged_manifest_is_named_and_nothing_is_touched(source: Path, project: Path) -> None:
    write(project / ".claude/.ccpm/manifest.json", '{"files": 3}')
    before = tree(project)
    with pytest.raises(Malformed, match=r"manifest\.json is damaged"):
        install(source, project)
    assert tree(project) == before


def test_a_manifest_cannot_reach_outside_the_project(source: Path, project: Path, tmp_path: Path) -> None:
    install(source, project)
    victim = tmp_path / "victim"
    victim.write_text("main = 1\n")
    manifest = project / ".claude/.ccpm/manifest.json"
    raw = json.loads(manifest.read_text())
    raw["files"] |= {
        "../victim": raw["files"][".claude/lib/main.py"],
        str(victim): raw["files"][".claude/lib/main.py"],
    }
    manifest.write_text(json.dumps(raw))
    remove(project)
    assert victim.read_text() == "main = 1\n"


@pytest.mark.parametrize("path", [".claude/bin", ".claude"])
def test_a_file_where_a_folder_is_needed_is_named(source: Path, tmp_path: Path, path: str) -> None:
    project = tmp_path / "p"
    write(project / path, "in the way")
    before = tree(project)
    with pytest.raises(IOFailure, match=f"{path} is a file where CCPM needs a folder"):
        install(source, project)
    assert tree(project) == before


def test_a_folder_where_a_file_is_needed_is_named(source: Path, project: Path) -> None:
    (project / ".claude/lib/main.py").mkdir(parents=True)
    before = tree(project)
    with pytest.raises(IOFailure, match=r"lib/main\.py is a folder where CCPM needs a file"):
        install(source, project)
    assert tree(project) == before


def test_removing_what_is_not_installed_is_refused(project: Path) -> None:
    with pytest.raises(NotFound, match="CCPM is not installed in"):
        remove(project)


def test_two_installations_at_once_exclude_each_other(source: Path, project: Path) -> None:
    with installing.Alone(str(project)), pytest.raises(Busy, match="another installation is at work"):
        install(source, project)


def test_one_folder_under_two_names_gets_one_forwarder(source: Path, tmp_path: Path) -> None:
    project = tmp_path / "linked"
    write(project / "ccpm/scripts/pm/next.sh", "echo old next\n", 0o755)
    (project / ".claude").symlink_to("ccpm")
    before = tree(project)
    install(source, project)
    assert install(source, project).is_done
    for old in (".claude/scripts/pm/next.sh", "ccpm/scripts/pm/next.sh"):
        assert subprocess.run(["bash", str(project / old)], capture_output=True).stdout == b"next\n"
    assert remove(project) == []
    assert tree(project) == before


def test_an_old_place_that_is_a_link_to_the_new_one_gets_no_forwarder(source: Path, tmp_path: Path) -> None:
    project = tmp_path / "linked"
    write(project / ".claude/commands/pm/next.sh", "echo their next\n", 0o755)
    (project / ".claude/scripts").mkdir()
    (project / ".claude/scripts/pm").symlink_to("../commands/pm")
    before = tree(project)
    install(source, project)
    assert install(source, project).is_done
    assert (project / ".claude/scripts/pm/next.sh").read_text() == "echo next\n"
    assert remove(project) == []
    assert tree(project) == before


def test_a_link_in_the_place_of_a_file_is_replaced_and_what_it_leads_to_is_not(
    source: Path, project: Path
) -> None:
    (project / "elsewhere").mkdir()
    write(project / "docs.md", "docs\n")
    (project / ".claude/lib").mkdir()
    (project / ".claude/lib/main.py").symlink_to("../../elsewhere")
    (project / ".claude/lib/locking.sh").symlink_to("../../docs.md")
    before = tree(project)
    install(source, project)
    assert (project / ".claude/lib/main.py").read_text() == "main = 1\n"
    assert (project / "docs.md").read_text() == "docs\n"
    assert remove(project) == []
    assert tree(project) == before


# --- Claude Code's settings ---


def settings(project: Path) -> Any:
    return json.loads((project / ".claude/settings.json").read_text())


def test_hooks_are_merged_into_the_settings(source: Path, project: Path) -> None:
    install(source, project)
    assert settings(project)["model"] == "opus"
    assert set(settings(project)["hooks"]) == set(hook_settings.EVENTS)


def test_settings_that_were_changed_since_keep_the_change_and_lose_our_hooks(
    source: Path, project: Path
) -> None:
    install(source, project)
    path = project / ".claude/settings.json"
    path.write_text(path.read_text().replace('"opus"', '"haiku"'))
    assert install(source, project).is_done
    remove(project)
    assert path.read_text() == '{"model": "haiku"}'


def test_settings_that_we_made_go_with_us_unless_somebody_added_to_them(source: Path, project: Path) -> None:
    path = project / ".claude/settings.json"
    path.unlink()
    before = tree(project)
    install(source, project)
    remove(project)
    assert tree(project) == before
    install(source, project)
    path.write_text(json.dumps({**settings(project), "model": "opus"}))
    remove(project)
    assert settings(project) == {"model": "opus"}


def test_without_hooks_the_settings_are_left_alone_and_that_is_remembered(
    source: Path, project: Path
) -> None:
    before = (project / ".claude/settings.json").read_text()
    install(source, project, hooks=False)
    install(source, project)
    assert (project / ".claude/settings.json").read_text() == before
    install(source, project, hooks=True)
    assert settings(project)["hooks"]
    assert install(source, project).is_done
    install(source, project, hooks=False)
    assert (project / ".claude/settings.json").read_text() == before
    assert install(source, project).is_done


def test_settings_that_cannot_be_merged_are_named_and_nothing_is_touched(source: Path, project: Path) -> None:
    write(project / ".claude/settings.json", "{")
    before = tree(project)
    with pytest.raises(Malformed, match=r"settings\.json is not JSON"):
        install(source, project)
    assert tree(project) == before
    install(source, project, hooks=False)
    assert (project / ".claude/settings.json").read_text() == "{"


def test_settings_that_are_a_link_are_written_where_it_leads_to(source: Path, project: Path) -> None:
    path = project / ".claude/settings.json"
    path.rename(project / "shared.json")
    path.symlink_to("../shared.json")
    before = tree(project)
    install(source, project)
    assert path.is_symlink()
    assert settings(project)["hooks"]
    remove(project)
    assert tree(project) == before
