"""Files and issues on GitHub, both ways, through the real gh: merges, conflicts, comments, killed and repeated."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccpm.core import issue_text
from ccpm.ops.sync import state
from fakes.running import FakeGitHub
from sync.project import EPIC, FAKE_FAST, Kill, Project, text_of

pytestmark = pytest.mark.needs("gh")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub(tmp_path / "fake", rules=FAKE_FAST) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, hub: FakeGitHub) -> Project:
    """An epic with two tasks that is synced: #1, and #2 and #3 below it."""
    made = Project(tmp_path / "p", hub)
    issues: dict[str, object] = {}
    for number, title, text in (
        (1, "Epic: auth", "# Epic: auth"),
        (2, "Task 1", text_of(1)),
        (3, "Task 2", text_of(2)),
    ):
        labels = ["epic", "epic:auth"] if number == 1 else ["task", "epic:auth"]
        body = issue_text.compose(text.strip("\n"), str(uuid.uuid4()))
        hub.ask("POST", "/repos/octo/shop/issues", {"title": title, "body": body, "labels": labels})
        head = f"github: https://github.com/octo/shop/issues/{number}\nversion: 2\n---\n\n{text}"
        name = (
            "auth\nstatus: backlog\nprogress: 0%" if number == 1 else f"{title}\nstatus: open\ndepends_on: []"
        )
        made.write(f"{EPIC}/{'epic' if number == 1 else number}.md", f"---\nname: {name}\n{head}")
        issues[str(number)] = state.base(title, text, "open")
    made.write(f"{EPIC}/sync-state.json", json.dumps({"tracker": "octo/shop", "issues": issues}))
    return made


def issue(hub: FakeGitHub, number: int) -> dict[str, Any]:
    found: dict[str, Any] = hub.state()["issues"][number - 1]
    return found


def edit_issue(hub: FakeGitHub, number: int, **fields: object) -> None:
    hub.ask("PATCH", f"/repos/octo/shop/issues/{number}", fields)


def edit_body(hub: FakeGitHub, number: int, old: str, new: str) -> None:
    body = issue(hub, number)["body"]
    assert old in body
    edit_issue(hub, number, body=body.replace(old, new))


def edit_file(project: Project, number: int, old: str, new: str) -> None:
    text = project.read(f"{EPIC}/{number}.md")
    assert old in text
    project.write(f"{EPIC}/{number}.md", text.replace(old, new))


def comments(hub: FakeGitHub) -> list[str]:
    return [comment["body"] for comment in hub.state()["comments"]]


def test_what_each_side_changed_arrives_at_the_other(project: Project, hub: FakeGitHub) -> None:
    edit_issue(hub, 2, title="Renamed there", state="closed")
    edit_body(hub, 3, "# Task 2", "# Task 2, edited there")
    edit_file(project, 2, "# Task 1", "# Task 1, edited here")
    project.ok("fm-cas", "update", f"{EPIC}/3.md", "status=closed")
    project.ok("sync", "sync", "auth")
    assert "# Task 1, edited here" in issue(hub, 2)["body"]
    assert "<!-- ccpm:" in issue(hub, 2)["body"]
    assert issue(hub, 3)["state"] == "closed"
    assert "name: Renamed there\nstatus: closed\n" in project.read(f"{EPIC}/2.md")
    assert "# Task 2, edited there\n\nAfter 001" in project.read(f"{EPIC}/3.md")
    assert "progress: 100%" in project.read(f"{EPIC}/epic.md")
    asked = len([line for line in hub.log() if line["method"] != "GET"])
    again = project.ok("sync", "sync", "auth")
    assert again["epics"][0]["changed"] == []
    assert len([line for line in hub.log() if line["method"] != "GET"]) == asked


def test_pull_changes_no_issue(project: Project, hub: FakeGitHub) -> None:
    edit_file(project, 2, "# Task 1", "# Mine")
    edit_issue(hub, 3, state="closed")
    writes = len([line for line in hub.log() if line["method"] != "GET"])
    project.ok("sync", "pull", "auth")
    assert "status: closed" in project.read(f"{EPIC}/3.md")
    assert len([line for line in hub.log() if line["method"] != "GET"]) == writes
    project.ok("sync", "sync", "auth")
    assert "# Mine" in issue(hub, 2)["body"], "a pull must not forget what is still to be sent"


