"""The files of an installation: those of a source tree, those in a project, the manifest and what it saved.

    PROJECT/.claude/.ccpm/manifest.json     what we installed, and what was there before
    PROJECT/.claude/.ccpm/originals/PATH    what was there before the first installation
    PROJECT/.claude/.ccpm/edited/PATH.HASH  files of ours that the user had edited when an upgrade replaced them

The folder is meant to be committed with the rest of `.claude/`: any clone can then upgrade and remove CCPM.
Each single change is atomic (files/atomic.py, symlink + rename); the callers order them (ops/installing.py).
"""

from __future__ import annotations

import os
import stat

from ccpm.core.installation import ABSENT, Entry, Wanted, forwarder, mark_of, state_of
from ccpm.errors import IOFailure, Malformed, NotFound, io_failure
from ccpm.files import atomic, plain

OURS = ".claude/.ccpm"
MANIFEST = f"{OURS}/manifest.json"
ORIGINALS = f"{OURS}/originals"
EDITED = f"{OURS}/edited"
COMMANDS = ".claude/commands/pm"
LIBRARIES = ".claude/lib"

_OLD = (".claude/scripts", "ccpm/scripts", ".claude/ccpm/scripts")
_SKILLS = (".claude/skills/ccpm", "skills/ccpm", "skill/ccpm", ".claude/skill/ccpm")
OLD_SCRIPTS = (*(f"{old}/pm" for old in _OLD), *(f"{skill}/references/scripts" for skill in _SKILLS))
"""Where earlier layouts of CCPM have their command scripts."""
OLD_LIBRARIES = (*(f"{old}/lib" for old in _OLD), *(f"{skill}/references/scripts/lib" for skill in _SKILLS))


class Manifest:
    """`raw` is the JSON object; what it has beyond the keys used here is kept."""

    __slots__ = ("entries", "raw")

    def __init__(self, raw: dict[str, object], entries: dict[str, Entry]) -> None:
        self.raw = raw
        self.entries = entries

    def encode(self) -> bytes:
        import json

        files = {}
        for path, entry in sorted(self.entries.items()):
            files[path] = {"state": entry.state}
            if entry.following:
                files[path]["following"] = entry.following
            if entry.original:
                files[path] |= {"original": entry.original, "original_mode": f"{entry.original_mode:o}"}
        return (json.dumps(self.raw | {"files": files}, indent=1, sort_keys=True) + "\n").encode()


