"""Every command that a document shows is run, and every output that it shows is compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from docs import markdown, session
from docs.markdown import REPOSITORY, Example
from docs.session import Home

EXAMPLE = Path(__file__).resolve().parent / "example"
README = REPOSITORY / "README.md"


def with_examples() -> list[Path]:
    return [path for path in markdown.documents() if path.is_file() and markdown.examples(path.read_text())]


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose project has the tools and the example plan; sessions get a copy."""
    home = session.make_home(tmp_path_factory.mktemp("prepared"))
    session.install(home, EXAMPLE)
    return home


@pytest.fixture
def project(prepared: Home, tmp_path: Path) -> Home:
    def clone(folder: str, _: list[str]) -> list[str]:
        return [prepared.clone.name] if folder == str(prepared.path) else []

    shutil.copytree(prepared.path, tmp_path / "home", symlinks=True, ignore=clone)
    return Home((tmp_path / "home").resolve())


def play(examples: list[Example], home: Home, notes: Path, is_newcomer: bool = False) -> list[str]:
    """Run `examples` in the project; the newcomer starts in the clone, without the tools on PATH."""
    start = home.clone if is_newcomer else home.project
    on_path = None if is_newcomer else home.project / ".claude" / "bin"
    return session.problems(examples, session.run(examples, home, start, on_path, notes))


@pytest.mark.slow
@pytest.mark.parametrize("path", with_examples(), ids=named)
def test_the_examples_of_a_document_do_what_it_shows(path: Path, project: Home, tmp_path: Path) -> None:
    if path == README:
        shutil.rmtree(tmp_path / "home")
        project = session.make_home(tmp_path / "home")
    found = play(markdown.examples(path.read_text()), project, tmp_path / "notes", is_newcomer=path == README)
    assert not found, f"{named(path)}, " + f"\n{named(path)}, ".join(found)


def test_readme_and_concurrency_have_examples() -> None:
    assert {README, REPOSITORY / "docs" / "CONCURRENCY.md"} <= set(with_examples())


@pytest.mark.parametrize("path", markdown.documents(), ids=named)
def test_each_code_block_says_what_it_is(path: Path) -> None:
    for block in markdown.blocks(path.read_text()):
        assert block.language in ("bash", "text", "yaml", "json", "markdown", "python"), (
            f"{named(path)}:{block.line}: {block.language!r}: only bash blocks are run, and only text is compared"
        )


@pytest.mark.parametrize("path", with_examples(), ids=named)
def test_each_shown_output_could_be_wrong(path: Path) -> None:
    for example in markdown.examples(path.read_text()):
        assert example.expected is None or session.says_something(example.expected), (
            f"{named(path)}:{example.line}: the shown output fits anything"
        )


BROKEN = {
    "a command that fails": ("ccpm-lock acquire epic-auth --ttl soon", None, "status 2"),
    "an output that differs": ("echo one", "two\n", "another output"),
    "an output that has more lines than shown": ("echo one; echo two", "one\n", "another output"),
    "an output that is not there": ("true", "one\n", "another output"),
    "a failure in a pipeline": ("ccpm-fm-cas get nothing.md | cat", None, "status 66"),
    "a target that the Makefile does not have": ("make coffee", None, "status 2"),
    "a session that ends before its end": ("exit 0", None, "ended here"),
}


@pytest.mark.parametrize(("code", "expected", "said"), BROKEN.values(), ids=BROKEN)
def test_a_document_is_caught_that_shows(
    code: str, expected: str | None, said: str, prepared: Home, tmp_path: Path
) -> None:
    examples = [Example(3, "true\n", None), Example(7, f"{code}\n", expected), Example(11, "true\n", None)]
    (found,) = play(examples, prepared, tmp_path / "notes")
    assert found.startswith("line 7: "), found
    assert said in found, found


def test_times_pids_durations_and_dots_may_differ() -> None:
    assert session.is_shown(
        "held by … since 2026-01-01T00:00:00Z (pid 1), 0.1 s\n…\nend\n",
        "held by x y since 2027-12-31T23:59:59Z (pid 4711), 12.5 s\na\nb\nend\n",
    )
    assert not session.is_shown("token 1\n", "token 2\n")
    assert not session.is_shown("a\n…\n", "b\na\n")


def test_an_output_belongs_to_the_block_right_before_it() -> None:
    text = "```bash\na\n```\n\n```text\nA\n```\n\n```bash\nb\n```\n\nwords\n\n```text\nB\n```\n"
    assert [(one.code, one.expected) for one in markdown.examples(text)] == [("a\n", "A\n"), ("b\n", None)]
