"""register, heartbeat, unregister, list, clean."""

from __future__ import annotations

import sys

from ccpm.cli.agents import actor_of, add_pid, first, pid_of, print_result, say
from ccpm.cli.arguments import Parser
from ccpm.cli.output import print_json
from ccpm.errors import OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def run(verb: str, parser: Parser, argv: list[str]) -> int:
    return {
        "register": _register,
        "heartbeat": _heartbeat,
        "unregister": _unregister,
        "list": _list,
        "clean": _clean,
    }[verb](parser, argv)


def _register(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("epic", metavar="EPIC", help="the epic")
    parser.add_argument("stream", metavar="STREAM", nargs="*", help="what the agent works on")
    add_pid(parser)
    parser.add_argument("--new", action="store_true", help="as an agent of its own, with a new id")
    args = parser.parse_args(argv)
    from ccpm.ops.team import agents

    if args.new:
        import uuid

        args.agent = f"agent-{uuid.uuid4()}"
    agent = agents.register(actor_of(args), args.epic, " ".join(args.stream or []), pid_of(args))
    print_result(args, agent.id, {"agent_id": agent.id, "epic": args.epic, "pid": agent.owner.pid})
    return OK


def _heartbeat(parser: Parser, argv: list[str]) -> int:
    _add_optional_epic(parser)
    add_pid(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import agents

    actor = actor_of(args)
    beaten = agents.heartbeat(actor, first(args.epic), pid_of(args))
    _tell_broken(actor.top, args)
    print_result(args, "", {"epics": beaten})
    return OK


def _unregister(parser: Parser, argv: list[str]) -> int:
    _add_optional_epic(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import agents

    actor = actor_of(args)
    left = agents.unregister(actor, first(args.epic))
    if not left:
        say(f"{actor.agent} was not registered")
    _tell_broken(actor.top, args)
    print_result(args, "", {"epics": left})
    return OK


def _list(parser: Parser, argv: list[str]) -> int:
    _add_optional_epic(parser)
    parser.add_argument("--brief", action="store_true", help="only active ones: ID - STREAM - LAST HEARTBEAT")
    args = parser.parse_args(argv)
    from ccpm.cli.agents import table
    from ccpm.files import root
    from ccpm.ops.team import registries

    top = root.find()
    found = table.rows(top, registries.listing(top, first(args.epic)))
    _tell_broken(top, args)
    if args.json:
        print_json(found)
    elif args.brief:
        table.show_active(found)
    else:
        table.show(found)
    return OK


def _clean(parser: Parser, argv: list[str]) -> int:
    _add_optional_epic(parser)
    args = parser.parse_args(argv)
    from ccpm.files import root
    from ccpm.files.store import Store
    from ccpm.ops.team import agents

    top = root.find()
    gone = agents.clean(Store(top), first(args.epic))
    _tell_broken(top, args)
    if args.json:
        print_json([{"epic": epic, "agent_id": who, "why": why} for epic, who, why in gone])
    else:
        for epic, who, why in gone:
            sys.stdout.write(f"{who}\n")
            say(f"removed {who} from {epic}: {why}")
    return OK


def _tell_broken(top: str, args: Namespace) -> None:
    """Where all epics were meant: which of them were left out, since their registries cannot be read."""
    from ccpm.files import agent_records

    for error in [] if first(args.epic) else agent_records.load(top)[1]:
        say(f"left out: {error.message}")
        sys.stderr.write(f"hint: {error.hint}\n")


def _add_optional_epic(parser: Parser) -> None:
    parser.add_argument("epic", metavar="EPIC", nargs="*", help="only this epic")
