"""Which tracker a project has: GitHub if its remote is there, else the files of the project.

The remote is `origin`, else the only one there is; a repository that `gh repo set-default` named goes first. `--repo`
names another one, `--tracker local` (or $CCPM_TRACKER) the files. Nothing is ever written to the repository that CCPM
itself comes from (core/remote.py).
"""

from __future__ import annotations

import os

from ccpm.core import remote
from ccpm.core.remote import Repository
from ccpm.errors import Unavailable, UsageError
from ccpm.external import git
from ccpm.ops.actor import Actor
from ccpm.ops.trackers import Tracker

AUTO = "auto"
LOCAL = "local"
GITHUB = "github"

_RESOLVED = ".gh-resolved"


def choose(actor: Actor, wanted: str = "", repo: str = "", patience: float | None = None) -> Tracker:
    """The tracker to use. `wanted`: one of AUTO, LOCAL, GITHUB ("": $CCPM_TRACKER, else AUTO); `repo`: what --repo
    says. `patience`: seconds that one request may wait for the shared budget.

    Unavailable (69) when GitHub is wanted and no remote is there; NotYours (77) for the repository of CCPM itself.
    """
    wanted = wanted or os.environ.get("CCPM_TRACKER", "") or AUTO
    if wanted not in (AUTO, LOCAL, GITHUB):
        raise UsageError(f"there is no tracker {wanted[:40]!r}", "use local, github or auto")
    if wanted == LOCAL and repo:
        raise UsageError(
            "--repo names a repository on GitHub, but the local tracker is wanted", "leave one of them out"
        )
    repository = remote.parse_named(repo) if repo else None
    if repository is None and wanted != LOCAL:
        repository = find_repository(actor.top)
    if repository is None:
        if wanted == GITHUB:
            raise Unavailable(
                "no remote of this project is on GitHub",
                "git remote add origin https://github.com/OWNER/NAME.git, or use --repo OWNER/NAME, or --tracker local",
            )
        from ccpm.ops.trackers.local import LocalTracker

        return LocalTracker(actor)
    remote.check_writable(repository)
    from ccpm.ops.trackers.github import GitHubTracker

    return GitHubTracker(actor, repository, *([] if patience is None else [patience]))


def find_repository(top: str) -> Repository | None:
    """The repository on GitHub that the remotes of the project in `top` name, None if none does."""
    known = _hosts()
    for address in _addresses(top):
        repository = remote.parse(address)
        if repository and remote.is_github(repository, known):
            return repository
    return None


def _addresses(top: str) -> list[str]:
    """The addresses to look at, best first."""
    names = git.run(top, "remote").split()
    chosen = []
    for line in git.run(top, "config", "--get-regexp", r"^remote\..*\.gh-resolved$").splitlines():
        key, _, value = line.partition(" ")
        name = key.removeprefix("remote.").removesuffix(_RESOLVED)
        chosen.append(
            git.run(top, "remote", "get-url", name).strip() if value == "base" else f"https://{_full(value)}"
        )
    if "origin" in names:
        chosen.append(git.run(top, "remote", "get-url", "origin").strip())
    elif len(names) == 1:
        chosen.append(git.run(top, "remote", "get-url", names[0]).strip())
    return [address for address in chosen if address]


def _full(value: str) -> str:
    return value if value.count("/") > 1 else f"{remote.PUBLIC}/{value}"


def _hosts() -> frozenset[str]:
    """Hosts that gh is set up for: $GH_HOST, and the keys of its hosts.yml (flat YAML, a host a line)."""
    hosts = {os.environ.get("GH_HOST", "").lower()}
    folder = os.environ.get("GH_CONFIG_DIR") or os.path.join(
        os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "gh"
    )
    try:
        with open(os.path.join(folder, "hosts.yml"), encoding="utf-8", errors="replace") as file:
            hosts |= {
                line.strip().rstrip(":").strip("\"'").lower()
                for line in file
                if line[:1].strip() and ":" in line
            }
    except OSError:
        pass
    return frozenset(hosts - {""})
