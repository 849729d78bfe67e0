"""Promise P4: who has lost a lease cannot write with it, however late it wakes up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from race.crew import until
from race.tree import Project, finish, play


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "p")


def test_a_writer_that_slept_until_after_the_takeover_is_refused(project: Project) -> None:
    report = play("fencing.stopped_before_the_check", project)
    assert "token 1 of epic-auth holds no longer" in report["late"]
    assert report["content"] == "heir\n"


def test_no_takeover_comes_between_the_check_of_a_fence_and_the_publication(project: Project) -> None:
    report = play("fencing.stopped_before_the_publication", project)
    assert report == {"taken too early": False, "late": "written", "heir reads": "writer\n"}


def test_tokens_of_accepted_writes_never_go_back(project: Project) -> None:
    report = play("fencing.race_to_write", project, workers=6, turns=10)
    assert report["tokens"] == sorted(set(report["tokens"]))
    assert len(report["tokens"]) == report["written"]
    assert report["refused"] >= 10, "too few late writes to prove anything"
    assert report["written"] + report["refused"] == 60


def test_the_executable_refuses_a_write_with_a_fence_that_was_taken_over(project: Project) -> None:
    old = project.ok("lock", "acquire", "epic-auth", "--agent", "a", "--ttl", "0.1")
    new = project.ok("lock", "acquire", "epic-auth", "--agent", "b")
    assert int(new) > int(old)
    project.ok("atomic-write", "epic.md", "--fence", f"epic-auth:{new}", stdin="by b\n")
    late = project.run("atomic-write", "epic.md", "--fence", f"epic-auth:{old}", stdin="by a\n")
    assert late.status == 11
    assert f"token {old} of epic-auth holds no longer" in late.err
    assert "held by b" in late.err
    inherited = project.run("atomic-write", "epic.md", stdin="by a\n", CCPM_FENCE=f"epic-auth:{old}")
    assert inherited.status == 11
    assert (project.path / "epic.md").read_text() == "by b\n"
    assert len(project.events("fence.refused")) == 2


def test_a_late_writer_is_refused_from_within_another_project_too(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    old = project.ok("lock", "acquire", "epic-auth", "--agent", "a", "--ttl", "0.1")
    project.ok("lock", "acquire", "epic-auth", "--agent", "b")
    other.ok("lock", "acquire", "epic-auth", "--agent", "c")
    carried = {"CCPM_FENCE": f"epic-auth:{old}", "CCPM_FENCE_ROOT": str(project.path)}
    for target in (str(project.path / "notes.md"), "notes.md"):
        late = other.run("atomic-write", target, stdin="late\n", **carried)
        assert late.status == 11, late.err
        assert "it is held by b" in late.err


def test_outside_of_projects_a_fence_counts_too(project: Project, tmp_path: Path) -> None:
    nowhere = Project(tmp_path / "nowhere")
    shutil.rmtree(nowhere.path / ".git")
    shutil.rmtree(nowhere.path / ".claude", ignore_errors=True)
    token = project.ok("lock", "acquire", "epic-auth", "--agent", "a")
    carried = {"CCPM_FENCE": f"epic-auth:{token}", "CCPM_FENCE_ROOT": str(project.path)}
    assert nowhere.run("atomic-write", "notes.md", stdin="hi\n", **carried).status == 0
    project.ok("lock", "release", "epic-auth", "--agent", "a")
    assert nowhere.run("atomic-write", "notes.md", stdin="late\n", **carried).status == 11
    assert (nowhere.path / "notes.md").read_text() == "hi\n"


def test_fences_of_a_project_that_is_gone_hold_no_longer_and_do_not_bring_it_back(
    project: Project, tmp_path: Path
) -> None:
    carried = {"CCPM_FENCE": "epic-auth:1", "CCPM_FENCE_ROOT": str(tmp_path / "gone")}
    late = project.run("atomic-write", "notes.md", stdin="late\n", **carried)
    assert late.status == 11
    assert f"is gone: {tmp_path / 'gone'}; nothing was written" in late.err
    assert not (tmp_path / "gone").exists()


def test_a_command_may_write_in_another_project_while_its_lease_holds(
    project: Project, tmp_path: Path
) -> None:
    other = Project(tmp_path / "other")
    command = f"cd {other.path} && echo hi | ccpm-atomic-write notes.md && ccpm-lock run epic-auth -- true"
    done = project.run("lock", "run", "epic-auth", "--timeout", "0", "--", "sh", "-c", command)
    assert done.status == 0, done.err
    assert (other.path / "notes.md").read_text() == "hi\n"
    assert [event["token"] for event in other.events("lock.acquired")] == [1], "a lease of its own there"


def test_a_write_with_an_expired_fence_is_refused_although_nobody_took_over(project: Project) -> None:
    token = project.ok("lock", "acquire", "epic-auth", "--agent", "a", "--ttl", "0.05")
    until(lambda: project.run("lock", "check", "epic-auth").status == 1)
    late = project.run("atomic-write", "epic.md", "--fence", f"epic-auth:{token}", stdin="late\n")
    assert late.status == 11
    assert "(expired)" in late.err
    assert not (project.path / "epic.md").exists()


def test_a_command_below_run_writes_with_the_fence_of_run(project: Project) -> None:
    write = "echo $1 | ccpm-atomic-write epic.md"
    script = f"set -- early; {write} && ccpm-lock release epic-auth --force && set -- late && {write}"
    done = finish(project.start("lock", "run", "epic-auth", "--", "sh", "-c", script))
    assert done.status == 11
    assert "holds no longer" in done.err
    assert (project.path / "epic.md").read_text() == "early\n"


@pytest.mark.parametrize("resource", ["file-epic.md", "file-other.md"])
def test_a_write_may_be_fenced_by_a_lease_on_the_file_itself_or_on_another(
    resource: str, project: Project
) -> None:
    """Guards of files and guards of resources must not be the same: a write holds one of each."""
    argv = ["run", resource, "--", "ccpm-atomic-write", "epic.md"]
    assert finish(project.start("lock", *argv), "text\n", limit=15).status == 0
    assert (project.path / "epic.md").read_text() == "text\n"


def test_two_writes_fenced_by_each_others_file_do_not_block_each_other(project: Project) -> None:
    loop = "for turn in 1 2 3 4 5 6 7 8; do echo $1 | ccpm-atomic-write $1 || exit; done"
    crew = [
        project.start("lock", "run", f"file-{other}", "--", "sh", "-c", loop, "sh", file)
        for file, other in (("one.md", "two.md"), ("two.md", "one.md"))
    ]
    assert [finish(worker, limit=15).status for worker in crew] == [0, 0]
