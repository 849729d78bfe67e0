"""ccpm-query: the read-only views behind commands/pm/*.sh. Plain text in a pipe, tables on a terminal, or JSON."""

from __future__ import annotations

from ccpm.cli.arguments import Parser, dispatch
from ccpm.cli.output import print_json
from ccpm.errors import OK
from ccpm.files import root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.plan.views import Data

PROGRAM = "ccpm-query"
VERBS = {
    "status": "how many PRDs, epics and tasks there are, and how far they are",
    "next": "tasks that can be started now, the most urgent first",
    "blocked": "tasks that wait for others, and for which",
    "in-progress": "tasks and epics that are being worked on",
    "epic-list": "all epics by state",
    "epic-show": "one epic with its tasks",
    "epic-status": "progress of one epic, with the evidence of git",
    "prd-list": "all PRDs by state",
    "prd-status": "how the PRDs are distributed",
    "standup": "what changed since yesterday, what runs, what is next",
    "search": "files that contain a text",
    "commands": "the slash commands that are installed",
    "validate": "what is wrong with the plan and its files, and how to mend it: 0 nothing, 1 findings",
}
_WITH_ARCHIVES = ("status", "next", "blocked", "in-progress", "epic-list", "search")
_NAMED = {"epic-show": "EPIC", "epic-status": "EPIC", "search": "TEXT"}


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    if verb == "validate":
        from ccpm.cli import validation

        return validation.run(Parser(PROGRAM, verb, VERBS[verb]), rest)
    args = _parse(verb, rest)
    data = _load(verb, args)
    if verb in ("next", "in-progress"):
        _mark_own(data, args.agent)
    if args.json:
        print_json(data)
        return OK
    from ccpm.cli import views

    views.show(verb, data)
    return OK


def _mark_own(data: Data, agent: str | None) -> None:
    """Say of each task whether its claim is that of the agent who asks."""
    from ccpm.ops import identity

    me = identity.agent_id(agent)
    tasks = data["tasks"]
    assert isinstance(tasks, list)
    for task in tasks:
        task["claimed_by_you"] = task["claimed_by"] == me


def _parse(verb: str, rest: list[str]) -> Namespace:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    if verb in _NAMED:
        # What a person looks for may begin with a dash: whatever is no option of ours is a word of the name.
        parser.add_name(_NAMED[verb], "in as many words as it has", takes_any=True)
    if verb in _WITH_ARCHIVES:
        parser.add_argument("--all", action="store_true", help="archived epics too")
    return parser.parse_args(rest)


def _load(verb: str, args: Namespace) -> Data:
    from ccpm.ops.plan import views

    if verb == "commands":
        import os

        from ccpm.ops.plan import slash_commands

        return slash_commands.by_group(os.path.realpath(f"{root.library()}/../commands/pm"))
    top = root.find()
    if verb == "standup":
        import time

        from ccpm.ops.plan import standup

        return standup.report(top, time.time())
    if verb in _NAMED:
        if verb == "search":
            return views.search(top, args.name, args.all)
        return views.epic_show(top, args.name) if verb == "epic-show" else views.epic_status(top, args.name)
    if verb in ("prd-list", "prd-status"):
        return views.prd_list(top)
    return {
        "status": views.status,
        "next": views.ready,
        "blocked": views.blocked,
        "in-progress": views.in_progress,
        "epic-list": views.epic_list,
    }[verb](top, args.all)
