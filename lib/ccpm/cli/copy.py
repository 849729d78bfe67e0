"""`ccpm copy FILE TARGET`, for the functions of lib/*.sh that let a script edit a copy of a file: TARGET gets the
content that FILE has at the coordination root, and the hash of it is printed, by which `--if-sha256` knows it again."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, whole
from ccpm.cli.output import print_json
from ccpm.errors import OK, io_failure


def run(argv: list[str]) -> int:
    from ccpm.ops import frontmatter, plain_files

    parser = Parser("ccpm copy", "", "Copy FILE to TARGET and print its sha256.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument(
        "--expect-version", type=whole, metavar="N", help="only if its frontmatter has this version"
    )
    args = parser.parse_args(argv)
    content = frontmatter.snapshot(args.file, args.expect_version)
    try:
        with open(args.target, "wb") as file:
            file.write(content)
    except OSError as error:
        raise io_failure(f"write {args.target}", error) from error
    described = plain_files.describe(args.file, content)
    if args.json:
        print_json(described)
    else:
        sys.stdout.write(f"{described['sha256']}\n")
    return OK
