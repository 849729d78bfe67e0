"""ccpm-worktree add: names, base, marks, what is brought, many at once, after kills, in odd repositories."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from race.crew import until
from race.tree import finish
from worktrees.project import GitProject


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    return GitProject(tmp_path / "p")


def test_an_agent_gets_its_folder_its_branch_and_an_entry_in_the_registry(project: GitProject) -> None:
    made = project.json("add", "auth", "--agent", "agent-1")
    path = project.path.parent / "epic-auth-agent-1"
    assert made["path"] == str(path)
    assert made["branch"] == "epic/auth--agent-1"
    assert made["base"] == project.head("main") == project.head("epic/auth")
    assert project.git("symbolic-ref", "--short", "HEAD", at=path) == "epic/auth--agent-1"
    assert project.git("status", "--porcelain", at=path) == ""
    entry = json.loads(project.registry("auth").read_text())["agents"]["agent-1"]
    assert (entry["worktree"], entry["branch"]) == (str(path), "epic/auth--agent-1")
    listed = project.json("list", "auth")
    assert [(one["agent"], one["state"], one["ahead"], one["dirty"]) for one in listed] == [
        ("agent-1", "in-use", 0, False)
    ]


def test_the_base_is_the_branch_of_the_epic_where_there_is_one(project: GitProject) -> None:
    project.add("auth", "agent-1")
    project.git("switch", "-q", "epic/auth")
    ahead = project.commit(project.path, {"done.txt": "done\n"}, "done already")
    project.git("switch", "-q", "main")
    assert project.json("add", "auth", "--agent", "agent-2")["base"] == ahead


def test_add_again_gives_the_same_worktree(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    project.commit(path, {"work.txt": "work\n"}, "work")
    again = project.json("add", "auth", "--agent", "agent-1")
    assert (again["path"], again["new"]) == (str(path), False)
    assert (path / "work.txt").exists()


def test_another_agent_with_nearly_that_id_does_not_get_it(project: GitProject) -> None:
    project.add("auth", "agent-1")
    refused = project.ccpm("worktree", "add", "auth", "--agent", "1", status=77)
    assert "is the worktree of agent-1" in refused.err


def test_git_does_not_prune_or_remove_a_worktree_in_use(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    for command in (["worktree", "remove", str(path)], ["worktree", "move", str(path), str(path) + "x"]):
        assert subprocess.run(["git", "-C", project.path, *command], capture_output=True).returncode == 128
    assert "ccpm in-use agent=agent-1 epic=auth" in project.git("worktree", "list", "--verbose")


def test_ignored_files_that_worktreeinclude_names_are_brought(project: GitProject) -> None:
    project.write({".worktreeinclude": ".env\nbase.txt\n", ".env": "SECRET=1\n", "build/big": "no\n"})
    (project.path / ".env").chmod(0o600)
    made = project.json("add", "auth", "--agent", "agent-1")
    path = Path(made["path"])
    assert made["brought"] == [".env"]
    assert (path / ".env").read_text() == "SECRET=1\n"
    assert (path / ".env").stat().st_mode & 0o777 == 0o600
    assert not (path / "build").exists()


def test_16_agents_add_at_once_and_all_succeed(project: GitProject) -> None:
    agents = [f"agent-{n}" for n in range(16)]
    started = [project.start("worktree", "add", "auth", "--agent", agent) for agent in agents]
    done = [finish(process, limit=200) for process in started]
    assert [one.status for one in done] == [0] * 16, [one.err for one in done if one.status]
    paths = {one.out.rstrip("\n") for one in done}
    assert len(paths) == 16
    assert all(project.git("status", "--porcelain", at=Path(path)) == "" for path in paths)
    assert set(json.loads(project.registry("auth").read_text())["agents"]) == set(agents)
    assert len(project.json("list", "auth")) == 16
    project.check_repository()


def test_a_killed_add_is_finished_by_the_next_one(project: GitProject) -> None:
    """What is left in each stage: git's own half-made worktree, ours without files, a folder that git has forgotten."""
    path = project.add("auth", "agent-1")
    admin = project.path / ".git" / "worktrees" / "epic-auth-agent-1"
    (admin / "locked").write_text("ccpm preparing agent=agent-1 epic=auth since=2025-11-04T04:16:21Z")
    (path / "base.txt").unlink()
    (admin / "index").unlink()
    assert project.add("auth", "agent-1") == path
    assert project.git("status", "--porcelain", at=path) == ""
    (admin / "locked").write_text("initializing")
    (path / "base.txt").unlink()
    (admin / "index").unlink()
    assert project.add("auth", "agent-1") == path
    assert project.git("status", "--porcelain", at=path) == ""
    (admin / "locked").unlink()
    (path / "base.txt").unlink()
    (path / ".gitignore").unlink()
    (path / ".git").rename(path / "x")
    project.git("worktree", "prune")
    (path / "x").rename(path / ".git")
    assert project.add("auth", "agent-1") == path
    assert "ccpm in-use" in (admin / "locked").read_text()


