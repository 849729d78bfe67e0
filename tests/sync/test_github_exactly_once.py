"""Promise P7 against the real gh: an epic that is synced to GitHub gets every issue once, whatever is killed or
answered.

By default a small epic meets a part of the boundaries. TEST_TASKS=30 tries an epic of that size at every request,
killed before it is sent and after it was carried out.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.running import FakeGitHub
from sync.project import EPIC, FAKE_FAST, Kill, Project, check_synced

pytestmark = [pytest.mark.needs("gh"), pytest.mark.timeout(7200 if "TEST_TASKS" in os.environ else 300)]

ALL = "TEST_TASKS" in os.environ
TASKS = int(os.environ.get("TEST_TASKS") or 2)
CREATED = ("/repos/octo/shop/issues", "/repos/octo/shop/issues/1/sub_issues")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub(tmp_path / "fake", rules=FAKE_FAST) as running:
        yield running


def new_project(path: Path, hub: FakeGitHub, tasks: int = TASKS) -> Project:
    project = Project(path, hub)
    project.make_epic(tasks)
    return project


def test_killed_at_a_request_and_run_again_it_makes_every_issue_once(tmp_path: Path) -> None:
    with FakeGitHub(tmp_path / "first", rules=FAKE_FAST) as hub:
        project = new_project(tmp_path / "clean", hub)
        project.ok("sync", "epic", "auth")
        requests = [(line["method"], line["path"]) for line in hub.log()]
    last = {path: at for at, (method, path) in enumerate(requests, 1) if method == "POST" and path in CREATED}
    points = range(1, len(requests) + 1) if ALL else last.values()
    for at in points:
        for when in ("before", "after"):
            with FakeGitHub(tmp_path / f"fake-{at}-{when}", rules=FAKE_FAST) as hub:
                project = new_project(tmp_path / f"p-{at}-{when}", hub)
                killed = project.run("sync", "epic", "auth", kill=Kill(at, when))
                assert killed.status == -signal.SIGKILL, killed.err
                project.ok("sync", "epic", "auth")
                check_synced(project, TASKS)


FAULTS: list[dict[str, object]] = [
    {"do": "status", "status": 502},
    {"do": "status", "status": 502, "when": "after"},
    {"do": "cut"},
    {"do": "cut", "when": "after"},
    {"do": "cut", "when": "middle"},
    {"do": "secondary", "retry_after": 1},
    {"do": "too-many", "retry_after": 1},
]


def test_requests_that_meet_faults_make_their_issues_once(tmp_path: Path, hub: FakeGitHub) -> None:
    """Every second request to make an issue meets the next fault: each fault lets one request more pass than the one
    before it, and does not count those that a fault before it has hit."""
    project = new_project(tmp_path / "p", hub, tasks=10)
    for passed, fault in enumerate(FAULTS, 1):
        hub.fault(**fault, method="POST", path="/issues$", skip=passed)
    project.ok("sync", "epic", "auth")
    check_synced(project, 10)
    asked = [line for line in hub.log() if (line["method"], line["path"]) == ("POST", CREATED[0])]
    assert len(asked) == 11 + 4, (
        "four of the faults come before the issue is made, and each takes a request more"
    )


def test_an_issue_that_the_list_does_not_show_yet_is_waited_for(tmp_path: Path, hub: FakeGitHub) -> None:
    project = new_project(tmp_path / "p", hub, tasks=1)
    hub.set(lag=1.0)
    hub.fault(do="cut", when="after", method="POST", path="/issues$")
    done = project.run("sync", "epic", "auth", CCPM_SYNC_LOOKUPS="0,0.3,3")
    assert done.status == 0, done.err
    assert "not in the list yet" in done.err
    check_synced(project, 1)


def test_two_syncs_of_one_epic_at_once_give_the_result_of_one(tmp_path: Path, hub: FakeGitHub) -> None:
    project = new_project(tmp_path / "p", hub)
    running = [project.start("sync", "epic", "auth", "--agent", f"a{n}") for n in range(2)]
    ends = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], ends
    assert sum("waiting: epic-auth is held by" in err for _, err in ends) <= 1
    check_synced(project, TASKS)


def test_ctrl_c_ends_with_130_and_the_next_run_completes_it(tmp_path: Path, hub: FakeGitHub) -> None:
    project = new_project(tmp_path / "p", hub)
    hub.fault(do="delay", seconds=3, when="after", method="POST", path="/issues$", skip=1)
    process = project.start("sync", "epic", "auth")
    journal = project.path / EPIC / "sync-journal.jsonl"
    while not journal.exists() or journal.read_text().count('"intent"') < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, (process.returncode, err)
    assert "Traceback" not in err
    project.ok("sync", "epic", "auth")
    check_synced(project, TASKS)


def test_a_second_run_asks_nothing_and_makes_issues_only_for_what_was_added(
    tmp_path: Path, hub: FakeGitHub
) -> None:
    project = new_project(tmp_path / "p", hub, tasks=1)
    assert project.ok("sync", "epic", "auth")["created"] == [1, 2]
    check_synced(project, 1)
    asked = len(hub.log())
    assert project.ok("sync", "epic", "auth")["created"] == []
    assert len(hub.log()) == asked, "a sync without anything new sends nothing"
    project.write(f"{EPIC}/001.md", "---\nname: Late\nstatus: open\ndepends_on: [2]\n---\n\n# Late\n")
    assert project.ok("sync", "epic", "auth")["created"] == [3]
    assert "depends_on: [2]\n" in project.read(f"{EPIC}/3.md")
    assert hub.state()["children"]["1"] == [2, 3]
