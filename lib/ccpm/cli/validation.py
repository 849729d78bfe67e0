"""`ccpm-query validate`: show what is wrong, mend what has one safe answer, take a repair back.

Also what ccpm-doctor uses for its --fix. Diffs hold the bytes of the files, so output goes out as bytes.
"""

from __future__ import annotations

from ccpm.cli import acting, views
from ccpm.cli.output import print_json, speaker
from ccpm.core.findings import FRONTMATTER, INTEGRITY, REFERENCES, STRUCTURE
from ccpm.errors import NO, OK, UsageError, VersionConflict
from ccpm.files import root
from ccpm.ops.wording import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.cli.arguments import Parser
    from ccpm.core.findings import Finding
    from ccpm.ops.actor import Actor
    from ccpm.ops.health.repair import Outcome
    from ccpm.ops.health.repair_plan import Plan
    from ccpm.ops.health.validation import Report

PROGRAM = "ccpm-query validate"
say = speaker(PROGRAM)


def run(parser: Parser, argv: list[str]) -> int:
    fixing = "show the diff, then mend what has one safe answer"
    args, time = read_options(parser, argv, PROGRAM, fixing, "archived epics too")
    if args.undo:
        return undo(args, time)
    if args.fix or args.dry_run:
        status = fix(args)
    else:
        status = _show(args)
    return OK if args.exit_zero else status


def read_options(
    parser: Parser, argv: list[str], program: str, fixing: str, all_: str
) -> tuple[Namespace, str]:
    """The options of a check that can mend, and take back what it mended: (all of them, the TIME of --undo or "")."""
    undone = "with --undo: which backup (default: the newest)"
    parser.add_argument("time", nargs="*", metavar="TIME", help=undone)
    parser.add_argument("--fix", action="store_true", help=fixing)
    parser.add_argument("--dry-run", action="store_true", help="only show what --fix would change")
    parser.add_argument("--undo", action="store_true", help="put back the files that a --fix changed")
    parser.add_argument("--all", action="store_true", help=all_)
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 whatever is found, for prompts")
    args = parser.parse_args(argv)
    times = args.time or []
    if (times and not args.undo) or len(times) > 1 or (args.undo and (args.fix or args.dry_run)):
        raise UsageError("TIME goes with --undo, and --undo with nothing else", f"{program} --help")
    return args, times[0] if times else ""


def _show(args: Namespace) -> int:
    from ccpm.ops.health import validation

    report = validation.examine(root.find(), args.all)
    if args.json:
        print_json(describe(report))
    else:
        views.show_lines(lines_of(report))
    return NO if report.findings else OK


def fix(args: Namespace) -> int:
    """Show and carry out the repair; 1 if findings are left."""
    from ccpm.ops.health import validation

    actor = acting.actor_of(args, say)
    plan, outcome = repair(actor, args)
    report = validation.examine(actor.top, args.all)
    if args.json:
        print_json({**describe_repair(plan, outcome), "left": describe(report)})
    else:
        lines = repaired(plan, outcome)
        if outcome:
            count = len(report.findings)
            lines += [
                f"📊 Left: {counted(count, 'finding')}: {PROGRAM}" if count else "✅ System is healthy!"
            ]
        views.show_lines(lines)
    return NO if report.findings else OK


def repair(actor: Actor, args: Namespace) -> tuple[Plan, Outcome | None]:
    """Show the diff of what can be mended, then mend it: (what was planned, what was done; None for a dry run).
    Uses `args.all`, `.dry_run` and `.json`, with which nothing is shown."""
    from ccpm.ops.health import repair, repair_plan

    plan = repair_plan.make(actor.top, args.all)
    if not args.json:
        views.show_lines([line for repair in plan.repairs for line in repair.diff().split("\n")[:-1]])
    return plan, None if args.dry_run else repair.carry_out(actor, plan)


def undo(args: Namespace, time: str) -> int:
    from ccpm.ops.health import repair

    actor = acting.actor_of(args, say)
    outcome = repair.undo(actor, time)
    if args.json:
        left = [{"file": path, "why": why} for path, why in outcome.left]
        print_json({"backup": outcome.backup, "restored": outcome.done, "left": left})
    else:
        views.show_lines([f"↩️ Restored: {path}" for path in outcome.done])
        views.show_lines([f"⚠️ Left alone: {path}: {why}" for path, why in outcome.left])
    if outcome.left:
        path, why = outcome.left[0]
        raise VersionConflict(
            f"{len(outcome.left)} of {len(outcome.left) + len(outcome.done)} files were not put back; {path}: {why}",
            f"the originals are in .claude/backups/{outcome.backup}/files: compare, and take from there what you need",
        )
    return OK


