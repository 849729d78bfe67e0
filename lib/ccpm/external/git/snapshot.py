"""What lies in a worktree, as trees in the object store: the worktree itself, its index and its files stay untouched.

The files are gathered with a copy of the index (git's GIT_INDEX_FILE), so that only what changed is read again.

Contract: `take` gives the tree of the index and the tree of all files: tracked ones as they are now, untracked ones,
and those ignored ones that are named. With `exact`, changed files are stored byte for byte, past the filters that
.gitattributes asks for (a clean filter, an eol conversion): what is brought back then is what was there.

Non-guarantee: repositories inside the worktree are not looked into; `nested` lists them (with `exact` all of them, also
submodules and those in ignored folders).
"""

from __future__ import annotations

import os

from ccpm.errors import IOFailure
from ccpm.external.git import trees
from ccpm.external.git.repository import Repository
from ccpm.files import process

_REGULAR = ("100644", "100755")
_LINK_TO_COMMIT = "160000"
_INDEX = "index-"


class Snapshot:
    """`tree`: all files. `index`: the tree of the index, "" while it has unmerged entries. `nested`: repositories
    inside, by path; `unmerged`: files with conflicts left in the index."""

    __slots__ = ("index", "nested", "tree", "unmerged")

    def __init__(self, tree: str, index: str, nested: list[str], unmerged: list[str]) -> None:
        self.tree = tree
        self.index = index
        self.nested = nested
        self.unmerged = unmerged


def take(
    repository: Repository, at: str, git_dir: str, exact: bool = False, listed: tuple[str, ...] = ()
) -> Snapshot:
    """The state of the worktree `at`, whose own git directory is `git_dir`. IOFailure (74) if a file cannot be
    read."""
    folder = os.path.join(repository.common, "ccpm")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise IOFailure(f"cannot write in {repository.common}: {error.strerror}") from error
    _sweep(folder)
    index = os.path.join(folder, f"{_INDEX}{os.getpid()}-{abs(hash(at)) % 10**9}")
    try:
        return _Taking(repository, at, git_dir, index).take(exact, listed)
    finally:
        for path in (index, index + ".lock"):
            if os.path.exists(path):
                os.unlink(path)


def _sweep(folder: str) -> None:
    """Remove the copies of an index that processes left which were killed."""
    for name in os.listdir(folder):
        pid = name[len(_INDEX) :].partition("-")[0] if name.startswith(_INDEX) else ""
        if pid.isdigit() and not process.start_of(int(pid)):
            try:
                os.unlink(os.path.join(folder, name))
            except FileNotFoundError:
                pass  # somebody else has swept