def test_what_lies_at_the_path_and_is_no_worktree_is_left_alone(project: GitProject) -> None:
    path = project.path.parent / "epic-auth-agent-1"
    path.mkdir()
    (path / "notes.txt").write_text("mine\n")
    refused = project.ccpm("worktree", "add", "auth", "--agent", "agent-1", status=75)
    assert "is no worktree of this repository" in refused.err
    assert (path / "notes.txt").read_text() == "mine\n"


def test_a_worktree_whose_folder_was_deleted_is_made_anew_and_its_index_is_saved(project: GitProject) -> None:
    path = project.add("auth", "agent-1")
    project.write({"staged.txt": "staged\n"}, path)
    project.git("add", "staged.txt", at=path)
    subprocess.run(["rm", "-r", str(path)], check=True)
    assert project.add("auth", "agent-1") == path
    (saved,) = project.json("rescued")
    assert project.git("show", f"{saved['commit']}:staged.txt") == "staged"


@pytest.mark.parametrize("epic", ["-rf", "a b", "ü", "657", "$(touch x)", "a..b", "x.lock"])
def test_odd_epic_names_in_a_repository_with_spaces_and_another_default_branch(
    epic: str, tmp_path: Path
) -> None:
    project = GitProject(tmp_path / "my project", branch="trunk", epics=(epic,))
    arguments = ["--agent", "agent-1", "--", epic] if epic.startswith("-") else [epic, "--agent", "agent-1"]
    path = Path(project.ccpm("worktree", "add", *arguments).out.rstrip("\n"))
    assert path.parent == tmp_path
    project.commit(path, {"work.txt": "work\n"}, "work")
    assert project.json("list")[0]["ahead"] == 1
    assert sorted(os.listdir(tmp_path)) == sorted(["my project", path.name])


def test_the_default_branch_of_the_remote_is_the_base_as_it_is_there_now(tmp_path: Path) -> None:
    project = GitProject(tmp_path / "p", branch="develop")
    bare = tmp_path / "remote.git"
    project.git("clone", "-q", "--bare", str(project.path), str(bare))
    project.git("remote", "add", "origin", str(bare))
    project.git("fetch", "-q")
    project.git("remote", "set-head", "origin", "develop")
    project.git("clone", "-q", str(bare), str(tmp_path / "other"))
    newest = project.commit(tmp_path / "other", {"theirs.txt": "theirs\n"}, "somebody else's")
    project.git("push", "-q", at=tmp_path / "other")
    project.git("switch", "-q", "-c", "local-experiment")
    assert project.json("add", "auth", "--agent", "agent-1")["base"] == newest
    bare.rename(tmp_path / "gone")
    made = project.ccpm("worktree", "add", "auth", "--agent", "agent-2")
    assert made.status == 0


