"""ccpm-worktree merge: the epic's branch only ever holds what passed its check, whatever the agents did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from race.crew import until
from race.tree import finish
from worktrees.project import GitProject

CHECK = "test ! -e bad.txt"


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "my project", branch="trunk")


def agents(project: GitProject, *names: str) -> list[Path]:
    return [project.add("auth", f"agent-{name}") for name in names]


def line(path: Path, number: int, text: str) -> dict[str, str | bytes]:
    lines = (path / "base.txt").read_text().splitlines(keepends=True)
    lines[number] = f"{text}\n"
    return {"base.txt": "".join(lines)}


def branches(entries: list[dict[str, str]]) -> list[str]:
    return [entry["branch"].rpartition("--agent-")[2] for entry in entries]


def first_parents(project: GitProject) -> list[str]:
    """The commits that the epic's branch ever led to, without those of the base."""
    return project.git("rev-list", "--first-parent", "trunk..epic/auth").split()


def test_branches_are_merged_as_one_checked_commit(project: GitProject) -> None:
    for number, path in enumerate(agents(project, "1", "2", "3")):
        project.commit(path, line(path, 3 + number * 5, f"agent {number}"), "work")
        project.commit(path, {f"new-{number}.txt": "new\n"}, "more work")
    report = project.json("merge", "auth", "--check", CHECK)
    assert sorted(branches(report["merged"])) == ["1", "2", "3"]
    assert report["checks"] == 1
    assert len(first_parents(project)) == 1
    assert report["to"] == project.head("epic/auth") != report["from"]
    names = project.git("ls-tree", "--name-only", "epic/auth").split("\n")
    assert {"new-0.txt", "new-1.txt", "new-2.txt"} <= set(names)
    again = project.json("merge", "auth", "--check", CHECK)
    assert (again["merged"], again["checks"], again["to"]) == ([], 0, report["to"])
    project.check_repository()


def test_a_failing_branch_is_found_by_bisection_and_the_others_go_on(project: GitProject) -> None:
    paths = agents(project, *"12345678")
    for number, path in enumerate(paths):
        project.commit(path, {f"new-{number}.txt": "new\n"}, "work")
    project.commit(paths[4], {"bad.txt": "does not pass\n"}, "bad")
    report = project.json("merge", "auth", "--check", f"echo looking; {CHECK}", status=1)
    assert sorted(branches(report["merged"])) == list("1234678")
    (failed,) = report["failed"]
    assert (failed["agent"], failed["status"], failed["tail"]) == ("agent-5", 1, "looking")
    assert failed["base_fails"] is False
    assert report["checks"] <= 2 * 3 + 2
    for commit in first_parents(project):
        assert "bad.txt" not in project.git("ls-tree", "--name-only", commit).split("\n")
    assert project.has("epic/auth--agent-5")
    # mended, it goes in
    (paths[4] / "bad.txt").unlink()
    project.commit(paths[4], {}, "mended")
    assert branches(project.json("merge", "auth", "--check", CHECK)["merged"]) == ["5"]


def test_two_branches_that_only_fail_together_cost_only_one(project: GitProject) -> None:
    one, two, three = agents(project, "1", "2", "3")
    project.commit(one, {"a.txt": "a\n"}, "a")
    project.commit(two, {"b.txt": "b\n"}, "b")
    project.commit(three, {"c.txt": "c\n"}, "c")
    report = project.json("merge", "auth", "--check", "! { test -e a.txt && test -e b.txt; }", status=1)
    assert len(report["merged"]) == 2
    assert len(report["failed"]) == 1
    assert "3" in branches(report["merged"])


