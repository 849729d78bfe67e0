"""ccpm-doctor: whether this machine and this project can hold what CCPM promises. 0 they can, 1 something fails.

`--fix` does what is safe: it ends stale leases, converts registries of an older form, and mends the plan as
`ccpm-query validate --fix` does, with the same backup and the same way back.
"""

from __future__ import annotations

from ccpm.cli import acting, validation, views
from ccpm.cli.arguments import Parser
from ccpm.cli.output import print_json
from ccpm.errors import NO, OK
from ccpm.ops.health import doctor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from ccpm.ops.health.doctor import Check

PROGRAM = "ccpm-doctor"
_MARKS = {doctor.OK: "✅", doctor.WARN: "⚠️", doctor.FAIL: "❌"}


def run(argv: list[str]) -> int:
    parser = Parser(PROGRAM, "", "Check this machine and this project: 0 sound, 1 something fails.")
    fixing = "mend what is safe: stale locks, the plan, registries"
    args, time = validation.read_options(parser, argv, PROGRAM, fixing, "with --fix: archived epics too")
    if args.undo:
        return validation.undo(args, time)
    mended = _fix(args) if args.fix or args.dry_run else {}
    checks = doctor.examine()
    if args.json:
        print_json({**mended, **_describe(checks)})
    else:
        views.show_lines(_lines(checks))
    return NO if not args.exit_zero and any(check.status == doctor.FAIL for check in checks) else OK


def _fix(args: Namespace) -> dict[str, object]:
    """Mend what is safe; what was done, for --json."""
    from ccpm.ops.health import doctor_fix

    actor = acting.actor_of(args, validation.say)
    registries = doctor_fix.convert_registries(actor, args.dry_run)
    plan, outcome = validation.repair(actor, args)
    if not args.json:
        verb = "Would convert" if args.dry_run else "Converted"
        views.show_lines([f"🔧 {verb}: .claude/epics/{name}/agents.json" for name in registries])
        views.show_lines([*validation.repaired(plan, outcome), ""])
    return {"fix": {**validation.describe_repair(plan, outcome), "registries": registries}}


def _describe(checks: list[Check]) -> dict[str, object]:
    counts = {
        status: sum(check.status == status for check in checks)
        for status in (doctor.OK, doctor.WARN, doctor.FAIL)
    }
    return {"checks": [check.as_data() for check in checks], **counts}


def _lines(checks: list[Check]) -> list[str]:
    width = max(len(check.name) for check in checks)
    lines = ["🩺 CCPM doctor", "==============", ""]
    for check in checks:
        lines.append(f"{_MARKS[check.status]} {check.name:<{width}}  {check.what}")
        if check.fix:
            lines.append(f"   {'':<{width}}  fix: {check.fix}")
    counts = _describe(checks)
    summary = f"📊 {counts['ok']} ok, {counts['warn']} warnings, {counts['fail']} failures"
    return [*lines, "", summary]
