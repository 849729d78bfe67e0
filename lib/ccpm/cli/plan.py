"""ccpm-plan: change the plan. The mechanical steps behind the writing commands in commands/pm/."""

from __future__ import annotations

import sys

from ccpm.cli import acting, plan_options
from ccpm.cli.arguments import Parser, dispatch
from ccpm.cli.given import standard_input
from ccpm.cli.output import print_json, speaker
from ccpm.errors import OK, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from typing import Any

    from ccpm.core.drafts import Draft
    from ccpm.ops.actor import Actor

PROGRAM = "ccpm-plan"
_say = speaker(PROGRAM)
VERBS = {
    "new-prd": "create a PRD from standard input; print its path",
    "new-epic": "create an epic from standard input; print its path",
    "new-task": "create the next task of an epic from standard input; print its path",
    "new-bug": "create a task about a bug in a task or issue, in the epic of that task; print its path",
    "decompose": "create the tasks that standard input describes, all in one step",
    "edit-prd": "replace the text of a PRD by standard input; print the new version",
    "edit-epic": "replace the text of an epic by standard input; print the new version",
    "task-list": "write the section Tasks Created of an epic",
    "refresh": "recount the progress and status of an epic",
    "close-task": "close a task and recount its epic",
    "reopen-task": "open a task again and recount its epic",
    "close-epic": "mark an epic completed; refused while tasks are open",
    "archive": "move an epic to .archived",
    "clean": "archive what was completed a while ago",
    "detect": "compare the status of tasks with what git shows",
}


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    plan_options.declare(parser, verb)
    args = parser.parse_args(rest)

    actor = acting.actor_of(args, _say)
    result = _ACTIONS[verb](actor, args)
    if args.json:
        print_json(result)
        return OK
    from ccpm.cli.views import changes

    sys.stdout.write("\n".join(changes.lines(verb, result, getattr(args, "check", False))) + "\n")
    return OK


def _new_prd(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import creating

    if args.check:
        return creating.may_create_prd(actor, args.name)
    return {"path": creating.new_prd(actor, args.name, args.description, standard_input())}


def _new_epic(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import creating, editing

    prd = editing.look_at_prd(actor.top, args.name) if args.from_prd else None
    if args.check:
        return {**creating.may_create_epic(actor, args.name), "prd": prd["file"] if prd else None}
    return {"path": creating.new_epic(actor, args.name, standard_input())}


def _new_task(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import creating

    return {"path": creating.new_task(actor, args.name, _draft(args))}


def _new_bug(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import creating

    issue, title = args.name, args.title
    if not title:
        issue, _, title = args.name.partition(" ")
    if not title.strip():
        raise UsageError("the bug has no title", f"{PROGRAM} new-bug {issue} --title 'what is wrong'")
    return {"path": creating.new_bug(actor, issue, title, standard_input(), args.hours)}


def _decompose(actor: Actor, args: Namespace) -> object:
    from ccpm.core import drafts
    from ccpm.ops.plan import decomposing

    look = decomposing.may_decompose(actor, args.name, args.fresh)
    if args.check:
        return look
    found = drafts.parse(standard_input())
    if not found:
        raise UsageError("no drafts on standard input", "a draft begins with a line: === TITLE")
    done = decomposing.decompose(actor, args.name, found)
    return {"epic": args.name, "created": done.created, "existed": done.existed, "total": done.total}


def _edit(actor: Actor, args: Namespace, look: dict[str, Any]) -> object:
    from ccpm.ops.plan import editing

    if args.check:
        return look
    if args.expect_version is None:
        raise UsageError(
            "--expect-version is missing", f"the file has version {look['version']} now: read it"
        )
    version = editing.replace_text(actor, str(look["file"]), standard_input(), args.expect_version)
    return {"path": look["file"], "version": version}


def _edit_prd(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import editing

    return _edit(actor, args, editing.look_at_prd(actor.top, args.name))


def _edit_epic(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import editing

    return _edit(actor, args, editing.look_at_epic(actor.top, args.name))


def _task_list(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import epics

    return {"epic": args.name, "tasks": epics.write_task_list(actor, args.name)}


def _refresh(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import epics

    return epics.refresh(actor, args.name)


def _set_status(status: str) -> Callable[[Actor, Namespace], object]:
    def action(actor: Actor, args: Namespace) -> object:
        from ccpm.ops.plan import epics, naming

        epic, _, wanted = args.name.rpartition(" ")
        task = naming.task(actor.top, f"{epic}/{wanted}" if epic else wanted)
        return epics.set_task_status(actor, task.epic, task.key, status, heeds_claims=not args.force)

    return action


def _close_epic(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import epics

    return epics.close_epic(actor, args.name, args.archive)


def _archive(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import epics

    return {"path": epics.archive(actor, args.name)}


def _clean(actor: Actor, args: Namespace) -> object:
    from ccpm.ops.plan import cleaning

    found = cleaning.look(actor.top, args.days) if args.dry_run else cleaning.clean(actor, args.days)
    return {
        "dry_run": args.dry_run,
        "days": args.days,
        "epics": [{"name": name, "days": days} for name, days in found.epics],
        "updates": [{"epic": epic, "task": task, "days": days} for epic, task, days in found.updates],
        "empty": found.empty,
        "moved": found.moved,
        "skipped": [{"what": what, "why": why} for what, why in found.skipped],
    }


def _detect(actor: Actor, args: Namespace) -> object:
    import time

    from ccpm.ops.plan import completion, views

    done = completion.detect(actor.top, args.name, time.time())
    if args.apply or args.task:
        completion.apply(actor, done, tuple(args.task or ()))
    applied = {(finding.task.epic, finding.task.key) for finding in done.applied}
    held = {(finding.task.epic, finding.task.key): agent for finding, agent in done.held}
    found = [
        {
            **views.finding_data(finding),
            "applied": (finding.task.epic, finding.task.key) in applied,
            "held_by": held.get((finding.task.epic, finding.task.key)),
        }
        for finding in done.findings
    ]
    return {"epic": args.name or None, "scanned": done.scanned, "findings": found}


_ACTIONS: dict[str, Callable[[Actor, Namespace], object]] = {
    "new-prd": _new_prd,
    "new-epic": _new_epic,
    "new-task": _new_task,
    "new-bug": _new_bug,
    "decompose": _decompose,
    "edit-prd": _edit_prd,
    "edit-epic": _edit_epic,
    "task-list": _task_list,
    "refresh": _refresh,
    "close-task": _set_status("closed"),
    "reopen-task": _set_status("open"),
    "close-epic": _close_epic,
    "archive": _archive,
    "clean": _clean,
    "detect": _detect,
}


def _draft(args: Namespace) -> Draft:
    from ccpm.core.drafts import Draft, references

    depends_on, conflicts_with = references(args.depends_on), references(args.conflicts_with)
    return Draft(
        args.title, standard_input(), depends_on, conflicts_with, args.parallel, args.hours, args.bug_for
    )