def test_a_conflict_holds_back_exactly_one_and_says_who_should_do_what(project: GitProject) -> None:
    one, two, three = agents(project, "1", "2", "3")
    mine = project.commit(one, line(one, 3, "one"), "the third line")
    theirs = project.commit(two, line(two, 3, "two"), "the third line, too")
    project.commit(three, {"c.txt": "c\n"}, "c")
    report = project.json("merge", "auth", "--check", CHECK, status=12)
    assert len(report["merged"]) == 2
    (conflict,) = report["conflicts"]
    held = conflict["agent"]
    other = {"agent-1": "agent-2", "agent-2": "agent-1"}[held]
    assert conflict["files"] == ["base.txt"]
    assert conflict["with"] == [other]
    commits = [entry["commit"] for entry in conflict["commits"] + conflict["merged_commits"]]
    assert sorted(commits) == sorted([mine, theirs])
    assert f"{held} should bring epic/auth into its branch ({other} came first)" in conflict["advice"]
    told = project.ccpm("agent", "inbox", "--agent", held, "--json").out
    assert "was not merged, it is in conflict" in told
    path = {"agent-1": one, "agent-2": two}[held]
    assert (
        subprocess.run(["git", "-C", path, "merge", "-q", "epic/auth"], capture_output=True).returncode == 1
    )
    project.commit(path, {"base.txt": "both\n"}, "mended")
    assert len(project.json("merge", "auth", "--check", CHECK)["merged"]) == 1
    words = project.ccpm("worktree", "merge", "auth").out
    assert "stays at" in words


def test_tasks_that_others_depend_on_are_merged_first(project: GitProject) -> None:
    for number, needs in (("001", "[]"), ("002", "[001]"), ("003", "[002]")):
        text = f"---\nname: t\nstatus: open\ndepends_on: {needs}\n---\n"
        project.write({f".claude/epics/auth/{number}.md": text})
    for agent, task in (("a", "003"), ("b", "002"), ("c", "001")):
        (path,) = agents(project, agent)
        project.commit(path, {f"{agent}.txt": "x\n"}, f"Issue #{task}: work")
    report = project.json("merge", "auth")
    assert [name.rpartition("-")[2] for name in report["order"]] == ["c", "b", "a"]


def test_a_branch_with_commits_in_files_of_another_living_agent_is_held_back(project: GitProject) -> None:
    one, two = agents(project, "1", "2")
    project.ccpm("agent", "claim", "auth", "db", "src/db/**", "--agent", "agent-1")
    project.commit(one, {"src/db/schema.sql": "create\n"}, "mine")
    project.commit(two, {"src/api.ts": "api\n"}, "mine as well")
    stolen = project.commit(two, {"src/db/other.sql": "drop\n"}, "not mine")
    report = project.json("merge", "auth", status=77)
    assert branches(report["merged"]) == ["1"]
    (held,) = report["held"]
    (file,) = held["files"]
    assert (held["agent"], file["file"], file["owner"], file["commit"]) == (
        "agent-2", "src/db/other.sql", "agent-1", stolen
    )  # fmt: skip
    assert project.head("epic/auth--agent-2") == stolen
    project.ccpm("agent", "complete", "auth", "db", "--agent", "agent-1")
    assert branches(project.json("merge", "auth")["merged"]) == ["2"]


def test_a_branch_that_was_built_on_that_of_another_agent_answers_only_for_its_own_commits(
    project: GitProject,
) -> None:
    one, two = agents(project, "1", "2")
    project.ccpm("agent", "claim", "auth", "db", "src/db/**", "--agent", "agent-1")
    tip = project.commit(one, {"src/db/schema.sql": "create\n"}, "mine")
    project.git("merge", "-q", "--ff-only", tip, at=two)
    project.commit(two, {"src/api.ts": "api\n"}, "on top of it")
    assert len(project.json("merge", "auth")["merged"]) == 2


def test_what_comes_from_the_default_branch_is_nobodys_offence(project: GitProject) -> None:
    one, two = agents(project, "1", "2")
    project.ccpm("agent", "claim", "auth", "db", "src/db/**", "--agent", "agent-1")
    project.commit(project.path, {"src/db/old.sql": "old\n"}, "on the default branch")
    project.git("merge", "-q", "--no-edit", "trunk", at=two)
    project.commit(two, {"src/api.ts": "api\n"}, "mine")
    project.commit(one, {"src/db/new.sql": "new\n"}, "mine, too")
    assert len(project.json("merge", "auth")["merged"]) == 2


def test_the_check_of_the_epic_runs_in_a_clean_worktree_with_the_listed_files(project: GitProject) -> None:
    check = (
        "test -e .env && test ! -e output && test ! -e uncommitted.txt && touch output && git rev-parse HEAD"
    )
    project.epic("auth", check=json.dumps(check))
    project.write({".worktreeinclude": ".env\n", ".env": "SECRET\n"})
    one, two = agents(project, "1", "2")
    for path in (one, two):
        project.commit(path, {f"{path.name}.txt": "x\n"}, "work")
        project.write({"uncommitted.txt": "not yet\n"}, path)
        report = project.json("merge", "auth")
        assert report["check"] == check
        assert report["failed"] == []
    assert len(report["uncommitted"]) == 2
    assert not [name for name in os.listdir(project.path.parent) if "check" in name]


