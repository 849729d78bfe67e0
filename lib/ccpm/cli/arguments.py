"""Parsing that all helpers share: options before or after the verb, errors as UsageError, times in seconds.

`Parser` has the part of argparse's interface that the helpers use. It reads an ordinary command line by itself and
leaves everything else to argparse: help, mistakes, and whatever is written in an unusual way. argparse decides, then,
what is right; but its import (it needs `re`, `enum`, `gettext`, `shutil`) costs more than all else that a helper does,
and a helper is started thousands of times without a mistake. That both agree is tested over generated command lines.
"""

from __future__ import annotations

import sys

from ccpm.errors import OK, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable
    from typing import Any

_GLOBAL_WITH_VALUE = ("--agent", "--fence")
_READ_HERE = frozenset(["action", "default", "dest", "help", "metavar", "nargs", "required", "type"])
FLAG, STORE, APPEND = "store_true", "store", "append"


class Unusual(Exception):
    """The quick reading gives up: argparse has to look at it."""


class Values:
    """The parsed arguments as attributes, like argparse.Namespace."""


class Declared:
    """One argument, and whether it `is_ordinary`: whether the quick reading knows what argparse would make of it."""

    __slots__ = (
        "action", "default", "dest", "group", "is_option", "is_ordinary", "names", "nargs", "required", "settings",
        "type",
    )  # fmt: skip

    def __init__(self, names: tuple[str, ...], settings: dict[str, Any], group: int) -> None:
        self.names = names
        self.settings = settings
        self.group = group
        self.action = settings.get("action", STORE)
        self.nargs = settings.get("nargs")
        self.type = settings.get("type")
        self.default = settings.get("default", False if self.action == FLAG else None)
        self.required = settings.get("required", False)
        self.dest = settings.get("dest") or names[0].lstrip("-").replace("-", "_")
        self.is_option = names[0].startswith("-")
        known = len(names) == 1 and _READ_HERE.issuperset(settings)
        if self.is_option:
            ordinary = self.action in (FLAG, STORE, APPEND) and self.nargs is None
            self.is_ordinary = known and ordinary and not (self.type and isinstance(self.default, str))
        else:
            ordinary = self.action == STORE and self.nargs in (None, "+", "*") and self.default is None
            self.is_ordinary = known and ordinary


class Parser:
    """argparse, with its complaints as UsageError (exit 2) and the options that every verb takes."""

    def __init__(self, program: str, verb: str, description: str) -> None:
        self.prog = f"{program} {verb}".strip()
        self.description = description
        self._declared: list[Declared] = []
        self._groups = 0
        self._name: Declared | None = None
        self._takes_any = False
        self.add_argument(
            "--agent", metavar="ID", type=_agent, help="act for this agent (default: $CCPM_AGENT_ID, …)"
        )
        self.add_argument("--json", action="store_true", help="print JSON")

    def add_argument(self, *names: str, **settings: Any) -> None:
        """Declare an argument as argparse's method does."""
        self._declared.append(Declared(names, settings, 0))

    def add_name(self, metavar: str, help: str, is_required: bool = True, takes_any: bool = False) -> None:
        """Declare the one positional `name`: all words that are no option of ours, joined by blanks. So a name may hold
        blanks and begin with a dash (`-rf`). Unknown words that begin with two dashes are mistakes, unless
        `takes_any`; behind `--` nothing is an option."""
        self._name = Declared(("name",), {"metavar": metavar, "help": help, "nargs": "*"}, 0)
        self._name.required = is_required
        self._takes_any = takes_any

    @property
    def declared(self) -> list[Declared]:
        """Everything that is declared, for the documents."""
        return [*([self._name] if self._name else []), *self._declared]

    def add_mutually_exclusive_group(self) -> _Group:
        self._groups += 1
        return _Group(self._declared, self._groups)

    def parse_args(self, argv: list[str]) -> Namespace:
        """The values of all arguments as attributes; UsageError (2) for a wrong command line."""
        words: list[str] = []
        if self._name:
            from ccpm.cli.words import split

            argv, words = split(argv, self.declared, self._takes_any)
        try:
            values: Namespace = _read(self._declared, argv)  # type: ignore[assignment]
        except Unusual:
            values = self.argparser().parse_intermixed_args(argv)
        if self._name:
            values.name = " ".join(words)
            if self._name.required and not values.name.strip():
                what = str(self._name.settings["metavar"])
                raise UsageError(f"no {what} given", f"{self.prog} --help")
        return values

    def argparser(self) -> ArgumentParser:
        """The same declarations as an argparse.ArgumentParser."""
        from ccpm.cli import strict

        return strict.build(self.prog, self.description, self.declared, self._groups, self._takes_any)


class _Group:
    __slots__ = ("_declared", "_number")

    def __init__(self, declared: list[Declared], number: int) -> None:
        self._declared = declared
        self._number = number

    def add_argument(self, *names: str, **settings: Any) -> None:
        self._declared.append(Declared(names, settings, self._number))