def test_a_bare_repository_with_worktrees_beside_it(tmp_path: Path) -> None:
    source = GitProject(tmp_path / "source")
    folder = tmp_path / "project"
    folder.mkdir()
    source.git("clone", "-q", "--bare", str(source.path), str(folder / ".bare"))
    source.git("--git-dir", str(folder / ".bare"), "worktree", "add", "-q", str(folder / "main"), "main")
    (folder / ".claude" / "epics" / "auth").mkdir(parents=True)
    (folder / ".claude" / "epics" / "auth" / "epic.md").write_text("---\nname: auth\n---\n")
    made = source.json("add", "auth", "--agent", "agent-1", at=folder / "main")
    assert made["path"] == str(folder / "epic-auth-agent-1")
    assert json.loads((folder / ".claude/epics/auth/agents.json").read_text())["agents"].keys() == {"agent-1"}


def test_submodules_are_said_not_to_be_checked_out(project: GitProject, tmp_path: Path) -> None:
    library = GitProject(tmp_path / "library")
    project.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "vendor/lib"
    )
    project.git("commit", "-q", "-m", "a submodule")
    made = project.ccpm("worktree", "add", "auth", "--agent", "agent-1")
    assert "submodules are not checked out there; git -C" in made.err


@pytest.mark.parametrize(
    ("break_it", "status", "words"),
    [
        ("no epic", 66, "no epic 'other'"),
        ("no commit", 69, "has no commit yet"),
        ("no repository", 69, "is no git repository"),
        ("a branch in the way", 10, "branch epic/auth cannot be made"),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(
    break_it: str, status: int, words: str, tmp_path: Path
) -> None:
    project = GitProject(tmp_path / "p")
    if break_it == "a branch in the way":
        project.git("branch", "epic/auth/agent-1")
    if break_it in ("no commit", "no repository"):
        subprocess.run(["rm", "-r", str(project.path / ".git")], check=True)
    if break_it == "no commit":
        project.git("init", "-q")
    epic = "other" if break_it == "no epic" else "auth"
    done = project.ccpm("worktree", "add", epic, "--agent", "agent-1", status=status)
    assert words in done.err
    assert "hint: " in done.err


def test_the_worktrees_of_claude_code_follow_the_same_rules(project: GitProject) -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from ccpm.ops.branches import worktrees, removal; from ccpm.ops.actor import Actor\n"
        "actor = Actor('agent-7', {})\n"
        "one = worktrees.adopt(actor, 'agent-a1b2', 'auth', 'agent-a1b2')\n"
        "two = worktrees.adopt(actor, 'try it/now')\n"
        "open(one['path'] + '/new.txt', 'w').write('new')\n"
        "gone = removal.retire(actor, one['path'])\n"
        "print(one['path'], one['branch'], two['path'], two['branch'], gone['saved'], sep='\\n')\n"
    )
    lib = Path(__file__).parents[2] / "lib"
    python = (lib / ".python").read_text().strip()
    argv = [python, "-S", "-E", "-c", script, str(lib), str(lib / "vendor")]
    done = subprocess.run(argv, cwd=project.path, capture_output=True, text=True, check=True)
    one, branch, two, other, saved = done.stdout.split("\n")[:5]
    assert (one, branch) == (str(project.path.parent / "epic-auth-agent-a1b2"), "epic/auth--agent-a1b2")
    assert (two, other) == (str(project.path / ".claude/worktrees/try%20it%2Fnow"), "worktree-try%20it%2Fnow")
    assert not Path(one).exists()
    assert project.git("show", f"{saved}:new.txt") == "new"
    assert project.has("epic/auth--agent-a1b2")


def test_the_work_of_git_on_shared_files_happens_under_the_lock(project: GitProject) -> None:
    project.ccpm("lock", "acquire", "worktrees", "--agent", "other", "--ttl", "60")
    waiting = project.start("worktree", "add", "auth", "--agent", "agent-1")
    until(lambda: "agent-1" in project.ccpm("lock", "list", "--json").out)
    assert not (project.path.parent / "epic-auth-agent-1").exists()
    assert not project.has("epic/auth")
    project.ccpm("lock", "release", "worktrees", "--agent", "other")
    assert finish(waiting).status == 0
