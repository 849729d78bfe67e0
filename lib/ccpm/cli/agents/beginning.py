"""analyze, begin, begin-epic: what /pm:issue-analyze, /pm:issue-start and /pm:epic-start call."""

from __future__ import annotations

import sys

from ccpm.cli.agents import actor_of, add_pid, briefing, first, pid_of, say, streams
from ccpm.cli.arguments import Parser
from ccpm.cli.given import standard_input
from ccpm.cli.output import print_json
from ccpm.errors import NO, OK, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.core.plan import Task
    from ccpm.ops.actor import Actor


def run(verb: str, parser: Parser, argv: list[str]) -> int:
    return {"analyze": _analyze, "begin": _begin, "begin-epic": _begin_epic}[verb](parser, argv)


def _analyze(parser: Parser, argv: list[str]) -> int:
    _add_task(parser)
    parser.add_argument("--check", action="store_true", help="write nothing: show the task, and its analysis")
    condition = parser.add_mutually_exclusive_group()
    condition.add_argument("--if-sha256", default="", metavar="H", help="replace the analysis with this hash")
    condition.add_argument("--replace", action="store_true", help="replace whatever analysis there is")
    parser.add_argument("--fence", metavar="R:N", help="only while this lease holds")
    args = parser.parse_args(argv)
    from ccpm.ops.plan import naming
    from ccpm.ops.team import analyses

    actor = actor_of(args)
    task = naming.task(actor.top, args.task)
    if args.check:
        _show_analysis(args, actor, task)
        return OK
    digest = analyses.write(actor, task.epic, task.id, standard_input(), args.if_sha256, args.replace)
    reading = analyses.read(actor.top, task.epic, task.id)
    if args.json:
        print_json({**streams.describe_reading(reading), "sha256": digest})
    else:
        sys.stdout.write(f"Analysis: {analyses.path_of(task.epic, task.id)}\n")
        streams.show_reading(reading)
    if not (reading.problems or reading.overlaps):
        return OK
    sys.stdout.flush()
    say("the analysis was written, but it is not sound")
    sys.stderr.write(f"hint: mend it and call again with --if-sha256 {digest}\n")
    return NO


def _show_analysis(args: Namespace, actor: Actor, task: Task) -> None:
    """The task, and its analysis with the hash by which it can be replaced."""
    from ccpm.ops.team import analyses

    path, digest = analyses.path_of(task.epic, task.id), analyses.hash_of(actor.top, task.epic, task.id)
    try:
        reading = analyses.read(actor.top, task.epic, task.id)
    except NotFound:
        reading = None
    if args.json:
        found = streams.describe_reading(reading) if reading else {"analysis": None}
        print_json({**found, **briefing.describe_task(task), "sha256": digest or None})
        return
    sys.stdout.write(f"Task: {task.file} ({task.name}), of epic {task.epic}\n")
    sys.stdout.write(f"Analysis: {path}{f' (--if-sha256 {digest})' if digest else ''}\n")
    if reading:
        sys.stdout.flush()
        streams.show_reading(reading)
    else:
        sys.stdout.write("There is none yet.\n")


def _begin(parser: Parser, argv: list[str]) -> int:
    _add_task(parser)
    parser.add_argument("stream", metavar="STREAM", nargs="*", help="only this stream of it: its letter")
    add_pid(parser)
    args = parser.parse_args(argv)
    from ccpm.ops.plan import naming
    from ccpm.ops.team import analyses, beginning

    actor, letter = actor_of(args), first(args.stream)
    if letter:
        task = naming.task(actor.top, args.task)
        taken = analyses.take(actor, task.epic, task.id, letter, pid_of(args))
        streams.show_taken(args, task.epic, *taken)
        return OK
    task, reading = beginning.issue(actor, args.task, pid_of(args))
    if args.json:
        print_json({**streams.describe_reading(reading), **briefing.describe_task(task)})
    else:
        sys.stdout.write(f"{task.name} is in progress ({task.file}, epic {task.epic}). Its streams:\n\n")
        sys.stdout.flush()
        streams.show_reading(reading)
    return OK


def _begin_epic(parser: Parser, argv: list[str]) -> int:
    parser.add_name("EPIC", "the epic")
    add_pid(parser)
    parser.add_argument("--fence", metavar="R:N", help="leases that the caller already holds")
    args = parser.parse_args(argv)
    from ccpm.ops.team import beginning

    worktree, found = beginning.epic(actor_of(args), args.name, pid_of(args))
    for note in worktree["notes"]:  # type: ignore[attr-defined]
        say(note)
    if args.json:
        print_json({"worktree": worktree, "tasks": [briefing.describe(one) for one in found]})
        return OK
    sys.stdout.write(f"Worktree: {worktree['path']}\n\n")
    sys.stdout.write("".join(briefing.lines(one) for one in found) or "Nothing is open.\n")
    if found and not any(one.can_begin for one in found):
        sys.stdout.write("\nNothing can begin now: what is open is taken or waits.\n")
    return OK


def _add_task(parser: Parser) -> None:
    parser.add_argument("task", metavar="TASK", help="EPIC/TASK, or a number that only one epic has")
