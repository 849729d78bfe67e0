"""Which words of a command line are options, and which are names: a name may begin with a dash (`-rf`).

Loaded only for helpers that take a name of several words, and where argparse has to look.
"""

from __future__ import annotations

from ccpm.cli.arguments import APPEND, STORE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.cli.arguments import Declared


def split(argv: list[str], declared: list[Declared], takes_any: bool) -> tuple[list[str], list[str]]:
    """(the options with their values, the other words). Behind `--` nothing is an option. An unknown word with two
    dashes counts as an option, a mistaken one, unless `takes_any`."""
    options = {name: one for one in declared for name in one.names if one.is_option}
    ours: list[str] = []
    words: list[str] = []
    waiting = iter(argv)
    for word in waiting:
        option = options.get(word.partition("=")[0])
        if word == "--":
            words += waiting
        elif word in ("-h", "--help") or option:
            ours.append(word)
            if option and option.action in (STORE, APPEND) and "=" not in word:
                ours += [value for value in [next(waiting, None)] if value is not None]
        elif word.startswith("--") and not takes_any:
            ours.append(word)
        else:
            words.append(word)
    return ours, words


def shielded(argv: list[str], declared: list[Declared], takes_any: bool) -> list[str]:
    """`argv` as argparse reads it rightly: words that are no options, but begin with a dash, stand behind `--`."""
    ours, words = split(argv, declared, takes_any)
    has_dashes = any(word.startswith("-") for word in words)
    return [*ours, "--", *words] if has_dashes and "--" not in argv else argv