def test_a_text_that_both_changed_is_kept_twice_and_the_rest_goes_through(
    project: Project, hub: FakeGitHub
) -> None:
    edit_file(project, 2, "# Task 1", "# Mine")
    edit_body(hub, 2, "# Task 1", "# Theirs")
    edit_issue(hub, 2, state="closed")
    edit_issue(hub, 3, state="closed")
    done = project.run("sync", "sync", "auth", "--json")
    assert done.status == 12, done.err
    assert [one["issue"] for one in done.data["conflicts"]] == [2]
    assert "# Mine" in project.read(f"{EPIC}/2.md")
    assert "# Theirs" in issue(hub, 2)["body"]
    assert "# Theirs" in project.read(f"{EPIC}/conflicts/2.remote.md")
    assert "status: closed" in project.read(f"{EPIC}/2.md")
    assert "status: closed" in project.read(f"{EPIC}/3.md")
    assert project.run("sync", "issue", "2").status == 12, "it stays a conflict until somebody decides"
    project.ok("sync", "issue", "2", "--keep", "remote")
    assert "# Theirs" in project.read(f"{EPIC}/2.md")
    assert not (project.path / EPIC / "conflicts/2.remote.md").exists()
    assert project.ok("sync", "sync", "auth")["epics"][0]["changed"] == []


def test_an_issue_that_is_gone_leaves_its_file(project: Project, hub: FakeGitHub) -> None:
    hub.set(repo="octo/shop", issue=2, deleted=True)
    done = project.run("sync", "sync", "auth")
    assert done.status == 0
    assert "issue #2 of .claude/epics/auth/2.md is gone" in done.err
    assert (project.path / EPIC / "2.md").exists()


def make_progress(project: Project, number: int, text: str) -> Path:
    return project.write(
        f"{EPIC}/updates/{number}/progress.md", f"---\nissue: {number}\ncompletion: 50%\n---\n\n{text}"
    )


def test_progress_is_posted_once_and_what_is_added_later_alone(project: Project, hub: FakeGitHub) -> None:
    path = make_progress(project, 2, f"Wrote {project.path}/src/a.py\n")
    assert project.ok("sync", "issue", "2")["comments"] == 1
    assert project.ok("sync", "issue", "2")["comments"] == 0
    with path.open("a") as file:
        file.write("Then b.py\n")
    assert project.ok("sync", "issue", "2")["comments"] == 1
    first, second = comments(hub)
    assert "Wrote src/a.py" in first
    assert str(project.path) not in first
    assert "b.py" not in first
    assert "Then b.py" in second
    assert "a.py" not in second
    assert "last_sync: 20" in path.read_text()


def test_a_long_progress_is_split(project: Project, hub: FakeGitHub) -> None:
    lines = [f"line {number} " + "x" * 70 for number in range(2000)]
    make_progress(project, 2, "\n".join(lines) + "\n")
    assert project.ok("sync", "issue", "2")["comments"] == 3
    posted = comments(hub)
    assert all(len(body) <= 65_536 for body in posted)
    assert [line for line in "\n".join(posted).splitlines() if line.startswith("line ")] == lines


