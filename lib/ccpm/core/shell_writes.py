"""Which files a Bash command line writes, and where an agent's id goes into it.

Contract: `writes(source)` lists what the commands in `source` certainly write, if they are reached and succeed: targets
of redirections, and the operands of those programs whose arguments are read here (`_PROGRAMS`). `with_agent` gives the
source with `--agent ID` in each call of CCPM's own helpers that names none.

Guarantee: every answer is read from the text alone (core/shell_words.py); a command of which a part is not certain is
left out. Options that are not known here make a command uncertain.
"""

from __future__ import annotations

from ccpm.core import shell_words
from ccpm.core.shell_words import Command, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEEPEST = 3
"""Levels of `bash -c '…'` that are followed."""


class Write:
    """`path` as the command names it, seen from the folder that the `cd`s in `where` lead to. `name`: if `path` is a
    folder, the file of that name in it is meant. `is_tree`: if it is a folder, everything in it. `program`: what
    writes it, "" for a redirection."""

    __slots__ = ("is_tree", "name", "path", "program", "where")

    def __init__(
        self, path: str, where: Sequence[str], name: str = "", is_tree: bool = False, program: str = ""
    ) -> None:
        self.program = program
        self.path = path
        self.where = tuple(where)
        self.name = name
        self.is_tree = is_tree

    @property
    def follows_links(self) -> bool:
        """Whether, of a symbolic link, the file that it leads to is written; the others put something in its place."""
        return self.program in ("", "cp", "tee", "truncate")


class _Uncertain(Exception):
    pass


def writes(source: str, depth: int = 0) -> list[Write]:
    """What `source` certainly writes, in the order of its commands."""
    found: list[Write] = []
    for command in shell_words.commands(source):
        where = command.where
        targets = [word.text for word in command.outputs if word.text]
        found += [Write(path, where or ()) for path in targets if where is not None or path.startswith("/")]
        try:
            found += _of_program(command, depth)
        except _Uncertain:
            pass
    return found


def _of_program(command: Command, depth: int) -> list[Write]:
    if any(word.splits for word in command.words):
        return []  # which argument is which depends on what it splits into
    where = list(command.where) if command.where is not None else None
    words = _without_wrappers([word.text for word in command.words])
    if not words or words[0] is None:
        return []
    name = words[0].rpartition("/")[2]
    if name in ("bash", "sh", "zsh", "eval"):
        return _of_script(name, words[1:], where, depth)
    if name == "git":
        where, words = _git_folder(where, words)
        name = f"git {words[0]}" if words else ""
    if name not in _PROGRAMS:
        return []
    found = [Write(path, where or (), into, tree, name) for path, into, tree in _PROGRAMS[name](words[1:])]
    return [write for write in found if where is not None or write.path.startswith("/")]


def _without_wrappers(words: list[str | None]) -> list[str | None]:
    """`words` without the programs in front that only start the rest."""
    while words and words[0] in ("command", "builtin", "exec", "nohup", "sudo", "env"):
        words = words[1:]
        while words and words[0] and "=" in words[0] and words[0].partition("=")[0].isidentifier():
            words = words[1:]
        if words and (words[0] or "-").startswith("-"):
            return []
    return words


def _of_script(name: str, words: list[str | None], where: list[str] | None, depth: int) -> list[Write]:
    if name != "eval":
        if len(words) < 2 or words[0] not in ("-c", "-lc", "-ec", "-ce", "-euc"):
            return []
        words = words[1:2]
    if len(words) != 1 or words[0] is None or depth >= DEEPEST:
        return []
    inner = writes(words[0], depth + 1)
    if where is None:
        return [write for write in inner if not write.where and write.path.startswith("/")]
    return [
        Write(write.path, [*where, *write.where], write.name, write.is_tree, write.program) for write in inner
    ]


def _git_folder(
    where: list[str] | None, words: list[str | None]
) -> tuple[list[str] | None, list[str | None]]:
    """(where git works, its command and arguments)."""
    rest = words[1:]
    while rest and rest[0] == "-C" and len(rest) > 1:
        where = None if where is None or rest[1] is None else [*where, rest[1]]
        rest = rest[2:]
    return where, rest


_Found = list[tuple[str, str, bool]]
"""(path, name if that is a folder, whether all below it) for each operand that is written."""


def _operands(
    words: list[str | None], flags: str, long_flags: str = "", valued: str = ""
) -> tuple[set[str], list[str | None]]:
    """(options, operands). `flags`, `valued`: short options without and with a value; `long_flags`: long ones without
    one. _Uncertain for any other option."""
    options: set[str] = set()
    operands: list[str | None] = []
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            operands += waiting
        elif word is None or not word.startswith("-") or word == "-":
            operands.append(word)
        elif word.startswith("--"):
            if word[2:] not in long_flags.split():
                raise _Uncertain
            options.add(word[2:])
        elif len(word) == 2 and word[1] in valued:
            options.add(word[1])
            next(waiting, None)
        elif set(word[1:]) <= set(flags):
            options |= set(word[1:])
        else:
            raise _Uncertain
    return options, operands


def _rm(words: list[str | None]) -> _Found:
    options, operands = _operands(words, "rRfivId", "recursive force verbose dir")
    tree = bool(options & {"r", "R", "recursive"})
    return [(path, "", tree) for path in operands if path]


