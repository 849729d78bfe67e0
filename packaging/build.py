"""python packaging/build.py {plugin | skill} [FOLDER]: CCPM as a Claude Code plugin, or as a skill (agentskills.io).

Made of the files that install.sh installs, into FOLDER, by default build/plugin or build/skill/ccpm. Nothing is kept
twice: what differs is where the files lie, the paths in the slash commands, and the manifests that are written here.

The plugin's name is `pm`, so that its commands are /pm:status, /pm:next and so on, as they are without it. It brings
the Python packages along; which Python it is that runs them is found out when its first session starts.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "lib")]

from ccpm import __version__  # noqa: E402  (the path is set above)
from ccpm.core import hook_settings  # noqa: E402
from ccpm.files import installed  # noqa: E402

ABOUT = (
    "Plans as files, worked on by many agents at once: locks, ownership, worktrees, sync with GitHub issues"
)
OWNER = {"name": "CCPM"}
ROOT = "${CLAUDE_PLUGIN_ROOT}"
SETUP = f'{{ [ -f "{ROOT}/lib/.python" ] || bash "{ROOT}/lib/setup.sh" --quiet </dev/null; }} && '


def main(argv: list[str]) -> int:
    make, folder = {"plugin": (plugin, "plugin"), "skill": (skill, "skill/ccpm")}[argv[0]]
    top = Path(argv[1]) if len(argv) > 1 else REPOSITORY / "build" / folder
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    make(top)
    sys.stdout.write(f"{top}\n")
    return 0


def plugin(top: Path) -> None:
    _copy(top)
    for path in sorted((top / "commands/pm").glob("*.md")):
        (top / "commands" / path.name).write_text(
            _moved(path.read_text(), f'"{ROOT}"/commands/pm', f"{ROOT}/rules")
        )
        path.unlink()
    facts = {"name": "pm", "version": __version__, "description": ABOUT}
    _write_json(top / ".claude-plugin/plugin.json", {**facts, "author": OWNER, "license": "MIT"})
    market = {"name": "ccpm", "description": ABOUT, "owner": OWNER, "plugins": [{**facts, "source": "./"}]}
    _write_json(top / ".claude-plugin/marketplace.json", market)
    _write_json(top / "hooks/hooks.json", {"description": ABOUT, "hooks": _hooks()})


def skill(top: Path) -> None:
    _copy(top / "scripts")
    shutil.move(top / "scripts/rules", top / "references")
    rows, prompts = [], top / "references/commands"
    prompts.mkdir()
    for path in sorted((top / "scripts/commands/pm").glob("*.md")):
        text = path.read_text()
        keys = dict(re.findall(r"^([\w-]+): *(.*)$", text.split("---")[1], re.MULTILINE))
        hint = keys.get("argument-hint", "").strip("\"'").replace("|", "\\|")
        rows.append(
            f"| `{path.stem}{' ' + hint if hint else ''}` | {keys.get('description', '').strip(chr(34))} |"
        )
        body = re.sub(r"^!`(.*?)`$", r"First run: `\1`", text.split("---", 2)[2].strip(), flags=re.MULTILINE)
        (prompts / path.name).write_text(_moved(body, "scripts/commands/pm", "references") + "\n")
        path.unlink()
    template = (REPOSITORY / "packaging/SKILL.md").read_text()
    (top / "SKILL.md").write_text(
        template.replace("VERSION", __version__).replace("COMMANDS", "\n".join(rows))
    )


def _hooks() -> dict[str, object]:
    """Those of install.sh, called where the plugin is; the first one makes the plugin ready."""
    hooks = {event: [hook_settings.entry(event, f'"{ROOT}"/bin')] for event in hook_settings.EVENTS}
    first = hooks["SessionStart"][0]["hooks"][0]  # one command: the hooks of an event run at the same time
    first |= {"command": SETUP + first["command"], "timeout": 60}
    return dict(hooks)


def _copy(top: Path) -> None:
    """Everything that is installed, and the packages."""
    for item in installed.read_source(str(REPOSITORY)):
        path = top / item.path.removeprefix(".claude/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if item.link:
            path.symlink_to(item.link)
        else:
            path.write_bytes(item.content)
            path.chmod(0o755 if item.executable else 0o644)
    packages = os.readlink(REPOSITORY / "lib/vendor")
    ignore = shutil.ignore_patterns("__pycache__", ".compiled-*")
    shutil.copytree(REPOSITORY / "lib" / packages, top / "lib" / packages, ignore=ignore)
    (top / "lib/vendor").symlink_to(packages)


def _moved(text: str, commands: str, rules: str) -> str:
    """The text of a slash command for a place where the scripts are in `commands`, and the rules in `rules`."""
    return text.replace(".claude/commands/pm", commands).replace(".claude/rules", rules)


def _write_json(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
