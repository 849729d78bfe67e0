"""ccpm-sync: the plan and its issues, on GitHub or in files of the project."""

from __future__ import annotations

import sys

from ccpm.cli import acting
from ccpm.cli.arguments import Parser, dispatch, invalid, seconds
from ccpm.cli.given import standard_input
from ccpm.cli.output import print_json, speaker
from ccpm.errors import OK, CcpmError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ccpm.ops.actor import Actor
    from ccpm.ops.trackers import Tracker

    Data = dict[str, Any]

PROGRAM = "ccpm-sync"
_say = speaker(PROGRAM)
VERBS = {
    "epic": "make the issues of an epic and its tasks, exactly once; name the files after them",
    "issue": "merge one issue with its file, and post what is new in its progress files",
    "sync": "merge an epic, or all that are synced, with its issues, both ways; make issues for new tasks",
    "pull": "the same, but change only files",
    "import": "make files for issues that have none",
    "close": "close a task and its issue",
    "reopen": "open a task and its issue again",
    "edit": "change title, text or labels, in the file and the issue",
    "bug": "report a bug against an issue: a task that follows it up, and its issue",
    "show": "show an issue, its file and its newest comments",
    "status": "how files and issues stand: an epic, some issues (12,13 or EPIC/TASK), or all",
    "close-epic": "complete an epic and close its issue; refused while tasks are open",
    "refresh": "recount an epic, also in the list of tasks in its issue",
}
_EPIC = {"epic": True, "sync": False, "pull": False, "close-epic": True, "refresh": True}
"""Verbs that take an epic, and whether they must have one."""

_ISSUE = ("issue", "close", "reopen", "edit", "show")


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    args = _parser(verb).parse_args(rest)

    from ccpm.cli import sync_views
    from ccpm.ops.trackers import choice

    actor = acting.actor_of(args, _say)
    tracker = choice.choose(actor, args.tracker, args.repo, args.timeout)
    data = _carry_out(verb, actor, tracker, args)
    for warning in data.get("warnings", []):
        _say(f"warning: {warning}")
    is_plan = getattr(args, "dry_run", False)
    if not args.json:
        sys.stdout.write("\n".join(sync_views.RENDERERS["plan" if is_plan else verb](data)) + "\n")
        sys.stdout.flush()
    if verb == "epic" and args.worktree and not args.no_worktree and not is_plan:
        _add_worktree(actor, args, data)
    if args.json:
        print_json(data)
    return OK


def _add_worktree(actor: Actor, args: Namespace, data: Data) -> None:
    """Make the worktree of a synced epic. Where that fails, the error has with it what was synced."""
    from ccpm.ops.branches import worktrees

    try:
        made = worktrees.add_where_possible(actor, args.name)
    except CcpmError as error:
        error.details = {**data, **error.details}
        raise
    data["worktree"] = made["path"] if made else None
    if made and not args.json:
        sys.stdout.write(f"  Worktree: {made['path']}\n")


def _parser(verb: str) -> Parser:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    if verb in _EPIC:
        parser.add_name("EPIC", "the epic's folder", is_required=_EPIC[verb])
    elif verb in _ISSUE:
        parser.add_argument("issue", metavar="ISSUE", help="the number of the issue, or EPIC/TASK")
    elif verb == "bug":
        parser.add_name("ISSUE", "the issue or task that the bug is in (EPIC/TASK); what is wrong may follow")
        parser.add_argument("--title", default="", metavar="TITLE", help="what is wrong")
        parser.add_argument("--hours", default="", help="effort: 4, 4-6, 2d")
    elif verb == "import":
        parser.add_argument("issues", metavar="ISSUE", type=_number, nargs="*", help="these (default: all)")
    elif verb == "status":
        parser.add_argument("what", metavar="EPIC|ISSUE", nargs="?", help="which (default: all epics)")
    _add_options(parser, verb)
    parser.add_argument(
        "--repo", default="", metavar="OWNER/NAME", help="this repository on GitHub, not the remote's"
    )
    parser.add_argument(
        "--tracker", default="", metavar="T", help="local, github or auto (default: $CCPM_TRACKER, else auto)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds(0, 86400),
        metavar="S",
        help="longest wait of a request for GitHub's limits (default 300)",
    )
    parser.add_argument("--fence", metavar="R:N", help="leases that the caller already holds")
    return parser


