"""Which tracker a project has, from the remotes that git knows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ccpm.errors import UsageError
from ccpm.ops.actor import Actor
from ccpm.ops.trackers import choice


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".claude").mkdir()
    (tmp_path / "gh").mkdir()
    monkeypatch.setenv("GH_CONFIG_DIR", str(tmp_path / "gh"))
    monkeypatch.delenv("GH_HOST", raising=False)
    return tmp_path


def git(top: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(top), *arguments], check=True)


def found(top: Path, wanted: str = "", repo: str = "") -> str:
    return choice.choose(Actor("a", {}, top=str(top)), wanted, repo).place


def test_without_a_remote_it_is_the_local_one(top: Path) -> None:
    assert found(top) == ".claude/tracker"


def test_origin_goes_before_others_and_an_only_remote_counts(top: Path) -> None:
    git(top, "remote", "add", "upstream", "https://github.com/octo/upstream.git")
    assert found(top) == "octo/upstream"
    git(top, "remote", "add", "origin", "git@github.com:octo/shop.git")
    assert found(top) == "octo/shop"
    git(top, "remote", "rename", "origin", "fork")
    assert found(top) == ".claude/tracker", "nobody said which of the two it is"


def test_what_gh_was_told_goes_first(top: Path) -> None:
    git(top, "remote", "add", "origin", "https://github.com/ada/shop")
    git(top, "remote", "add", "upstream", "https://github.com/octo/shop")
    git(top, "config", "remote.upstream.gh-resolved", "base")
    assert found(top) == "octo/shop"
    git(top, "config", "remote.upstream.gh-resolved", "octo/other")
    assert found(top) == "octo/other"


def test_short_addresses_of_git_are_resolved(top: Path) -> None:
    git(top, "config", "url.https://github.com/.insteadOf", "gh:")
    git(top, "remote", "add", "origin", "gh:octo/shop")
    assert found(top) == "octo/shop"


def test_an_enterprise_host_is_one_that_gh_knows(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(top, "remote", "add", "origin", "ssh://git@code.example.org:2222/octo/shop.git")
    assert found(top) == ".claude/tracker"
    (top / "gh" / "hosts.yml").write_text("code.example.org:\n    user: ada\n    oauth_token: x\n")
    assert found(top) == "code.example.org/octo/shop"
    (top / "gh" / "hosts.yml").unlink()
    monkeypatch.setenv("GH_HOST", "code.example.org")
    assert found(top) == "code.example.org/octo/shop"


def test_the_caller_may_choose(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(top, "remote", "add", "origin", "git@github.com:octo/shop.git")
    assert found(top, "local") == ".claude/tracker"
    assert found(top, repo="code.example.org/octo/other") == "code.example.org/octo/other"
    monkeypatch.setenv("CCPM_TRACKER", "local")
    assert found(top) == ".claude/tracker"
    assert found(top, "github") == "octo/shop"
    for wrong in (("somewhere", ""), ("local", "octo/shop")):
        with pytest.raises(UsageError):
            found(top, *wrong)
