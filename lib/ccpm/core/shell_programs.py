"""Which of their arguments programs write: `PROGRAMS` has one function for each program whose arguments are read here.

Contract: each takes the words behind the program's name (None: not certain) and gives what they say that it writes. An
option that is not known here is taken for one without a value, as nearly all are; those with a value are listed. What
never overwrites, asks first, or only says what it would do (`cp -n`, `git checkout -p`, `git rm -n`) writes nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Words = list[str | None]


class Write:
    """`path` as the command names it, seen from the folder that the `cd`s in `where` lead to. `name`: if `path` is a
    folder, the file of that name in it is meant. `is_tree`: if it is a folder, everything in it. `source`: if that is a
    folder, the files in it are put below `path`. `undone_to`: only what differs from this commit ("" = git's index) is
    written; None for what is no undoing. `program`: what writes it, "" for a redirection."""

    __slots__ = ("is_tree", "name", "path", "program", "source", "undone_to", "where")

    def __init__(
        self,
        path: str,
        name: str = "",
        is_tree: bool = False,
        source: str = "",
        undone_to: str | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self.is_tree = is_tree
        self.source = source
        self.undone_to = undone_to
        self.where: tuple[str, ...] = ()
        self.program = ""

    @property
    def follows_links(self) -> bool:
        """Whether, of a symbolic link, the file that it leads to is written; the others put something in its place."""
        return self.program in ("", "cp", "tee", "truncate")


class Arguments:
    """Words behind a program's name: the `options` without their dashes, the `values` of those that have one, and the
    `operands`. `valued`: the options that have a value, short ones by their letter. `in_front`: options only count in
    front of the operands."""

    __slots__ = ("operands", "options", "values")

    def __init__(self, words: Words, valued: str = "", in_front: bool = False) -> None:
        self.options: set[str] = set()
        self.values: dict[str, str | None] = {}
        self.operands: Words = []
        known = valued.split()
        waiting = iter(words)
        for word in waiting:
            if word == "--":
                self.operands += waiting
            elif word is None or not word.startswith("-") or word == "-":
                self.operands.append(word)
                self.operands += waiting if in_front else ()
            elif word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                self.options.add(name)
                if name in known:
                    self.values[name] = value if equals else next(waiting, None)
            else:
                for place, letter in enumerate(word[1:], 2):
                    self.options.add(letter)
                    if letter in known:
                        self.values[letter] = word[place:] or next(waiting, None)
                        break

    def has(self, *names: str) -> bool:
        return not self.options.isdisjoint(names)


def _rm(words: Words) -> list[Write]:
    found = Arguments(words)
    tree = found.has("r", "R", "recursive")
    return [Write(path, is_tree=tree) for path in found.operands if path]


def _moved(found: Arguments) -> tuple[Words, str | None]:
    """(what is copied or moved, where it goes)."""
    for name in ("t", "target-directory"):
        if name in found.values:
            return found.operands, found.values[name]
    return (found.operands[:-1], found.operands[-1]) if len(found.operands) > 1 else ([], None)


def _targets(found: Arguments, is_copied_whole: bool) -> list[Write]:
    sources, target = _moved(found)
    into = not found.has("T", "no-target-directory")
    writes = []
    for path in sources if target else []:
        name = (path or "").rstrip("/").rpartition("/")[2]
        source = path if is_copied_whole and path else ""
        if name == "." and source:
            writes.append(Write(target or "", source=source))
        elif name not in ("", ".", ".."):
            writes.append(Write(target or "", name if into else "", source=source))
    return writes


def _mv(words: Words) -> list[Write]:
    found = Arguments(words, "t target-directory S suffix")
    sources, _ = _moved(found)
    return [*(Write(path, is_tree=True) for path in sources if path), *_targets(found, False)]


def _cp(words: Words) -> list[Write]:
    found = Arguments(words, "t target-directory S suffix no-preserve sparse")
    if found.has("n", "no-clobber"):
        return []
    return _targets(found, found.has("r", "R", "a", "recursive", "archive"))


def _git_mv(words: Words) -> list[Write]:
    return [] if Arguments(words).has("n", "dry-run") else _mv(words)


def _tee(words: Words) -> list[Write]:
    return [Write(path) for path in Arguments(words).operands if path and path != "-"]


def _truncate(words: Words) -> list[Write]:
    return [Write(path) for path in Arguments(words, "s size r reference").operands if path]


def _sed(words: Words) -> list[Write]:
    """`sed -i`, with GNU's suffix, which is part of the word, or with the empty word that BSD's wants."""
    found = Arguments([_without_suffix(word) for word in words], "e expression f file l line-length")
    if not found.has("i", "in-place"):
        return []
    operands = found.operands[1:] if found.operands[:1] == [""] else found.operands
    has_script = found.has("e", "expression", "f", "file")
    return [Write(path) for path in (operands if has_script else operands[1:]) if path]


def _without_suffix(word: str | None) -> str | None:
    """A group of short options without what stands behind its `i`; other words as they are."""
    before, found, _ = (word or "").partition("i")
    is_group = before[:1] == "-" and before[:2] != "--" and not set(before) & set("efl")
    return before + found if found and is_group else word


def _git_checkout(words: Words) -> list[Write]:
    if "--" not in words:
        return []  # a branch or a file: only git knows
    cut = words.index("--")
    before = Arguments(words[:cut])
    if before.has("p", "patch"):
        return []
    return _paths(words[cut + 1 :], (before.operands or [""])[0])


def _git_restore(words: Words) -> list[Write]:
    found = Arguments(words, "s source conflict pathspec-from-file U unified inter-hunk-context")
    is_staged = found.has("S", "staged")
    if found.has("p", "patch") or (is_staged and not found.has("W", "worktree")):
        return []  # it asks, or it is about the index alone
    usual = "HEAD" if is_staged else ""
    return _paths(found.operands, found.values.get("s", found.values.get("source", usual)))


def _git_rm(words: Words) -> list[Write]:
    found = Arguments(words, "pathspec-from-file")
    if found.has("cached", "n", "dry-run"):
        return []
    return _paths([path for path in found.operands if "*" not in (path or "")], None)


def _paths(words: Words, undone_to: str | None) -> list[Write]:
    """Paths as git reads them, but for those with magic."""
    return [
        Write(path, is_tree=True, undone_to=undone_to) for path in words if path and not path.startswith(":")
    ]


PROGRAMS: dict[str, Callable[[Words], list[Write]]] = {
    "rm": _rm,
    "unlink": _rm,
    "mv": _mv,
    "cp": _cp,
    "tee": _tee,
    "truncate": _truncate,
    "sed": _sed,
    "git checkout": _git_checkout,
    "git restore": _git_restore,
    "git rm": _git_rm,
    "git mv": _git_mv,
}
