"""The doctor: each check says ok where all is well, and warn or fail, with the fix, where a fault is put in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccpm.core.leases import Lease
from ccpm.external import hook_call, lock_check, tools
from ccpm.files import events, lock_probe, process
from ccpm.files.store import Store
from ccpm.ops.actor import Actor
from ccpm.ops.health import doctor, doctor_fix, doctor_hooks, doctor_project
from ccpm.ops.locking import locks
from ccpm.ops.locking.locks import Request
from ccpm.ops.team import git_hooks


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    project = tmp_path / "project"
    (project / ".claude" / "epics" / "auth").mkdir(parents=True)
    (project / ".claude" / "epics" / "auth" / "epic.md").write_text("---\nname: auth\n---\n")
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    monkeypatch.chdir(project)
    return os.path.realpath(project)


def found(name: str) -> doctor.Check:
    """The answer of one check in the current directory."""
    if name in doctor.MACHINE:
        return doctor.guarded(name, doctor.MACHINE[name])
    checks = {**doctor_project.CHECKS, **doctor_hooks.CHECKS}
    return doctor.guarded(name, checks[name], os.getcwd())


def fake_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: str) -> str:
    """Put another `serve` into the second process of the lock check; the path of a lock."""
    files = tmp_path / "fake" / "ccpm" / "files"
    files.mkdir(parents=True)
    for folder in (files, files.parent):
        (folder / "__init__.py").write_text("")
    (files / "lock_probe.py").write_text(f"import sys, time\ndef serve(path):\n{serve}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "fake"), *sys.path])
    return str(tmp_path / "lock")


def test_a_sound_project_fails_nowhere_and_every_other_line_has_a_fix(top: str) -> None:
    checks = doctor.examine()
    assert [check.name for check in checks] == [
        "python", "packages", "git", "gh", "root", "locks", "clock", "leases", "plan", "registry", "hooks", "git hooks",
    ]  # fmt: skip
    assert [check.name for check in checks if check.status == doctor.FAIL] == []
    assert all(bool(check.fix) == (check.status != doctor.OK) for check in checks)
    assert not [name for name in os.listdir(f"{top}/.claude/locks/.state") if name != ".doctor.guard"]


def test_outside_of_a_project_the_doctor_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (last,) = doctor.examine()[-1:]
    assert (last.name, last.status) == ("root", doctor.FAIL)
    assert "no project around" in last.what


@pytest.mark.parametrize(
    ("program", "answer", "status", "words"),
    [
        ("git", None, doctor.FAIL, "not installed"),
        ("git", "git version 2.30.2", doctor.FAIL, "2.30.2 is older than 2.38"),
        ("git", "git version 2.38.0 (Apple Git-1)", doctor.OK, "git 2.38.0"),
        ("git", "git version 3.1", doctor.OK, "git 3.1"),
        ("gh", None, doctor.WARN, "not installed"),
    ],
)
def test_programs_that_are_missing_or_old_are_named(
    top: str, monkeypatch: pytest.MonkeyPatch, program: str, answer: str | None, status: str, words: str
) -> None:
    first_line = tools.first_line
    monkeypatch.setattr(
        tools, "first_line", lambda *command: answer if command[0] == program else first_line(*command)
    )
    check = found(program)
    assert (check.status, words in check.what) == (status, True)


@pytest.mark.parametrize("is_logged_in", [True, False])
def test_the_login_of_gh_is_told_without_its_token(
    top: str, monkeypatch: pytest.MonkeyPatch, is_logged_in: bool
) -> None:
    monkeypatch.setattr(
        tools,
        "first_line",
        lambda *command: {
            "--version": "gh version 2.50.0 (x)",
            "token": "secret" if is_logged_in else None,
        }.get(command[-1]),
    )
    check = found("gh")
    assert check.status == (doctor.OK if is_logged_in else doctor.WARN)
    assert check.fix == ("" if is_logged_in else "gh auth login")
    assert "secret" not in check.what


def test_an_old_python_and_missing_packages_fail(top: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert "too old" in found("python").what
    monkeypatch.setattr(doctor, "_PACKAGES", ("rich", "no-such-package"))
    check = found("packages")
    assert (check.status, check.what) == (doctor.FAIL, "missing in lib/vendor: no-such-package")
    assert check.fix.endswith("lib/setup.sh --force")


@pytest.mark.parametrize("is_current", [True, False])
def test_packages_of_another_version_are_told(
    top: str, monkeypatch: pytest.MonkeyPatch, is_current: bool
) -> None:
    monkeypatch.setattr(tools, "first_line", lambda *command: "" if is_current else None)
    assert found("packages").status == (doctor.OK if is_current else doctor.WARN)


def test_worktrees_lead_to_the_root_and_it_is_writable_from_them(
    top: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = tmp_path / "side"
    subprocess.run(["git", "worktree", "add", "-q", str(side)], cwd=top, check=True)
    monkeypatch.chdir(side)
    assert doctor_project.check_root(top) == (
        doctor.OK,
        f"{top} is writable, from {os.path.realpath(side)}, 1 linked worktrees lead here",
        "",
    )
    (side / ".git").write_text("gitdir: /nowhere/.git/worktrees/side\n")
    status, what, fix = doctor_project.check_root(top)
    assert (status, "leads elsewhere" in what) == (doctor.FAIL, True)
    assert fix == f"git worktree repair {side}"


def test_a_root_where_the_state_folder_cannot_be_fails(top: str) -> None:
    Path(top, ".claude", "locks").write_text("a file in the way\n")
    check = found("root")
    assert (check.status, "cannot create" in check.what) == (doctor.FAIL, True)
    assert found("locks").status == doctor.FAIL
    assert doctor.examine()[-1].name == "root"


def test_a_repository_without_ccpm_is_told_and_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    last = doctor.examine()[-1]
    assert (last.name, last.status, "has no .claude" in last.what) == ("root", doctor.FAIL, True)
    assert os.listdir(tmp_path) == [".git"]


def test_locks_that_exclude_nobody_are_found(
    top: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "lock")
    assert lock_check.problem(path) == ""
    with monkeypatch.context() as patch:
        patch.setattr(lock_probe, "take", lambda path: os.open(path, os.O_RDWR | os.O_CREAT))
        assert lock_check.problem(path) == "two processes had one lock at the same time"
    take = lock_probe.take
    kept = take(path)
    assert lock_check.problem(path) == "a lock that nobody should hold is held"
    os.close(kept)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        (["free"], "two processes had one lock at the same time"),
        (["held", "held"], "a lock stays taken after it was given back"),
        (["held", "free", "held"], "a free lock could not be taken"),
        (["held", "free", "holding"], "two processes had one lock at the same time"),
        ([], "a second process got no answer"),
    ],
)
def test_a_second_process_that_sees_other_locks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: list[str], problem: str
) -> None:
    serve = f"    for answer, _ in zip({answers!r}, sys.stdin):\n        print(answer, flush=True)"
    assert lock_check.problem(fake_probe(tmp_path, monkeypatch, serve)) == problem


def test_a_second_process_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_probe(tmp_path, monkeypatch, "    time.sleep(600)")
    monkeypatch.setattr(lock_check, "SECONDS", 0.3)
    assert lock_check.problem(path) == "a second process got no answer"


def test_a_clock_that_differs_from_new_files_or_from_leases_is_found(
    top: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = locks.try_acquire(Store(top), Request("task-1", process.owner("agent-a", 0)))
    assert isinstance(lease, Lease)
    assert doctor_project.check_clock(top)[0] == doctor.OK
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    status, what, _ = doctor_project.check_clock(top)
    assert (status, what) == (doctor.WARN, "new files are -3600 s from the clock")
    monkeypatch.setattr(doctor_project, "_DRIFT", 1e9)
    what = doctor_project.check_clock(top)[1]
    assert re.fullmatch(
        r"the clock was set \+360[01] s since a lease was taken", what
    )  # leases name whole seconds
    locks.release(Store(top), "task-1", lease.owner)
    assert doctor_project.check_clock(top)[0] == doctor.OK
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    assert doctor_project.check_clock(top)[1].startswith("the newest event lies ")
    monkeypatch.setattr(time, "time", lambda: 86400.0)
    assert doctor_project.check_clock(top)[0] == doctor.FAIL
    assert events.read_tail(top)


def test_stale_and_unreadable_locks_are_named(top: str) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        locks.try_acquire(Store(top), Request("task-9", process.owner("agent-gone", child.pid)))
        assert doctor_project.check_leases(top) == (doctor.OK, "1 held, none of them stale", "")
        child.kill()
    assert doctor_project.check_leases(top) == (doctor.WARN, "stale locks: task-9", "ccpm-lock clean")
    Path(top, ".claude/locks/task-8.lock").write_text("garbage")
    status, what, fix = doctor_project.check_leases(top)
    assert (status, what) == (doctor.WARN, "unreadable lock records: task-8")
    assert "ccpm-lock check task-8" in fix


def test_damage_fails_and_what_only_looks_odd_warns(top: str) -> None:
    task = Path(top, ".claude/epics/auth/001.md")
    task.write_text("---\nname: a\ndepends_on: [009]\n---\n")
    assert found("plan").status == doctor.WARN
    task.write_text("---\nname: a: b\n---\n")
    check = found("plan")
    assert (check.status, check.fix) == (doctor.FAIL, "ccpm-query validate --fix")
    assert check.what == "1 finding in 1 file, 1 error, 1 with one safe answer"


def test_a_registry_of_the_older_form_is_found_and_converted(top: str) -> None:
    path = Path(top, ".claude/epics/auth/agents.json")
    old = {
        "agents": {},
        "coordination": {
            "work_streams": {
                "db": {"owner": "agent-1", "status": "in_progress", "files": ["src/db/*"], "note": "mine"}
            }
        },
        "ours": [1, 2],
    }
    path.write_text(json.dumps(old))
    check = found("registry")
    assert (check.status, "an older form: agents.json of auth" in check.what) == (doctor.WARN, True)
    actor = Actor("agent-doc", {}, top=top)
    assert doctor_fix.convert_registries(actor, dry_run=True) == ["auth"]
    assert json.loads(path.read_text()) == old
    assert doctor_fix.convert_registries(actor) == ["auth"]
    data = json.loads(path.read_text())
    assert data["coordination"]["work_streams"] == {"db": "agent-1"}
    assert data["coordination"]["streams"]["db"]["note"] == "mine"
    assert data["ours"] == [1, 2]
    assert doctor_fix.convert_registries(actor) == []
    assert found("registry").status == doctor.OK
    path.write_text("{")
    assert (found("registry").status, found("registry").what) == (
        doctor.FAIL,
        ".claude/epics/auth/agents.json is no JSON object",
    )


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("agents.json", '{"agents": []}', "holds no object as 'agents'"),
        ("agents.json", '{"agents": {"agent-a": 7}}', "holds no object as 'agent-a'"),
        ("agents.json", '{"coordination": []}', "holds no object as 'coordination'"),
        ("agents.json", '{"coordination": {"streams": [1]}}', "holds no object as 'streams'"),
        ("work.json", "<<<<<<< ours", "is no JSON object"),
        ("work.json", "[]", "is no JSON object"),
        ("work.json", '{"tasks": {"001": 3}}', "is damaged: tasks.001 is no object"),
    ],
)
def test_a_record_of_an_epic_that_is_passed_over_fails(top: str, name: str, text: str, what: str) -> None:
    assert found("registry").status == doctor.OK
    Path(top, ".claude/epics/auth", name).write_text(text)
    check = found("registry")
    assert (check.status, check.what) == (doctor.FAIL, f".claude/epics/auth/{name} {what}")
    assert check.fix == f"mend it in an editor: .claude/epics/auth/{name}"


def test_hooks_of_git_that_are_missing_are_named(top: str) -> None:
    assert found("git hooks").status == doctor.WARN
    git_hooks.install(top)
    assert found("git hooks").status == doctor.OK
    Path(top, ".git/hooks/pre-commit").unlink()
    check = found("git hooks")
    assert (check.status, "as pre-commit:" in check.what, check.fix) == (
        doctor.WARN,
        True,
        "ccpm-agent hooks install",
    )
    git_hooks.remove(top)
    assert "pre-commit, prepare-commit-msg" in found("git hooks").what


def wire(top: str, **commands: str) -> None:
    """Settings that call `commands` {event: command}, beside hooks of somebody else."""
    hooks: dict[str, object] = {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}
    for event, command in commands.items():
        hooks[event] = [{"matcher": "*", "hooks": [{"type": "command", "command": command}]}]
    Path(top, ".claude/settings.json").write_text(json.dumps({"hooks": hooks, "model": "x"}))


def helper(top: str, script: str) -> str:
    path = Path(top, ".claude", "ccpm-hook")
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return '"$CLAUDE_PROJECT_DIR"/.claude/ccpm-hook PreToolUse'


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("cat >/dev/null", ""),
        ('grep -q "\\"tool_name\\": \\"Bash\\"" && echo "{}"', ""),
        ("exit 3", "it exits with 3"),
        ("echo broken >&2; exit 127", "it exits with 127: broken"),
        ("echo yes", "its answer is not JSON"),
        ("echo '[]'", "its answer is no JSON object"),
        ('echo \'{"systemMessage": "ccpm-hook PreToolUse failed: x"}\'', "ccpm-hook PreToolUse failed: x"),
        ("exec sleep 60", "no answer within"),
    ],
)
def test_the_hook_before_a_tool_is_asked_and_has_to_answer(
    top: str, monkeypatch: pytest.MonkeyPatch, script: str, problem: str
) -> None:
    monkeypatch.setattr(hook_call, "SECONDS", 1.0)
    command = helper(top, script)
    wire(top, **dict.fromkeys(doctor_hooks.EVENTS, command))
    check = found("hooks")
    assert check.status == (doctor.FAIL if problem else doctor.OK), check.what
    assert problem in check.what


def test_hooks_that_are_missing_or_not_read_are_named(top: str) -> None:
    assert found("hooks").status == doctor.WARN
    wire(top)
    assert "no hooks in .claude/settings.json" in found("hooks").what
    command = helper(top, "cat >/dev/null")
    wire(top, SessionStart=command)
    assert found("hooks").what == "ccpm-hook is wired, but not for PreToolUse: no edit is checked"
    wire(top, PreToolUse=command, SessionStart=command)
    assert (found("hooks").status, "not wired for SubagentStart" in found("hooks").what) == (
        doctor.WARN,
        True,
    )
    Path(top, ".claude/settings.json").write_text('{"hooks": {"PreToolUse": [{"hooks": 7}, 8], "Stop": 9}}')
    assert found("hooks").status == doctor.WARN
    Path(top, ".claude/settings.json").write_text("{")
    assert (found("hooks").status, found("hooks").fix) == (doctor.FAIL, "mend it: .claude/settings.json")
