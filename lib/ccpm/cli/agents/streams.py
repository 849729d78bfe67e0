"""claim, start, release, complete, owner, check, conflicts, streams, take."""

from __future__ import annotations

import sys

from ccpm.cli.agents import actor_of, add_epic, add_pid, first, pid_of, print_result, say
from ccpm.cli.arguments import Parser
from ccpm.cli.output import print_json
from ccpm.errors import NO, OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.actor import Actor
    from ccpm.ops.team.analyses import Part, Reading
    from ccpm.ops.team.ownership import Claim


def run(verb: str, parser: Parser, argv: list[str]) -> int:
    if verb == "check":
        return _check(parser, argv)
    add_epic(parser)
    if verb in ("start", "complete"):
        return _move_on(verb, parser, argv)
    return {
        "claim": _claim,
        "release": _release,
        "owner": _owner,
        "conflicts": _conflicts,
        "streams": _streams,
        "take": _take,
    }[verb](parser, argv)


def _claim(parser: Parser, argv: list[str]) -> int:
    _add_stream(parser)
    parser.add_argument("pattern", metavar="PATTERN", nargs="*", help="files, as in .gitignore, from the top")
    add_pid(parser)
    parser.add_argument("--issue", default="", metavar="N", help="the task that the stream is a part of")
    parser.add_argument("--title", default="", help="what the stream is about")
    args = parser.parse_args(argv)
    from ccpm.files import agent_records
    from ccpm.ops.team import streams

    actor, epic = _resolve(args)
    stream = streams.claim(actor, epic, args.stream, args.pattern or [], args.issue, args.title, pid_of(args))
    print_result(args, "", {"epic": epic, "stream": stream.name, **agent_records.describe_stream(stream)})
    return OK