def _read(declared: list[Declared], argv: list[str]) -> Values:
    """The values of an ordinary command line: declared options by their full names, values and positionals that do
    not begin with a dash or are all behind one `--`, nothing missing, nothing twice in one exclusive group. `Unusual`
    for any other."""
    values = Values()
    options: dict[str, Declared] = {}
    for one in declared:
        if not one.is_ordinary:
            raise Unusual
        setattr(values, one.dest, one.default)
        if one.is_option:
            options[one.names[0]] = one
    given: list[Declared] = []
    positionals: list[str] = []
    argv, behind = _cut(argv)
    waiting = iter(argv)
    for text in waiting:
        if not text.startswith("-"):
            positionals.append(text)
            continue
        name, equals, value = text.partition("=")
        option = options.get(name)
        if option is None or (option.action == FLAG and equals):
            raise Unusual
        given.append(option)
        if option.action == FLAG:
            setattr(values, option.dest, True)
            continue
        if not equals:
            value = next(waiting, "-")
            if value.startswith("-"):
                raise Unusual
        _store(values, option, _convert(option, value))
    _check_options(options, given)
    if positionals and behind:
        raise Unusual
    _place([one for one in declared if not one.is_option], positionals or behind, values)
    return values


def _cut(argv: list[str]) -> tuple[list[str], list[str]]:
    """(the words in front of a `--`, those behind it)."""
    if "--" not in argv:
        return argv, []
    cut = argv.index("--")
    behind = argv[cut + 1 :]
    if not behind or "--" in behind:
        raise Unusual
    return argv[:cut], behind


def _store(values: Values, option: Declared, value: object) -> None:
    if option.action == APPEND:
        value = [*(getattr(values, option.dest) or []), value]
    setattr(values, option.dest, value)


def _check_options(options: dict[str, Declared], given: list[Declared]) -> None:
    groups: dict[int, Declared] = {}
    for option in given:
        if option.group and groups.setdefault(option.group, option) is not option:
            raise Unusual
    if any(option.required and option not in given for option in options.values()):
        raise Unusual


def _place(takers: list[Declared], found: list[str], values: Values) -> None:
    """Give each positional its text; the last one may take several."""
    many = takers[-1] if takers and takers[-1].nargs else None
    single = takers[:-1] if many else takers
    if len(found) < len(single) or any(one.nargs for one in single):
        raise Unusual
    for one, text in zip(single, found, strict=False):
        setattr(values, one.dest, _convert(one, text))
    rest = found[len(single) :]
    if many and (rest or many.nargs == "*"):
        setattr(values, many.dest, [_convert(many, text) for text in rest])
    elif many or rest:
        raise Unusual


def _convert(one: Declared, text: str) -> object:
    if not one.type:
        return text
    try:
        return one.type(text)
    except Exception as error:  # argparse finds the words for it
        raise Unusual from error


def invalid(message: str) -> Exception:
    """What the `type` of an argument raises to say why a text is no value: argparse's own exception."""
    from argparse import ArgumentTypeError

    return ArgumentTypeError(message)


def _agent(text: str) -> str:
    if not text:
        raise invalid("the id of the agent is empty")
    return text


def split_verb(program: str, argv: list[str], verbs: dict[str, str]) -> tuple[str, list[str]]:
    """(verb, the other arguments): options in front of the verb are moved behind it. Without a verb, or with -h, the
    verb is "help"."""
    front: list[str] = []
    rest = list(argv)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("-h", "--help"):
            return "help", []
        front.append(option)
        if option in _GLOBAL_WITH_VALUE and rest:
            front.append(rest.pop(0))
    there = f"there are: {', '.join(verbs)}"
    if front and not rest:
        raise UsageError(f"no verb beside {front[0][:40]}; {there}", f"{program} --help")
    if not rest or rest[0] == "help":
        return "help", []
    verb = rest.pop(0)
    if verb not in verbs:
        raise UsageError(f"no verb {verb[:40]!r}; {there}", f"{program} --help")
    return verb, front + rest


def dispatch(
    program: str, verbs: dict[str, str], argv: list[str], carry_out: Callable[[str, list[str]], int]
) -> int:
    """The status of `carry_out(verb, other arguments)`, or OK after the list of verbs."""
    verb, rest = split_verb(program, argv, verbs)
    if verb == "help":
        sys.stdout.write(usage(program, verbs))
        return OK
    return carry_out(verb, rest)


def usage(program: str, verbs: dict[str, str]) -> str:
    width = max(map(len, verbs))
    lines = [f"usage: {program} VERB …   (--help after a verb tells its options)", ""]
    lines += [f"  {verb:<{width}}  {what}" for verb, what in verbs.items()]
    return "\n".join(lines) + "\n"


def whole(text: str) -> int:
    """An argparse type: a whole number."""
    try:
        return int(text)
    except ValueError:
        raise invalid(f"{text[:40]!r} is no whole number") from None


def amount(unit: str, least: float, most: float) -> type[float]:
    """An argparse type: a number of `unit` within [least, most]."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise invalid(f"{text[:40]!r} is not a number of {unit}") from None
        if not least <= value <= most:
            raise invalid(f"{text[:40]} is not within {least:g} and {most:g} {unit}")
        return value

    return parse  # type: ignore[return-value]


def seconds(least: float, most: float) -> type[float]:
    """An argparse type: a number of seconds within [least, most]."""
    return amount("seconds", least, most)
