"""The plugin and the skill that are built of the same files: whole, and as their formats want them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccpm.core import hook_settings

REPOSITORY = Path(__file__).parents[2]
COMMANDS = {path.stem for path in (REPOSITORY / "commands/pm").glob("*.md")}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("packages")
    for kind in ("plugin", "skill"):
        command = [sys.executable, str(REPOSITORY / "packaging/build.py"), kind, str(top / kind)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return top


def test_the_plugin_has_every_command_script_and_hook(packages: Path) -> None:
    top = packages / "plugin"
    assert {path.stem for path in (top / "commands").glob("*.md")} == COMMANDS
    for path in (REPOSITORY / "commands/pm").glob("*.sh"):
        assert (top / "commands/pm" / path.name).read_bytes() == path.read_bytes()
    hooks = json.loads((top / "hooks/hooks.json").read_text())["hooks"]
    for event in hook_settings.EVENTS:
        (entry,) = hooks[event]
        assert entry["hooks"][0]["command"].endswith(f'"${{CLAUDE_PLUGIN_ROOT}}"/bin/ccpm-hook {event}')
    manifest = json.loads((top / ".claude-plugin/plugin.json").read_text())
    (listed,) = json.loads((top / ".claude-plugin/marketplace.json").read_text())["plugins"]
    assert (manifest["name"], manifest["version"]) == (listed["name"], listed["version"])


def test_nothing_in_the_packages_names_a_place_that_is_not_there(packages: Path) -> None:
    for kind in ("plugin", "skill"):
        for path in (packages / kind).rglob("*.md"):
            if path.parent.name != "rules" and path.parent.name != "references":
                assert not re.search(r"\.claude/(commands|rules)/", path.read_text()), path


def test_the_packages_bring_the_python_packages_and_their_setup_finds_them(packages: Path) -> None:
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_INDEX_URL": "http://127.0.0.1:1"}
    for lib in (packages / "plugin/lib", packages / "skill/scripts/lib"):
        subprocess.run(["bash", str(lib / "setup.sh"), "--quiet"], check=True, env=environment)
        subprocess.run([str(lib.parent / "bin/ccpm-lock"), "--help"], check=True, stdout=subprocess.DEVNULL)


def test_the_skill_is_as_its_specification_wants_it(packages: Path) -> None:
    text = (packages / "skill/SKILL.md").read_text()
    front = dict(re.findall(r"^([a-z-]+): (.+)$", text.split("---")[1], re.MULTILINE))
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", front["name"])
    assert len(front["name"]) <= 64
    assert 0 < len(front["description"]) <= 1024
    assert len(front["compatibility"]) <= 500
    assert len(text.splitlines()) < 500
    for command in COMMANDS:
        assert re.search(rf"^\| `{command}[ `]", text, re.MULTILINE), command
        assert (packages / "skill/references/commands" / f"{command}.md").is_file()
