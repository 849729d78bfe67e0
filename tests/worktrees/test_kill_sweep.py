"""Coordinators, additions and removals that are killed at every step in turn, and agents that are killed at random:
nothing is lost, nothing is half merged, and the epic's branch only ever holds what passes.

Without CCPM_SWEEP=full the steps are thinned out to `POINTS`, and the crowd is small.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from race.tree import BIN, LIB, PYTHON, environment
from worktrees.project import GIT, GitProject

IS_FULL = os.environ.get("CCPM_SWEEP") == "full"
POINTS = 3
CROWD, COMMITS = (16, 50) if IS_FULL else (4, 5)
CHECK = "test ! -e bad.txt && test -e base.txt"


class Scene:
    """Six agents: two merge, one fails, one is in conflict, two are gone, of which one left unsaved work. The epic is
    checked out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = project = GitProject(folder / "live" / "my project", branch="trunk")
        self.shared = Path(project.ccpm("worktree", "add", "auth", "--shared").out.rstrip("\n"))
        paths = {
            name: project.add("auth", f"agent-{name}")
            for name in ("one", "two", "bad", "rival", "gone", "dirty")
        }
        contents: dict[str, dict[str, str | bytes]] = {name: {f"{name}.txt": "x\n"} for name in paths}
        contents["one"] = contents["rival"] = {"base.txt": "changed\n"}
        contents["rival"] = {"base.txt": "changed in another way\n"}
        self.tips = {name: project.commit(path, contents[name], "work") for name, path in paths.items()}
        project.write({"loose.txt": "loose\n"}, paths["dirty"])
        for name in ("gone", "dirty"):
            project.end_agent("auth", f"agent-{name}")
        shutil.copytree(folder / "live", folder / "saved", symlinks=True)

    def reset(self) -> None:
        shutil.rmtree(self.folder / "live")
        shutil.copytree(self.folder / "saved", self.folder / "live", symlinks=True)
        registry = json.loads(self.project.registry("auth").read_text())
        for agent in registry["agents"].values():  # a whole sweep takes longer than an agent may be silent
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            agent |= {"last_heartbeat": now, "heartbeat_boot": 0}
        self.project.registry("auth").write_text(json.dumps(registry))

    def coordinate(self, kill_at: int) -> subprocess.CompletedProcess[str]:
        return coordinate(self.project, kill_at)

    def verify(self, after: str) -> None:
        """What has to hold whenever a coordinator was killed, and `after` the next one has gone on."""
        project = self.project
        project.check_repository()
        reachable = set(project.git("rev-list", "--all").split())
        assert set(self.tips.values()) <= reachable, after
        for commit in project.git("rev-list", "--first-parent", "epic/auth").split():
            assert "bad.txt" not in project.git("ls-tree", "--name-only", commit).split("\n"), after

    def verify_end(self, after: str) -> None:
        project = self.project
        self.verify(after)
        merged = [name for name, tip in self.tips.items() if is_ancestor(project, tip, "epic/auth")]
        assert merged in (["one", "two", "gone", "dirty"], ["two", "rival", "gone", "dirty"]), (after, merged)
        assert project.git("status", "--porcelain", at=self.shared) == "", after
        marks = [one["state"] for one in project.json("list")]
        assert marks.count("in-use") == len(marks) == 5, (after, marks)
        (saved,) = project.json("rescued")
        assert project.git("show", f"{saved['commit']}:loose.txt") == "loose", after
        assert sorted(os.listdir(self.folder / "live")) == sorted(
            [
                "my project",
                self.shared.name,
                *(f"epic-auth-agent-{name}" for name in ("one", "two", "bad", "rival")),
            ]
        ), after


def coordinate(project: GitProject, kill_at: int) -> subprocess.CompletedProcess[str]:
    """Run a coordinator that is killed in front of that step (0: never)."""
    return killed(project, kill_at, "merge", "auth", CHECK)


def killed(project: GitProject, kill_at: int, *action: str) -> subprocess.CompletedProcess[str]:
    script = str(Path(__file__).with_name("killed.py"))
    argv = [PYTHON, "-S", "-E", script, str(kill_at), *action]
    env = {**environment(), **GIT, "CCPM_LIB_UNDER_TEST": str(LIB), "PATH": f"{BIN}:{os.defpath}"}
    return subprocess.run(argv, cwd=project.path, env=env, capture_output=True, text=True, timeout=200)


def is_ancestor(project: GitProject, older: str, newer: str) -> bool:
    command = ["git", "-C", project.path, "merge-base", "--is-ancestor", older, newer]
    return subprocess.run(command).returncode == 0