def test_a_check_that_takes_too_long_counts_as_failed(project: GitProject) -> None:
    (one,) = agents(project, "1")
    project.commit(one, {"a.txt": "a\n"}, "a")
    report = project.json(
        "merge", "auth", "--check", "test ! -e a.txt || sleep 100", "--check-limit", "1", status=1
    )
    assert report["failed"][0]["status"] is None


def test_an_epic_that_does_not_pass_itself_can_be_mended_by_a_branch(project: GitProject) -> None:
    one, two = agents(project, "1", "2")
    project.commit(one, {"a.txt": "a\n"}, "a")
    failed = project.json("merge", "auth", "--check", "test -e fixed.txt", status=1)
    assert failed["failed"][0]["base_fails"] is True
    project.commit(two, {"fixed.txt": "fixed\n"}, "mends it")
    assert len(project.json("merge", "auth", "--check", "test -e fixed.txt")["merged"]) == 2


def test_a_checkout_of_the_epic_follows_if_it_is_clean_and_bars_the_merge_if_it_is_not(
    project: GitProject,
) -> None:
    shared = Path(project.ccpm("worktree", "add", "auth", "--shared").out.rstrip("\n"))
    (one,) = agents(project, "1")
    project.commit(one, line(one, 3, "one"), "one")
    project.write({"base.txt": "being edited\n"}, shared)
    refused = project.ccpm("worktree", "merge", "auth", status=75)
    assert f"is checked out in {shared} with uncommitted changes: base.txt" in refused.err
    assert project.head("epic/auth") == project.head("trunk")
    assert (shared / "base.txt").read_text() == "being edited\n"
    project.git("checkout", "-q", "--", ".", at=shared)
    project.write({"untracked.txt": "mine\n"}, shared)
    project.json("merge", "auth")
    assert project.git("status", "--porcelain", at=shared) == "?? untracked.txt"
    assert "one\n" in (shared / "base.txt").read_text()
    project.commit(one, {"untracked.txt": "theirs\n"}, "in its way")
    refused = project.ccpm("worktree", "merge", "auth", status=75)
    assert "are in the way of the merge" in refused.err
    assert (shared / "untracked.txt").read_text() == "mine\n"
    assert project.head("epic/auth") != project.head("epic/auth--agent-1")


def test_a_dirty_main_checkout_does_not_matter(project: GitProject) -> None:
    (one,) = agents(project, "1")
    project.commit(one, line(one, 3, "one"), "one")
    project.write({"base.txt": "dirty\n"})
    project.json("merge", "auth")
    assert (project.path / "base.txt").read_text() == "dirty\n"


def test_files_follow_after_a_kill_between_the_branch_and_its_checkout(project: GitProject) -> None:
    shared = Path(project.ccpm("worktree", "add", "auth", "--shared").out.rstrip("\n"))
    (one,) = agents(project, "1")
    tip = project.commit(one, line(one, 3, "one"), "one")
    old = project.head("epic/auth")
    note = project.path / ".git" / "worktrees" / shared.name / "ccpm-following-1"
    note.write_text(f"{old} {tip}\n")
    project.git("update-ref", "refs/heads/epic/auth", tip, old)
    assert project.git("status", "--porcelain", at=shared) == "M  base.txt"
    project.json("merge", "auth")
    assert project.git("status", "--porcelain", at=shared) == ""
    assert not note.exists()


def test_merged_branches_of_agents_that_are_gone_are_cleaned_up_and_unsaved_work_is_kept(
    project: GitProject,
) -> None:
    live, gone, dirty = agents(project, "live", "gone", "dirty")
    for path in (live, gone, dirty):
        project.commit(path, {f"{path.name}.txt": "x\n"}, "work")
    project.write({"loose.txt": "loose\n"}, dirty)
    for agent in ("agent-gone", "agent-dirty"):
        project.end_agent("auth", agent)
    report = project.json("merge", "auth", "--check", CHECK)
    assert branches([{"branch": name} for name in report["cleaned"]]) == ["gone"]
    assert "untracked: loose.txt" in report["kept"][0]["why"]
    assert [path.exists() for path in (live, gone, dirty)] == [True, False, True]
    report = project.json("merge", "auth", "--rescue")
    assert branches([{"branch": name} for name in report["cleaned"]]) == ["dirty"]
    assert not dirty.exists()
    assert len(project.json("rescued")) == 1


