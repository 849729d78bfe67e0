"""Our hooks in a project's Claude Code settings: what an installation adds, and what a removal takes out again.

The manifest remembers whether we made the file (`created`), the state in which we left it (`state`), and, where taking
our hooks out would not give back the very bytes, what it was (`was`). So a file that nobody touched since comes back to
the byte, and in one that somebody changed only our hooks go.
"""

from __future__ import annotations

import os

from ccpm.core import hook_settings
from ccpm.core.hook_settings import PATH
from ccpm.core.installation import state_of
from ccpm.errors import Malformed, NotYours
from ccpm.files import atomic, installed, plain, root
from ccpm.files.installed import Manifest


def choose(manifest: Manifest, hooks: bool | None) -> bool:
    """Remember whether hooks are wanted (None: as before, by default they are); whether that is another choice."""
    if hooks is None or hooks == (manifest.raw.get("hooks") is not False):
        return False
    manifest.raw["hooks"] = hooks
    return True


def plan(project: str, manifest: Manifest) -> bytes | None:
    """The text that the settings get, None if they stay as they are; Malformed (65) for settings that cannot be merged,
    NotYours (77) for those that are a link out of the project: whoever shares them would get our hooks. What `manifest`
    says about them is brought up to date."""
    if manifest.raw.get("hooks") is False:
        return plan_removal(project, manifest)
    found = plain.read(os.path.join(project, PATH))
    text = _decode(found)
    merged = hook_settings.with_hooks(text)
    if text == merged:
        return None
    _check_own(project)
    before = _before(manifest, found)
    facts: dict[str, object] = {"created": before is None, "state": state_of(merged.encode())}
    if before is not None and hook_settings.without_hooks(merged) != before:
        facts["was"] = before
    manifest.raw["settings"] = facts
    return merged.encode()


def plan_removal(project: str, manifest: Manifest) -> bytes | None:
    """The text without our hooks (b"": the file goes), None if there are none in it."""
    found = plain.read(os.path.join(project, PATH))
    text = _decode(found)
    if text is None or hook_settings.MARK not in text or hook_settings.without_hooks(text) == text:
        return None
    before = _before(manifest, found)
    return b"" if before is None else before.encode()


def write(project: str, manifest: Manifest, text: bytes) -> None:
    """Carry out what was planned."""
    if text or not _facts(manifest).get("created"):
        installed.write_shared(project, PATH, text)
    else:
        atomic.remove(os.path.join(project, PATH), durable=False)


def _check_own(project: str) -> None:
    path = os.path.join(project, PATH)
    target = os.path.realpath(path)
    ours = (os.path.realpath(project), os.path.realpath(os.path.dirname(path)))
    if os.path.islink(path) and not any(root.is_inside(target, folder) for folder in ours):
        raise NotYours(
            f"{PATH} is a link to {target}, where other projects may share it; nothing was changed",
            "--no-hooks installs without hooks; a file of its own gets them: "
            f"rm '{path}' && cp '{target}' '{path}'",
        )


def _before(manifest: Manifest, found: bytes | None) -> str | None:
    """The settings without us, None if there would be no file."""
    text = _decode(found)
    if found is None or text is None:
        return None
    facts = _facts(manifest)
    was = facts.get("was")
    if isinstance(was, str) and state_of(found) == facts.get("state"):
        return was
    rest = hook_settings.without_hooks(text)
    return None if facts.get("created") and hook_settings.is_empty(rest) else rest


def _facts(manifest: Manifest) -> dict[str, object]:
    facts = manifest.raw.get("settings")
    return facts if isinstance(facts, dict) else {}


def _decode(found: bytes | None) -> str | None:
    try:
        return None if found is None else found.decode()
    except UnicodeDecodeError as error:
        raise Malformed(
            f"{PATH} is not UTF-8: {error}; nothing was changed",
            f"mend {PATH}, then run it again; --no-hooks installs without it",
        ) from error
