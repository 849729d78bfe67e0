"""git-hook, hooks."""

from __future__ import annotations

import sys

from ccpm.cli.agents import say
from ccpm.cli.arguments import Parser
from ccpm.cli.output import print_json
from ccpm.core.hook_files import NAMES
from ccpm.errors import NO, OK, UsageError
from ccpm.ops import identity


def run(verb: str, parser: Parser, argv: list[str]) -> int:
    return {"git-hook": _git_hook, "hooks": _hooks}[verb](parser, argv)


def _git_hook(parser: Parser, argv: list[str]) -> int:
    """The arguments that git gives to the hook are behind `--`."""
    cut = argv.index("--") if "--" in argv else len(argv)
    given = argv[cut + 1 :]
    parser.add_argument("name", metavar="HOOK", help=", ".join(NAMES) + "; its own arguments behind --")
    args = parser.parse_args(argv[:cut])
    if args.name not in NAMES:
        raise UsageError(
            f"no hook {args.name[:40]!r}; there are: {', '.join(NAMES)}", "ccpm-agent hooks install"
        )
    from ccpm.files import root
    from ccpm.ops.actor import Actor
    from ccpm.ops.team import commits

    top = root.find()
    actor = Actor(commits.committer(top, args.agent), identity.carried_fences(), say, top)
    if args.name == "pre-commit":
        commits.check_staged(actor)
    elif args.name == "post-commit":
        commits.count(actor)
    elif args.name == "post-index-change":
        commits.note_index(actor)
    elif given:
        commits.add_trailer(actor, given[0], given[1] if len(given) > 1 else "")
    return OK


def _hooks(parser: Parser, argv: list[str]) -> int:
    parser.add_argument("action", metavar="ACTION", help="install, remove or status")
    parser.add_argument(
        "--project", default="", metavar="DIR", help="the project; by default that around here"
    )
    args = parser.parse_args(argv)
    from ccpm.files import root
    from ccpm.ops.team import git_hooks

    project = args.project or root.find()
    if args.action == "status":
        found = git_hooks.status(project)
        if args.json:
            print_json([{"path": path, "installed": is_there} for path, is_there in found])
        else:
            for path, is_there in found:
                sys.stdout.write(f"{path}\t{'installed' if is_there else 'not installed'}\n")
        return OK if all(is_there for _, is_there in found) else NO
    if args.action not in ("install", "remove"):
        raise UsageError(
            f"no action {args.action[:40]!r}; there are: install, remove, status", "ccpm-agent hooks status"
        )
    done = git_hooks.install(project) if args.action == "install" else git_hooks.remove(project)
    if args.json:
        print_json([{"path": path, "did": did} for path, did in done])
    else:
        for path, did in done:
            sys.stdout.write(f"{path}\t{did}\n")
    return OK
