"""Which files a Bash command line writes, and where an agent's id goes into it.

Contract: `writes(source)` lists what the commands in `source` certainly write, if they are reached and succeed: targets
of redirections, and what the programs of core/shell_programs.py say of their arguments. `with_agent` gives the source
with `--agent ID` in each call of CCPM's own helpers that names none.

Guarantee: every answer is read from the text alone (core/shell_words.py); a command of which a part is not certain is
left out.
"""

from __future__ import annotations

from ccpm.core import shell_words
from ccpm.core.shell_programs import PROGRAMS, Arguments, Write
from ccpm.core.shell_quoting import Word
from ccpm.core.shell_words import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEEPEST = 3
"""Levels of `bash -c '…'` that are followed."""

_SHELLS = frozenset("bash sh zsh dash ksh".split())
_WRAPPERS = frozenset("command builtin exec nohup sudo env".split())
_GIT_VALUES = frozenset(["-c", "--namespace", "--config-env", "--super-prefix", "--attr-source"])
_GIT_ELSEWHERE = ("--git-dir", "--work-tree")


def writes(source: str, depth: int = 0) -> list[Write]:
    """What `source` certainly writes, in the order of its commands."""
    found: list[Write] = []
    for command in shell_words.commands(source):
        targets = [Write(word.text) for word in command.outputs if word.text]
        found += [*_seen_from(command.where, targets), *_of_program(command, depth)]
    return found


def _of_program(command: Command, depth: int) -> list[Write]:
    if any(word.splits for word in command.words):
        return []  # which argument is which depends on what it splits into
    words = _without_wrappers([word.text for word in command.words])
    if not words or words[0] is None:
        return []
    name, where = words[0].rpartition("/")[2], command.where
    if name in _SHELLS or name == "eval":
        return _seen_from(where, _of_script(name, words[1:], depth))
    if name == "git":
        where, words = _git_folder(where, words[1:])
        name = f"git {words[0]}" if words else ""
    found = PROGRAMS[name](words[1:]) if name in PROGRAMS else []
    for write in found:
        write.program = name
    return _seen_from(where, found)


def _seen_from(where: tuple[str, ...] | None, found: list[Write]) -> list[Write]:
    """`found` as it is seen from where the `cd`s in `where` began. None: only what does not depend on that."""
    kept = []
    for write in found:
        if where is not None:
            write.where = (*where, *write.where)
        elif write.where or not write.path.startswith("/"):
            continue
        elif not write.source.startswith("/"):
            write.source = ""
        kept.append(write)
    return kept


def _without_wrappers(words: list[str | None]) -> list[str | None]:
    """`words` without the programs in front that only start the rest."""
    while words and words[0] in _WRAPPERS:
        words = words[1:]
        while words and words[0] and "=" in words[0] and words[0].partition("=")[0].isidentifier():
            words = words[1:]
        if words and (words[0] or "-").startswith("-"):
            return []
    return words


def _of_script(name: str, words: list[str | None], depth: int) -> list[Write]:
    """What the script writes that a shell, or `eval`, gets as an argument."""
    if name != "eval":
        given = Arguments(words, "o O rcfile init-file", in_front=True)
        words = given.operands[:1] if given.has("c") and not given.has("n") else []
    if len(words) != 1 or words[0] is None or depth >= DEEPEST:
        return []
    return writes(words[0], depth + 1)


def _git_folder(
    where: tuple[str, ...] | None, words: list[str | None]
) -> tuple[tuple[str, ...] | None, list[str | None]]:
    """(where git works, its command and arguments): git's own options stand in front of those."""
    waiting = iter(words)
    for word in waiting:
        if word is None or not word.startswith("-"):
            return where, [word, *waiting]
        if word == "-C":
            folder = next(waiting, None)
            where = None if where is None or folder is None else (*where, folder)
        elif word.startswith(_GIT_ELSEWHERE):
            return None, []
        elif word in _GIT_VALUES:
            next(waiting, None)
    return where, []


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
