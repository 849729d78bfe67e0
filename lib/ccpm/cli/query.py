"""ccpm-query: the read-only views behind commands/pm/*.sh. Plain text in a pipe, tables on a terminal, or JSON."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, split_verb, usage
from ccpm.errors import OK, UsageError
from ccpm.files import root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.views import Data

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
}
_OPTIONS = ("--json", "--all", "-h", "--help")
_NAMED = {"epic-show": "EPIC", "epic-status": "EPIC", "search": "TEXT"}


def run(argv: list[str]) -> int:
    verb, rest = split_verb(PROGRAM, argv, VERBS)
    if verb == "help":
        sys.stdout.write(usage(PROGRAM, VERBS))
        return OK
    args = _parse(verb, rest)
    data = _load(verb, args)
    if args.json:
        import json

        sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
        return OK
    from ccpm.cli import views

    views.show(verb, data)
    return OK


def _parse(verb: str, rest: list[str]) -> Namespace:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    parser.add_argument("--all", action="store_true", help="archived epics too")
    if verb not in _NAMED:
        return parser.parse_args(rest)
    # What a person looks for may begin with a dash: whatever is no option of ours is a word of the name.
    args = parser.parse_args([word for word in rest if word in _OPTIONS])
    args.name = " ".join(word for word in rest if word not in (*_OPTIONS, "--"))
    if not args.name.strip():
        what = _NAMED[verb].lower()
        raise UsageError(f"no {what} given", f"usage: /pm:{verb} <{what}>; the epics: ccpm-query epic-list")
    return args


def _load(verb: str, args: Namespace) -> Data:
    from ccpm.ops import views

    top = root.find()
    if verb == "standup":
        import time

        from ccpm.ops import standup

        return standup.report(top, time.time())
    if verb in _NAMED:
        loader = {"epic-show": views.epic_show, "epic-status": views.epic_status, "search": views.search}[
            verb
        ]
        return loader(top, args.name)
    if verb in ("prd-list", "prd-status"):
        return views.prd_list(top)
    return {
        "status": views.status,
        "next": views.ready,
        "blocked": views.blocked,
        "in-progress": views.in_progress,
        "epic-list": views.epic_list,
    }[verb](top, args.all)