def test_two_coordinators_do_not_run_at_once(project: GitProject, tmp_path: Path) -> None:
    (one,) = agents(project, "1")
    project.commit(one, {"a.txt": "a\n"}, "a")
    flag = tmp_path / "started"
    first = project.start("worktree", "merge", "auth", "--check", f"touch '{flag}'; sleep 60")
    until(flag.exists)
    refused = project.ccpm("worktree", "merge", "auth", "--timeout", "0", status=75)
    assert "merge-auth is held by" in refused.err
    first.send_signal(signal.SIGTERM)
    assert finish(first).status == 128 + signal.SIGTERM
    assert branches(project.json("merge", "auth", "--check", CHECK)["merged"]) == ["1"]


def test_a_coordinator_that_was_stopped_past_its_lease_moves_nothing(
    project: GitProject, tmp_path: Path
) -> None:
    (one,) = agents(project, "1")
    project.commit(one, {"a.txt": "a\n"}, "a")
    before = project.head("epic/auth")
    flag, go = tmp_path / "started", tmp_path / "go"
    check = f"touch '{flag}'; while ! test -e '{go}'; do sleep 0.05; done"
    late = project.start("worktree", "merge", "auth", "--check", check, "--ttl", "1", "--agent", "late")
    until(flag.exists)
    late.send_signal(signal.SIGSTOP)
    until(lambda: project.ccpm("lock", "list", "--json").out.find('"status": "stale"') > 0)
    go.touch()
    late.send_signal(signal.SIGCONT)
    done = finish(late)
    assert done.status == 11, done.err
    assert project.head("epic/auth") == before
    assert project.has("epic/auth--agent-1")


def test_a_branch_that_somebody_else_moves_meanwhile_is_not_overwritten(
    project: GitProject, tmp_path: Path
) -> None:
    (one,) = agents(project, "1")
    project.commit(one, {"a.txt": "a\n"}, "a")
    flag, go = tmp_path / "started", tmp_path / "go"
    check = f"touch '{flag}'; while ! test -e '{go}'; do sleep 0.05; done"
    merging = project.start("worktree", "merge", "auth", "--check", check)
    until(flag.exists)
    project.git("switch", "-q", "--detach", "epic/auth")
    theirs = project.commit(project.path, {"by-hand.txt": "x\n"}, "by hand")
    project.git("update-ref", "refs/heads/epic/auth", theirs)
    project.git("switch", "-q", "trunk")
    go.touch()
    assert finish(merging).status == 0
    names = project.git("ls-tree", "--name-only", "epic/auth").split("\n")
    assert {"a.txt", "by-hand.txt"} <= set(names)
    assert project.head("epic/auth^1") == theirs


@pytest.mark.parametrize("epic", ["a b", "ü", "$(touch x)", "x.lock"])
def test_odd_epic_names_are_merged_like_any(epic: str, tmp_path: Path) -> None:
    project = GitProject(tmp_path / "my project", branch="trunk", epics=(epic,))
    path = project.add(epic, "agent-1")
    project.commit(path, {"a.txt": "a\n"}, "a")
    assert len(project.json("merge", epic, "--check", "test -e a.txt")["merged"]) == 1
    assert sorted(os.listdir(tmp_path)) == sorted(["my project", path.name])


def test_the_status_of_an_epic_shows_its_branches_and_which_are_merged_into_it(project: GitProject) -> None:
    one, two = agents(project, "1", "2")
    project.commit(one, {"a.txt": "a\n"}, "a")
    project.json("merge", "auth")
    project.commit(two, {"b.txt": "b\n"}, "b")
    words = project.ccpm("query", "epic-status", "auth").out
    assert "Branch epic/auth--agent-1 (all of it in the epic)" in words
    assert "Branch epic/auth--agent-2\n" in words
