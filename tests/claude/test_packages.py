"""CCPM as a plugin and as a skill, in a project into which nothing was installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from claude.project import CLAUDE, EXAMPLE, REPOSITORY, Project
from fakes.model import Model, say, use


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """A git repository with an epic `auth`, and without CCPM."""
    project = Project(tmp_path)
    project.home.mkdir()
    shutil.copytree(EXAMPLE, project.top / ".claude")
    project.must("git", "init", "-q", "-b", "main", ".")
    project.must("git", "add", "-A")
    project.must("git", "commit", "-q", "-m", "start")
    return project


def build(kind: str, top: Path) -> Path:
    subprocess.run([sys.executable, str(REPOSITORY / "packaging/build.py"), kind, str(top)], check=True)
    return top


def view(project: Project, name: str, *arguments: str) -> str:
    """What a view shows, by the scripts of this repository."""
    return project.must("bash", str(REPOSITORY / f"commands/pm/{name}.sh"), *arguments).strip()


def bash(command: str) -> dict[str, object]:
    return use("Bash", command=command, description="a step")


def test_the_plugin_has_the_commands_the_helpers_and_the_hooks(bare: Project, model: Model) -> None:
    plugin = build("plugin", bare.base / "a plugin")
    valid = subprocess.run(
        [CLAUDE, "plugin", "validate", str(plugin)], env=bare.environment(), capture_output=True, text=True
    )
    assert valid.returncode == 0 and "Validation passed" in valid.stdout, valid.stdout + valid.stderr
    assert "warning" not in valid.stdout
    model.scripts["/pm:epic-show"] = [
        bash("ccpm-lock list --json"),
        use("Write", file_path=str(bare.top / ".claude/locks/x.lock"), content="x"),
        say("done"),
    ]
    ended = bare.claude(
        model, "/pm:epic-show auth", "--plugin-dir", str(plugin), "--permission-mode", "acceptEdits",
        "--allowedTools", "Bash(ccpm-lock:*)",
    )  # fmt: skip
    assert (ended.status, ended.out.strip()) == (0, "done"), ended.err
    shown, listed, refused = model.of("/pm:epic-show")
    assert view(bare, "epic-show", "auth") in shown.news
    assert f"the rules are in {plugin}/rules/agent-coordination.md" in shown.text
    assert listed.result() == {"content": "[]", "is_error": False}
    assert "only the helpers write" in refused.result()["content"]


def test_the_skill_says_how_and_its_scripts_do_it(bare: Project, model: Model) -> None:
    build("skill", bare.top / ".claude/skills/ccpm")
    scripts = ".claude/skills/ccpm/scripts"
    model.scripts["/ccpm"] = [
        bash(f"bash {scripts}/lib/setup.sh --quiet"),
        bash(f"bash {scripts}/commands/pm/status.sh"),
        say("done"),
    ]
    ended = bare.claude(model, "/ccpm how do we stand?", "--allowedTools", "Bash(bash:*)")
    assert (ended.status, ended.out.strip()) == (0, "done"), ended.err
    told, _, shown = model.of("/ccpm")
    assert "`bash scripts/commands/pm/NAME.sh ARGUMENTS` runs the command NAME." in told.news
    assert "| `epic-show <epic-name>` | One epic with its tasks |" in told.news
    assert shown.result()["content"].strip() == view(bare, "status")