def describe(report: Report) -> dict[str, object]:
    findings = report.findings
    return {
        "findings": [finding.as_data() for finding in findings],
        "errors": sum(finding.is_error for finding in findings),
        "warnings": sum(not finding.is_error for finding in findings),
        "invalid_files": len({finding.file for finding in findings if finding.section == FRONTMATTER}),
        "mendable": sum(finding.is_mendable for finding in findings),
    }


def lines_of(report: Report) -> list[str]:
    """The report in the shape of the original script: its sections, its line shapes, and a line with place and hint."""
    by_section: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_section.setdefault(finding.section, []).append(finding)
    lines = ["Validating PM System...", "", "", "🔍 Validating PM System", "=======================", ""]
    lines += ["📁 Directory Structure:", *_structure(report, by_section.get(STRUCTURE, [])), ""]
    lines += ["🗂️ Data Integrity:", *_listed(by_section.get(INTEGRITY, [])), ""]
    lines += ["🔗 Reference Check:", *_listed(by_section.get(REFERENCES, []))]
    lines += [] if REFERENCES in by_section else ["  ✅ All references valid"]
    lines += ["", "📝 Frontmatter Validation:", *_listed(by_section.get(FRONTMATTER, []))]
    lines += [] if FRONTMATTER in by_section else ["  ✅ All files have frontmatter"]
    counts = describe(report)
    lines += [
        "",
        "📊 Validation Summary:",
        f"  Errors: {counts['errors']}",
        f"  Warnings: {counts['warnings']}",
    ]
    lines += [f"  Invalid files: {counts['invalid_files']}", ""]
    if not report.findings:
        return [*lines, "✅ System is healthy!"]
    if counts["mendable"]:
        return [
            *lines,
            f"💡 Run /pm:validate --fix to mend {counts['mendable']} of these (--dry-run shows how)",
        ]
    return [*lines, "💡 None of these has one safe answer: each hint names the next step"]


def _structure(report: Report, missing: list[Finding]) -> list[str]:
    if missing:
        return _listed(missing)
    there = {
        "PRDs directory": report.tree.has_prds,
        "Epics directory": report.tree.has_epics,
        "Rules directory": report.has_rules,
    }
    lines = [f"  ✅ {name} exists" if is_there else f"  ⚠️ {name} missing" for name, is_there in there.items()]
    return ["  ✅ .claude directory exists", *lines]


def _listed(findings: list[Finding]) -> list[str]:
    lines = []
    for finding in findings:
        lines.append(f"  {'❌' if finding.is_error else '⚠️'} {finding.what}")
        lines.append(f"     {finding.file}:{finding.line} [{finding.kind}] hint: {finding.hint}")
    return lines


def describe_repair(plan: Plan, outcome: Outcome | None) -> dict[str, object]:
    done = set(outcome.done) if outcome else set()
    return {
        "dry_run": outcome is None,
        "backup": outcome.backup if outcome else "",
        "files": [
            {
                "file": repair.path,
                "mended": repair.mended,
                "diff": repair.diff(),
                "written": repair.path in done,
            }
            for repair in plan.repairs
        ],
        "skipped": [{"file": path, "why": why} for path, why in (outcome.left if outcome else [])],
        "locks": outcome.locks if outcome else [finding.file for finding in plan.stale_locks],
    }


def repaired(plan: Plan, outcome: Outcome | None) -> list[str]:
    done = [repair for repair in plan.repairs if outcome is None or repair.path in outcome.done]
    verb = "Would mend" if outcome is None else "Mended"
    lines = [""] if plan.repairs else []
    for repair in done:
        lines += [f"🔧 {verb}: {repair.path}", *(f"     {what}" for what in repair.mended)]
    if outcome is None:
        lines += [f"🔧 Would clean: {finding.what}" for finding in plan.stale_locks]
        lines += ["Dry run: nothing was changed."]
        return lines
    lines += [f"🔧 Removed the stale lock of {resource}" for resource in outcome.locks]
    lines += [f"⚠️ Left alone: {path}: {why}" for path, why in outcome.left]
    if outcome.done:
        lines += [f"💾 Originals: .claude/backups/{outcome.backup}; back: {PROGRAM} --undo {outcome.backup}"]
    elif not plan.repairs and not outcome.locks:
        lines += ["Nothing to mend: nothing was changed."]
    return lines
