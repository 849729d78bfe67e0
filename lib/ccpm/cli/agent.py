"""ccpm-agent: who works on what, whose a file is, and how agents ask each other. See docs/CONCURRENCY.md."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, split_verb, usage
from ccpm.errors import NO, OK
from ccpm.ops import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.actor import Actor

PROGRAM = "ccpm-agent"
VERBS = {
    "register": "make an agent known to an epic and print its id",
    "heartbeat": "give a sign of life: every 60 seconds, while work goes on",
    "unregister": "leave: streams and leases are free",
    "list": "who works on what, in one epic or in all",
    "clean": "remove dead agents and what they had",
    "claim": "make a stream of work your own, with the files that it changes",
    "start": "begin to work on a stream that you claimed",
    "release": "give a stream back",
    "complete": "a stream is done: its files are free",
    "owner": "who owns a stream: 0 somebody, 1 nobody",
    "check": "whose files these are: 0 nobody's or your own, 1 another agent's",
}


def run(argv: list[str]) -> int:
    verb, rest = split_verb(PROGRAM, argv, VERBS)
    if verb == "help":
        sys.stdout.write(usage(PROGRAM, VERBS))
        return OK
    handler = {
        "register": _register,
        "heartbeat": _heartbeat,
        "unregister": _unregister,
        "list": _list,
        "clean": _clean,
        "claim": _claim,
        "start": _start,
        "release": _release,
        "complete": _complete,
        "owner": _owner,
        "check": _check,
    }[verb]
    return handler(rest)


def _register(argv: list[str]) -> int:
    parser = Parser(PROGRAM, "register", VERBS["register"])
    parser.add_argument("epic", metavar="EPIC", help="the epic")
    parser.add_argument("stream", metavar="STREAM", nargs="*", help="what the agent works on")
    add_pid(parser)
    parser.add_argument("--new", action="store_true", help="as an agent of its own, with a new id")
    args = parser.parse_args(argv)
    from ccpm.ops import agents

    if args.new:
        import uuid

        args.agent = f"agent-{uuid.uuid4()}"
    actor = actor_of(args)
    agent = agents.register(actor, args.epic, " ".join(args.stream or []), pid_of(args))
    print_result(args, agent.id, {"agent_id": agent.id, "epic": args.epic, "pid": agent.owner.pid})
    return OK


def _heartbeat(argv: list[str]) -> int:
    args = _with_epic("heartbeat", add_pid).parse_args(argv)
    from ccpm.ops import agents

    beaten = agents.heartbeat(actor_of(args), first(args.epic), pid_of(args))
    print_result(args, "", {"epics": beaten})
    return OK


def _unregister(argv: list[str]) -> int:
    args = _with_epic("unregister").parse_args(argv)
    from ccpm.ops import agents

    actor = actor_of(args)
    left = agents.unregister(actor, first(args.epic))
    if not left:
        say(f"{actor.agent} was not registered")
    print_result(args, "", {"epics": left})
    return OK


def _list(argv: list[str]) -> int:
    args = _with_epic("list").parse_args(argv)
    from ccpm.cli import agent_table
    from ccpm.files import root
    from ccpm.ops import agents

    found = agents.listing(root.find(), first(args.epic))
    if args.json:
        print_json([row for registry, held in found for row in agent_table.rows(registry, held)])
    else:
        agent_table.show(found)
    return OK


def _clean(argv: list[str]) -> int:
    args = _with_epic("clean").parse_args(argv)
    from ccpm.files import root
    from ccpm.files.store import Store
    from ccpm.ops import agents

    gone = agents.clean(Store(root.find()), first(args.epic))
    if args.json:
        print_json([{"epic": epic, "agent_id": who, "why": why} for epic, who, why in gone])
    else:
        for epic, who, why in gone:
            sys.stdout.write(f"{who}\n")
            say(f"removed {who} from {epic}: {why}")
    return OK


def _claim(argv: list[str]) -> int:
    parser = _with_stream("claim", add_pid)
    parser.add_argument("pattern", metavar="PATTERN", nargs="*", help="files, as in .gitignore, from the top")
    parser.add_argument("--issue", default="", metavar="N", help="the task that the stream is a part of")
    parser.add_argument("--title", default="", help="what the stream is about")
    args = parser.parse_args(argv)
    from ccpm.files import agent_records
    from ccpm.ops import agents, streams

    actor = actor_of(args)
    epic = agents.own_epic(actor, args.epic)
    stream = streams.claim(actor, epic, args.stream, args.pattern or [], args.issue, args.title, pid_of(args))
    print_result(args, "", {"epic": epic, "stream": stream.name, **agent_records.describe_stream(stream)})
    return OK


def _start(argv: list[str]) -> int:
    args = _with_stream("start").parse_args(argv)
    from ccpm.ops import agents, streams

    actor = actor_of(args)
    streams.start(actor, agents.own_epic(actor, args.epic), args.stream)
    return OK


def _release(argv: list[str]) -> int:
    args = _with_stream("release").parse_args(argv)
    from ccpm.ops import agents, streams

    actor = actor_of(args)
    if not streams.release(actor, agents.own_epic(actor, args.epic), args.stream):
        say(f"{args.stream} was free already")
    return OK


def _complete(argv: list[str]) -> int:
    args = _with_stream("complete").parse_args(argv)
    from ccpm.ops import agents, streams

    actor = actor_of(args)
    streams.complete(actor, agents.own_epic(actor, args.epic), args.stream)
    return OK


def _owner(argv: list[str]) -> int:
    args = _with_stream("owner").parse_args(argv)
    from ccpm.files import agent_records
    from ccpm.ops import agents, streams

    actor = actor_of(args)
    epic = agents.own_epic(actor, args.epic)
    found = streams.find(actor.top, epic, args.stream)
    if found is None or not found[0].owner:
        print_result(args, "", {"epic": epic, "stream": args.stream, "owner": None})
        return NO
    stream, is_alive = found
    facts = {"epic": epic, "stream": stream.name, **agent_records.describe_stream(stream), "alive": is_alive}
    print_result(args, stream.owner if is_alive else "", facts)
    if not is_alive:
        say(f"{stream.owner}, who had it, is dead")
    return OK if is_alive else NO


def _check(argv: list[str]) -> int:
    parser = Parser(PROGRAM, "check", VERBS["check"])
    parser.add_argument("file", metavar="FILE", nargs="+", help="paths, from the current directory")
    args = parser.parse_args(argv)
    from ccpm.files import root
    from ccpm.ops import ownership

    actor = actor_of(args)
    found = ownership.find(actor.top, [root.resolve(file) for file in args.file], actor.agent)
    if args.json:
        shown = [{"file": file, **_describe(found.get(root.resolve(file)))} for file in args.file]
        print_json(shown)
        return NO if found else OK
    for file in args.file:
        claim = found.get(root.resolve(file))
        if claim:
            sys.stdout.write(f"{file}\t{claim.agent}\t{claim.what}, since {claim.since}\n")
    return NO if found else OK


def _describe(claim: object) -> dict[str, object]:
    keys = ("agent", "epic", "stream", "since", "patterns", "via")
    return {key: getattr(claim, key, None) for key in keys}


def _with_epic(verb: str, *add: object) -> Parser:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    parser.add_argument("epic", metavar="EPIC", nargs="*", help="only this epic")
    for declare in add:
        assert callable(declare)
        declare(parser)
    return parser


def _with_stream(verb: str, *add: object) -> Parser:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    parser.add_argument("epic", metavar="EPIC", help="the epic; `.`: the one that you are registered in")
    parser.add_argument("stream", metavar="STREAM", help="the name of the stream")
    for declare in add:
        assert callable(declare)
        declare(parser)
    return parser


def add_pid(parser: Parser) -> None:
    parser.add_argument(
        "--pid", type=int, default=0, help="the process that the agent lives in: it ends with it"
    )


def first(words: list[str] | None) -> str:
    """The only word of an optional argument, "" without one."""
    if words and len(words) > 1:
        from ccpm.errors import UsageError

        raise UsageError(f"one epic at a time: {', '.join(words)}", f"{PROGRAM} --help")
    return words[0] if words else ""


def actor_of(args: Namespace) -> Actor:
    from ccpm.ops.actor import Actor

    return Actor(identity.agent_id(args.agent), identity.carried_fences(), say)


def pid_of(args: Namespace) -> int:
    return args.pid or identity.process_of(args.agent)


def print_result(args: Namespace, text: str, data: object) -> None:
    if args.json:
        print_json(data)
    elif text:
        sys.stdout.write(f"{text}\n")


def print_json(data: object) -> None:
    import json

    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")


def say(line: str) -> None:
    try:
        sys.stderr.write(f"{PROGRAM}: {line}\n")
        sys.stderr.flush()
    except OSError:
        pass
