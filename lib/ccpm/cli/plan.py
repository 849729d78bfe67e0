"""ccpm-plan: change the plan. The mechanical steps behind the writing commands in commands/pm/."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, split_verb, usage
from ccpm.errors import OK
from ccpm.ops import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.actor import Actor
    from ccpm.ops.epics import NewTask

PROGRAM = "ccpm-plan"
VERBS = {
    "new-prd": "create a PRD from standard input; print its path",
    "new-epic": "create an epic from standard input; print its path",
    "new-task": "create the next task of an epic from standard input; print its path",
    "task-list": "write the section Tasks Created of an epic",
    "refresh": "recount the progress and status of an epic",
    "close-task": "close a task and recount its epic",
    "reopen-task": "open a task again and recount its epic",
    "close-epic": "mark an epic completed; refused while tasks are open",
    "archive": "move an epic to .archived",
}


def run(argv: list[str]) -> int:
    verb, rest = split_verb(PROGRAM, argv, VERBS)
    if verb == "help":
        sys.stdout.write(usage(PROGRAM, VERBS))
        return OK
    parser = Parser(PROGRAM, verb, VERBS[verb])
    parser.add_argument("name", metavar="NAME", help="the epic (or the PRD)")
    parser.add_argument("--fence", metavar="R:N", help="leases that the caller already holds")
    if verb in ("close-task", "reopen-task"):
        parser.add_argument("task", metavar="TASK", help="its number or file name")
    if verb == "close-epic":
        parser.add_argument("--archive", action="store_true", help="move it to .archived as well")
    if verb == "new-prd":
        parser.add_argument("--description", default="", help="one line")
    if verb == "new-task":
        _add_task_options(parser)
    args = parser.parse_args(rest)

    from ccpm.ops.actor import Actor

    actor = Actor(identity.agent_id(args.agent), identity.carried_fences(args.fence), _say)
    return _show(args, _carry_out(verb, actor, args))


def _carry_out(verb: str, actor: Actor, args: Namespace) -> object:
    from ccpm.ops import epics

    if verb == "new-prd":
        return epics.new_prd(actor, args.name, args.description, _body())
    if verb == "new-epic":
        return epics.new_epic(actor, args.name, _body())
    if verb == "new-task":
        return epics.new_task(actor, args.name, _task(args))
    if verb == "task-list":
        return {"tasks": epics.write_task_list(actor, args.name)}
    if verb == "refresh":
        return epics.refresh(actor, args.name)
    if verb in ("close-task", "reopen-task"):
        return epics.set_task_status(
            actor, args.name, args.task, "closed" if verb == "close-task" else "open"
        )
    if verb == "close-epic":
        return epics.close_epic(actor, args.name, args.archive)
    return epics.archive(actor, args.name)


def _add_task_options(parser: Parser) -> None:
    parser.add_argument("--title", required=True, help="what the task is called")
    parser.add_argument(
        "--depends-on", default="", metavar="IDS", help="001,002: tasks that have to be closed before"
    )
    parser.add_argument(
        "--conflicts-with", default="", metavar="IDS", help="tasks that change the same files"
    )
    parser.add_argument("--parallel", action="store_true", help="can run beside others")
    parser.add_argument("--hours", default="", help="effort: 4, 4-6, 2d")
    parser.add_argument(
        "--bug-for", default="", metavar="ISSUE", help="the issue that this is a bug report against"
    )


def _task(args: Namespace) -> NewTask:
    from ccpm.ops import epics

    return epics.NewTask(
        args.title,
        _body(),
        _ids(args.depends_on),
        _ids(args.conflicts_with),
        args.parallel,
        args.hours,
        args.bug_for,
    )


def _ids(text: str) -> tuple[str, ...]:
    from ccpm.core.plan import reference_of

    return tuple(reference_of(part) for part in text.replace(",", " ").split())


def _body() -> str:
    """Standard input as text; nothing when a person sits at it."""
    if sys.stdin.isatty():
        return ""
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _show(args: Namespace, result: object) -> int:
    if args.json:
        import json

        sys.stdout.write(json.dumps(result if isinstance(result, dict) else {"path": result}) + "\n")
    elif isinstance(result, dict):
        for key, value in result.items():
            if not isinstance(value, dict):
                sys.stdout.write(f"{key}: {value}\n")
    else:
        sys.stdout.write(f"{result}\n")
    return OK


def _say(line: str) -> None:
    sys.stderr.write(f"{PROGRAM}: {line}\n")