def _moved(words: list[str | None], takes_source: bool, flags: str, long_flags: str) -> _Found:
    _, operands = _operands(words, flags, long_flags)
    if len(operands) < 2:
        return []
    *sources, target = operands
    found: _Found = [(path, "", True) for path in sources if path] if takes_source else []
    if target:
        names = [(path or "").rstrip("/").rpartition("/")[2] for path in sources]
        found += [(target, name, False) for name in names if name not in ("", ".", "..")]
    return found


def _mv(words: list[str | None]) -> _Found:
    return _moved(words, True, "fivnT", "force verbose no-clobber")


def _cp(words: list[str | None]) -> _Found:
    return _moved(words, False, "rRafipvLPHTdx", "recursive archive force verbose")


def _git_mv(words: list[str | None]) -> _Found:
    return _moved(words, True, "fkv", "force verbose")


def _tee(words: list[str | None]) -> _Found:
    _, operands = _operands(words, "aip", "append ignore-interrupts")
    return [(path, "", False) for path in operands if path and path != "-"]


def _truncate(words: list[str | None]) -> _Found:
    _, operands = _operands(words, "c", "no-create", "sr")
    return [(path, "", False) for path in operands if path]


def _sed(words: list[str | None]) -> _Found:
    """`sed -i`, with GNU's optional suffix or with the empty word that BSD's wants."""
    script_given = in_place = False
    operands: list[str | None] = []
    waiting = iter(words)
    for word in waiting:
        if word is None or not word.startswith("-") or word == "-":
            operands.append(word)
        elif word == "--":
            operands += waiting
        elif word in ("-e", "-f", "--expression", "--file"):
            script_given = True
            next(waiting, None)
        elif word.startswith(("--expression=", "--file=")):
            script_given = True
        elif word.startswith(("-i", "--in-place")):
            in_place = True
        elif set(word[1:].partition("i")[0]) <= set("nrEsuz"):
            in_place = in_place or "i" in word  # what follows an i is its suffix
        else:
            raise _Uncertain
    if operands[:1] == [""]:
        operands = operands[1:]
    files = operands if script_given else operands[1:]
    return [(path, "", False) for path in files if path] if in_place else []


def _git_checkout(words: list[str | None]) -> _Found:
    if "--" not in words:
        return []  # a branch or a file: only git knows
    paths = words[words.index("--") + 1 :]
    return [(path, "", True) for path in paths if path and not path.startswith(":")]


def _git_restore(words: list[str | None]) -> _Found:
    words = [word for word in words if word is None or not word.startswith(("--source=", "-s="))]
    options, operands = _operands(words, "SWq", "staged worktree quiet ours theirs", "s")
    if options & {"S", "staged"} and not options & {"W", "worktree"}:
        return []  # the index alone
    return [(path, "", True) for path in operands if path and not path.startswith(":")]


def _git_rm(words: list[str | None]) -> _Found:
    options, operands = _operands(words, "rfq", "force quiet cached")
    if "cached" in options:
        return []
    return [(path, "", True) for path in operands if path and not path.startswith(":") and "*" not in path]


_PROGRAMS: dict[str, Callable[[list[str | None]], _Found]] = {
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


def with_agent(source: str, agent: str, helpers: Sequence[str], takes_agent: Callable[[str], bool]) -> str:
    """`source` with `--agent AGENT` in each certain call of `ccpm-HELPER`, `ccpm HELPER` or one of our command scripts
    (`…/commands/pm/NAME.sh`, if `takes_agent(NAME)`) that names no agent.

    It goes behind the last argument (in front of a `--`), so that every rule about the beginning of a command, like
    `Bash(ccpm-lock acquire:*)`, means the new text as it meant the old one. `ccpm-gh` hands its arguments to gh: there
    it goes first.
    """
    places = []
    for command in shell_words.commands(source):
        first = _first_argument(command.words, helpers, takes_agent)
        ours = _before_dashes(command.words)
        named = any((word.text or "").partition("=")[0] == "--agent" for word in ours)
        if first and not named and "CCPM_AGENT_ID" not in command.assigns:
            is_gh = ours[first - 1].text in ("gh", "ccpm-gh") or (ours[0].text or "").endswith("/ccpm-gh")
            places.append((ours[first - 1] if is_gh else ours[-1]).end)
    for place in sorted(places, reverse=True):
        source = f"{source[:place]} --agent {agent}{source[place:]}"
    return source


def _first_argument(words: list[Word], helpers: Sequence[str], takes_agent: Callable[[str], bool]) -> int:
    """The place of the first argument in a call of one of our own programs, 0 if it is none."""
    texts = [word.text or "" for word in words[:2]] + ["", ""]
    name = texts[0].rpartition("/")[2]
    if name.startswith("ccpm-") and name[5:] in helpers:
        return 1
    if name == "ccpm" and texts[1] in helpers:
        return 2
    place = 1 if name in ("bash", "sh") else 0
    folder, slash, script = texts[place].rpartition("/")
    is_ours = slash and f"/{folder}".endswith("/commands/pm") and script.endswith(".sh")
    return place + 1 if is_ours and takes_agent(script[:-3]) else 0


def _before_dashes(words: list[Word]) -> list[Word]:
    for place, word in enumerate(words):
        if word.text == "--":
            return words[:place]
    return words
