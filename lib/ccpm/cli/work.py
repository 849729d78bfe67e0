"""ccpm-work: who does which task. `next` prints the task on standard output; 1 means that there is none now."""

from __future__ import annotations

import sys

from ccpm.cli import acting
from ccpm.cli.arguments import Parser, dispatch
from ccpm.cli.output import print_json, speaker
from ccpm.errors import NO, OK, UsageError
from ccpm.files import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.actor import Actor
    from ccpm.ops.distribution.getting import Given

PROGRAM = "ccpm-work"
_say = speaker(PROGRAM)
VERBS = {
    "next": "claim the best task that can be started now; print it",
    "claim": "claim one task",
    "start": "begin a task: claim it if it is free, set it in-progress",
    "done": "close a task, with evidence",
    "release": "give a task back",
    "note": "add a line to the notes of a task",
    "steal": "for an idle agent: what a dead one left, or unstarted work of the most loaded one",
    "plan": "assign the tasks of an epic to agents",
}
_CLAIMING = ("next", "claim", "start", "steal")


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    args = _parser(verb).parse_args(rest)

    actor = acting.actor_of(args, _say)
    if verb in _CLAIMING:
        return _show_given(verb, args, _claim(verb, actor, args))
    return {"done": _done, "release": _release, "note": _note, "plan": _plan}[verb](actor, args)


def _parser(verb: str) -> Parser:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    if verb in ("next", "steal", "plan"):
        parser.add_argument("epic", metavar="EPIC", help="the epic's folder")
    else:
        parser.add_argument("task", metavar="TASK", help="EPIC/TASK, or a number that only one epic has")
    parser.add_argument("--fence", metavar="R:N", help="leases that the caller already holds")
    if verb in _CLAIMING:
        parser.add_argument(
            "--pid", type=_pid, default=0, metavar="PID", help="the claim ends with that process"
        )
    if verb == "next":
        parser.add_argument("--steal", action="store_true", help="take from others if nothing else is left")
    if verb == "done":
        parser.add_argument(
            "--commit", action="append", metavar="SHA", help="a commit that does it (may be repeated)"
        )
        parser.add_argument(
            "--diff", action="store_true", help="the uncommitted changes of this worktree do it"
        )
        parser.add_argument(
            "--no-code", default="", metavar="REASON", help="there is no code to show, and why"
        )
    if verb == "note":
        parser.add_argument("text", metavar="TEXT", help="what shall be remembered")
    if verb == "plan":
        parser.add_argument("--agents", default="", metavar="IDS", help="for whom; else for all live ones")
        parser.add_argument("--dry-run", action="store_true", help="show the plan, do not keep it")
    return parser


def _claim(verb: str, actor: Actor, args: Namespace) -> Given | None:
    from ccpm.ops.distribution import getting, work

    if verb == "next":
        return getting.next_task(actor, args.epic, args.pid, args.steal)
    if verb == "steal":
        return getting.steal(actor, args.epic, args.pid)
    return (getting.claim if verb == "claim" else work.start)(actor, args.task, args.pid)


def _show_given(verb: str, args: Namespace, given: Given | None) -> int:
    if given is None:
        if args.json:
            print_json({"task": None})
        _say(f"no task of epic {args.epic!r} can be started now")
        steal = "" if verb == "steal" or args.steal else f"; ccpm-work steal {args.epic} takes from others"
        sys.stderr.write(f"hint: ccpm-query blocked tells why{steal}\n")
        return NO
    if args.json:
        print_json(
            {
                "task": given.task.id, "epic": given.task.epic, "name": given.task.name, "file": given.task.file,
                "resource": given.claim.resource, "token": given.claim.lease.token,
                "left_by": given.left_by, "stolen_from": given.victim,
            }
        )  # fmt: skip
    else:
        sys.stdout.write(f"{given.task.id}\n")
        _say(f"#{given.task.id} {given.task.name} is yours: {given.task.file}")
    if given.victim:
        _say(f"stolen from {given.victim}, who had not begun it")
    if given.left_by:
        place = given.left_by.get("worktree") or given.left_by.get("branch") or "an unknown place"
        branch = f" (branch {given.left_by['branch']})" if given.left_by.get("branch") else ""
        _say(f"{given.left_by.get('agent')} had begun it; the work is in {place}{branch}")
    return OK


def _done(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.distribution import work
    from ccpm.ops.distribution.evidence import Evidence

    if sum(map(bool, (args.commit, args.diff, args.no_code))) > 1:
        raise UsageError("one kind of evidence: --commit, --diff or --no-code", "ccpm-work done --help")
    evidence = Evidence(tuple(args.commit or ()), args.diff, args.no_code)
    return _show(args, work.done(actor, args.task, evidence))


def _release(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.distribution import work

    return _show(args, work.release(actor, args.task))


def _note(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.distribution import work

    path = work.note(actor, args.task, args.text)
    if args.json:
        print_json({"file": path})
    else:
        sys.stdout.write(f"{path}\n")
    return OK


def _plan(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.distribution import work_plan

    plan = work_plan.make(actor, args.epic, args.agents.replace(",", " ").split(), args.dry_run)
    if args.json:
        print_json(plan)
        return OK
    for slot in plan["slots"]:
        mark = " (in work)" if slot["in_work"] else ""
        hours = f"{slot['start']:g}-{slot['end']:g} h"
        sys.stdout.write(f"{slot['agent']}\t{hours}\t#{slot['task']} {slot['name']}{mark}\n")
    for entry in plan["impossible"]:
        sys.stdout.write(f"nobody\t-\t#{entry['task']} {entry['why']}\n")
    _say(
        f"{plan['hours']:g} h for {plan['work_hours']:g} h of work; no plan takes less than {plan['least_hours']:g} h"
    )
    return OK


def _show(args: Namespace, result: dict[str, object]) -> int:
    if args.json:
        print_json(result)
        return OK
    for key, value in result.items():
        if not isinstance(value, dict):
            text = " ".join(map(str, value)) if isinstance(value, list) else value
            sys.stdout.write(f"{key}: {text}\n")
    return OK


def _pid(text: str) -> int:
    from ccpm.cli.arguments import invalid

    if not text.isdigit() or not process.start_of(int(text)):
        raise invalid(f"no process {text[:20]} runs")
    return int(text)
