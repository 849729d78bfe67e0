"""What stands between a sync and its tracker: one clear message each, the right exit status, and the work so far
kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.running import FakeGitHub
from sync.project import EPIC, FAKE_FAST, Done, Project, check_synced

pytestmark = pytest.mark.needs("gh")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub(tmp_path / "fake", rules=FAKE_FAST) as running:
        yield running


def sync(project: Project, *more: str, **variables: str) -> Done:
    return project.run("sync", "epic", "auth", *more, **variables)


def check_error(done: Done, status: int, *words: str) -> None:
    assert done.status == status, (done.status, done.err)
    lines = [line for line in done.err.splitlines() if not line.startswith("hint: ")]
    assert len(lines) == 1, done.err
    for word in words:
        assert word in done.err, done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_without_gh(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to("/usr/bin/git")
    check_error(
        sync(project, PATH=str(tmp_path / "bin")), 69, "gh, is not installed", "https://cli.github.com"
    )


def test_without_a_login(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    check_error(sync(project, GH_TOKEN=""), 69, "not logged in", "gh auth login")


def test_without_a_network(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    config = tmp_path / "gone"
    config.mkdir()
    (config / "config.yml").write_text(f"http_unix_socket: {tmp_path}/nobody.sock\n")
    check_error(sync(project, GH_CONFIG_DIR=str(config)), 69, "GitHub cannot be reached", "check the network")


def test_without_a_remote_the_files_of_the_project_are_the_tracker(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", remote="")
    project.make_epic(1)
    check_error(
        sync(project, "--tracker", "github"), 69, "no remote", "git remote add origin", "--tracker local"
    )
    done = sync(project)
    assert done.status == 0, done.err
    assert "github: local://issues/2\n" in project.read(f"{EPIC}/2.md")


def test_a_remote_that_is_not_github_is_no_tracker(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", remote="https://gitlab.com/octo/shop.git")
    project.make_epic(1)
    assert sync(project).status == 0
    assert (project.path / ".claude/tracker/2.json").exists()


def test_the_repository_of_ccpm_is_never_written_to(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub, remote="git@github.com:automazeio/ccpm.git")
    project.make_epic(1)
    check_error(sync(project), 77, "automazeio/ccpm", "--repo OWNER/NAME")
    check_error(sync(project, "--repo", "automazeio/ccpm"), 77, "automazeio/ccpm")
    assert hub.log() == []
    assert sync(project, "--repo", "octo/shop").status == 0
    check_synced(project, 1)


def test_a_repository_that_is_not_there(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    check_error(sync(project, "--repo", "octo/nothing"), 69, "octo/nothing is not there")


def test_a_repository_without_issues(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    hub.set(repo="octo/shop", has_issues=False)
    check_error(sync(project), 69, "octo/shop has no issues", "--tracker local")
    hub.set(repo="octo/shop", has_issues=True)
    assert sync(project).status == 0
    check_synced(project, 1)


def test_a_repository_that_may_not_be_written_to(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    hub.set(repo="octo/shop", archived=True)
    check_error(sync(project), 77, "archived", "gh auth status")


def test_an_exhausted_rate_limit_keeps_the_work_so_far(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(2)
    hub.fault(do="exhausted", method="POST", path="/issues$", skip=2, times=0)
    done = sync(project, "--timeout", "1")
    assert done.status == 75, done.err
    assert "--timeout" in done.err
    assert len(hub.state()["issues"]) == 2
    hub.ask("DELETE", "/_fake/faults")
    hub.ask("POST", "/_fake/pool", {"name": "core", "used": 0})
    (project.path / ".claude/locks/github-rate-limit.json").unlink()
    assert sync(project).status == 0
    check_synced(project, 2)


def test_a_login_that_is_lost_on_the_way_keeps_the_work_so_far(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(2)
    hub.fault(do="auth", method="POST", path="/issues$", skip=1)
    check_error(sync(project), 69, "Bad credentials", "gh auth login")
    assert sync(project).status == 0
    check_synced(project, 2)


def test_where_sub_issues_are_refused_the_epic_lists_its_tasks(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(2)
    hub.fault(do="status", status=404, path="/sub_issues$", times=0)
    assert sync(project).status == 0
    epic = hub.state()["issues"][0]
    assert "- [ ] #2 Task 1\n- [ ] #3 Task 2" in epic["body"]
    assert project.ok("sync", "close", "2")["progress"] == "50%"
    assert "- [x] #2 Task 1\n- [ ] #3 Task 2" in hub.state()["issues"][0]["body"]
    assert project.ok("sync", "sync", "auth")["epics"][0]["changed"] == []


def test_an_epic_that_is_linked_elsewhere_is_not_made_again(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    assert sync(project, "--tracker", "local").status == 0
    check_error(sync(project), 77, "linked to local://issues/", "--relink")
    assert hub.log() == []
    assert sync(project, "--relink").status == 0
    assert "github: https://github.com/octo/shop/issues/2\n" in project.read(f"{EPIC}/2.md")


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("---\nname: Broken\nname: Twice\ngithub: a\ngithub: b\n---\n\ntext\n", 65, "001.md"),
        ("---\nname: Long\n---\n\n" + "x" * 70_000, 2, "65536 fit"),
    ],
)
def test_a_file_that_cannot_become_an_issue_is_told_before_anything_is_sent(
    text: str, status: int, words: str, tmp_path: Path, hub: FakeGitHub
) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(2)
    project.write(f"{EPIC}/001.md", text)
    check_error(sync(project), status, words)
    assert hub.log() == []
    assert not os.path.exists(project.path / EPIC / "sync-journal.jsonl")


def test_a_task_that_somebody_works_on_is_not_renamed_under_its_hands(
    tmp_path: Path, hub: FakeGitHub
) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    assert project.run("lock", "acquire", "task-001", "--agent", "busy").status == 0
    check_error(sync(project, "--agent", "other"), 75, "held by busy")
    assert hub.log() == []
    assert project.run("lock", "release", "task-001", "--agent", "busy").status == 0
    assert sync(project).status == 0


def test_a_sync_that_was_interrupted_is_not_completed_in_another_tracker(
    tmp_path: Path, hub: FakeGitHub
) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    hub.fault(do="auth", method="POST", path="/issues$", skip=1)
    assert sync(project).status == 69
    check_error(sync(project, "--tracker", "local"), 77, "with octo/shop was interrupted")
    assert not (project.path / ".claude/tracker").exists()
    assert sync(project).status == 0
    check_synced(project, 1)
