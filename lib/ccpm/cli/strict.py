"""The declarations of a `Parser` as an argparse.ArgumentParser: help, and the words for mistakes.

It is loaded only where the quick reading (cli/arguments.py) gives up: argparse takes long to import.
"""

from __future__ import annotations

import argparse

from ccpm.cli import words
from ccpm.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from ccpm.cli.arguments import Declared

_MISSING = "the following arguments are required: "


class Strict(argparse.ArgumentParser):
    """argparse with its complaints as UsageError (2)."""

    optional: frozenset[str] = frozenset()
    """Positionals that argparse calls required in its second pass, and that are not."""

    declared: list[Declared]
    takes_any: bool

    def error(self, message: str) -> NoReturn:
        if message.startswith(_MISSING):
            names = message.removeprefix(_MISSING).split(", ")
            message = f"no {' and no '.join(name for name in names if name not in self.optional)} given"
        raise UsageError(message, f"{self.prog} --help")

    def parse_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        args = words.shielded(args, self.declared, self.takes_any)
        # behind `--` a name may begin with a dash; the original does not see the `--` in its second pass
        if "--" in args:
            return self.parse_args(args, namespace)
        return super().parse_intermixed_args(args, namespace)


def build(program: str, description: str, declared: list[Declared], groups: int, takes_any: bool) -> Strict:
    """The parser of `program`: there are `groups` groups of arguments that exclude each other. `takes_any`: see
    Parser.add_name."""
    parser = Strict(prog=program, description=description, allow_abbrev=False)
    parser.optional = frozenset(
        str(one.settings.get("metavar", one.dest)) for one in declared if one.nargs in ("*", "?")
    )
    parser.declared, parser.takes_any = declared, takes_any
    places = [parser, *(parser.add_mutually_exclusive_group() for _ in range(groups))]
    for one in declared:
        places[one.group].add_argument(*one.names, **{**one.settings, "help": help_of(one)})
    return parser


def help_of(one: Declared) -> str:
    """Its help, with the default where that is a number."""
    text = str(one.settings.get("help", ""))
    if isinstance(one.default, (int, float)) and one.default and not isinstance(one.default, bool):
        text += f" (default {one.default:g})"
    return text
