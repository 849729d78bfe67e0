"""ccpm-atomic-write: standard input becomes the content of a file, all of it or nothing."""

from __future__ import annotations

from ccpm.cli import given
from ccpm.cli.arguments import Parser, invalid
from ccpm.cli.output import print_json
from ccpm.errors import OK, UsageError
from ccpm.ops import identity, plain_files
from ccpm.ops.team import permission

PROGRAM = "ccpm-atomic-write"


def run(argv: list[str]) -> int:
    parser = Parser(PROGRAM, "", "Write standard input to FILE: readers see the old content or the new one.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--append", action="store_true", help="put it behind the old content")
    condition = parser.add_mutually_exclusive_group()
    condition.add_argument(
        "--if-sha256", default="", metavar="H", help="only if the present content has this hash"
    )
    condition.add_argument("--if-absent", action="store_true", help="only if there is no such file")
    parser.add_argument(
        "--mode", type=_mode, metavar="M", help="permission bits, octal (default: as they are)"
    )
    parser.add_argument(
        "--from", dest="source", metavar="SRC", help="read this file instead of standard input"
    )
    parser.add_argument("--fence", metavar="R:N", help="only while this lease holds")
    args = parser.parse_args(argv)
    permission.check(args.file, args.agent)
    path, content = plain_files.write(
        plain_files.Write(
            args.file,
            given.content(args.source),
            identity.agent_id(args.agent),
            args.append,
            args.if_sha256,
            args.if_absent,
            args.mode,
            identity.carried_fences(args.fence),
        )
    )
    if args.json:
        print_json(plain_files.describe(path, content))
    return OK


def _mode(text: str) -> int:
    try:
        value = int(text, 8)
    except ValueError:
        raise invalid(f"{text[:20]!r} is not an octal number") from None
    if not 0 <= value <= 0o7777:
        raise UsageError(f"mode {text[:20]} is not within 0 and 7777")
    return value
