"""Every epic of the corpus becomes issues of the local tracker: texts stay whole, references are rewritten where they
are references and nowhere else, and everything else in the frontmatter means what it meant.

By default one epic a project; TEST_CORPUS=all takes all of them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ccpm.core import issue_text
from ccpm.core.remote import Repository
from ccpm.errors import Malformed
from ccpm.files import frontmatter
from ccpm.ops.actor import Actor
from ccpm.ops.plan import plans
from ccpm.ops.sync import Progress, epic
from ccpm.ops.sync.items import EPIC, Items
from ccpm.ops.trackers.github import GitHubTracker
from ccpm.ops.trackers.local import LocalTracker
from fakes.running import FakeGitHub
from sync.project import FAKE_FAST, Project

OURS = {"github", "depends_on", "conflicts_with", "updated", "version"}
EPICS = 10_000 if os.environ.get("TEST_CORPUS") == "all" else 1
LARGEST = 10_000 if os.environ.get("TEST_CORPUS") == "all" else 12


def test_every_epic_becomes_issues_and_keeps_its_texts(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = refused = tasks = rewritten = 0
    for source in sorted(path for path in corpus.iterdir() if (path / ".claude").is_dir()):
        project = copy_of(source, tmp_path / source.name)
        monkeypatch.chdir(project)
        actor = Actor("a", {}, top=str(project))
        names = [
            one.name
            for one in plans.load(str(project))[0]
            if one.folder.epic and len(one.plan.tasks) <= LARGEST
        ]
        for name in names[:EPICS]:
            tracker = LocalTracker(actor)
            before = Items(str(project), name, tracker)
            count = len(tracker.issues())
            try:
                made = epic.sync(actor, tracker, name, True, Progress())
            except Malformed as error:
                assert "line " in error.message
                assert len(tracker.issues()) == count, "refused, but not before something was made"
                refused += 1
                continue
            synced += 1
            tasks += len(before.tasks)
            rewritten += check(before, Items(str(project), name, tracker), tracker, made)
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(project)
    assert synced > 10
    print(f"{synced} epics with {tasks} tasks, {rewritten} references; {refused} refused")


def copy_of(source: Path, target: Path) -> Path:
    """A project as git would check it out: a file of `.claude` that is the text of a link becomes that link."""
    shutil.copytree(source, target, symlinks=True)
    for path in [target / ".claude", *(target / ".claude").iterdir()]:
        path.chmod(0o755)
        if path.is_file():
            text = path.read_text().strip()
            path.unlink()
            path.symlink_to(text)
    (target / ".git").mkdir()
    return target


def check(before: Items, after: Items, tracker: LocalTracker, made: dict[str, object]) -> int:
    numbers = dict(zip([item.key for item in before.all], made["created"], strict=True))  # type: ignore[call-overload]
    issues = {issue.number: issue for issue in tracker.issues()}
    rewritten = 0
    for item in before.all:
        number = numbers[item.key]
        now = after.by_number(number)
        assert now, f"{item.path} is lost"
        where = f"{item.path} → {now.path}"
        assert now.key in (EPIC, f"{item.key.rpartition('/')[0]}/{number}".lstrip("/")) or made["warnings"], (
            where
        )
        if item.task:
            assert now.file.document.parts()[1] == item.file.document.parts()[1], (
                f"{where}: the text was touched"
            )
        assert issue_text.same(issue_text.strip(issues[number].body), issue_text.strip(item.text)), where
        assert issues[number].state == item.state
        old, new = item.file.document.values(), now.file.document.values()
        assert {k: v for k, v in old.items() if k not in OURS} == {
            k: v for k, v in new.items() if k not in OURS
        }, where
        for key in ("depends_on", "conflicts_with") if item.task else ():
            assert item.task
            entries = plans.references(item.file, key)
            found = [before.plan.find(entry, item.task) for entry in entries]
            expected = [
                str(numbers[task.key]) if task else entry for entry, task in zip(entries, found, strict=True)
            ]
            assert plans.references(now.file, key) == expected, f"{where}: {key} was {entries}"
            rewritten += sum(task is not None for task in found)
    assert sorted(tracker.sub_issues(numbers[EPIC]) or []) == sorted(
        numbers[item.key] for item in before.tasks
    )
    return rewritten


@pytest.mark.needs("gh")
def test_a_sample_goes_through_gh_to_the_fake_github(corpus: Path, tmp_path: Path) -> None:
    """One epic, from a project whose issues were once made by `sed` and prose."""
    with FakeGitHub(tmp_path / "fake", rules=FAKE_FAST) as hub:
        project = Project(tmp_path / "p", hub)
        shutil.copytree(corpus / "nahel" / ".claude/epics", project.path / ".claude/epics")
        tracker = GitHubTracker(
            Actor("a", {}, top=str(project.path)), Repository("github.com", "octo", "shop")
        )
        sizes = [
            (len(one.plan.tasks), one.name)
            for one in plans.load(str(project.path))[0]
            if one.folder.epic and one.plan.tasks
        ]
        name = min(sizes)[1]
        before = Items(str(project.path), name, tracker)
        made = project.ok("sync", "epic", name, "--relink")
        after = Items(str(project.path), name, tracker)
        bodies = {issue["number"]: issue["body"] for issue in hub.state()["issues"]}
    numbers = dict(zip([item.key for item in before.all], made["created"], strict=True))
    for item in before.all:
        now = after.by_number(numbers[item.key])
        assert now, f"{item.path} is lost"
        assert issue_text.same(issue_text.strip(bodies[now.number]), issue_text.strip(item.text))
        if item.task:
            assert now.file.document.parts()[1] == item.file.document.parts()[1]


def test_frontmatter_that_a_sync_makes_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a corpus project shows often: a task without any frontmatter."""
    folder = tmp_path / ".claude/epics/auth"
    folder.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (folder / "epic.md").write_text("# Epic\n")
    (folder / "001.md").write_bytes(b"# Task\r\n\r\n**Status:** open\r\n")
    monkeypatch.chdir(tmp_path)
    actor = Actor("a", {}, top=str(tmp_path))
    epic.sync(actor, LocalTracker(actor), "auth", False, Progress())
    data = (folder / "2.md").read_bytes()
    assert data.endswith(b"---\r\n# Task\r\n\r\n**Status:** open\r\n")
    assert frontmatter.parse(data).get("github") == "local://issues/2"