def _add_options(parser: Parser, verb: str) -> None:
    if verb == "epic":
        parser.add_argument("--dry-run", action="store_true", help="show what would be made")
        parser.add_argument(
            "--relink", action="store_true", help="make new issues for files that are linked elsewhere"
        )
        parser.add_argument("--worktree", action="store_true", help="then make the worktree of the epic")
        parser.add_argument("--no-worktree", action="store_true", help="make none, whatever else is said")
    if verb in ("sync", "pull", "issue"):
        parser.add_argument("--keep", default="", metavar="SIDE", help="local or remote: who wins a conflict")
        parser.add_argument(
            "--close-from-git",
            action="store_true",
            help="close tasks that a commit on HEAD closes (Closes #12)",
        )
    if verb in ("close", "reopen"):
        parser.add_argument("--comment", default="", metavar="TEXT", help="what to say about it")
        parser.add_argument("--force", action="store_true", help="also while another agent has the task")
    if verb == "edit":
        parser.add_argument("--title", default=None, metavar="TEXT", help="the new title")
        parser.add_argument("--body", action="store_true", help="take the new text from standard input")
        parser.add_argument(
            "--add-label", action="append", metavar="L", help="add this label (may be repeated)"
        )
        parser.add_argument("--remove-label", action="append", metavar="L", help="remove this label")
    if verb == "import":
        parser.add_argument("--epic", default="", metavar="EPIC", help="into this epic (default: by label)")
        parser.add_argument("--label", default="", metavar="L", help="only issues with this label")
    if verb == "close-epic":
        parser.add_argument("--archive", action="store_true", help="move it to .archived as well")


def _carry_out(verb: str, actor: Actor, tracker: Tracker, args: Namespace) -> Data:
    from ccpm.cli.sync_progress import choose
    from ccpm.ops.sync import both, epic, importing, issues

    with choose(PROGRAM, as_json=args.json) as progress:
        if verb == "epic" and args.dry_run:
            return epic.plan(actor, tracker, args.name, args.relink)
        if verb == "epic":
            return epic.sync(actor, tracker, args.name, args.relink, progress)
        if verb in ("sync", "pull", "issue"):
            options = both.Options(verb != "pull", _side(verb, args.keep), args.close_from_git)
            if verb == "issue":
                return issues.sync(actor, tracker, args.issue, options, progress)
            return both.sync(actor, tracker, args.name or "", options, progress)
        if verb == "import":
            return importing.run(actor, tracker, args.issues or [], args.epic, args.label, progress)
        if verb == "bug":
            issue, title = args.name, args.title
            if not title:
                issue, _, title = args.name.partition(" ")
            if not title.strip():
                raise UsageError("the bug has no title", f"{PROGRAM} bug {issue} --title 'what is wrong'")
            return issues.bug(actor, tracker, issue, title, standard_input(), args.hours, progress)
        return _change_one(verb, actor, tracker, args)


def _change_one(verb: str, actor: Actor, tracker: Tracker, args: Namespace) -> Data:
    from ccpm.ops.sync import both, finding, issues

    if verb in ("close", "reopen"):
        change_state = issues.close if verb == "close" else issues.reopen
        return change_state(actor, tracker, args.issue, args.comment, args.force)
    if verb == "edit":
        body = standard_input() if args.body else None
        change = issues.Edit(args.title, body, tuple(args.add_label or ()), tuple(args.remove_label or ()))
        return issues.edit(actor, tracker, args.issue, change)
    if verb == "show":
        return finding.show(actor, tracker, args.issue)
    if verb == "close-epic":
        return issues.close_epic(actor, tracker, args.name, args.archive)
    if verb == "refresh":
        return issues.refresh(actor, tracker, args.name)
    what = args.what or ""
    references = [part.strip() for part in what.split(",")]
    if what and all("/" in one or one.lstrip("#").isdigit() for one in references):
        return {"issues": [finding.show(actor, tracker, one) for one in references]}
    return both.status(actor, tracker, what)


def _number(text: str) -> int:
    from ccpm.ops.plan import naming

    number = naming.issue_number(text)
    if not number:
        raise invalid(f"{text[:40]!r} is no number of an issue")
    return number


def _side(verb: str, text: str) -> str:
    if text not in ("", "local", "remote"):
        raise UsageError(f"--keep takes local or remote, not {text[:40]!r}", f"{PROGRAM} {verb} --help")
    return text
