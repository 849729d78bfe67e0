"""The declarations of a `Parser` as an argparse.ArgumentParser: help, and the words for mistakes.

It is loaded only where the quick reading (cli/arguments.py) gives up: argparse takes long to import.
"""

from __future__ import annotations

import argparse

from ccpm.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ccpm.cli.arguments import Declared

    Shield = Callable[[list[str]], list[str]]

_MISSING = "the following arguments are required: "


class Strict(argparse.ArgumentParser):
    """argparse with its complaints as UsageError (2)."""

    optional: frozenset[str] = frozenset()
    """Positionals that argparse calls required in its second pass, and that are not."""

    shield: Shield
    """Puts words with a dash that are no options behind `--`."""

    def error(self, message: str) -> NoReturn:
        if message.startswith(_MISSING):
            names = message.removeprefix(_MISSING).split(", ")
            message = f"no {' and no '.join(name for name in names if name not in self.optional)} given"
        raise UsageError(message, f"{self.prog} --help")

    def parse_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        args = self.shield(args)
        # behind `--` a name may begin with a dash; the original does not see the `--` in its second pass
        if "--" in args:
            return self.parse_args(args, namespace)
        return super().parse_intermixed_args(args, namespace)


def build(program: str, description: str, declared: list[Declared], groups: int, shield: Shield) -> Strict:
    """The parser of `program`; `groups` of the arguments exclude each other."""
    parser = Strict(prog=program, description=description, allow_abbrev=False)
    parser.optional = frozenset(
        str(one.settings.get("metavar", one.dest)) for one in declared if one.nargs in ("*", "?")
    )
    parser.shield = shield
    places = [parser, *(parser.add_mutually_exclusive_group() for _ in range(groups))]
    for one in declared:
        places[one.group].add_argument(*one.names, **{**one.settings, "help": one.meaning})
    return parser
