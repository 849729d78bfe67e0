"""ccpm-worktree: a worktree for each agent, conflicts before they happen, and the merge of what agents have done."""

from __future__ import annotations

import sys

from ccpm.cli import acting
from ccpm.cli.arguments import Parser, dispatch, seconds
from ccpm.cli.output import print_json, speaker
from ccpm.core import leases
from ccpm.errors import NO, OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.actor import Actor
    from ccpm.ops.coordinator.merging import Options

PROGRAM = "ccpm-worktree"
_say = speaker(PROGRAM)
VERBS = {
    "add": "make a worktree for an agent on its own branch of an epic; print its path",
    "remove": "remove a worktree and its branch; refused while it has unsaved work",
    "list": "show the worktrees of agents",
    "conflicts": "show claims that overlap and branches that will not merge; 1 if there are some",
    "merge": "merge what the agents of an epic have done into its branch, each result checked",
    "finish": "merge the branch of an epic into the default branch, checked, and clean up",
    "prune": "remove the worktrees of agents that are not alive any more",
    "rescued": "show what was saved when worktrees were removed",
    "restore": "bring a rescue back as a worktree; print its path",
}


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    args = _parser(verb).parse_args(rest)

    actor = acting.actor_of(args, _say)
    return {
        "add": _add,
        "remove": _remove,
        "list": _list,
        "conflicts": _conflicts,
        "merge": _merge,
        "finish": _finish,
        "prune": _prune,
        "rescued": _rescued,
        "restore": _restore,
    }[verb](actor, args)


def _parser(verb: str) -> Parser:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    if verb in ("add", "merge", "finish"):
        parser.add_argument("epic", metavar="EPIC")
    elif verb in ("remove", "list", "prune", "conflicts"):
        parser.add_argument("epic", nargs="*", metavar="EPIC")
    elif verb == "restore":
        parser.add_argument("ref", metavar="REF", help="as `rescued` shows it")
    if verb in ("add", "remove"):
        parser.add_argument("--shared", action="store_true", help="that of the epic itself, not of an agent")
    if verb == "remove":
        parser.add_argument("--path", metavar="PATH", help="the worktree there, instead of EPIC and agent")
    if verb in ("merge", "finish"):
        _add_merge_options(parser)
    if verb == "finish":
        parser.add_argument("--partial", action="store_true", help="also with open tasks; cleans nothing up")
        parser.add_argument("--push", action="store_true", help="push the default branch afterwards")
    if verb in ("remove", "prune", "merge", "finish"):
        parser.add_argument("--rescue", action="store_true", help="save unsaved work first")
    if verb == "conflicts":
        parser.add_argument("--exit-zero", action="store_true", help="end with 0 also if there are some")
        parser.add_argument("--watch", action="store_true", help="go on looking, and show what changes")
        parser.add_argument(
            "--interval", type=seconds(0.1, 3600), default=10.0, help="between two looks, seconds"
        )
    if verb == "restore":
        parser.add_argument("--into", metavar="PATH", help="where to (default: where it was)")
    return parser


def _add_merge_options(parser: Parser) -> None:
    parser.add_argument("--check", metavar="CMD", help="what has to pass (default: `check:` of the epic)")
    parser.add_argument(
        "--check-limit", type=seconds(1, 7 * 86400), default=3600.0, help="longest time of one check, seconds"
    )
    parser.add_argument(
        "--ttl", type=seconds(0.05, leases.MAX_TTL), default=0.0, help="of the merge lock, seconds"
    )
    parser.add_argument(
        "--timeout",
        type=seconds(0, leases.MAX_TTL),
        default=leases.DEFAULT_TIMEOUT,
        help="longest wait for it, seconds",
    )


