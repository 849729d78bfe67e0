"""Installing CCPM into a project, upgrading it there, and removing it: plan first, then carry out.

Contract
    with Alone(project):
        install(plan_install(source, project))      # or: remove(plan_removal(project))

The plans read and decide and change nothing; carrying one out needs the lock under which it was made. A run that was
killed anywhere is completed by the next one (core/installation.py tells how). Removal gives back what was there to the
byte, and what the user changed since stays.
"""

from __future__ import annotations

import os

from ccpm import __version__
from ccpm.core import installation
from ccpm.core.installation import LEAVE, PUT_BACK, REMOVE, SAME, SAVE_EDIT, Entry, Wanted
from ccpm.errors import Busy, NotFound, io_failure
from ccpm.files import atomic, installed, leftovers, plain, root
from ccpm.files.installed import Manifest
from ccpm.files.store import Store
from ccpm.ops import wording
from ccpm.ops.claude import hook_wiring
from ccpm.ops.locking import lock_state


class Step:
    """One path: the verb of core/installation.py, and where a copy of what was there goes or stays ("" = nowhere)."""

    __slots__ = ("path", "saved", "verb", "wanted")

    def __init__(self, path: str, verb: str, wanted: Wanted | None = None, saved: str = "") -> None:
        self.path = path
        self.verb = verb
        self.wanted = wanted
        self.saved = saved


