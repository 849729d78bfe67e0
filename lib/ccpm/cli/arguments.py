"""Parsing that all helpers share: options before or after the verb, errors as UsageError, times in seconds.

`Parser` has the part of argparse's interface that the helpers use. It reads an ordinary command line by itself and
leaves everything else to argparse: help, mistakes, and whatever is written in an unusual way. argparse decides, then,
what is right; but its import (it needs `re`, `enum`, `gettext`, `shutil`) costs more than all else that a helper does,
and a helper is started thousands of times without a mistake. That both agree is tested over generated command lines.
"""

from __future__ import annotations

from ccpm.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any, NoReturn

_GLOBAL_WITH_VALUE = ("--agent", "--fence")
_READ_HERE = frozenset(["action", "default", "dest", "help", "metavar", "nargs", "type"])
_FLAG, _STORE, _APPEND = "store_true", "store", "append"


class Unusual(Exception):
    """The quick reading gives up: argparse has to look at it."""


class Values:
    """The parsed arguments as attributes, like argparse.Namespace."""


class _Declared:
    __slots__ = ("action", "default", "dest", "group", "names", "nargs", "settings", "type")

    def __init__(self, names: tuple[str, ...], settings: dict[str, Any], group: int) -> None:
        self.names = names
        self.settings = settings
        self.group = group
        self.action = settings.get("action", _STORE)
        self.nargs = settings.get("nargs")
        self.type = settings.get("type")
        self.default = settings.get("default", False if self.action == _FLAG else None)
        longest = next((name for name in names if name.startswith("--")), names[0])
        self.dest = settings.get("dest") or longest.lstrip("-").replace("-", "_")

    @property
    def is_ordinary(self) -> bool:
        """Whether the quick reading knows what argparse would make of it."""
        known = _READ_HERE.issuperset(self.settings) and self.action in (_FLAG, _STORE, _APPEND)
        if self.names[0].startswith("-"):
            return known and self.nargs is None and not (self.type and isinstance(self.default, str))
        return known and self.action == _STORE and self.nargs in (None, "+", "*") and self.default is None


class Parser:
    """argparse, with its complaints as UsageError (exit 2) and the options that every verb takes."""

    def __init__(self, program: str, verb: str, description: str) -> None:
        self.prog = f"{program} {verb}".strip()
        self.description = description
        self._declared: list[_Declared] = []
        self._groups = 0
        self.add_argument("--agent", metavar="ID", help="act for this agent (default: $CCPM_AGENT_ID, …)")
        self.add_argument("--json", action="store_true", help="print JSON")

    def add_argument(self, *names: str, **settings: Any) -> None:
        """Declare an argument as argparse's method does."""
        self._declared.append(_Declared(names, settings, 0))

    def add_mutually_exclusive_group(self) -> _Group:
        self._groups += 1
        return _Group(self._declared, self._groups)

    def parse_args(self, argv: list[str]) -> Namespace:
        """The values of all arguments as attributes; UsageError (2) for a wrong command line."""
        try:
            return _read(self._declared, argv)  # type: ignore[return-value]
        except Unusual:
            return self.argparser().parse_intermixed_args(argv)

    def argparser(self) -> ArgumentParser:
        """The same declarations as an argparse.ArgumentParser."""
        import argparse

        class Strict(argparse.ArgumentParser):
            def error(self, message: str) -> NoReturn:
                raise UsageError(message, f"{self.prog} --help")

        parser = Strict(prog=self.prog, description=self.description, allow_abbrev=False)
        groups = [parser, *(parser.add_mutually_exclusive_group() for _ in range(self._groups))]
        for one in self._declared:
            groups[one.group].add_argument(*one.names, **one.settings)
        return parser


class _Group:
    __slots__ = ("_declared", "_number")

    def __init__(self, declared: list[_Declared], number: int) -> None:
        self._declared = declared
        self._number = number

    def add_argument(self, *names: str, **settings: Any) -> None:
        self._declared.append(_Declared(names, settings, self._number))


def _read(declared: list[_Declared], argv: list[str]) -> Values:
    """The values of an ordinary command line: declared options by their full names, values and positionals that do
    not begin with a dash, nothing missing, nothing twice in one exclusive group. `Unusual` for any other."""
    if not all(one.is_ordinary for one in declared):
        raise Unusual
    values = Values()
    for one in declared:
        setattr(values, one.dest, one.default)
    options = {name: one for one in declared for name in one.names if name.startswith("-")}
    positionals: list[str] = []
    runs, in_run = 0, False
    groups: dict[int, _Declared] = {}
    waiting = iter(argv)
    for text in waiting:
        if not text.startswith("-"):
            positionals.append(text)
            runs, in_run = runs + (not in_run), True
            continue
        in_run = False
        name, equals, value = text.partition("=")
        option = options.get(name)
        if option is None or (option.group and groups.setdefault(option.group, option) is not option):
            raise Unusual
        if option.action == _FLAG:
            if equals:
                raise Unusual
            setattr(values, option.dest, True)
            continue
        if not equals:
            value = next(waiting, "-")
            if value.startswith("-"):
                raise Unusual
        _store(values, option, _convert(option, value))
    _place([one for one in declared if not one.names[0].startswith("-")], positionals, runs, values)
    return values


def _store(values: Values, option: _Declared, value: object) -> None:
    if option.action == _APPEND:
        value = [*(getattr(values, option.dest) or []), value]
    setattr(values, option.dest, value)


def _place(takers: list[_Declared], found: list[str], runs: int, values: Values) -> None:
    """Give each positional its text; the last one may take several, which then stand together."""
    many = takers[-1] if takers and takers[-1].nargs else None
    single = takers[:-1] if many else takers
    if any(one.nargs for one in single) or (many and runs > 1) or len(found) < len(single):
        raise Unusual
    for one, text in zip(single, found, strict=False):
        setattr(values, one.dest, _convert(one, text))
    rest = found[len(single) :]
    if many:
        if not rest and many.nargs == "+":
            raise Unusual
        setattr(values, many.dest, [_convert(many, text) for text in rest])
    elif rest:
        raise Unusual


def _convert(one: _Declared, text: str) -> object:
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
    if not rest or rest[0] == "help":
        return "help", []
    verb = rest.pop(0)
    if verb not in verbs:
        raise UsageError(f"no verb {verb[:40]!r}; there are: {', '.join(verbs)}", f"{program} --help")
    return verb, front + rest


def usage(program: str, verbs: dict[str, str]) -> str:
    width = max(map(len, verbs))
    lines = [f"usage: {program} VERB …   (--help after a verb tells its options)", ""]
    lines += [f"  {verb:<{width}}  {what}" for verb, what in verbs.items()]
    return "\n".join(lines) + "\n"


def seconds(least: float, most: float) -> type[float]:
    """An argparse type: a number of seconds within [least, most]."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise invalid(f"{text[:40]!r} is not a number of seconds") from None
        if not least <= value <= most:
            raise invalid(f"{text[:40]} is not within {least:g} and {most:g} seconds")
        return value

    return parse  # type: ignore[return-value]