class _Taking:
    __slots__ = ("at", "git_dir", "index", "repository")

    def __init__(self, repository: Repository, at: str, git_dir: str, index: str) -> None:
        self.repository = repository
        self.at = at
        self.git_dir = git_dir
        self.index = index

    def take(self, exact: bool, listed: tuple[str, ...]) -> Snapshot:
        self._copy_index()
        unmerged = sorted({field.partition("\t")[2] for field in self._fields("ls-files", "-u", "-z")})
        index = "" if unmerged else self._text("write-tree")
        if not os.path.isdir(self.at):  # somebody removed the folder: the index is all that is left
            return Snapshot(index, index, [], unmerged)
        if exact:
            self._unhide()
        others = self._fields("ls-files", "--others", "--exclude-standard", "-z")
        strangers = [path.rstrip("/") for path in others if path.endswith("/")]
        self._add(strangers, listed)
        if exact:
            self._store_exact_bytes()
        tree = self._text("write-tree")
        nested = sorted({*strangers, *self._inside()}) if exact else strangers
        return Snapshot(tree, index, nested, unmerged)

    def _copy_index(self) -> None:
        """With its times: git compares them with those of the files to tell which ones it has to read."""
        import shutil

        source = os.path.join(self.git_dir, "index")
        if os.path.exists(source):
            shutil.copy2(source, self.index)

    def _unhide(self) -> None:
        """Look also at files that the index says not to look at: assume-unchanged (a small letter), skip-worktree
        (S)."""
        hidden, skipped = [], []
        for field in self._fields("ls-files", "-v", "-z"):
            tag, path = field[0], field[2:]
            if tag.islower():
                hidden.append(path)
            if tag in "Ss" and os.path.lexists(os.path.join(self.at, path)):
                skipped.append(path)
        for flag, paths in (("--no-assume-unchanged", hidden), ("--no-skip-worktree", skipped)):
            if paths:
                self._run("update-index", flag, "-z", "--stdin", stdin=_joined(paths))

    def _add(self, strangers: list[str], listed: tuple[str, ...]) -> None:
        without = [f":(exclude,top,literal){path}" for path in strangers]
        quiet = ("-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false")
        self._run(*quiet, "add", "--all", "--sparse", "--", ":(top)", *without)
        if listed:
            force = ("--literal-pathspecs", *quiet, "add", "--force", "--sparse")
            self._run(*force, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=_joined(listed))

    def _store_exact_bytes(self) -> None:
        changed = []
        against = "HEAD" if self._text("rev-parse", "--verify", "--quiet", "HEAD", allow=(0, 1)) else ""
        base = against or self._text("hash-object", "-t", "tree", "-w", "--stdin")
        fields = self._fields("diff-index", "--cached", "-z", "--no-renames", base)
        for head, path in zip(fields[0::2], fields[1::2], strict=True):
            mode = head.split(" ")[1]
            if mode in _REGULAR:
                changed.append((mode, path))
        if not changed:
            return
        names = "".join(_quoted(path) + "\n" for _, path in changed)
        stored = self._run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=os.fsencode(names))
        lines = [
            f"{mode} {oid}\t{path}" for (mode, path), oid in zip(changed, stored.split("\n"), strict=True)
        ]
        self._run("update-index", "-z", "--index-info", stdin=_joined(lines))

    def _inside(self) -> list[str]:
        """The repositories in here: submodules that are checked out, others that git sees, and those in ignored
        folders, where git does not look."""
        found = []
        for where, folders, files in os.walk(self.at):
            if where != self.at and ".git" in folders + files and self._is_repository(where):
                found.append(os.path.relpath(where, self.at))
                folders.clear()  # what is inside of it is its own
            folders[:] = [name for name in folders if name != ".git"]
        return found

    def _is_repository(self, folder: str) -> bool:
        top = self.repository.text("rev-parse", "--show-toplevel", at=folder, allow=(0, 128))
        return bool(top) and os.path.realpath(top) == os.path.realpath(folder)

    def _run(self, *arguments: str, stdin: bytes = b"", allow: tuple[int, ...] = (0,)) -> str:
        variables = {"GIT_INDEX_FILE": self.index}
        where = self.at if os.path.isdir(self.at) else ""
        answer = self.repository.run(*arguments, at=where, stdin=stdin, variables=variables, allow=allow)
        return answer.text

    def _text(self, *arguments: str, allow: tuple[int, ...] = (0,)) -> str:
        return self._run(*arguments, allow=allow)

    def _fields(self, *arguments: str) -> list[str]:
        return [field for field in self._run(*arguments).split("\0") if field]


def write_exact(repository: Repository, at: str, tree: str) -> None:
    """Make the files of the worktree `at`, which is at its HEAD, those of `tree`, byte for byte."""
    for path, kind in sorted(trees.changes(repository, _head_tree(repository, at), tree).items()):
        target = os.path.join(at, path)
        if os.path.lexists(target) and not (os.path.isdir(target) and not os.path.islink(target)):
            os.unlink(target)
        if kind == "D":
            continue
        entry = repository.run("ls-tree", "-z", "--full-tree", tree, "--", path).fields[0]
        mode, _, oid = entry.partition("\t")[0].split(" ")
        if mode == _LINK_TO_COMMIT:
            continue  # a submodule or nested repository: it has a snapshot of its own
        data = repository.run("cat-file", "blob", oid).out
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if mode == "120000":
            os.symlink(os.fsdecode(data), target)
            continue
        with open(target, "wb") as file:
            file.write(data)
        if mode == "100755":
            os.chmod(target, os.stat(target).st_mode | 0o111)


def _head_tree(repository: Repository, at: str) -> str:
    head = repository.text("rev-parse", "--verify", "--quiet", "HEAD^{tree}", at=at, allow=(0, 1, 128))
    return head or repository.run("hash-object", "-t", "tree", "-w", "--stdin").text


def _joined(paths: list[str] | tuple[str, ...]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _quoted(path: str) -> str:
    """A path as git reads it from a line: as it is, unless it has a line break or begins with a quote."""
    if "\n" not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
