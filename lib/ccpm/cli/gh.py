"""ccpm-gh: the user's gh under the budget that all agents share, and what is left of that budget."""

from __future__ import annotations

import sys

from ccpm.cli import acting
from ccpm.cli.arguments import Parser, invalid, seconds, split_verb, usage
from ccpm.cli.output import print_json, speaker
from ccpm.errors import OK, UsageError
from ccpm.ops.actor import Actor
from ccpm.ops.github import budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

PROGRAM = "ccpm-gh"
_say = speaker(PROGRAM)
VERBS = {
    "limit": "show what is left of GitHub's limits, who uses them, and until when",
    "reserve": "set requests aside for your agent; print how many others are free",
    "wait": "wait until so many requests are free and no pause is on; print how many are",
}
_LONGEST = 86_400.0
_OPTIONS = ("--agent", "--timeout")
_POOLS = {"requests": "core", "graphql": "graphql", "search": "search"}


def run(argv: list[str]) -> int:
    ours, rest = _split(argv)
    if not rest or rest[0] in ("-h", "--help"):
        sys.stdout.write(usage(PROGRAM, VERBS))
        sys.stdout.write(
            "\nAnything else is run as `gh …` under the shared budget: gh --help tells what there is.\n"
        )
        sys.stdout.write("--timeout S before it: wait at most S seconds for the turn and the limits.\n")
        return OK
    if rest[0] in VERBS:
        verb, arguments = split_verb(PROGRAM, [*ours, *rest], VERBS)
        return {"limit": _limit, "reserve": _reserve, "wait": _wait}[verb](arguments)
    parser = Parser(PROGRAM, "", "run gh under the shared budget")
    _add_timeout(parser, budget.DEFAULT_TIMEOUT)
    args = parser.parse_args(ours)
    from ccpm.ops.github import gh_commands

    return gh_commands.run(_actor(args), rest, args.timeout, _show)


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Our own options in front, and the rest: all that follows the first word is gh's, or a verb's."""
    place = 0
    while place < len(argv):
        name, equals, _ = argv[place].partition("=")
        if name not in _OPTIONS:
            break
        place += 1 if equals else 2
    return argv[:place], argv[place:]


def _limit(argv: list[str]) -> int:
    parser = Parser(PROGRAM, "limit", VERBS["limit"])
    parser.add_argument("--refresh", action="store_true", help="ask GitHub first, which costs nothing")
    args = parser.parse_args(argv)
    from ccpm.cli import budget_table

    actor = _actor(args)
    found = budget.overview(actor, args.refresh)
    if args.json:
        print_json(found)
    else:
        budget_table.show(found)
    return OK


def _reserve(argv: list[str]) -> int:
    parser = Parser(PROGRAM, "reserve", VERBS["reserve"])
    parser.add_argument("calls", type=_number, metavar="N", help="how many; 0 gives back what you have")
    _add_pool(parser)
    _add_timeout(parser, 0.0)
    args = parser.parse_args(argv)
    _print(args, budget.reserve(_actor(args), args.calls, _pool(args), args.timeout))
    return OK


def _wait(argv: list[str]) -> int:
    parser = Parser(PROGRAM, "wait", VERBS["wait"])
    parser.add_argument("calls", type=_number, metavar="N", help="how many have to be free")
    _add_pool(parser)
    _add_timeout(parser, budget.DEFAULT_TIMEOUT)
    args = parser.parse_args(argv)
    _print(args, budget.wait(_actor(args), args.calls, _pool(args), args.timeout))
    return OK


def _add_timeout(parser: Parser, default: float) -> None:
    parser.add_argument(
        "--timeout", type=seconds(0, _LONGEST), default=default, help="longest wait, seconds; 0: none"
    )


def _add_pool(parser: Parser) -> None:
    parser.add_argument("--pool", default="requests", help="of requests, graphql or search")


def _pool(args: Namespace) -> str:
    if args.pool not in _POOLS:
        raise UsageError(f"no pool {args.pool[:40]!r}; there are: {', '.join(_POOLS)}", f"{PROGRAM} --help")
    return _POOLS[args.pool]


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise invalid(f"{text[:40]!r} is not a number of requests")
    return int(text)


def _print(args: Namespace, free: int) -> None:
    sys.stdout.write(f'{{"free": {free}}}\n' if args.json else f"{free}\n")


def _actor(args: Namespace) -> Actor:
    return acting.actor_of(args, _say)


def _show(output: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(output)
