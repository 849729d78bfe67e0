"""ccpm-worktree conflicts: what will not merge is reported before the merge, and what will is not."""

from __future__ import annotations

import json
import select
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.core import branch_conflicts
from ccpm.core.branch_conflicts import Changed
from race.tree import finish
from worktrees.project import GitProject


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "my project", branch="trunk")


def line(project: GitProject, path: Path, number: int, text: str) -> None:
    lines = (path / "base.txt").read_text().splitlines(keepends=True)
    lines[number] = f"{text}\n"
    (path / "base.txt").write_text("".join(lines))


def test_the_same_lines_are_reported_with_agents_files_and_commits_uncommitted_work_too(
    project: GitProject,
) -> None:
    one, two, three = (project.add("auth", f"agent-{n}") for n in (1, 2, 3))
    assert "No conflicts" in project.ccpm("worktree", "conflicts", "auth").out
    line(project, one, 3, "one")
    since = project.commit(one, {}, "the third line")
    line(project, one, 3, "one, again")
    project.commit(one, {}, "again")
    line(project, two, 3, "two")
    line(project, three, 15, "three")
    before = project.git("status", "--porcelain=v2", at=two), (two / "base.txt").read_bytes()
    report = project.json("conflicts", "auth", status=1)
    (conflict,) = report["conflicts"]
    assert conflict["files"] == ["base.txt"]
    assert [conflict["one"]["agent"], conflict["other"]["agent"]] == ["agent-1", "agent-2"]
    assert conflict["one"]["since"]["base.txt"]["commit"] == since
    assert conflict["other"]["uncommitted"]
    assert conflict["other"]["since"]["base.txt"]["commit"] == ""
    assert (project.git("status", "--porcelain=v2", at=two), (two / "base.txt").read_bytes()) == before
    words = project.ccpm("worktree", "conflicts", status=1).out
    assert "CONFLICT  agent-1 and agent-2: base.txt" in words
    assert f"since {since[:10]}" in words and "not committed" in words


def test_a_conflict_about_a_folder_is_reported_and_not_merged(project: GitProject) -> None:
    project.commit(project.path, {"a/f1": "1\n", "a/f2": "2\n"}, "a folder")
    one, two = project.add("auth", "agent-1"), project.add("auth", "agent-2")
    for file, folder in (("f1", "b"), ("f2", "c")):
        (one / folder).mkdir()
        project.git("mv", f"a/{file}", f"{folder}/{file}", at=one)
    project.commit(one, {}, "moved apart")
    project.commit(two, {"a/new": "new\n"}, "one more")
    (conflict,) = project.json("conflicts", "auth", status=1)["conflicts"]
    assert (conflict["one"]["agent"], conflict["other"]["agent"]) == ("agent-1", "agent-2")
    assert conflict["files"] == ["a"]
    report = project.json("merge", "auth", status=12)
    assert len(report["merged"]) == len(report["conflicts"]) == 1
    (behind,) = project.json("conflicts", "auth", status=1)["conflicts"]
    assert behind["files"] == ["a"]


def test_what_the_epic_has_already_is_a_conflict_of_one_agent_only(project: GitProject) -> None:
    old, new = project.add("auth", "agent-old"), project.add("auth", "agent-new")
    line(project, old, 3, "old")
    project.commit(old, {}, "old")
    project.git("switch", "-q", "epic/auth")
    line(project, project.path, 3, "merged")
    project.commit(project.path, {}, "merged")
    project.git("switch", "-q", "trunk")
    project.git("merge", "-q", "--ff-only", "epic/auth", at=new)
    project.commit(new, {"new.txt": "new\n"}, "new")
    (conflict,) = project.json("conflicts", "auth", status=1)["conflicts"]
    assert (conflict["one"]["agent"], conflict["other"]["branch"]) == ("agent-old", "epic/auth")


def test_two_epics_are_compared_when_none_is_named(project: GitProject) -> None:
    project.epic("shop")
    one, two = project.add("auth", "agent-1"), project.add("shop", "agent-2")
    line(project, one, 3, "one")
    line(project, two, 3, "two")
    assert project.json("conflicts", "auth")["conflicts"] == []
    assert len(project.json("conflicts", status=1)["conflicts"]) == 1


def test_claims_that_overlap_are_reported(project: GitProject) -> None:
    for agent, stream, pattern in (("agent-1", "db", "src/db/**"), ("agent-2", "api", "src/api/**")):
        project.ccpm("agent", "claim", "auth", stream, pattern, "--agent", agent)
    assert project.json("conflicts", "auth")["claims"] == []
    registry = json.loads(project.registry("auth").read_text())
    registry["coordination"]["streams"]["api"]["files"] = ["src/*/user.ts"]
    project.registry("auth").write_text(json.dumps(registry))
    (claim,) = project.json("conflicts", "auth", status=1)["claims"]
    assert (claim["agent"], claim["other_agent"], claim["path"]) == ("agent-1", "agent-2", "src/db/user.ts")


