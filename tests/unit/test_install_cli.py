"""What `install.sh` says and asks (ccpm.cli.install)."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ccpm.cli import install
from ccpm.errors import NO, OK, UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def source(tmp_path: Path) -> Path:
    top = tmp_path / "source"
    for path, text in (("lib/main.py", "main = 1\n"), ("rules/agents.md", "rules\n")):
        (top / path).parent.mkdir(parents=True)
        (top / path).write_text(text)
    return top


@pytest.fixture
def project(tmp_path: Path) -> Path:
    rules = tmp_path / "project" / ".claude" / "rules"
    rules.mkdir(parents=True)
    (rules / "agents.md").write_text("their rules\n")
    return tmp_path / "project"


def run_at(
    monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO, source: Path, project: Path, *options: str
) -> tuple[int, str]:
    """Status and output of a run whose standard output is a terminal."""
    screen = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        patch.setattr("sys.stdout", screen)
        return install.run([str(source), str(project), *options]), screen.getvalue()


@pytest.mark.parametrize(("answer", "status", "rules"), [("y\n", OK, "rules\n"), ("\n", NO, "their rules\n")])
def test_a_person_is_asked_before_a_file_of_theirs_is_replaced(
    source: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
    rules: str,
) -> None:
    found, screen = run_at(monkeypatch, Terminal(answer), source, project)
    assert found == status
    assert "replaced  .claude/rules/agents.md; yours is saved as .claude/.ccpm/originals/" in screen
    assert "Go on? [y/N]" in screen
    assert (project / ".claude/rules/agents.md").read_text() == rules


@pytest.mark.parametrize("options", [["--yes"], []], ids=["--yes", "a script"])
def test_nobody_is_asked_with_yes_or_without_a_terminal(
    source: Path, project: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    stdin = Terminal("") if options else io.StringIO("")
    status, screen = run_at(monkeypatch, stdin, source, project, *options)
    assert status == OK
    assert "Go on?" not in screen
    assert (project / ".claude/rules/agents.md").read_text() == "rules\n"


def test_json_names_every_path_that_changes(
    source: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install.run([str(source), str(project), "--json", "--dry-run"]) == OK
    plan = json.loads(capsys.readouterr().out)
    assert not plan["done"]
    assert plan["gitignore"]
    assert {step["path"]: step["action"] for step in plan["steps"]} == {
        ".claude/lib/main.py": "new",
        ".claude/rules/agents.md": "replace",
    }


def test_a_missing_argument_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        install.run(["only-one"])
