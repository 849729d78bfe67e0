"""What the verbs of ccpm-agent share: who acts, how it is said, how it is printed. One module a group of verbs."""

from __future__ import annotations

import sys

from ccpm.cli import acting
from ccpm.cli.arguments import Parser, whole
from ccpm.cli.output import print_json, speaker
from ccpm.errors import UsageError
from ccpm.ops import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.actor import Actor

PROGRAM = "ccpm-agent"
say = speaker(PROGRAM)


def actor_of(args: Namespace) -> Actor:
    return acting.actor_of(args, say)


def pid_of(args: Namespace) -> int:
    """The process that the agent lives in: as it says, or as can be seen from here."""
    return args.pid or identity.process_of(args.agent)


def add_pid(parser: Parser) -> None:
    parser.add_argument(
        "--pid", type=whole, default=0, help="the process that the agent lives in: it ends with it"
    )


def add_epic(parser: Parser) -> None:
    parser.add_argument("epic", metavar="EPIC", help="the epic; `.`: the one that you are registered in")


def first(words: list[str] | None) -> str:
    """The only word of an optional argument, "" without one."""
    if words and len(words) > 1:
        raise UsageError(f"one at a time: {', '.join(words)}", f"{PROGRAM} --help")
    return words[0] if words else ""


def print_result(args: Namespace, text: str, data: object) -> None:
    """`data` with --json, else the line `text` ("": nothing)."""
    if args.json:
        print_json(data)
    elif text:
        sys.stdout.write(f"{text}\n")
