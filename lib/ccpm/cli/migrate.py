"""`ccpm migrate`, behind commands/pm/migrate-versions.sh: adds `version: 1` where it is missing."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser
from ccpm.errors import OK
from ccpm.files import root
from ccpm.ops import identity
from ccpm.ops.plan import migration

_COMPLETE = ("Migration complete!", "Files migrated")


def run(argv: list[str]) -> int:
    parser = Parser("ccpm migrate", "", "Add `version: 1` to every PRD, epic and task that has no version.")
    parser.add_argument("epics", nargs="*", metavar="EPIC", help="only these epics")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    args = parser.parse_args(argv)
    outcome = migration.migrate(root.find(), identity.agent_id(args.agent), args.epics or [], args.dry_run)
    if args.json:
        import json

        skipped = [{"file": path, "reason": reason} for path, reason in outcome.skipped]
        report = {"migrated": outcome.migrated, "had_version": outcome.had, "skipped": skipped}
        sys.stdout.write(json.dumps({**report, "dry_run": args.dry_run}) + "\n")
        return OK
    verb = "Would migrate" if args.dry_run else "Migrated"
    sys.stdout.write("🔄 Migrating files to add version field\n========================================\n\n")
    for path in outcome.migrated:
        sys.stdout.write(f"✓ {verb}: {path}\n")
    for path, reason in outcome.skipped:
        sys.stdout.write(f"⚠️ Skipped: {path} ({reason})\n")
    total = len(outcome.migrated) + len(outcome.had) + len(outcome.skipped)
    ending, done = ("Dry run: nothing was changed.", "Would migrate") if args.dry_run else _COMPLETE
    sys.stdout.write(
        f"\n{ending}\n  Total files checked: {total}\n  {done}: {len(outcome.migrated)}\n"
        f"  Already had version: {len(outcome.had)}\n"
    )
    if outcome.skipped:
        sys.stdout.write(f"  Skipped: {len(outcome.skipped)}\n")
    return OK
