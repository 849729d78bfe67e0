"""What GitHub answers that is not what was asked for: an issue that is elsewhere now, a renamed repository, a proxy's
page, a clock that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.running import FakeGitHub
from sync.project import EPIC, FAKE_FAST, Project, check_synced

pytestmark = pytest.mark.needs("gh")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub(tmp_path / "fake", rules=FAKE_FAST) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, hub: FakeGitHub) -> Project:
    """An epic with one task that is synced: #1 and #2."""
    made = Project(tmp_path / "p", hub)
    made.make_epic(1)
    made.ok("sync", "epic", "auth")
    return made


def make_other(hub: FakeGitHub, issues: int) -> None:
    hub.set(repo="octo/other", has_issues=True)
    for number in range(1, issues + 1):
        hub.ask("POST", "/repos/octo/other/issues", {"title": f"There {number}", "body": "there"})


def redirect(hub: FakeGitHub, path: str, target: str) -> None:
    """GitHub's answer for what has moved; gh follows it."""
    headers = {"Location": f"https://api.github.com{target}"}
    hub.fault(do="status", status=301, message="Moved Permanently", headers=headers, path=path, times=0)


@pytest.mark.parametrize("there", [3, 2], ids=["with the number of a stranger", "with its own number"])
def test_an_issue_that_was_transferred_changes_nobody_elses(
    project: Project, hub: FakeGitHub, there: int
) -> None:
    hub.ask("POST", "/repos/octo/shop/issues", {"title": "A stranger", "body": "of its own"})
    make_other(hub, there)
    hub.set(repo="octo/shop", issue=2, deleted=True)
    redirect(hub, "/octo/shop/issues/2$", f"/repos/octo/other/issues/{there}")
    project.ok("fm-cas", "update", f"{EPIC}/2.md", "name=Mine", "status=closed")
    for verb in (("issue", "2"), ("close", "2"), ("show", "2")):
        done = project.run("sync", *verb)
        assert done.status == 66, done.out
        assert f"#2 of octo/shop was transferred to https://github.com/octo/other/issues/{there}" in done.err
    assert "is gone" in project.run("sync", "sync").err
    state = hub.ask("GET", "/_fake/state")
    assert [(one["title"], one["state"]) for one in state["octo/shop"]["issues"][2:]] == [
        ("A stranger", "open")
    ]
    assert {one["state"] for one in state["octo/other"]["issues"]} == {"open"}
    assert "name: Mine\nstatus: closed\n" in project.read(f"{EPIC}/2.md")


def test_a_repository_that_was_renamed_is_the_same(project: Project, hub: FakeGitHub) -> None:
    make_other(hub, 2)
    redirect(hub, "/octo/shop$", "/repos/octo/other")
    redirect(hub, "/octo/shop/issues/2$", "/repos/octo/other/issues/2")
    assert project.ok("sync", "show", "2")["title"] == "There 2"


@pytest.mark.parametrize(("method", "path"), [("GET", "/issues$"), ("GET", "/issues/2$"), ("PATCH", "/2$")])
def test_an_answer_that_is_not_githubs_is_told(
    method: str, path: str, project: Project, hub: FakeGitHub
) -> None:
    project.ok("fm-cas", "update", f"{EPIC}/2.md", "name=Mine")
    hub.fault(do="status", status=200, message="<html>Log in</html>", method=method, path=path)
    done = project.run("sync", *(("sync",) if path == "/issues$" else ("issue", "2")))
    assert done.status == 75, done.err
    assert "is not GitHub's" in done.err and "gh api user" in done.err
    project.ok("sync", "sync")
    assert hub.state()["issues"][1]["title"] == "Mine"


def test_a_page_instead_of_an_answer_makes_no_issue_twice(tmp_path: Path, hub: FakeGitHub) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    hub.fault(do="status", status=200, when="after", message="<html>", method="POST", path="/issues$")
    project.ok("sync", "epic", "auth")
    check_synced(project, 1)


@pytest.mark.parametrize("hours", [-14, 14])
def test_a_clock_of_another_time_zone_hides_no_issue(tmp_path: Path, hub: FakeGitHub, hours: int) -> None:
    hub.advance(hours * 3600)
    project = Project(tmp_path / "p", hub)
    project.make_epic(1)
    hub.fault(do="cut", when="after", method="POST", path="/issues$", skip=1)
    project.ok("sync", "epic", "auth")
    check_synced(project, 1)


def statuses(project: Project, name: str) -> list[str]:
    data: dict[str, Any] = project.ok("sync", "status", name)
    return [one["status"] for one in data["files"]]


def test_imported_tasks_of_an_epic_without_an_issue_are_not_gone(project: Project, hub: FakeGitHub) -> None:
    hub.ask("POST", "/repos/octo/shop/issues", {"title": "By hand", "body": "words"})
    project.ok("sync", "import")
    assert statuses(project, "imported") == ["not synced", "in sync"]


def edit_both(project: Project, hub: FakeGitHub, text: str, old: str, new: str) -> str:
    """Send `text`, let somebody write `new` for `old` on GitHub, sync; the text of the file then."""
    head = project.read(f"{EPIC}/2.md").split("\n---\n", 1)[0]
    project.write(f"{EPIC}/2.md", f"{head}\n---\n\n{text}\n")
    project.ok("sync", "sync")
    body = hub.state()["issues"][1]["body"]
    hub.ask("PATCH", "/repos/octo/shop/issues/2", {"body": body.replace(old, new)})
    project.ok("sync", "sync")
    assert statuses(project, "auth") == ["in sync", "in sync"]
    return project.read(f"{EPIC}/2.md").split("\n---\n\n", 1)[1]


