"""ready, where."""

from __future__ import annotations

import sys

from ccpm.cli.agents import actor_of, print_result
from ccpm.cli.arguments import Parser
from ccpm.cli.output import print_json
from ccpm.errors import NO, OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.core.plan import Task
    from ccpm.ops.team.briefing import Brief


def run(verb: str, parser: Parser, argv: list[str]) -> int:
    return {"ready": _ready, "where": _where}[verb](parser, argv)


def _ready(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("epic", metavar="EPIC", help="the epic")
    args = parser.parse_args(argv)
    from ccpm.ops.team import briefing

    found = briefing.of_epic(actor_of(args), args.epic)
    if args.json:
        print_json([describe(one) for one in found])
    else:
        sys.stdout.write("".join(lines(one) for one in found) or "Nothing is open.\n")
    return OK if any(one.can_begin for one in found) else NO


def _where(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("task", metavar="TASK", help="EPIC/TASK, or a number that only one epic has")
    args = parser.parse_args(argv)
    from ccpm.ops.plan import naming

    task = naming.task(actor_of(args).top, args.task)
    text = f"{task.epic}\t{task.id}\t{task.file}\t{task.name}"
    print_result(args, text, {**describe_task(task), "github": task.github})
    return OK


def describe_task(task: Task) -> dict[str, object]:
    return {"epic": task.epic, "task": task.id, "file": task.file, "name": task.name}


def lines(one: Brief) -> str:
    by = (
        f" by {one.agent}"
        if one.agent
        else f", waits for {', '.join(one.waits_for)}"
        if one.waits_for
        else ""
    )
    text = f"#{one.number} {one.task.name}: {one.state}{by}\n"
    if one.reading is None:
        return text + (
            "" if one.waits_for else f"  not analysed: /pm:issue-analyze {one.task.epic}/{one.task.id}\n"
        )
    for part in one.reading.parts:
        owner = f" by {part.stream.owner}" if part.stream and part.is_owned else ""
        waits = f" for {', '.join(part.waits_for)}" if part.waits_for else ""
        text += f"  {part.found.letter} {part.found.title}: {part.status}{waits}{owner}\n"
    return text


def describe(one: Brief) -> dict[str, object]:
    from ccpm.cli.agents.streams import describe_part

    return {
        "number": one.number,
        "task": one.task.id,
        "name": one.task.name,
        "file": one.task.file,
        "state": one.state,
        "agent": one.agent or None,
        "waits_for": one.waits_for,
        "can_begin": one.can_begin,
        "analysis": one.reading.path if one.reading else None,
        "streams": [describe_part(part) for part in one.reading.parts] if one.reading else [],
    }
