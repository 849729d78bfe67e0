"""`ccpm root`, for the functions of lib/*.sh: prints the coordination root of the current directory."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser
from ccpm.cli.output import print_json
from ccpm.errors import OK
from ccpm.files import root


def run(argv: list[str]) -> int:
    args = Parser("ccpm root", "", "Print the folder that has the state.").parse_args(argv)
    found = root.find()
    if args.json:
        print_json({"root": found})
    else:
        sys.stdout.write(f"{found}\n")
    return OK
