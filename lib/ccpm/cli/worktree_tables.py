"""The tables of ccpm-worktree: plain columns, the same on a terminal and in a pipe."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def show_list(found: list[dict[str, object]]) -> None:
    if not found:
        sys.stdout.write("No worktrees of agents.\n")
        return
    rows = [
        (
            str(one["agent"] or "-"),
            str(one["epic"] or "-"),
            str(one["branch"] or "(detached)"),
            str(one["ahead"]),
            "yes" if one["dirty"] else "no",
            str(one["state"]) if one["live"] or not one["agent"] else f"{one['state']}, agent gone",
            os.path.relpath(str(one["path"])),
        )
        for one in found
    ]
    show(("AGENT", "EPIC", "BRANCH", "AHEAD", "DIRTY", "STATE", "PATH"), rows)


def show_conflicts(report: dict[str, Any]) -> None:
    for claim in report["claims"]:
        _line(
            f"CLAIMS    {claim['agent']} ({claim['stream']}) and {claim['other_agent']} ({claim['other_stream']}) "
            f"both claim {claim['path']}"
        )
    for conflict in report["conflicts"]:
        one, other = conflict["one"], conflict["other"]
        _line(f"CONFLICT  {_who(one)} and {_who(other)}: {', '.join(conflict['files'])}")
        for side in (one, other):
            for file, first in sorted(side["since"].items()):
                _line(f"  {_who(side)}  {file}  since {_commit(first)}")
    pairs, skipped = report["pairs"], report["skipped"]
    if not report["claims"] and not report["conflicts"]:
        _line(
            f"No conflicts among {report['branches']} branches ({pairs} pairs, {skipped} with nothing in common)."
        )


def show_merge(report: dict[str, Any]) -> None:
    for one in report["merged"]:
        _line(f"merged    {one['branch']}  in {one['commit'][:10]}")
    for one in report["failed"]:
        _show_failed(one, report["branch"])
    for one in report["conflicts"]:
        _show_conflict(one)
    for one in report["held"]:
        _line(f"held      {one['branch']}  it changed what others own")
        for file in one["files"]:
            _line(f"            {file['file']}: {file['through']} of {file['owner']} since {file['since']}")
    for one in report["uncommitted"]:
        _line(f"note      {one['branch']}  {one['agent']} has uncommitted work; it was not merged")
    for name in report["cleaned"]:
        _line(f"cleaned   {name}")
    for one in report["kept"]:
        _line(f"kept      {one['branch']}  {one['why']}")
    for note in report["notes"]:
        _line(f"note      {note}")
    what = "moved to" if report["to"] != report["from"] else "stays at"
    checked = f"{report['checks']} checks" if report["check"] else "no check: give one with --check"
    _line(f"{report['branch']} {what} {report['to'][:10]} ({checked})")


def show_finish(report: dict[str, Any]) -> None:
    for one in report["failed"]:
        branch = f"epic {report['epic']}"
        _show_failed({**one, "branch": branch, "base_fails": False}, report["into"])
    for name in report.get("cleaned", []):
        _line(f"cleaned   {name}")
    for one in report.get("kept", []):
        _line(f"kept      {one['branch']}  {one['why']}")
    for note in report["notes"]:
        _line(f"note      {note}")
    what = "moved to" if report["to"] != report["from"] else "has it, and stays at"
    _line(f"{report['into']} {what if not report['failed'] else 'stays at'} {report['to'][:10]}")


def _show_failed(one: dict[str, Any], epic: str) -> None:
    how = "took too long" if one["status"] is None else f"ended with {one['status']}"
    _line(f"failed    {one['branch']}  the check {how}; its output: {one['log']}")
    for text in one["tail"].splitlines()[-5:]:
        _line(f"            {text}")
    if one["base_fails"]:
        _line(f"            {epic} itself does not pass: mend it first, on a branch of its own")


def _show_conflict(one: dict[str, Any]) -> None:
    _line(f"conflict  {one['branch']}  in {', '.join(one['files'])}")
    for commit in one["commits"]:
        _line(f"            {one['agent']}: {_commit(commit)}")
    for commit in one["merged_commits"]:
        _line(f"            {commit['agent'] or commit['author']}: {_commit(commit)}, merged")
    _line(f"            {one['advice']}")


def _who(side: dict[str, Any]) -> str:
    name = side["agent"] or side["branch"]
    return f"{name} (gone)" if not side["live"] else str(name)


def _commit(first: dict[str, Any]) -> str:
    if not first["commit"]:
        return "now, not committed"
    import time

    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(first["at"]))
    return f"{first['commit'][:10]} ({when} UTC, {first['subject']})"


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")


def show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
