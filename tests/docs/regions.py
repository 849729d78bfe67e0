"""What the generated parts of the documents say. Each comes from the one place that defines it.

A part stands in a document between `<!-- begin: NAME -->` and `<!-- end: NAME -->`. NAME is the name of a function here
with dashes, and what follows a blank is its argument: `<!-- begin: helper ccpm-lock -->`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from ccpm import cli, errors
from ccpm.cli import strict
from ccpm.cli.arguments import Parser
from ccpm.core.findings import KINDS
from docs.markdown import REPOSITORY
from docs.messages import found as found_messages

_PART = re.compile(r"(<!-- begin: (?P<name>[^\n]+?) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)
_COMMON = ("--agent", "--json")

NUMBERS = (
    ("core.leases", "DEFAULT_TTL", "s", "a lease lasts, unless `--ttl` says otherwise"),
    ("core.leases", "MAX_TTL", "s", "the longest `--ttl` and `--timeout`"),
    ("core.leases", "DEFAULT_TIMEOUT", "s", "a caller waits for a lease, unless `--timeout` says otherwise"),
    ("core.leases", "SKEW", "s", "the clocks of two hosts may differ"),
    ("ops.locking.waiting", "POLL", "s", "about, between two looks of a waiter that nobody wakes"),
    ("ops.locking.waiting", "RECHECK", "s", "between two deadlock checks of one waiter"),
    ("ops.locking.lock_state", "PRESENT", "s", "without a sign of life cost a waiter its turn"),
    (
        "ops.locking.lock_state",
        "SILENT",
        "s",
        "without a sign of life, and a waiter on another host counts as gone",
    ),
    (
        "ops.locking.waiting",
        "BURY",
        "s",
        "between two looks of a waiter whether the agent that holds a lease still lives",
    ),
    ("core.registry", "BEAT", "s", "between two signs of life of an agent"),
    ("core.registry", "STALE", "s", "of silence make an agent stale"),
    ("core.registry", "DEAD", "s", "of silence make an agent dead"),
    ("core.patterns", "LARGEST", "states", "are searched before two claims count as overlapping"),
    ("ops.team.requests", "TTL", "s", "a file is lent, unless `--ttl` says otherwise"),
    ("ops.team.requests", "POLL", "s", "between two looks of an agent that waits for a file"),
    ("ops.team.messages", "KEPT", "messages", "an inbox holds"),
    ("ops.team.messages", "LONGEST", "characters", "the longest message"),
    (
        "ops.locking.guarded_run",
        "GRACE",
        "s",
        "at most, between TERM and KILL for a command whose lease is lost",
    ),
    ("ops.locking.held", "LATE", "s", "the same, where the lease is over already"),
    ("files.store", "BATCH", "tokens", "are skipped in another boot"),
    (
        "ops.github.budget",
        "DEFAULT_TIMEOUT",
        "s",
        "a request to GitHub waits for its turn and the limits at most, unless told otherwise",
    ),
    ("external.gh", "SECONDS", "s", "the answer to a request to GitHub is waited for"),
    (
        "ops.github.gh_commands",
        "FRESH",
        "s",
        "an answer to a plain read of GitHub is used again without asking",
    ),
    ("ops.branches.worktrees", "PATIENCE", "s", "a worktree waits for its turn to be made or removed"),
    ("ops.branches.epic_branch", "FETCH", "s", "a remote may take to say where its default branch is"),
    (
        "ops.coordinator.merging",
        "CHECK_LIMIT",
        "s",
        "one check of a merge may take, unless `--check-limit` says otherwise",
    ),
    ("external.git.repository", "PATIENCE", "s", "a git command that meets a lock file of git is repeated"),
    ("files.guard", "PATIENCE", "s", "a caller waits for a guard before it gives up with 75"),
    ("core.names", "LONGEST", "characters", "the longest name of a resource or an agent"),
    ("files.yaml_caps", "BLOCK", "bytes", "the largest frontmatter"),
    ("files.yaml_caps", "DEPTH", "levels", "the deepest nesting in frontmatter"),
    ("files.records", "LONGEST", "bytes", "the longest lock record that is read"),
    ("files.events", "ROTATE_BYTES", "bytes", "the event log is rotated at this size"),
    ("files.events", "KEEP", "files", "rotated event logs are kept"),
)
"""Module, constant, unit, what it is: every time and limit that a user can meet."""


def fill(text: str) -> str:
    """`text` with every generated part as it should be."""
    return _PART.sub(lambda part: part[1] + produce(part["name"]) + part[3], text)


def produce(name: str) -> str:
    kind, _, argument = name.partition(" ")
    return PARTS[kind](*([argument] if argument else []))


def exit_codes() -> str:
    rows = [(str(error.code), f"`{error.name}`", error.meaning, error.action) for error in _by_code()]
    return _table(("Code", "Name in `--json`", "It means", "What it asks of you"), rows)


def messages(code: str) -> str:
    """Every message that ends with the exit code, and the hint that comes with it."""
    rows = [
        (_cell(message), _cell(hint)) for number, message, hint in found_messages() if number == int(code)
    ]
    return _table(("It says", "hint"), rows)


def _cell(text: str) -> str:
    """As it is in a cell of a table: what Markdown would read is code."""
    return (
        text.replace("|", "\\|")
        .replace("<", "&lt;")
        .replace("*", "\\*")
        .replace("_", "\\_")
        .replace("`", "\\`")
    )


def numbers() -> str:
    rows = []
    for module, constant, unit, meaning in NUMBERS:
        value = getattr(importlib.import_module(f"ccpm.{module}"), constant)
        rows.append((f"{value:,g} {unit}" if unit == "s" else f"{value:,} {unit}", meaning))
    return _table(("How much", "What"), rows)


def benchmarks() -> str:
    """The goals and what was found, from the report of `make bench`."""
    report = REPOSITORY / "docs" / "BENCHMARKS.md"
    if not report.is_file():
        return "`make bench` has not been run yet.\n"
    table = re.search(r"^\| goal \|.*\n\|[- |:]+\n((?:\|.*\n)+)", report.read_text(), re.MULTILINE)
    if not table:
        raise ValueError("docs/BENCHMARKS.md has no table of goals")
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].splitlines()]
    return _table(("Goal", "Result", "Measured"), [(row[0], row[1], row[2]) for row in rows])


def helpers() -> str:
    rows = [(f"[`ccpm-{name}`](#ccpm-{name})", summary) for name, summary in cli.HELPERS.items()]
    return _table(("Helper", "What it does"), rows)


def helper(program: str) -> str:
    """Every verb of a helper with its arguments and options, from the declarations that parse them."""
    module = importlib.import_module("ccpm.cli." + program.removeprefix("ccpm-").replace("-", "_"))
    verbs: dict[str, str] = getattr(module, "VERBS", {})
    if not verbs:
        return _verb(program, "", _declared(module.run, []))
    return "\n".join(
        _verb(f"{program} {verb}", what, _declared(module.run, [verb])) for verb, what in verbs.items()
    )


def findings() -> str:
    """Every kind of finding of `validate`, and what `--fix` does about it."""
    rows = [
        (f"`{name}`", kind.meaning, kind.mended or "no: the hint says what to do")
        for name, kind in KINDS.items()
    ]
    return _table(("Kind", "It means", "Does `--fix` mend it?"), rows)


def slash_commands() -> str:
    """Every slash command that is installed, from the frontmatter of its file."""
    rows = []
    for path in sorted((REPOSITORY / "commands" / "pm").glob("*.md")):
        keys = dict(re.findall(r"^([\w-]+): *(.*)$", path.read_text().split("---")[1], re.MULTILINE))
        hint = keys.get("argument-hint", "").strip("\"'")
        rows.append(
            (f"`/pm:{path.stem}{' ' + hint if hint else ''}`", keys.get("description", "").strip("\"'"))
        )
    return _table(("Command", "What it does"), rows)


def functions(library: str) -> str:
    """The functions of a shell library, from the table at the top of its file."""
    rows: list[list[str]] = []
    for line in (REPOSITORY / "lib" / library).read_text().split("\n"):
        row = re.fullmatch(r"#( +)(\S.*?)(?: {2,}(.+))?", line)
        if not row and rows:
            break
        if row and len(row[1]) == 3:
            rows.append([f"`{row[2]}`", row[3] or ""])
        elif row and rows:
            rows[-1][1] += f" {row[2]}"
    single = [pair for name, text in rows for pair in _split(name, text.strip())]
    return _table(("Function", "What it does"), [(name, text) for name, text in single if name[:2] != "`_"])


def _split(name: str, text: str) -> list[tuple[str, str]]:
    """Two functions that share a line: `A · B` with `what A does · what B does`."""
    names, texts = name.strip("`").split(" · "), text.split(" · ")
    if len(names) != len(texts):
        return [(name, text)]
    return [(f"`{one}`", what) for one, what in zip(names, texts, strict=True)]


PARTS: dict[str, Callable[..., str]] = {
    "exit-codes": exit_codes,
    "messages": messages,
    "numbers": numbers,
    "benchmarks": benchmarks,
    "helpers": helpers,
    "helper": helper,
    "findings": findings,
    "slash-commands": slash_commands,
    "functions": functions,
}


class _Declared(Exception):
    """Carries the parser out of a helper at the moment in which it would parse."""

    def __init__(self, parser: Parser) -> None:
        super().__init__()
        self.parser = parser


def _declared(run: Callable[[list[str]], int], argv: list[str]) -> list[Any] | None:
    """The arguments that `run` declares for `argv`; None if it is not there yet."""

    def stop(parser: Parser, _: list[str]) -> None:
        raise _Declared(parser)

    before = Parser.parse_args
    Parser.parse_args = stop  # type: ignore[method-assign,assignment]
    try:
        run([*argv, "--help"])
    except _Declared as found:
        return list(found.parser.declared)
    except ModuleNotFoundError:
        return None
    finally:
        Parser.parse_args = before  # type: ignore[method-assign]
    raise AssertionError(f"{argv} parses nothing")


def _verb(title: str, what: str, declared: list[Any] | None) -> str:
    positional = [one for one in declared or [] if not one.names[0].startswith("-")]
    options = [one for one in declared or [] if one.names[0].startswith("-")]
    words = [title, *map(_placeholder, positional)]
    words += [" ".join(_spelled(one)) for one in options if one.settings.get("required")]
    if title == "ccpm-lock run":
        words.append("-- COMMAND …")
    text = f"### `{' '.join(words)}`\n\n"
    text += f"{what[0].upper()}{what[1:]}.\n\n" if what else ""
    shown = [one for one in options if one.names[0] not in _COMMON]
    if not shown:
        return text.rstrip("\n") + "\n"
    rows = [(f"`{' '.join(_spelled(one))}`", strict.help_of(one)) for one in shown]
    return text + _table(("Option", "Meaning"), rows)


def _placeholder(one: Any) -> str:
    name = one.settings.get("metavar", one.dest)
    if one.dest == "name" and one.nargs == "*":  # Parser.add_name: all words together are one name
        return name if one.required else f"[{name}]"
    return {"+": f"{name} …", "*": f"[{name} …]", "?": f"[{name}]"}.get(one.nargs or "", name)


def _spelled(one: Any) -> list[str]:
    longest = next((name for name in one.names if name.startswith("--")), one.names[0])
    return (
        [longest] if one.action == "store_true" else [longest, one.settings.get("metavar", one.dest.upper())]
    )


def _by_code() -> list[type[errors.CcpmError]]:
    return sorted(errors.CATALOGUE, key=lambda error: error.code)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