def test_a_coordinator_may_be_killed_at_every_step(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    whole = scene.coordinate(0)
    assert whole.returncode == 0, whole.stderr
    scene.verify_end("no kill")
    steps = int(whole.stdout.split()[-1])
    assert steps > 60
    for number in chosen_of(steps):
        scene.reset()
        ended = scene.coordinate(number)
        assert ended.returncode == -signal.SIGKILL, (number, ended.stderr)
        scene.verify(f"a kill at step {number} of {steps}")
        again = scene.coordinate(0)
        assert again.returncode == 0, (number, again.stderr)
        scene.verify_end(f"a kill at step {number} of {steps}, and the next run")


def chosen_of(steps: int) -> list[int]:
    everything = range(1, steps + 1)
    return list(everything) if IS_FULL else sorted(random.sample(everything, POINTS))


def test_an_add_that_was_killed_anywhere_is_finished_by_the_next_one(tmp_path: Path) -> None:
    project = GitProject(tmp_path / "live" / "my project")
    project.write({".worktreeinclude": ".env\n", ".env": "SECRET\n"})
    shutil.copytree(tmp_path / "live", tmp_path / "saved", symlinks=True)
    whole = killed(project, 0, "add", "auth", "agent-1")
    path = project.path.parent / "epic-auth-agent-1"
    for number in chosen_of(int(whole.stdout)):
        shutil.rmtree(tmp_path / "live")
        shutil.copytree(tmp_path / "saved", tmp_path / "live", symlinks=True)
        assert killed(project, number, "add", "auth", "agent-1").returncode == -signal.SIGKILL, number
        again = killed(project, 0, "add", "auth", "agent-1")
        assert again.returncode == 0, (number, again.stderr)
        assert project.git("status", "--porcelain", at=path) == "", number
        assert (path / ".env").read_text() == "SECRET\n"
        assert [one["state"] for one in project.json("list")] == ["in-use"]
        project.check_repository()


def test_a_removal_that_was_killed_anywhere_has_lost_nothing(tmp_path: Path) -> None:
    project = GitProject(tmp_path / "live" / "my project")
    path = project.add("auth", "agent-1")
    tip = project.commit(path, {"done.txt": "done\n"}, "done, merged nowhere")
    project.write({"loose.txt": "loose\n"}, path)
    shutil.copytree(tmp_path / "live", tmp_path / "saved", symlinks=True)
    whole = killed(project, 0, "remove", "auth", "agent-1")
    for number in chosen_of(int(whole.stdout)):
        shutil.rmtree(tmp_path / "live")
        shutil.copytree(tmp_path / "saved", tmp_path / "live", symlinks=True)
        assert killed(project, number, "remove", "auth", "agent-1").returncode == -signal.SIGKILL, number
        project.check_repository()
        assert tip in project.git("rev-list", "--all"), number
        saved = project.json("rescued")
        assert (path / "loose.txt").exists() or saved, number
        if project.json("list"):
            again = killed(project, 0, "remove", "auth", "agent-1")
            assert again.returncode == 0, (number, again.stderr)
        (rescue,) = project.json("rescued")
        assert project.git("show", f"{rescue['ref']}:loose.txt") == "loose", number
        assert tip in project.git("rev-list", rescue["ref"]), number
        assert not path.exists()
        assert os.listdir(project.path / ".git" / "ccpm") == [], number
        project.check_repository()


AGENT = """
for n in $(seq "$1"); do
  echo "$2 $n" >>"work-$2.txt"
  case $((n % 4)) in 1) : >bad.txt ;; 2) rm bad.txt ;; 3) echo "$2" >"shared-$((n % 3)).txt" ;; esac
  git add -A && git commit -q -m "$2, $n" && git rev-parse HEAD >>"$3"
done
"""
"""Commits in a loop. Every fourth one does not pass the check until the next one mends it; some touch shared
files."""


def test_agents_are_killed_while_they_commit_and_coordinators_while_they_merge(tmp_path: Path) -> None:
    rng = random.Random()
    project = GitProject(tmp_path / "my project", branch="trunk")
    paths = {f"agent-{n:02d}": project.add("auth", f"agent-{n:02d}") for n in range(CROWD)}
    logs = {agent: tmp_path / f"{agent}.commits" for agent in paths}
    env = {**os.environ, **GIT}
    crew = {
        agent: subprocess.Popen(
            ["bash", "-c", AGENT, "agent", str(COMMITS), agent, str(logs[agent])],
            cwd=path,
            env=env,
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        for agent, path in paths.items()
    }
    doomed = rng.sample(sorted(crew), max(1, CROWD // 5))
    kills = 0
    while any(process.poll() is None for process in crew.values()) or kills < 3:
        ended = coordinate(project, rng.randrange(5, 200))
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        kills += ended.returncode != 0
        if doomed and crew[doomed[0]].poll() is None:
            os.killpg(crew[doomed[0]].pid, signal.SIGKILL)
            crew[doomed[0]].wait()
            project.write({"loose.txt": "loose\n"}, paths[doomed[0]])
            project.end_agent("auth", doomed.pop(0))
    last = coordinate(project, 0)
    assert last.returncode == 0, last.stderr

    project.check_repository()
    made = {commit for log in logs.values() if log.exists() for commit in log.read_text().split()}
    assert len(made) >= CROWD
    assert made <= set(project.git("rev-list", "--all").split()), (
        "merged, held back or rescued, but never lost"
    )
    for commit in project.git("rev-list", "--first-parent", "epic/auth").split():
        assert "bad.txt" not in project.git("ls-tree", "--name-only", commit).split("\n")
