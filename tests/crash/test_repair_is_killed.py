"""Promise P9: a repair that is killed at any moment has damaged nothing, and everything it did can be taken back.

By default it is killed in front of every call that publishes or removes something; CCPM_SWEEP=full: of every call.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crash.harness import IS_FULL, WORKERS, Call, Command, Project, each, kill_at, trace

pytestmark = [pytest.mark.needs("strace"), pytest.mark.timeout(1800 if IS_FULL else 300)]

FIX = Command(("query", "validate", "--fix", "--agent", "agent-mender"))
EPIC = ".claude/epics/auth"
BEFORE = {
    f"{EPIC}/epic.md": b"---\nname: auth\nstatus: open\nprogress: 70%\n---\n",
    f"{EPIC}/001.md": b"---\nname: Shelve: it\nstatus: open\n---\nmine\n",
    f"{EPIC}/001.md.bak": b"an older text\n",
    ".claude/prds/auth.md": b"---\nname: auth: the plan\n---\n",
}
AFTER = {
    f"{EPIC}/epic.md": BEFORE[f"{EPIC}/epic.md"].replace(b"70%", b"0%"),
    f"{EPIC}/001.md": BEFORE[f"{EPIC}/001.md"].replace(b"Shelve: it", b'"Shelve: it"'),
    f"{EPIC}/001.md.bak": None,
    ".claude/prds/auth.md": BEFORE[".claude/prds/auth.md"].replace(b"auth: the plan", b'"auth: the plan"'),
}


def matters(call: Call) -> bool:
    changes = call.name.startswith(("rename", "unlink", "link", "rmdir"))
    return call.is_ours and (IS_FULL or changes)


def test_a_repair_that_is_killed_leaves_old_or_mended_files_and_a_way_back(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    for name, data in BEFORE.items():
        (project.path / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).write_bytes(data)
    done, calls = trace(project.copy(tmp_path / "clean"), FIX)
    assert (done.status, done.err) == (0, "")
    reached = []

    def check(index: int, call: Call) -> None:
        victim = project.copy(tmp_path / f"p{index:04d}")
        if kill_at(victim, FIX, call, is_exact=False):
            reached.append(call)
        for name, data in BEFORE.items():
            assert victim.read(name) in (data, AFTER[name]), f"{name} is torn"
        victim.ok("query", "validate", "--fix", "--agent", "agent-next")
        assert {name: victim.read(name) for name in BEFORE} == AFTER
        litter = [name for name in victim.tree() if name.endswith(".ccpm-tmp") and "/backups/" not in name]
        assert litter == []
        while (undone := victim.run("query", "validate", "--undo")).status == 0:
            pass
        assert undone.status == 66, undone.err
        assert {name: victim.read(name) for name in BEFORE} == BEFORE
        shutil.rmtree(victim.path)

    points = [call for call in calls if matters(call)]
    assert each(points, check, WORKERS) >= 20
    assert len(reached) >= len(points) * 3 // 4