def test_a_pull_takes_nothing_of_a_text_that_looks_like_ours(project: Project, hub: FakeGitHub) -> None:
    quoted = "<!-- ccpm:12345678-1234-1234-1234-123456789abc -->"
    text = (
        f"Follow-up to #7.\n\n{quoted}\n\n<!-- ccpm-tasks -->\n- [ ] mine\n<!-- /ccpm-tasks -->\n\nThe end."
    )
    assert edit_both(project, hub, text, "The end", "An end") == text.replace("The end", "An end") + "\n"


def test_control_characters_do_not_look_like_a_change(project: Project, hub: FakeGitHub) -> None:
    text = "\x1b[31mFAILED\x1b[0m\x0b\x85 twice"
    head = project.read(f"{EPIC}/2.md").split("\n---\n", 1)[0]
    project.write(f"{EPIC}/2.md", f"{head}\n---\n\n{text}\n")
    project.ok("sync", "sync")
    assert project.ok("sync", "sync")["epics"][0]["changed"] == []
    assert text in project.read(f"{EPIC}/2.md")
    assert hub.state()["issues"][1]["body"].startswith("^[[31mFAILED^[[0m")


def test_without_the_epics_issue_the_tasks_go_on_and_it_can_be_made_anew(
    project: Project, hub: FakeGitHub
) -> None:
    hub.set(repo="octo/shop", issue=1, deleted=True)
    done = project.run("sync", "close", "2")
    assert done.status == 0, done.err
    assert "epic.md: there is no issue #1" in done.err
    assert hub.state()["issues"][1]["state"] == "closed"
    project.write(f"{EPIC}/003.md", "---\nname: Late\nstatus: open\n---\n\n# Late\n")
    done = project.run("sync", "epic", "auth")
    assert done.status == 66
    assert "--unset github" in done.err
    project.ok("fm-cas", "update", f"{EPIC}/epic.md", "--unset", "github")
    project.ok("sync", "epic", "auth")
    titles = [one["title"] for one in hub.state()["issues"]]
    assert titles == ["Epic: auth", "Task 1", "Late", "Epic: auth"]
    assert hub.state()["children"]["4"] == [3]


def test_what_was_merged_before_a_refusal_is_no_conflict_later(project: Project, hub: FakeGitHub) -> None:
    project.write(f"{EPIC}/003.md", "---\nname: Late\nstatus: open\n---\n\n# Late\n")
    project.ok("sync", "epic", "auth")
    hub.ask("PATCH", "/repos/octo/shop/issues/2", {"title": "Renamed there"})
    project.ok("fm-cas", "update", f"{EPIC}/3.md", "name=Refused")
    hub.fault(do="status", status=409, method="PATCH", path="/issues/3$")
    assert project.run("sync", "sync").status == 69
    project.ok("fm-cas", "update", f"{EPIC}/2.md", "name=Renamed here")
    project.ok("sync", "sync")
    assert [one["title"] for one in hub.state()["issues"][1:]] == ["Renamed here", "Refused"]


def test_a_label_is_taken_off_whatever_its_case(project: Project, hub: FakeGitHub) -> None:
    assert project.ok("sync", "edit", "2", "--remove-label", "TASK")["labels"] == ["epic:auth"]
    assert [one["name"] for one in hub.state()["issues"][1]["labels"]] == ["epic:auth"]


def test_what_an_interrupted_run_left_is_named_when_it_is_posted(project: Project, hub: FakeGitHub) -> None:
    project.write(f"{EPIC}/updates/2/progress.md", "Half way.\n")
    hub.set(repo="octo/shop", issue=2, locked=True)
    done = project.run("sync", "issue", "2")
    assert done.status == 77 and "hint: unlock its conversation" in done.err, done.err
    hub.set(repo="octo/shop", issue=2, locked=False)
    assert project.ok("sync", "issue", "2")["files"] == ["updates/2/progress.md"]


def test_an_import_changes_no_issue(project: Project, hub: FakeGitHub) -> None:
    hub.ask("POST", "/repos/octo/shop/issues", {"title": "Epic: big", "labels": ["epic"]})
    hub.ask("POST", "/repos/octo/shop/issues", {"title": "Bare", "body": "", "labels": ["epic:big"]})
    project.ok("sync", "import")
    assert statuses(project, "big") == ["in sync", "in sync"]
    assert project.ok("sync", "sync", "big")["epics"][0]["changed"] == []
    assert [one["body"] for one in hub.state()["issues"][2:]] == [None, ""]


def test_a_task_that_cannot_be_sent_holds_up_no_other_and_is_told_at_the_end(
    tmp_path: Path, hub: FakeGitHub
) -> None:
    project = Project(tmp_path / "p", hub)
    project.make_epic(2)
    project.ok("sync", "epic", "auth")
    with open(project.path / EPIC / "2.md", "a") as file:
        file.write("x" * 70_000)
    project.ok("fm-cas", "update", f"{EPIC}/3.md", "name=Mine")
    done = project.run("sync", "sync")
    assert done.status == 2
    assert f"{EPIC}/2.md was not synced: " in done.err
    titles = [one["title"] for one in hub.ask("GET", "/_fake/state")["octo/shop"]["issues"]]
    assert titles[2] == "Mine"