def _release(parser: Parser, argv: list[str]) -> int:
    _add_stream(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import streams

    actor, epic = _resolve(args)
    was_mine = streams.release(actor, epic, args.stream)
    if not was_mine:
        say(f"{args.stream} was free already")
    print_result(args, "", {"epic": epic, "stream": args.stream, "released": was_mine})
    return OK


def _move_on(verb: str, parser: Parser, argv: list[str]) -> int:
    """start and complete: the stream goes on to its next status."""
    _add_stream(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import streams

    actor, epic = _resolve(args)
    stream = (streams.start if verb == "start" else streams.complete)(actor, epic, args.stream)
    print_result(args, "", {"epic": epic, "stream": stream.name, "status": stream.status})
    return OK


def _owner(parser: Parser, argv: list[str]) -> int:
    _add_stream(parser)
    args = parser.parse_args(argv)
    from ccpm.files import agent_records
    from ccpm.ops.team import streams

    actor, epic = _resolve(args)
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


def _check(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("file", metavar="FILE", nargs="+", help="paths, from the current directory")
    args = parser.parse_args(argv)
    from ccpm.files import root
    from ccpm.ops.team import ownership

    actor = actor_of(args)
    paths = {file: root.resolve(file) for file in args.file}
    found = ownership.find(actor.top, list(paths.values()), actor.agent)
    if args.json:
        print_json([{"file": file, **_describe(found.get(path))} for file, path in paths.items()])
    else:
        for file, path in paths.items():
            claim = found.get(path)
            if claim:
                sys.stdout.write(f"{file}\t{claim.agent}\t{claim.what}, since {claim.since}\n")
    return NO if found else OK


def _describe(claim: Claim | None) -> dict[str, object]:
    if claim is None:
        return {"agent": None}
    keys = ("agent", "epic", "stream", "since", "patterns", "via", "operation")
    return {key: getattr(claim, key) for key in keys}


def _conflicts(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("pattern", metavar="PATTERN", nargs="+", help="files, as in .gitignore, from the top")
    parser.add_argument("--stream", default="", metavar="NAME", help="leave this stream out")
    args = parser.parse_args(argv)
    from ccpm.ops.team import registries, streams

    # All epics count: which one is meant matters only for the stream that is left out.
    actor = actor_of(args)
    epic = registries.own_epic(actor, args.epic) if args.stream else ""
    found = streams.find_conflicts(actor, epic, args.pattern, args.stream)
    if args.json:
        keys = ("epic", "stream", "agent", "path")
        print_json([dict(zip(keys, one, strict=True)) for one in found])
    else:
        for other, stream, agent, path in found:
            sys.stdout.write(f"{path}\t{agent}\tstream {stream} of {other}\n")
    return NO if found else OK


def _streams(parser: Parser, argv: list[str]) -> int:
    parser.add_argument(
        "issue",
        metavar="ISSUE",
        nargs="*",
        help="the number of the task or its issue; without: all of the epic",
    )
    args = parser.parse_args(argv)
    from ccpm.ops.team import analyses

    actor, epic = _resolve(args)
    issue = first(args.issue)
    if not issue:
        return _registered(args, actor, epic)
    reading = analyses.read(actor.top, epic, issue)
    if args.json:
        print_json(describe_reading(reading))
    else:
        show_reading(reading)
    return NO if reading.problems or reading.overlaps else OK


def _registered(args: Namespace, actor: Actor, epic: str) -> int:
    """The streams in the registry: name, status, owner, patterns."""
    from ccpm.files import agent_records
    from ccpm.ops.team import registries

    found = registries.read(actor.top, registries.check_epic(actor.top, epic)).streams
    if args.json:
        print_json([{"stream": name, **agent_records.describe_stream(one)} for name, one in found.items()])
    else:
        for name, one in found.items():
            sys.stdout.write(f"{name}\t{one.status}\t{one.owner or '-'}\t{', '.join(one.files)}\n")
    return OK


def _take(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("issue", metavar="ISSUE", help="the number of the task or its issue")
    parser.add_argument(
        "stream", metavar="STREAM", nargs="*", help="its letter; without: the first that can begin"
    )
    add_pid(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.team import analyses

    actor, epic = _resolve(args)
    part, progress = analyses.take(actor, epic, args.issue, first(args.stream), pid_of(args))
    show_taken(args, epic, part, progress)
    return OK


def show_taken(args: Namespace, epic: str, part: Part, progress: str) -> None:
    print_result(args, part.name, {"epic": epic, **describe_part(part), "progress": progress})
    if not args.json:
        sys.stdout.flush()
        say(f"{part.name} {part.found.title} is yours: {', '.join(part.found.files) or 'no files are named'}")
        say(f"write your progress to {progress}")


def show_reading(reading: Reading) -> None:
    for part in reading.parts:
        owner = f" by {part.stream.owner}" if part.stream and part.is_owned else ""
        waits = f" for {', '.join(part.waits_for)}" if part.status == "waiting" else ""
        sys.stdout.write(f"{part.found.letter}\t{part.status}{waits}{owner}\t{part.found.title}\n")
        for pattern in part.found.files:
            sys.stdout.write(f"\t{pattern}\n")
    for both in reading.overlaps:
        say(
            f"streams {both.first.letter} and {both.second.letter} could both change {both.path}: one at a time"
        )
    for problem in reading.problems:
        say(problem)


def describe_reading(reading: Reading) -> dict[str, object]:
    overlaps = [
        {"streams": [one.first.letter, one.second.letter], "path": one.path} for one in reading.overlaps
    ]
    return {
        "epic": reading.epic,
        "issue": reading.issue,
        "analysis": reading.path,
        "streams": [describe_part(part) for part in reading.parts],
        "overlaps": overlaps,
        "problems": reading.problems,
    }


def describe_part(part: Part) -> dict[str, object]:
    return {
        "stream": part.name,
        "letter": part.found.letter,
        "title": part.found.title,
        "files": part.found.files,
        "status": part.status,
        "owner": part.stream.owner if part.stream and part.is_owned else None,
        "waits_for": part.waits_for,
    }


def _add_stream(parser: Parser) -> None:
    parser.add_argument("stream", metavar="STREAM", help="the name of the stream")


def _resolve(args: Namespace) -> tuple[Actor, str]:
    from ccpm.ops.team import registries

    actor = actor_of(args)
    return actor, registries.own_epic(actor, args.epic)
