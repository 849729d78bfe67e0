"""Installing the git hooks beside those that a repository has, and taking them out again.

Where git looks for hooks is asked of git (core.hooksPath counts); husky's generated folder `.husky/_` stands for
`.husky`, in which people write. A shell script gets our lines behind its first one and stays what it was; any other
program, and a symbolic link, is moved into `ccpm-before/` beside it and called from there. Hooks outside the project
(a global core.hooksPath) are not ours to change: the lines to add are shown instead.

Guarantees: doing it again changes nothing, and completes a run that was killed; `remove` gives back every byte and
every permission.
"""

from __future__ import annotations

import os

from ccpm.core import hook_files
from ccpm.core.hook_files import ASIDE, NAMES
from ccpm.errors import NotFound, UsageError, io_failure
from ccpm.external.git import committing
from ccpm.files import atomic, plain, root

ADDED, CURRENT, REMOVED, ABSENT = "added", "current", "removed", "absent"


class Place:
    """Where the hooks of the repository around a project are: their `folder`, and our `helper` as seen from the common
    git folder. `is_ours`: whether the folder belongs to the project."""

    __slots__ = ("folder", "helper", "is_ours")

    def __init__(self, folder: str, helper: str, is_ours: bool) -> None:
        self.folder = folder
        self.helper = helper
        self.is_ours = is_ours


def find(project: str) -> Place:
    """NotFound (66) if `project` is in no git repository."""
    project = os.path.realpath(project)
    common = committing.path_in(project, "--git-common-dir")
    if not common:
        raise NotFound(f"{project} is in no git repository", "there are no git hooks without git")
    folder = committing.path_in(project, "--git-path", "hooks")
    if os.path.basename(folder) == "_" and os.path.basename(os.path.dirname(folder)) == ".husky":
        folder = os.path.dirname(folder)
    helper = os.path.relpath(os.path.join(project, ".claude", "bin", "ccpm-agent"), common)
    top = root.of_directory(project) or project
    is_ours = any(root.is_inside(folder, where) for where in (common, top, project))
    return Place(folder, helper, is_ours)


def install(project: str) -> list[tuple[str, str]]:
    """Put our lines into the three hooks: (path, ADDED or CURRENT) of each. UsageError (2) where the hooks are not the
    project's own."""
    place = find(project)
    if not place.is_ours:
        lines = hook_files.block("pre-commit", place.helper).decode("utf-8", "replace")
        raise UsageError(
            f"git takes its hooks from {place.folder}, which is outside of this project: nothing was changed there",
            f"add to its pre-commit, and the like to {', '.join(NAMES[1:])}:\n{lines}",
        )
    root.make_dir(place.folder)
    return [(os.path.join(place.folder, name), _install(place, name)) for name in NAMES]


def remove(project: str) -> list[tuple[str, str]]:
    """Take our lines out again: (path, REMOVED or ABSENT) of each."""
    place = find(project)
    return [(os.path.join(place.folder, name), _remove(place, name)) for name in NAMES]


def status(project: str) -> list[tuple[str, bool]]:
    """(path, whether our lines are in it) of each hook."""
    place = find(project)
    paths = [os.path.join(place.folder, name) for name in NAMES]
    return [(path, hook_files.has_block(plain.read(path) or b"")) for path in paths]


def _install(place: Place, name: str) -> str:
    path, aside = os.path.join(place.folder, name), os.path.join(place.folder, ASIDE, name)
    lines, content = hook_files.block(name, place.helper), plain.read(path)
    if content is not None and not hook_files.has_block(content) and not _can_take(path, content):
        if os.path.lexists(aside):
            raise UsageError(
                f"{aside} is the hook from before, and {path} is another one", "keep one of them"
            )
        root.make_dir(os.path.dirname(aside))
        _move(path, aside, "../", "")
        content = None
    if os.path.lexists(aside) and (content is None or hook_files.is_forwarder(content)):
        wanted = hook_files.forwarder(name, lines)
    else:
        wanted = hook_files.with_block(content, lines)
    if content == wanted:
        return CURRENT
    _write(path, wanted)
    return ADDED


def _can_take(path: str, content: bytes) -> bool:
    """Whether our lines go into the hook at `path`. One that git passes over, as it is not executable, must not pass
    ours over (husky runs its files itself, executable or not)."""
    is_run = os.access(path, os.X_OK) or os.path.basename(os.path.dirname(path)) == ".husky"
    return is_run and not os.path.islink(path) and hook_files.can_take(content)


def _remove(place: Place, name: str) -> str:
    path, aside = os.path.join(place.folder, name), os.path.join(place.folder, ASIDE, name)
    content = plain.read(path)
    if os.path.lexists(aside) and (content is None or hook_files.is_forwarder(content)):
        atomic.remove(path, durable=False)
        _move(aside, path, "", "../")
        try:
            os.rmdir(os.path.dirname(aside))
        except OSError:
            pass  # another one is still there
        return REMOVED
    if content is None or not hook_files.has_block(content):
        return ABSENT
    rest = hook_files.without_block(content)
    if rest is None:
        atomic.remove(path, durable=False)
    else:
        atomic.replace(path, rest)
    return REMOVED


def _write(path: str, content: bytes) -> None:
    """A new hook is made executable; one that was there keeps its mode, and one that git passed over stays passed
    over."""
    is_new = not os.path.exists(path)
    atomic.replace(path, content, 0o755 if is_new else None)


def _move(old: str, new: str, more: str, less: str) -> None:
    """Rename `old` to `new`. A relative link leads to the same place from there with `more` in front, or without
    `less`."""
    try:
        target = os.readlink(old) if os.path.islink(old) else ""
        if not target or os.path.isabs(target):
            os.rename(old, new)
        else:
            os.symlink(more + target.removeprefix(less), new)
            os.unlink(old)
    except OSError as error:
        raise io_failure(f"move {old} to {new}", error) from error