def test_32_agents_take_seconds_and_looking_again_merges_nothing(project: GitProject) -> None:
    files = {f"area-{n}/file.txt": "text\n" for n in range(8)}
    project.commit(project.path, dict(files), "areas")
    project.git("branch", "epic/auth")
    for n in range(32):
        path = project.path.parent / f"epic-auth-agent-{n:02d}"
        branch = f"epic/auth--agent-{n:02d}"
        project.git("worktree", "add", "-q", "-b", branch, str(path), "epic/auth")
        (path / f"area-{n % 8}/file.txt").write_text(f"agent {n}\n")
    started = time.monotonic()
    report = project.json("conflicts", "auth", status=1)
    seconds = time.monotonic() - started
    # 8 areas with 4 agents each: 6 pairs an area meet, all others have no file in common
    assert (report["pairs"], report["skipped"], report["merged"]) == (496, 448, 48)
    assert len(report["conflicts"]) == 48
    assert seconds < 20, f"{seconds:.1f} s"
    assert project.json("conflicts", "auth", status=1)["merged"] == 0


def test_watching_shows_a_conflict_when_it_comes(project: GitProject) -> None:
    one, two = project.add("auth", "agent-1"), project.add("auth", "agent-2")
    line(project, one, 3, "one")
    watching = project.start("worktree", "conflicts", "auth", "--watch", "--interval", "0.1", "--json")
    try:
        assert watching.stdout
        first = json.loads(watching.stdout.readline())
        assert first["conflicts"] == []
        assert not select.select([watching.stdout], [], [], 0.5)[0], "nothing has changed"
        line(project, two, 3, "two")
        assert len(json.loads(watching.stdout.readline())["conflicts"]) == 1
    finally:
        watching.terminate()
        finish(watching)


NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "e/a", "e"])
CHANGES = st.dictionaries(NAMES, st.sampled_from("AMD"), max_size=4)


@given(CHANGES, CHANGES)
def test_pairs_are_skipped_the_same_way_from_both_sides(one: dict[str, str], other: dict[str, str]) -> None:
    assert branch_conflicts.may_meet(Changed(one), Changed(other)) == branch_conflicts.may_meet(
        Changed(other), Changed(one)
    )
    if one.keys() & other.keys():
        assert branch_conflicts.may_meet(Changed(one), Changed(other))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ({"a": "M"}, {"b": "M"}, False),
        ({"d/a": "M"}, {"d/b": "A"}, False),
        ({"d": "A"}, {"d/b": "A"}, True),
        ({"d/a": "D", "e/a": "A"}, {"d/new": "A"}, True),
        ({"d/a": "D", "e/a": "A"}, {"d/sub/new": "A"}, True),
        ({"a": "D", "b": "A"}, {"a": "M"}, True),
    ],
)
def test_only_pairs_that_cannot_conflict_are_skipped(
    one: dict[str, str], other: dict[str, str], meet: bool
) -> None:
    assert branch_conflicts.may_meet(Changed(one), Changed(other)) is meet


def test_skipped_pairs_never_conflict_according_to_git(tmp_path: Path) -> None:
    """Random changes with renamed folders, against git itself."""
    import random

    rng = random.Random(7)
    project = GitProject(tmp_path / "p", epics=())
    texts = {f"{folder}/{n}.txt": f"{folder} {n}\n" * 5 for folder in ("x", "y", "z/w") for n in range(2)}
    base = project.commit(project.path, dict(texts), "texts")
    tips: list[tuple[str, dict[str, str]]] = []
    for number in range(14):
        project.git("checkout", "-q", "--detach", base)
        for _ in range(rng.randrange(1, 3)):
            there = sorted(str(f.relative_to(project.path)) for f in project.path.glob("[xyz]*/**/*.txt"))
            name = rng.choice(there)
            what = rng.randrange(4)
            if what == 0:
                (project.path / name).write_text(f"changed by {number}\n")
            elif what == 1:
                (project.path / name).unlink()
            elif what == 2:
                project.write({f"{rng.choice(['x', 'y', 'z/w'])}/new-{number}.txt": "new\n"})
            elif (project.path / "x").exists():
                (project.path / "x").rename(project.path / f"moved-{number}")
        tip = project.commit(project.path, {}, f"tip {number}")
        fields = project.git("diff-tree", "-r", "--no-renames", "--name-status", base, tip).split("\n")
        tips.append((tip, {f.split("\t")[1]: f[0] for f in fields if f}))
    skipped = 0
    for number, (one, mine) in enumerate(tips):
        for other, theirs in tips[number + 1 :]:
            if not branch_conflicts.may_meet(Changed(mine), Changed(theirs)):
                skipped += 1
                merge = ["git", "-C", project.path, "merge-tree", "--write-tree", one, other]
                assert subprocess.run(merge, capture_output=True).returncode == 0, (mine, theirs)
    assert skipped > 10
