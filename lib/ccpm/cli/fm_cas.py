"""ccpm-fm-cas: frontmatter by compare-and-swap on its version."""

from __future__ import annotations

import sys

from ccpm.cli.arguments import Parser, dispatch, whole
from ccpm.cli.output import print_json
from ccpm.errors import NO, OK, UsageError
from ccpm.ops import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

PROGRAM = "ccpm-fm-cas"
VERBS = {
    "get": "print the values of keys, one a line (1 if one is missing), or the whole block",
    "set": "change keys if the version is still the expected one; print the new version",
    "update": "change keys whatever the version is; print the new version",
    "ensure": "add `version: 1` where there is none; 1 if there was one",
    "commit": "replace the whole file if the version is still the expected one; print the new version",
    "extract": "print the block between the markers as it stands, or what follows it",
    "validate": "check the block: 0 sound, 65 if not, with the lines",
}


def run(argv: list[str]) -> int:
    return dispatch(PROGRAM, VERBS, argv, _run_verb)


def _run_verb(verb: str, rest: list[str]) -> int:
    parser = Parser(PROGRAM, verb, VERBS[verb])
    parser.add_argument("file", metavar="FILE")
    handlers = {"get": _get, "ensure": _ensure, "commit": _commit, "extract": _extract, "validate": _validate}
    return handlers.get(verb, _write)(parser, rest)


def _get(parser: Parser, rest: list[str]) -> int:
    from ccpm.ops import frontmatter

    parser.add_argument("keys", nargs="*", metavar="KEY")
    args = parser.parse_args(rest)
    document = frontmatter.read(args.file)
    if args.json:
        print_json({key: document.get(key) for key in args.keys or document.keys()})
    elif len(args.keys) == 1:
        line = document.get_text(args.keys[0])
        sys.stdout.write(f"{line}\n" if line is not None else "")
    elif args.keys:
        # Exactly one line for each, for `{ read -r a; read -r b; }`: no key takes the line of another.
        for key in args.keys:
            sys.stdout.write(" ".join((document.get_text(key) or "").splitlines()) + "\n")
    else:
        for key in document.keys():  # noqa: SIM118  (it is no mapping)
            sys.stdout.write(f"{key}: {document.get_text(key)}\n")
    return NO if any(document.get(key) is None for key in args.keys) else OK


def _write(parser: Parser, rest: list[str]) -> int:
    """`set` and `update`: they differ in whether a version is expected."""
    from ccpm.ops import frontmatter
    from ccpm.ops.team import permission

    expects = parser.prog.endswith(" set")
    if expects:
        parser.add_argument(
            "--expect-version", type=whole, required=True, metavar="N", help="the version that you read"
        )
    parser.add_argument("assignments", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--unset", action="append", default=[], metavar="KEY", help="remove this key")
    parser.add_argument("--fence", metavar="R:N", help="only while this lease holds")
    args = parser.parse_args(rest)
    if not args.assignments and not args.unset:
        raise UsageError("nothing to change", f"{parser.prog} FILE KEY=VALUE …")
    permission.check(args.file, args.agent)
    change = frontmatter.Change(
        args.file,
        identity.agent_id(args.agent),
        _assignments(args.assignments, args.unset),
        tuple(_key(key) for key in args.unset),
        identity.carried_fences(args.fence),
    )
    version, warnings = frontmatter.apply(change, args.expect_version if expects else None)
    for warning in warnings:
        sys.stderr.write(f"{PROGRAM}: {warning}\n")
    _print_version(args, version)
    return OK


def _ensure(parser: Parser, rest: list[str]) -> int:
    from ccpm.ops import frontmatter
    from ccpm.ops.team import permission

    parser.add_argument("--fence", metavar="R:N", help="only while this lease holds")
    args = parser.parse_args(rest)
    permission.check(args.file, args.agent)
    agent, fences = identity.agent_id(args.agent), identity.carried_fences(args.fence)
    added = frontmatter.ensure_version(args.file, agent, fences)
    if args.json:
        print_json({"file": args.file, "added": added})
    return OK if added else NO


def _commit(parser: Parser, rest: list[str]) -> int:
    from ccpm.cli import given
    from ccpm.ops import frontmatter
    from ccpm.ops.team import permission

    parser.add_argument(
        "--expect-version", type=whole, required=True, metavar="N", help="the version that you read"
    )
    parser.add_argument(
        "--from", dest="source", required=True, metavar="SRC", help="file with the new content"
    )
    parser.add_argument(
        "--if-sha256", default="", metavar="H", help="only if the present content has this hash, too"
    )
    parser.add_argument("--fence", metavar="R:N", help="only while this lease holds")
    args = parser.parse_args(rest)
    content = given.content(args.source)
    permission.check(args.file, args.agent)
    fences = identity.carried_fences(args.fence)
    agent = identity.agent_id(args.agent)
    version = frontmatter.commit(args.file, agent, content, args.expect_version, fences, args.if_sha256)
    _print_version(args, version)
    return OK


def _extract(parser: Parser, rest: list[str]) -> int:
    from ccpm.ops import frontmatter

    parser.add_argument("--body", action="store_true", help="what follows the block")
    args = parser.parse_args(rest)
    block, body = frontmatter.read(args.file).parts()
    text = body if args.body else block
    if args.json:
        print_json({"file": args.file, "text": text.decode("utf-8", "replace")})
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
    return OK


def _validate(parser: Parser, rest: list[str]) -> int:
    from ccpm.errors import Malformed
    from ccpm.files.frontmatter_problems import diagnose
    from ccpm.ops import frontmatter

    args = parser.parse_args(rest)
    problems = diagnose(frontmatter.read(args.file))
    if problems:
        lines = "; ".join(f"line {problem.line}: {problem.reason}" for problem in problems)
        found = [{"line": problem.line, "reason": problem.reason} for problem in problems]
        raise Malformed(
            f"{args.file}: {lines}", "mend the named lines by hand", path=args.file, problems=found
        )
    if args.json:
        print_json({"file": args.file, "problems": []})
    return OK


def _assignments(texts: list[str], unset: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for key, value in map(_assignment, texts):
        if key in values or key in unset:
            raise UsageError(f"{key} is given twice", "name each key once")
        values[key] = value
    return values


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text[:40]!r} is not KEY=VALUE", f"{PROGRAM} update FILE KEY=VALUE …")
    return _key(key), value


def _key(key: str) -> str:
    if not key:
        raise UsageError("a key is empty", f"{PROGRAM} update FILE KEY=VALUE …")
    return key


def _print_version(args: Namespace, version: int) -> None:
    if args.json:
        print_json({"file": args.file, "version": version})
    else:
        sys.stdout.write(f"{version}\n")
