"""Links lead somewhere; what exists is explained; what is generated is up to date; what is named exists."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from bench.machine import Machine
from bench.report import Goal, Table
from bench.report import markdown as markdown_report
from bench.setting import Scale
from ccpm import cli, errors
from ccpm.core import leases
from ccpm.files import guard, records
from ccpm.ops.locking import lock_state, waiting
from docs import generate, markdown, messages, regions
from docs.markdown import REPOSITORY

DOCS = REPOSITORY / "docs"
WITH_ALL_CODES = (
    DOCS / "EXIT_CODES.md",
    DOCS / "CONCURRENCY.md",
    REPOSITORY / "rules" / "agent-coordination.md",
)
MACHINE = re.compile(r"(?<![\w.~$])/(?:home|root|work|Users|tmp)/")


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def documents() -> list[Path]:
    return [path for path in markdown.documents() if path.is_file()]


@pytest.mark.parametrize("path", documents(), ids=named)
def test_every_link_leads_somewhere(path: Path) -> None:
    for line, target in markdown.links(path.read_text()):
        if re.match(r"https?://", target):
            continue
        name, _, fragment = target.partition("#")
        where = (path.parent / name).resolve() if name else path
        assert where.exists(), f"{named(path)}:{line}: there is no {name}"
        if fragment:
            assert fragment in markdown.anchors(where.read_text()), (
                f"{named(path)}:{line}: no heading #{fragment}"
            )


def test_the_generated_parts_are_up_to_date() -> None:
    found = ", ".join(named(path) for path in generate.outdated())
    assert not found, f"out of date: {found}; write them with: make docs"


def test_a_part_that_is_out_of_date_is_seen() -> None:
    stale = "<!-- begin: exit-codes -->\n| 99 |\n<!-- end: exit-codes -->\n"
    fresh = regions.fill(stale)
    assert "| 75 | `busy` |" in fresh
    assert "99" not in fresh
    assert regions.fill(fresh) == fresh


@pytest.mark.parametrize("path", WITH_ALL_CODES, ids=named)
@pytest.mark.parametrize("error", errors.CATALOGUE, ids=lambda error: error.name)
def test_every_error_is_explained(error: type[errors.CcpmError], path: Path) -> None:
    assert re.search(rf"(?m)^[|\-*].*\b{error.code}\b", path.read_text()), (
        f"{named(path)} does not explain {error.code}"
    )


def helpers() -> list[str]:
    return [f"ccpm-{name}" for name in cli.HELPERS]


def help_of(*command: str) -> str:
    done = subprocess.run(
        [REPOSITORY / "bin" / command[0], *command[1:], "--help"], capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize("helper", helpers())
def test_every_verb_and_option_that_help_shows_is_in_the_reference(helper: str) -> None:
    text = (DOCS / "COMMANDS.md").read_text()
    section = text.partition(f"\n## {helper}\n")[2].partition("\n## ")[0]
    assert section, f"COMMANDS.md has no section {helper}"
    first = help_of(helper)
    verbs = re.findall(r"^  ([a-z][\w-]*)  ", first, re.MULTILINE) if " VERB " in first else []
    for title in [f"{helper} {verb}" for verb in verbs] or [helper]:
        part = section.partition(f"### `{title}")[2].partition("\n### ")[0]
        assert part, f"COMMANDS.md does not explain {title}"
        for option in set(re.findall(r"--[a-z][\w-]*", help_of(*title.split()))) - {
            "--help",
            "--agent",
            "--json",
        }:
            assert option in part, f"COMMANDS.md does not explain {option} of {title}"


def test_the_options_that_every_helper_takes_are_in_the_reference() -> None:
    before_the_helpers = (DOCS / "COMMANDS.md").read_text().partition("\n## ccpm-")[0]
    assert "`--agent ID`" in before_the_helpers
    assert "`--json`" in before_the_helpers


@pytest.mark.parametrize("path", documents(), ids=named)
def test_slash_commands_and_scripts_that_a_document_names_exist(path: Path) -> None:
    text = path.read_text()
    made = set(
        re.findall(r"cat >commands/pm/([a-z][\w-]*\.(?:sh|md))", text)
    )  # by an example of the document itself
    named_commands = {f"{name}.md" for name in re.findall(r"/pm:([a-z][\w-]*)", text)}
    named_files = set(re.findall(r"commands/pm/([a-z][\w-]*\.(?:sh|md))", text))
    for name in (named_commands | named_files) - made:
        assert (REPOSITORY / "commands" / "pm" / name).is_file(), f"{named(path)} names {name}"


@pytest.mark.parametrize("path", documents(), ids=named)
def test_no_document_names_a_path_of_some_machine(path: Path) -> None:
    found = MACHINE.search(path.read_text())
    assert not found, f"{named(path)}: {found[0] if found else ''}"


def test_every_shell_function_is_in_the_reference() -> None:
    text = (DOCS / "COMMANDS.md").read_text()
    for library in sorted((REPOSITORY / "lib").glob("*.sh")):
        if library.name == "setup.sh":  # a program, not to be sourced
            continue
        for name in re.findall(r"^([a-z][a-z0-9_]*)\(\) *[({]", library.read_text(), re.MULTILINE):
            if not name.startswith("ccpm_"):  # those with our prefix are the library's own
                assert f"`{name}" in text, f"COMMANDS.md does not explain {name} of {library.name}"


def test_every_event_and_every_key_of_a_lock_is_in_the_formats() -> None:
    text = (DOCS / "FORMATS.md").read_text()
    events = set()
    for path in (REPOSITORY / "lib" / "ccpm").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            named = isinstance(call, ast.Call) and ast.unparse(call.func) in ("events.append", "append_event")
            if named and isinstance(call, ast.Call) and len(call.args) > 1:  # else it is a list of that name
                constants = [node.value for node in ast.walk(call.args[1]) if isinstance(node, ast.Constant)]
                events |= {name for name in constants if isinstance(name, str)}
    assert "lock.takeover" in events
    missing = sorted(name for name in events | set(records._KNOWN) if f"`{name}`" not in text)
    assert not missing, f"FORMATS.md does not explain {', '.join(missing)}"


IN_WORDS = (
    (leases.DEFAULT_TTL, 300, "five minutes"),
    (leases.SKEW, 10, "10 seconds"),
    (waiting.POLL, 0.25, "quarter of a second"),
    (waiting.RECHECK, 1, "once a second"),
    (lock_state.PRESENT, 2, "two seconds"),
    (guard.PATIENCE, 20, "20 seconds"),
)


def test_times_that_the_documents_name_in_words_are_those_of_the_code() -> None:
    text = " ".join((DOCS / "CONCURRENCY.md").read_text().split())
    for value, documented, words in IN_WORDS:
        assert words in text, f"CONCURRENCY.md does not say {words!r} any more: take it out of IN_WORDS"
        assert value == documented, f"the documents say {words!r}: change every place that does"


def test_the_figures_of_the_readme_come_from_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "REPOSITORY", tmp_path)
    assert "not been run" in regions.benchmarks()
    table = Table("Locks", "about", ["a"], [["1"]], [Goal("fast", True, "1 ms"), Goal("fair", False, "0.5")])
    (tmp_path / "docs").mkdir()
    report = markdown_report(Machine.look(), [table], Scale(is_quick=True), 1.0)
    (tmp_path / "docs" / "BENCHMARKS.md").write_text(report)
    assert regions.benchmarks().splitlines()[2:] == ["| fast | met | 1 ms |", "| fair | **missed** | 0.5 |"]


def test_every_exit_code_is_explained_and_every_message_of_it_listed() -> None:
    codes, page = (
        (REPOSITORY / "docs/EXIT_CODES.md").read_text(),
        (REPOSITORY / "docs/MESSAGES.md").read_text(),
    )
    for error in errors.CATALOGUE:
        assert f"| {error.code} | `{error.name}` |" in codes
        assert error.meaning in codes
        assert error.action in codes
        if error is not errors.Bug:
            assert f"<!-- begin: messages {error.code} -->" in page
    assert len(messages.found()) > 200


def test_a_message_is_found_wherever_it_is_raised(tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    module.write_text(
        "def f(x):\n    raise Busy(f'{x} is held' + ' now', hint(x))\n"
        "raise NotFound('no ' 'epic', 'look' if f else 'go')\nraise ValueError('not ours')\nraise UsageError(f'{x}')\n"
    )
    assert sorted(messages._in_module(module)) == [(66, "no epic", "look / go"), (75, "… is held now", "…")]
