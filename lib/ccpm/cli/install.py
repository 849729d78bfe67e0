"""The Python half of install.sh: `ccpm install SOURCE PROJECT [--dry-run] [--uninstall] [--no-hooks] [--yes] …`."""

from __future__ import annotations

import argparse
import os
import sys

from ccpm import __version__
from ccpm.core.hook_settings import PATH
from ccpm.core.installation import LEAVE, NEW, PUT_BACK, REMOVE, REPLACE, SAME, SAVE_EDIT, UPDATE
from ccpm.errors import NO, OK, UsageError
from ccpm.ops import installing
from ccpm.ops.installing import Plan, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, "bash install.sh --help")


def run(argv: list[str]) -> int:
    parser = _Parser(prog="ccpm install", allow_abbrev=False)
    parser.add_argument("source")
    parser.add_argument("project")
    for option in ("--dry-run", "--uninstall", "--yes", "--json"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--hooks", action=argparse.BooleanOptionalAction)
    args = parser.parse_args(argv)
    with installing.Alone(args.project):
        plan = (
            installing.plan_removal(args.project)
            if args.uninstall
            else installing.plan_install(args.source, args.project, args.hooks)
        )
        if args.json:
            _print_json(plan)
        else:
            _print("".join(f"{line}\n" for line in describe(plan, args.uninstall)))
        if args.dry_run:
            if not args.json:
                _print("Dry run: nothing was changed.\n")
        elif not args.yes and _is_worth_asking(plan, args.uninstall) and not _confirmed():
            _print("Nothing was changed.\n")
            return NO
        elif args.uninstall:
            for kept in installing.remove(plan):
                _print(f"  kept      {kept}\n")
        else:
            installing.install(plan)
    return OK


def describe(plan: Plan, uninstall: bool) -> list[str]:
    """The plan in lines. Files that are merely added, updated or removed are counted, all others named."""
    if uninstall:
        lines = [f"CCPM {plan.before} leaves {plan.project}"]
    elif plan.is_done:
        lines = [f"CCPM {__version__} in {plan.project} is already up to date"]
    elif plan.before and plan.before != __version__:
        lines = [f"CCPM {plan.before} in {plan.project} becomes {__version__}"]
    else:
        lines = [f"CCPM {__version__} in {plan.project}"]
    for verb, word in ((NEW, "new"), (UPDATE, "updated"), (REMOVE, "removed")):
        counted = _count([step for step in plan.steps if step.verb == verb])
        lines += [f"  {word:<9} {counted}"] if counted else []
    lines += [line for step in plan.steps for line in _name(step)]
    if plan.gitignore is not None:
        lines.append(f"  {'restored' if uninstall else 'updated':<9} .gitignore")
    if plan.settings is not None:
        takes_out = uninstall or plan.manifest.raw.get("hooks") is False
        lines.append(f"  {'restored' if takes_out else 'updated':<9} {PATH}: the hooks of CCPM")
    return lines


def _name(step: Step) -> list[str]:
    forwards = step.wanted is not None and step.wanted.is_forwarder
    saved = f"; yours is saved as {step.saved}" if step.saved else ""
    if step.verb == REPLACE:
        return [f"  {'forwards' if forwards else 'replaced':<9} {step.path}{saved}"]
    if step.verb == SAVE_EDIT:
        return [f"  updated   {step.path}, which you had edited{saved}"]
    if step.verb == LEAVE:
        original = f"; what was there before CCPM is in {step.saved}" if step.saved else ""
        ours = " (to get ours, rename it and install again)" if step.wanted else ""
        return [f"  kept      {step.path}, which you edited{ours}{original}"]
    if step.verb == PUT_BACK:
        return [f"  restored  {step.path}"]
    return [f"  updated   {step.path}{saved}"] if step.verb == UPDATE and step.saved else []


def _count(steps: list[Step]) -> str:
    """`12 files in .claude/commands, 3 in .claude/bin`."""
    folders: dict[str, int] = {}
    for step in steps:
        folder = os.path.dirname(step.path)
        folder = "/".join(folder.split("/")[:2])
        folders[folder] = folders.get(folder, 0) + 1
    parts = [f"{count} in {folder}" for folder, count in sorted(folders.items())]
    return f"{len(steps)} files: {', '.join(parts)}" if parts else ""


def _print_json(plan: Plan) -> None:
    import json

    steps = [
        {"path": step.path, "action": step.verb, "saved": step.saved}
        for step in plan.steps
        if step.verb != SAME
    ]
    body = {"project": plan.project, "version": __version__, "before": plan.before, "done": plan.is_done}
    shared = {"gitignore": plan.gitignore is not None, "settings": plan.settings is not None}
    _print(json.dumps(body | {"steps": steps, **shared}) + "\n")


def _is_worth_asking(plan: Plan, uninstall: bool) -> bool:
    """A person at a terminal is asked before anything of theirs is moved; a script said what it wants."""
    moves = uninstall or any(step.verb in (REPLACE, SAVE_EDIT) for step in plan.steps)
    return moves and sys.stdin.isatty() and sys.stdout.isatty()


def _confirmed() -> bool:
    _print("Go on? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
