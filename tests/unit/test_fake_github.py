"""The fake GitHub keeps GitHub's rules: a test against one that lets everything pass would prove nothing."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ccpm.files import process
from fakes.running import PROGRAM, FakeGitHub, _Connection

ISSUES = "/repos/octo/shop/issues"


@pytest.fixture
def hub(tmp_path: Path) -> Generator[FakeGitHub, None, None]:
    with FakeGitHub(tmp_path / "hub", rules="per_minute=5,per_hour=8,points=60,core=30") as found:
        yield found


def send(
    hub: FakeGitHub, method: str, path: str, body: object = None
) -> tuple[int, http.client.HTTPMessage, Any]:
    connection = _Connection(hub.socket)
    connection.request(method, path, json.dumps(body) if body is not None else None)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(data) if data else None


def create(hub: FakeGitHub, title: str = "x") -> int:
    return send(hub, "POST", ISSUES, {"title": title})[0]


def test_one_creation_too_many_in_a_minute_is_refused_and_so_is_all_that_follows_too_early(
    hub: FakeGitHub,
) -> None:
    assert [create(hub) for _ in range(5)] == [201] * 5
    status, headers, body = send(hub, "POST", ISSUES, {"title": "x"})
    assert (status, headers["Retry-After"]) == (403, "60")
    assert "secondary rate limit" in body["message"]
    assert send(hub, "GET", "/user")[0] == 403
    hub.advance(61)
    assert send(hub, "GET", "/user")[0] == 200
    assert [create(hub) for _ in range(3)] == [201] * 3
    hub.advance(61)
    assert create(hub) == 403, "the ninth in an hour"
    assert [line.get("refused") for line in hub.log() if line["status"] == 403] == [
        "creations per minute", "during retry-after", "creations per hour",
    ]  # fmt: skip
    assert len(hub.state()["issues"]) == 8


def test_points_are_counted_and_writes_may_not_overlap(hub: FakeGitHub) -> None:
    assert [send(hub, "PATCH", f"{ISSUES}/1", {})[0] for _ in range(11)] == [404] * 11
    assert [send(hub, "GET", "/user")[0] for _ in range(6)] == [200] * 5 + [403]
    hub.advance(61)
    hub.fault(do="delay", when="after", seconds=1)
    statuses: list[int] = []
    slow = threading.Thread(target=lambda: statuses.append(create(hub)))
    slow.start()
    end = time.monotonic() + 10
    while hub.ask("GET", "/_fake/state")["octo/shop"]["issues"] == []:
        assert time.monotonic() < end
    assert create(hub) == 403
    slow.join()
    assert statuses == [201]
    assert hub.log()[-1]["refused"] == "concurrent writes"


def test_the_primary_limit_tells_the_truth_and_ends_with_its_window(hub: FakeGitHub) -> None:
    _, headers, _ = send(hub, "GET", "/user")
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"], headers["X-RateLimit-Used"]) == (
        "30",
        "29",
        "1",
    )
    for _ in range(5):
        assert send(hub, "GET", "/rate_limit")[2]["rate"]["remaining"] == 29
    tag = send(hub, "GET", ISSUES)[1]["ETag"]
    connection = _Connection(hub.socket)
    connection.request("GET", ISSUES, headers={"If-None-Match": tag})
    unchanged = connection.getresponse()
    assert (unchanged.status, unchanged.headers["X-RateLimit-Remaining"]) == (304, "28")
    connection.close()
    hub.ask("POST", "/_fake/pool", {"name": "core", "used": 30})
    status, headers, _ = send(hub, "GET", "/user")
    assert (status, headers["X-RateLimit-Remaining"]) == (403, "0")
    assert send(hub, "POST", "/graphql", {"query": "{viewer{login}}"})[0] == 200
    hub.advance(3601)
    assert send(hub, "GET", "/user")[1]["X-RateLimit-Remaining"] == "29"


def test_lists_have_pages_and_lag_and_a_single_issue_does_not(hub: FakeGitHub) -> None:
    for number in range(5):
        create(hub, f"issue {number}")
    _, headers, body = send(hub, "GET", f"{ISSUES}?per_page=2&page=2&direction=asc")
    assert [issue["title"] for issue in body] == ["issue 2", "issue 3"]
    assert '&page=3&direction=asc>; rel="next"' in headers["Link"]
    hub.advance(61)
    hub.set(lag=30)
    create(hub, "late")
    assert send(hub, "GET", f"{ISSUES}/6")[0] == 200
    assert len(send(hub, "GET", ISSUES)[2]) == 5
    hub.advance(31)
    assert len(send(hub, "GET", ISSUES)[2]) == 6


def test_a_sub_issue_is_named_by_its_id_and_not_by_its_number(hub: FakeGitHub) -> None:
    create(hub)
    create(hub)
    hub.advance(61)
    child = send(hub, "GET", f"{ISSUES}/2")[2]
    assert send(hub, "POST", f"{ISSUES}/1/sub_issues", {"sub_issue_id": 2})[0] == 404
    assert send(hub, "POST", f"{ISSUES}/1/sub_issues", {"sub_issue_id": str(child["id"])})[0] == 422
    assert send(hub, "POST", f"{ISSUES}/1/sub_issues", {"sub_issue_id": child["id"]})[0] == 201
    assert [one["number"] for one in send(hub, "GET", f"{ISSUES}/1/sub_issues")[2]] == [2]


STARTER = """
import subprocess
fake = subprocess.Popen({argv!r}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
fake.stdout.readline()
print(fake.pid)
"""


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    argv = [sys.executable, "-S", str(PROGRAM), "--socket", "sock"]
    starter = [sys.executable, "-c", STARTER.format(argv=argv)]
    pid = int(subprocess.run(starter, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    end = time.monotonic() + 10
    while process.start_of(pid):
        assert time.monotonic() < end
        time.sleep(0.01)