def _add(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.branches import worktrees

    made = worktrees.add_for_epic(actor, args.epic) if args.shared else worktrees.add(actor, args.epic)
    for note in _texts(made["notes"]):
        _say(note)
    _show(args, made, str(made["path"]))
    return OK


def _remove(actor: Actor, args: Namespace) -> int:
    from ccpm.errors import UsageError
    from ccpm.ops.branches import removal

    if bool(args.path) == bool(args.epic) or len(args.epic) > 1:
        raise UsageError("give one EPIC, or --path PATH", f"{PROGRAM} remove --help")
    if args.path:
        gone = removal.remove_path(actor, args.path, args.rescue)
    else:
        agent = "" if args.shared else actor.agent
        gone = removal.remove(actor, args.epic[0], agent, args.rescue)
    _report_removal(gone)
    _show(args, gone, str(gone["path"]))
    return OK


def _list(actor: Actor, args: Namespace) -> int:
    from ccpm.cli import worktree_tables
    from ccpm.ops.branches import worktree_list

    found = worktree_list.describe_all(actor.top, _epic(args))
    if args.json:
        print_json(found)
    else:
        worktree_tables.show_list(found)
    return OK


def _conflicts(actor: Actor, args: Namespace) -> int:
    from ccpm.cli import worktree_tables
    from ccpm.ops.branches import branch_conflicts

    epic = _epic(args)
    report = branch_conflicts.find(actor.top, epic)
    show = print_json if args.json else worktree_tables.show_conflicts
    show(report)
    while args.watch:
        import time

        sys.stdout.flush()
        time.sleep(args.interval)
        newer = branch_conflicts.find(actor.top, epic)
        if any(newer[key] != report[key] for key in ("claims", "conflicts")):
            show(newer)
            report = newer
    found = bool(report["claims"] or report["conflicts"])
    return NO if found and not args.exit_zero else OK


def _merge(actor: Actor, args: Namespace) -> int:
    from ccpm.cli import worktree_tables
    from ccpm.ops.coordinator import merge_report, merging

    report = merging.merge(actor, args.epic, _merge_options(args))
    if args.json:
        print_json(report)
    else:
        worktree_tables.show_merge(report)
    return merge_report.status(report)


def _finish(actor: Actor, args: Namespace) -> int:
    from ccpm.cli import worktree_tables
    from ccpm.ops.coordinator import epic_merge

    report = epic_merge.finish(actor, args.epic, _merge_options(args), args.partial, args.push)
    if args.json:
        print_json(report)
    else:
        worktree_tables.show_finish(report)
    return NO if report["failed"] else OK


def _merge_options(args: Namespace) -> Options:
    from ccpm.ops.coordinator import merging

    ttl = args.ttl or leases.DEFAULT_TTL
    return merging.Options(args.check, args.check_limit, args.rescue, ttl, args.timeout)


def _prune(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.branches import removal

    results = removal.prune(actor, _epic(args), args.rescue)
    for result in results:
        if "refused" in result:
            _say(f"kept: {result['refused']}")
        else:
            _report_removal(result)
    _show(args, results, *(str(result["path"]) for result in results if "refused" not in result))
    return NO if any("refused" in result for result in results) else OK


def _rescued(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.branches import rescue

    found = rescue.describe_all(actor.top)
    _show(args, found, *(f"{saved['ref']}  {saved['path']}" for saved in found))
    return OK


def _restore(actor: Actor, args: Namespace) -> int:
    from ccpm.ops.branches import rescue

    made = rescue.restore(actor, args.ref, args.into or "")
    _show(args, made, str(made["path"]))
    return OK


def _report_removal(gone: dict[str, object]) -> None:
    if gone.get("saved"):
        _say(f"saved the work of {gone['path']} in {gone['saved']}")
        _say(f"bring it back with: {gone['restore']}")


def _epic(args: Namespace) -> str:
    from ccpm.errors import UsageError

    if len(args.epic) > 1:
        raise UsageError("give one EPIC, or none for all", f"{PROGRAM} --help")
    return str(args.epic[0]) if args.epic else ""


def _texts(value: object) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else []


def _show(args: Namespace, data: object, *lines: str) -> None:
    if args.json:
        print_json(data)
    else:
        for line in lines:
            sys.stdout.write(f"{line}\n")