class Plan:
    """What will be done to `project`. `manifest` is the one to be written; `gitignore`, `settings` (Claude Code's):
    their new text, None: stays as it is. `chooses`: whether hooks are wanted, and were not before, or the other way
    round."""

    __slots__ = ("before", "chooses", "gitignore", "manifest", "project", "settings", "steps")

    def __init__(self, project: str, manifest: Manifest) -> None:
        self.project = project
        self.manifest = manifest
        self.before = str(manifest.raw.get("version", ""))
        self.steps: list[Step] = []
        self.gitignore: bytes | None = None
        self.settings: bytes | None = None
        self.chooses = False

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do, not even in the manifest."""
        return (
            all(step.verb in (SAME, LEAVE) for step in self.steps)
            and self.gitignore is None
            and self.settings is None
            and not self.chooses
            and self.before == __version__
            and not self.manifest.raw.get("unfinished")
            and not any(entry.following for entry in self.manifest.entries.values())
        )


def plan_install(source: str, project: str, hooks: bool | None = None) -> Plan:
    """What installing from the source tree `source` would do to `project`. `hooks`: whether Claude Code's are wired;
    None: as the last installation said, by default they are."""
    plan = Plan(project, installed.read_manifest(project) or Manifest({}, {}))
    entries = plan.manifest.entries
    wanted = installed.read_source(source)
    wanted += installed.find_forwarders(project, wanted)
    for item in wanted:
        plan.steps.append(_plan_path(project, entries, item))
    still = {item.path for item in wanted}
    for path in sorted(entries.keys() - still):
        state, _ = installed.look(project, path)
        plan.steps.append(Step(path, installation.decide_retirement(entries[path], state)))
    _plan_gitignore(plan)
    plan.chooses = hook_wiring.choose(plan.manifest, hooks)
    plan.settings = hook_wiring.plan(project, plan.manifest)
    made = installed.missing_folders(project, [*still, installed.MANIFEST])
    plan.manifest.raw["folders"] = sorted({*_folders(plan.manifest), *made})
    return plan


def _plan_path(project: str, entries: dict[str, Entry], item: Wanted) -> Step:
    current, mode = installed.look(project, item.path)
    entry = entries.get(item.path)
    verb = installation.decide(entry, current, item.state)
    if verb == SAME and not item.link and bool(mode & 0o100) != item.executable:
        verb = installation.UPDATE
    if entry is None:
        entry = entries[item.path] = Entry("", "", current, mode)
    saved = ""
    if verb == SAVE_EDIT:
        saved = f"{installed.EDITED}/{item.path}.{installation.mark_of(current)}"
    elif installation.needs_backup(entry, current, verb):
        saved = f"{installed.ORIGINALS}/{item.path}"
    if verb != LEAVE:
        entry.following = item.state if entry.state != item.state else ""
    return Step(item.path, verb, item, saved)


def _plan_gitignore(plan: Plan) -> None:
    text = plain.read(os.path.join(plan.project, ".gitignore"))
    if text is None or not installation.has_block(text):
        plan.manifest.raw["gitignore"] = {
            "created": text is None,
            "newline_added": installation.lacks_newline(text or b""),
        }
    wanted = installation.with_block(text or b"")
    if wanted != text:
        plan.gitignore = wanted


def install(plan: Plan) -> None:
    """Carry out what `plan_install` planned."""
    project, manifest = plan.project, plan.manifest
    if plan.is_done:
        return
    manifest.raw["unfinished"] = True
    installed.write_manifest(project, manifest)
    for step in plan.steps:
        if step.wanted is None:
            _undo(project, manifest.entries, step)
        elif step.verb not in (SAME, LEAVE):
            if step.saved:
                installed.save(project, step.path, step.saved)
            installed.put(project, step.wanted)
    if plan.gitignore is not None:
        installed.write_shared(project, ".gitignore", plan.gitignore)
    if plan.settings is not None:
        hook_wiring.write(project, manifest, plan.settings)
    for step in plan.steps:
        _settle(manifest, step)
    manifest.raw["version"] = __version__
    del manifest.raw["unfinished"]
    installed.write_manifest(project, manifest)
    _remove_empty_folders(project, manifest)


def _settle(manifest: Manifest, step: Step) -> None:
    entry = manifest.entries[step.path]
    if step.wanted is None:
        del manifest.entries[step.path]
    elif entry.following:
        entry.state, entry.following = entry.following, ""


def _undo(project: str, entries: dict[str, Entry], step: Step) -> None:
    """Remove one path, or make it what it was."""
    if step.verb == REMOVE:
        atomic.remove(os.path.join(project, step.path), durable=False)
    elif step.verb == PUT_BACK and not installed.put_back(
        project, step.path, entries[step.path].original_mode
    ):
        step.verb = LEAVE
    if step.verb in (SAME, PUT_BACK):
        leftovers.remove_saved(project, step.path)


def plan_removal(project: str) -> Plan:
    """What removing CCPM from `project` would do. NotFound (66) if it is not installed there, Busy (75) while locks
    are held."""
    manifest = installed.read_manifest(project)
    if manifest is None:
        raise NotFound(
            f"CCPM is not installed in {project}: there is no {installed.MANIFEST}", "name the project"
        )
    _refuse_while_locked(project)
    plan = Plan(project, manifest)
    for path, entry in sorted(manifest.entries.items()):
        state, _ = installed.look(project, path)
        verb = installation.decide_removal(entry, state)
        saved = f"{installed.ORIGINALS}/{path}" if verb == LEAVE and entry.original else ""
        plan.steps.append(Step(path, verb, saved=saved))
    text = plain.read(os.path.join(project, ".gitignore"))
    if text is not None and installation.has_block(text):
        plan.gitignore = installation.without_block(
            text, bool(_gitignore_facts(manifest).get("newline_added"))
        )
    plan.settings = hook_wiring.plan_removal(project, manifest)
    return plan


def _refuse_while_locked(project: str) -> None:
    store = Store(root.of_directory(os.path.realpath(project)) or project)
    for resource in store.list_locks():
        state = lock_state.look(store, resource)
        if state.holders:
            raise Busy(
                f"{resource} is held by {wording.holders(state.holders)}; nothing was changed",
                "wait until it is released (ccpm-lock list shows all), then run this again",
            )


def remove(plan: Plan) -> list[str]:
    """Carry out what `plan_removal` planned; the files of the user's that were left in our folder."""
    project, manifest = plan.project, plan.manifest
    for step in plan.steps:
        _undo(project, manifest.entries, step)
    leftovers.remove_generated(project)
    if plan.gitignore is not None:
        if not plan.gitignore and _gitignore_facts(manifest).get("created"):
            atomic.remove(os.path.join(project, ".gitignore"), durable=False)
        else:
            installed.write_shared(project, ".gitignore", plan.gitignore)
    if plan.settings is not None:
        hook_wiring.write(project, manifest, plan.settings)
    _remove_empty_folders(project, manifest)
    atomic.remove(os.path.join(project, installed.MANIFEST), durable=False)
    kept = leftovers.sweep_saved(project)
    if ".claude" in _folders(manifest):
        installed.remove_empty(project, ".claude")
    return kept


def _gitignore_facts(manifest: Manifest) -> dict[str, object]:
    facts = manifest.raw.get("gitignore")
    return facts if isinstance(facts, dict) else {}


def _folders(manifest: Manifest) -> list[str]:
    known = manifest.raw.get("folders")
    return [str(folder) for folder in known] if isinstance(known, list) else []


def _remove_empty_folders(project: str, manifest: Manifest) -> None:
    """Remove those of the folders we made that hold nothing any more, innermost first; those of the manifest last."""
    for folder in sorted(_folders(manifest), reverse=True):
        if not installed.MANIFEST.startswith(folder + "/"):
            installed.remove_empty(project, folder)


class Alone:
    """A kernel lock on the project's folder: two installations at once would undo each other's temporary files.

    flock(2) directly: this runs where portalocker may not be installed yet.
    """

    __slots__ = ("_descriptor", "_project")

    def __init__(self, project: str) -> None:
        self._project = project
        self._descriptor = -1

    def __enter__(self) -> None:
        import fcntl

        try:
            self._descriptor = os.open(self._project, os.O_RDONLY)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise Busy(
                f"another installation is at work in {self._project}", "run it again in a moment"
            ) from None
        except OSError as error:
            raise io_failure(f"lock {self._project}", error) from error

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