def test_a_locked_issue_keeps_the_progress_for_later(project: Project, hub: FakeGitHub) -> None:
    make_progress(project, 2, "Half\n")
    hub.set(repo="octo/shop", issue=2, locked=True)
    done = project.run("sync", "issue", "2")
    assert done.status == 77, done.err
    assert "locked" in done.err
    hub.set(repo="octo/shop", issue=2, locked=False)
    assert project.ok("sync", "issue", "2")["comments"] == 1
    assert len(comments(hub)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_comment_whose_sending_was_killed_is_posted_once(
    when: str, project: Project, hub: FakeGitHub
) -> None:
    path = make_progress(project, 2, "Half\n")
    killed = project.run("sync", "issue", "2", kill=Kill(2, when))  # 1: the issue is read
    assert killed.status == -signal.SIGKILL
    with path.open("a") as file:
        file.write("More\n")
    project.ok("sync", "issue", "2")
    posted = comments(hub)
    assert len(posted) == 2
    assert "Half" in posted[0]
    assert "More" in posted[1]
    assert "Half" not in posted[1]


@pytest.mark.parametrize("at", [2, 3])
def test_a_close_that_was_killed_is_completed(at: int, project: Project, hub: FakeGitHub) -> None:
    """Requests: 1 the issue, 2 its comment, 3 its state, 4 the epic's list."""
    project.run("sync", "close", "2", "--comment", "well", kill=Kill(at, "after"))
    project.ok("sync", "close", "2", "--comment", "well")
    assert issue(hub, 2)["state"] == "closed"
    assert len(comments(hub)) == 1
    assert "progress: 50%" in project.read(f"{EPIC}/epic.md")
    project.ok("sync", "reopen", "2")
    assert issue(hub, 2)["state"] == "open"


def test_an_edit_goes_to_the_file_and_the_issue(project: Project, hub: FakeGitHub) -> None:
    project.ok(
        "sync",
        "edit",
        "2",
        "--title",
        "Better",
        "--add-label",
        "urgent",
        "--remove-label",
        "task",
        "--body",
        stdin="# New\n",
    )
    found = issue(hub, 2)
    assert (found["title"], [label["name"] for label in found["labels"]]) == (
        "Better",
        ["epic:auth", "urgent"],
    )
    assert found["body"].startswith("# New\n\n<!-- ccpm:")
    assert project.read(f"{EPIC}/2.md").endswith("---\n\n# New\n")


def test_issues_without_files_are_imported_once(project: Project, hub: FakeGitHub) -> None:
    hub.ask(
        "POST", "/repos/octo/shop/issues", {"title": "From outside", "body": "text", "labels": ["epic:auth"]}
    )
    hub.ask("POST", "/repos/octo/shop/issues", {"title": "Lost one"})
    assert project.ok("sync", "import")["tasks"] == [f"{EPIC}/4.md", ".claude/epics/imported/5.md"]
    assert "imported: true" in project.read(f"{EPIC}/4.md")
    assert project.ok("sync", "import")["tasks"] == []
    assert project.ok("sync", "sync", "auth")["epics"][0]["changed"] == []


def test_a_pull_request_is_no_issue(project: Project, hub: FakeGitHub) -> None:
    hub.ask("POST", "/repos/octo/shop/issues", {"title": "Branch"})
    hub.set(repo="octo/shop", issue=4, pull_request={"url": "https://api.github.com/repos/octo/shop/pulls/4"})
    assert project.ok("sync", "import")["tasks"] == []
    for verb in ("import", "show", "close"):
        done = project.run("sync", verb, "4")
        assert done.status == 66, (done.status, done.err)
    assert "#4 in octo/shop is a pull request, not an issue" in project.run("sync", "import", "4").err
    assert issue(hub, 4)["state"] == "open"


def test_a_bug_follows_up_and_carries_its_labels(project: Project, hub: FakeGitHub) -> None:
    made = project.ok("sync", "bug", "2", "--title", "Plus signs", stdin="# It breaks\n")
    found = issue(hub, made["issue"])
    assert found["body"].startswith("Follow-up to #2.\n\n# It breaks")
    assert {label["name"] for label in found["labels"]} == {"bug", "epic:auth"}
    assert project.ok("sync", "sync", "auth")["epics"][0]["changed"] == []


def test_a_project_that_was_synced_without_a_common_state_gets_one(project: Project, hub: FakeGitHub) -> None:
    """What earlier versions of CCPM left: links, and nothing else. Equal sides are fine, a closed issue closes its
    task."""
    (project.path / EPIC / "sync-state.json").unlink()
    edit_issue(hub, 2, state="closed")
    project.ok("sync", "sync", "auth")
    assert "status: closed" in project.read(f"{EPIC}/2.md")
    (project.path / EPIC / "sync-state.json").unlink()
    edit_body(hub, 3, "# Task 2", "# Other")
    assert project.run("sync", "sync", "auth").status == 12, "nobody knows who changed it"
