"""Promise P2: writers of one file all succeed, and every change is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from race.tree import Project, finish

WRITERS = 32

TASK = """\
---
name: Refresh tokens
status: open   # kept
depends_on: [001, 010]
version: 1
counter: 0
---
# Body
version: 1 of the text, which is nobody's key
"""

WRITER = """\
read go
ccpm-fm-cas update 012.md "writer_$1=done by $1" >/dev/null || exit
conflicts=0
while :; do
  seen=$(ccpm-fm-cas get 012.md version counter) || exit
  version=${seen%%
*} counter=${seen##*
}
  ccpm-fm-cas set 012.md --expect-version "$version" "counter=$((counter + 1))" >/dev/null 2>conflict.$1
  status=$?
  case $status in
    0) echo "$conflicts"; exit 0 ;;
    10) conflicts=$((conflicts + 1)) ;;
    *) cat conflict.$1 >&2; exit "$status" ;;
  esac
done
"""


@pytest.mark.timeout(120)
def test_of_32_processes_that_write_one_task_every_one_succeeds_and_every_change_is_there(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    project = Project(tmp_path / "p")
    task = project.path / "012.md"
    task.write_text(TASK)
    crew = [
        project.spawn(["sh", "-c", WRITER, "sh", str(n)], CCPM_AGENT_ID=f"agent-{n}") for n in range(WRITERS)
    ]
    for worker in crew:  # all of them wait for this line
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    ends = [finish(worker, limit=100) for worker in crew]
    assert [done.status for done in ends] == [0] * WRITERS, [done for done in ends if done.status]
    conflicts = sum(int(done.out) for done in ends)
    record_property("conflicts", conflicts)
    assert conflicts > 0, "nobody met anybody"
    text = task.read_text()
    values = dict(re.findall(r"^(\w+): (.*)$", text.partition("\n# Body")[0], re.MULTILINE))
    assert values["counter"] == str(WRITERS)
    assert values["version"] == str(1 + 2 * WRITERS)
    assert {f"writer_{n}": f"done by {n}" for n in range(WRITERS)}.items() <= values.items()
    assert "status: open   # kept\ndepends_on: [001, 010]\n" in text
    assert text.endswith("---\n# Body\nversion: 1 of the text, which is nobody's key\n")
    files = {path.name for path in project.path.iterdir()} - {f"conflict.{n}" for n in range(WRITERS)}
    assert files == {".claude", ".git", "012.md"}


def test_a_set_with_an_old_version_is_refused_with_10_and_says_who_wrote_when(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    task = project.path / "012.md"
    task.write_text(TASK)
    assert (
        project.ok("fm-cas", "set", "012.md", "--expect-version", "1", "status=closed", "--agent", "ada")
        == "2"
    )
    before = task.read_bytes()
    done = project.run("fm-cas", "set", "012.md", "--expect-version", "1", "status=open", "--agent", "bob")
    assert done.status == 10
    assert task.read_bytes() == before
    assert "ada" in done.err
    assert re.search(r"\b1\b.*\b2\b", done.err), done.err
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done.err), done.err