def read_manifest(project: str) -> Manifest | None:
    """The manifest of `project`, None if there is none; Malformed (65) if it is not one of ours."""
    if not look(project, MANIFEST)[0]:
        return None
    import json

    data = plain.read(os.path.join(project, MANIFEST)) or b""
    try:
        raw = json.loads(data)
        entries = {
            path: Entry(
                known["state"],
                known.get("following", ""),
                known.get("original", ""),
                int(known.get("original_mode", "644"), 8),
            )
            for path, known in raw.pop("files").items()
            if _is_inside(path)
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(
            f"{MANIFEST} is damaged: {error}", f"restore it: git checkout -- {MANIFEST}"
        ) from error
    return Manifest(raw, entries)


def _is_inside(path: str) -> bool:
    """A manifest is committed and may come from anyone: it must not make us write or remove outside the project."""
    return not path.startswith("/") and ".." not in path.split("/")


def read_source(source: str) -> list[Wanted]:
    """Everything that this version installs, from its source tree. NotFound (66) if that is not one."""
    found = []
    for folder in ("bin", "lib", "commands/pm", "rules"):
        for where, folders, names in os.walk(os.path.join(source, folder)):
            inside = os.path.relpath(where, source)
            folders[:] = sorted(name for name in folders if f"{inside}/{name}".startswith("lib/ccpm"))
            found += [_wanted(source, inside, name) for name in sorted(names) if _is_installed(inside, name)]
    if not any(wanted.path.endswith("/lib/main.py") for wanted in found):
        raise NotFound(f"{source} holds no CCPM to install", "clone the repository again")
    license_text = plain.read(os.path.join(source, "LICENSE"))
    if license_text:
        found.append(Wanted(".claude/lib/ccpm/LICENSE", license_text))
    return found


def _is_installed(folder: str, name: str) -> bool:
    if name.startswith("."):
        return False
    if folder == "bin":
        return name == "ccpm" or name.startswith("ccpm-")
    if folder == "lib":
        return name.endswith(".sh") or name in ("main.py", "requirements.txt")
    if folder == "commands/pm":
        return name.endswith((".sh", ".md"))
    return name.endswith(".md" if folder == "rules" else ".py")


def _wanted(source: str, folder: str, name: str) -> Wanted:
    path = os.path.join(source, folder, name)
    installed = f".claude/{folder}/{name}"
    if os.path.islink(path):
        return Wanted(installed, link=os.readlink(path))
    content = plain.read(path)
    if content is None:
        raise NotFound(f"{path} vanished while it was read", "run it again")
    return Wanted(installed, content, executable=bool(os.stat(path).st_mode & stat.S_IXUSR))


def find_forwarders(project: str, wanted: list[Wanted]) -> list[Wanted]:
    """A forwarder for each script and library of an earlier layout in `project` that this version has as well."""
    new = {item.path for item in wanted}
    found: dict[str, Wanted] = {}
    for folders, there, is_library in ((OLD_SCRIPTS, COMMANDS, False), (OLD_LIBRARIES, LIBRARIES, True)):
        for folder in folders:
            try:
                names = sorted(os.listdir(os.path.join(project, folder)))
            except OSError:  # the usual case: no such folder
                continue
            real = os.path.realpath(os.path.join(project, folder))
            if real == os.path.realpath(os.path.join(project, there)):
                continue  # a link from the old place to the new one needs no forwarders
            for name in names:
                if name.endswith(".sh") and f"{there}/{name}" in new:
                    found.setdefault(os.path.join(real, name), forwarder(folder, name, there, is_library))
    return list(found.values())


def look(project: str, path: str) -> tuple[str, int]:
    """(state, permission bits) of a path in `project`. IOFailure (74) if a folder is in the way."""
    full = os.path.join(project, path)
    try:
        status = os.lstat(full)
    except FileNotFoundError:
        return ABSENT, 0
    except NotADirectoryError:
        parent = path
        while not os.path.lexists(os.path.join(project, parent)):
            parent = os.path.dirname(parent)
        hint = f"rename {parent}, then run it again"
        raise IOFailure(f"{parent} is a file where CCPM needs a folder; nothing was changed", hint) from None
    except OSError as error:
        raise io_failure(f"look at {full}", error) from error
    if stat.S_ISLNK(status.st_mode):
        return f"link:{os.readlink(full)}", 0
    if not stat.S_ISREG(status.st_mode):
        raise IOFailure(
            f"{path} is a folder where CCPM needs a file; nothing was changed",
            f"rename {path}, then run it again",
        )
    return state_of(plain.read(full) or b""), stat.S_IMODE(status.st_mode)


def put(project: str, wanted: Wanted) -> None:
    """Make `wanted.path` what this version wants."""
    if wanted.link:
        _put_link(os.path.join(project, wanted.path), wanted.link)
    else:
        bits = 0o777 if wanted.executable else 0o666
        _put_file(os.path.join(project, wanted.path), wanted.content, bits & ~_umask())


def save(project: str, path: str, saved: str) -> None:
    """Copy what is at `path` to `saved`, unless a killed run did. Another copy of that name is set aside."""
    full, copy = os.path.join(project, path), os.path.join(project, saved)
    older = look(project, saved)[0]
    if older == look(project, path)[0]:
        return
    if older:
        aside = os.path.join(project, EDITED, f"{path}.{mark_of(older)}")
        _make_parent(aside)
        os.replace(copy, aside)
    if os.path.islink(full):
        _put_link(copy, os.readlink(full))
    else:
        _put_file(copy, plain.read(full) or b"", stat.S_IMODE(os.stat(full).st_mode))


def put_back(project: str, path: str, mode: int) -> bool:
    """Make `path` what it was before the first installation; False if that was not saved here."""
    full, copy = os.path.join(project, path), os.path.join(project, ORIGINALS, path)
    if os.path.islink(copy):
        _put_link(full, os.readlink(copy))
        return True
    content = plain.read(copy)
    if content is None:
        return False
    _put_file(full, content, mode)
    return True


def write_manifest(project: str, manifest: Manifest) -> None:
    _put_file(os.path.join(project, MANIFEST), manifest.encode(), None)


def write_shared(project: str, path: str, text: bytes) -> None:
    """A file of the user's that has a part of ours in it; one that is a link is written where it leads to."""
    _put_file(os.path.realpath(os.path.join(project, path)), text, None)


def missing_folders(project: str, paths: list[str]) -> list[str]:
    """The folders that must be made for `paths`, and those that a run made which was killed before it could say so:
    our own folder without a manifest, and a `.claude` with nothing else in it."""
    needed = {path[:cut] for path in paths for cut in range(len(path)) if path[cut] == "/"}
    missing = {folder for folder in needed if not os.path.isdir(os.path.join(project, folder))}
    if os.path.isdir(os.path.join(project, OURS)) and not os.path.exists(os.path.join(project, MANIFEST)):
        missing.add(OURS)
        if os.listdir(os.path.join(project, ".claude")) == [os.path.basename(OURS)]:
            missing.add(".claude")
    return sorted(missing)


def remove_empty(project: str, folder: str) -> bool:
    try:
        os.rmdir(os.path.join(project, folder))
    except OSError:
        return False  # not empty, or not there
    return True


def _put_file(path: str, content: bytes, mode: int | None) -> None:
    _make_parent(path)
    if os.path.islink(path):
        atomic.remove(path, durable=False)  # the link itself goes, not the file that it leads to
    atomic.replace(path, content, mode, durable=False)


def _put_link(path: str, target: str) -> None:
    temporary = atomic.temporary_of(path)
    _make_parent(path)
    try:
        atomic.sweep(path)
        os.symlink(target, temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise io_failure(f"write {path}", error) from error


def _make_parent(path: str) -> None:
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise io_failure(f"create {folder}", error) from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
