"""The plan on disk: one pass over `.claude/epics` and `.claude/prds`, one read a file.

Contract: `load(top)` gives every epic folder with its epic.md and task files, and every PRD, as bytes and parsed
frontmatter; nothing is judged here. A file is a task by its name (core.plan.task_id_of) directly in the epic's folder
or below its `tasks/`. Folders of archived epics are passed over unless asked for. `.claude/epics` may be a symbolic
link; links below it are followed as files, not as folders, so that a loop cannot trap the walk.

Non-guarantee: files that are written during the pass are seen as they were when they were read, one by one.
"""

from __future__ import annotations

import os

from ccpm.core.plan import task_id_of
from ccpm.errors import Malformed, io_failure
from ccpm.files import frontmatter, plain_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccpm.files.yaml_inline import Value

ARCHIVES = ("archived", ".archived", "_archived")
LARGEST = 8 << 20
"""Bytes of a file that is read whole; of a longer one only this much, enough for its frontmatter and a search."""


class PlanFile:
    """One markdown file: `path` relative to the root, its bytes, its frontmatter (parsed when first asked for).

    A block that breaks a limit or is not closed reads as an empty one; `problem` says why.
    """

    __slots__ = ("_document", "_values", "data", "modified", "path", "problem")

    def __init__(self, path: str, data: bytes, modified: float) -> None:
        self.path = path
        self.data = data
        self.modified = modified
        self.problem: Malformed | None = None
        self._document: frontmatter.Document | None = None
        self._values: dict[str, Value] | None = None

    def get(self, key: str) -> Value | None:
        """The value of `key` in the frontmatter, None if it is not there."""
        return self.values.get(key)

    @property
    def values(self) -> dict[str, Value]:
        """Every key of the frontmatter with its value."""
        if self._values is None:
            self._values = self._read_values()
        return self._values

    def _read_values(self) -> dict[str, Value]:
        try:
            begin, end, _ = frontmatter.locate(self.data)
        except Malformed as problem:
            self.problem = problem
            return {}
        found = plain_block.read(self.data[begin:end].decode("utf-8", "surrogateescape"))
        return self.document.values() if found is None else found

    @property
    def document(self) -> frontmatter.Document:
        if self._document is None:
            try:
                self._document = frontmatter.parse(self.data)
            except Malformed as problem:
                self.problem = problem
                self._document = frontmatter.parse(b"")
        return self._document

    @property
    def stem(self) -> str:
        return os.path.basename(self.path).removesuffix(".md")


class EpicFolder:
    """`name` is the folder's name; `epic` its epic.md if there is one; `tasks` as (key below the folder, file)."""

    __slots__ = ("epic", "is_archived", "name", "path", "tasks")

    def __init__(self, name: str, path: str, is_archived: bool) -> None:
        self.name = name
        self.path = path
        self.is_archived = is_archived
        self.epic: PlanFile | None = None
        self.tasks: list[tuple[str, PlanFile]] = []


class Tree:
    """`others`: paths of the files that are none of these, if they were asked for."""

    __slots__ = ("epics", "has_epics", "has_prds", "others", "prds", "top")

    def __init__(self, top: str) -> None:
        self.top = top
        self.others: list[str] = []
        self.epics: list[EpicFolder] = []
        self.prds: list[PlanFile] = []
        self.has_epics = False
        self.has_prds = False


def load(top: str, archived: bool = False, everything: bool = False) -> Tree:
    """The plan below the coordination root `top`; with `archived` also the epics that were put away.

    `everything`: name the other files in these folders too (`Tree.others`), unread.
    """
    tree = Tree(top)
    others = tree.others if everything else None
    epics, prds = os.path.join(top, ".claude", "epics"), os.path.join(top, ".claude", "prds")
    tree.has_epics, tree.has_prds = os.path.isdir(epics), os.path.isdir(prds)
    for entry in _entries(prds):
        if entry.name.endswith(".md") and not entry.name.startswith(".") and entry.is_file():
            tree.prds.append(_read(entry.path, f".claude/prds/{entry.name}"))
        elif everything:
            tree.others += _files(entry, f".claude/prds/{entry.name}")
    for entry in _entries(epics):
        path = f".claude/epics/{entry.name}"
        if entry.name in ARCHIVES:
            if archived:
                _load_archive(tree, entry.path, path, others)
        elif entry.is_dir():
            tree.epics.append(_load_epic(entry.path, entry.name, path, False, others))
        elif everything:
            tree.others.append(path)
    return tree


def _load_archive(tree: Tree, folder: str, path: str, others: list[str] | None) -> None:
    for entry in _entries(folder):
        if entry.is_dir():
            tree.epics.append(_load_epic(entry.path, entry.name, f"{path}/{entry.name}", True, others))
        elif others is not None:
            others.append(f"{path}/{entry.name}")


def load_epic(top: str, name: str) -> EpicFolder | None:
    """One epic, archived or not; None if there is no such folder. Only a plain folder name is one."""
    if not name or "/" in name or name in (".", "..", *ARCHIVES):
        return None
    for below in ("", *ARCHIVES):
        path = os.path.join(".claude", "epics", below, name)
        if os.path.isdir(os.path.join(top, path)):
            return _load_epic(os.path.join(top, path), name, path.replace(os.sep, "/"), bool(below))
    return None


def walk(top: str) -> Iterator[str]:
    """Every file below `.claude/epics` and `.claude/prds`, as a path relative to the root, archives included. What
    cannot be read like a file is none: a link that leads nowhere, a pipe."""
    pending = [".claude/prds", ".claude/epics"]
    while pending:
        folder = pending.pop()
        for entry in _entries(os.path.join(top, folder)):
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif entry.is_file():
                yield path


def _files(entry: os.DirEntry[str], path: str) -> list[str]:
    """`path` if `entry` is a file, else the paths of all files below it."""
    if not entry.is_dir(follow_symlinks=False):
        return [path]
    return [name for below in _entries(entry.path) for name in _files(below, f"{path}/{below.name}")]


def read(top: str, path: str) -> PlanFile:
    return _read(os.path.join(top, path), path)


def _load_epic(
    folder: str, name: str, path: str, is_archived: bool, others: list[str] | None = None
) -> EpicFolder:
    """The epic in `folder`. `others` takes the paths of all its other files, if given."""
    epic = EpicFolder(name, path, is_archived)
    pending = [(folder, "")]
    while pending:
        here, prefix = pending.pop()
        has_tasks = prefix[:6] in ("", "tasks/")
        for entry in _entries(here):
            if entry.is_dir(follow_symlinks=False):
                if others is not None or (prefix + entry.name + "/").startswith("tasks/"):
                    pending.append((entry.path, f"{prefix}{entry.name}/"))
            elif entry.name == "epic.md" and not prefix and entry.is_file():
                epic.epic = _read(entry.path, f"{path}/epic.md")
            elif has_tasks and task_id_of(entry.name) and entry.is_file():
                key = prefix + entry.name.removesuffix(".md")
                epic.tasks.append((key, _read(entry.path, f"{path}/{key}.md")))
            elif others is not None:
                others.append(f"{path}/{prefix}{entry.name}")
    return epic


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise io_failure(f"list {folder}", error) from error


def _read(path: str, name: str) -> PlanFile:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            data = os.read(descriptor, min(found.st_size, LARGEST)) if found.st_size else b""
            while len(data) < min(found.st_size, LARGEST) and (more := os.read(descriptor, LARGEST)):
                data += more
        finally:
            os.close(descriptor)
    except OSError as error:
        raise io_failure(f"read {path}", error) from error
    return PlanFile(name, data, found.st_mtime)
