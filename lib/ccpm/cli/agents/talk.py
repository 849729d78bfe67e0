"""request, grant, share, deny, tell, inbox."""

from __future__ import annotations

import sys

from ccpm.cli.agents import actor_of, print_result, say
from ccpm.cli.arguments import Parser, seconds
from ccpm.cli.output import print_json
from ccpm.core.leases import MAX_TTL
from ccpm.errors import NO, OK, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.team.messages import Message


def run(verb: str, parser: Parser, argv: list[str]) -> int:
    if verb in ("grant", "share"):
        return _grant(parser, argv, verb == "share")
    handlers = {"request": _request, "return": _return, "deny": _deny, "tell": _tell, "inbox": _inbox}
    return handlers[verb](parser, argv)


def _request(parser: Parser, argv: list[str]) -> int:
    _add_file(parser)
    parser.add_argument("--reason", default="", metavar="WHY", help="what for; its owner reads it")
    length = seconds(0, MAX_TTL)
    parser.add_argument("--wait", type=length, default=0.0, metavar="SECONDS", help="wait in line so long")
    _add_ttl(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import request_record, requests

    lease = requests.ask(actor_of(args), args.file, args.reason, args.wait, args.ttl or request_record.TTL)
    print_result(
        args, str(lease.token), {"file": args.file, "token": lease.token, "operation": lease.operation}
    )
    return OK


def _grant(parser: Parser, argv: list[str], share: bool) -> int:
    _add_file(parser)
    parser.add_argument("--to", default="", metavar="AGENT", help="to whom; without: to the first that asked")
    _add_ttl(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import answers, request_record

    lease = answers.grant(actor_of(args), args.file, args.to, args.ttl or request_record.TTL, share)
    who = lease.owner.agent
    print_result(args, who, {"file": args.file, "agent_id": who, "token": lease.token, "mode": lease.mode})
    return OK


def _deny(parser: Parser, argv: list[str]) -> int:
    _add_file(parser)
    parser.add_argument("--to", default="", metavar="AGENT", help="only to this agent")
    parser.add_argument("--reason", default="", metavar="WHY", help="the agents that asked read it")
    args = parser.parse_args(argv)
    from ccpm.ops.team import answers

    told = answers.deny(actor_of(args), args.file, args.reason, args.to)
    print_result(args, "\n".join(told), {"file": args.file, "denied": told})
    return OK


def _return(parser: Parser, argv: list[str]) -> int:
    _add_file(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import requests

    was_mine = requests.give_back(actor_of(args), args.file)
    if not was_mine:
        say(f"{args.file} was not yours")
    print_result(args, "", {"file": args.file, "returned": was_mine})
    return OK


def _tell(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("words", metavar="[AGENT] TEXT", nargs="+", help="to whom, and what")
    parser.add_argument("--all", action="store_true", help="to all agents")
    parser.add_argument("--epic", default="", metavar="EPIC", help="to all agents of this epic")
    args = parser.parse_args(argv)
    from ccpm.ops.team import messages

    to_all = args.all or bool(args.epic)
    if not to_all and len(args.words) < 2:
        raise UsageError("to whom, and what?", "ccpm-agent tell AGENT TEXT, or ccpm-agent tell --all TEXT")
    to, words = ("", args.words) if to_all else (args.words[0], args.words[1:])
    told = messages.tell(actor_of(args), " ".join(words), to, args.epic)
    if not told:
        say("there is nobody else")
    print_result(args, "\n".join(told), {"told": told})
    return OK


def _inbox(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("--keep", action="store_true", help="leave the messages there")
    args = parser.parse_args(argv)
    from ccpm.ops.team import inbox, messages

    actor = actor_of(args)
    found = inbox.pending(actor.top, actor.agent)
    told = [int(one["id"]) for one in found]
    known = {one.get("request") for one in found if one["kind"] == messages.REQUEST}
    found += [
        {**one, "kind": messages.REQUEST, "request": one["id"], "text": one["reason"]}
        for one in inbox.asked_of(actor.top, actor.agent)
        if one["id"] not in known  # read before, and still without an answer
    ]
    if args.json:
        print_json(found)
    else:
        sys.stdout.write("".join(_line(actor.top, one) for one in found))
        if not found:
            say("nothing new")
    sys.stdout.flush()
    if not args.keep:
        messages.acknowledge(actor.top, actor.agent, told)
    return OK if found else NO


def _line(top: str, one: Message) -> str:
    from ccpm.ops.team import messages

    who = f" from {one['from']}" if one.get("from") else ""
    return f"{one['at']}\t{one['kind']}{who}\t{messages.in_words(one)}\n"


def _add_file(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a path, from the current directory")


def _add_ttl(parser: Parser) -> None:
    length = seconds(0.05, MAX_TTL)
    parser.add_argument("--ttl", type=length, default=0.0, help="how long it is lent, seconds; 0: 15 minutes")
