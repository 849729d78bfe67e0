"""Which repository a git remote means, and whether its issues may be written to.

Contract: pure. `parse` takes the address of a remote as `git remote get-url` prints it (url.insteadOf is resolved by
then) and gives host, owner and name, or None for what names no repository on a host: a local path, a bundle, a blank.

Forms, after git-fetch(1) "GIT URLS": `https://[user[:token]@]host[:port]/owner/name[.git][/]`, the same with `http`,
`ssh`, `git`, `git+ssh`, `ssh+git`; and scp's `[user@]host:owner/name`. A token in an address is never kept.
"""

from __future__ import annotations

import re

from ccpm.errors import NotYours, UsageError

PUBLIC = "github.com"

_ALIASES = {"www.github.com": PUBLIC, "ssh.github.com": PUBLIC, "api.github.com": PUBLIC}
"""Other names of github.com: `ssh.github.com` is its SSH over the HTTPS port (docs.github.com)."""

TEMPLATES = frozenset({"automazeio/ccpm", "foozlevazquez/ccpm"})
"""Repositories that CCPM itself is copied from. A project whose remote still points there is a clone that nobody has
given a home yet, and its issues are not ours to write."""

_URL = re.compile(
    r"(?:https?|ssh|git|git\+ssh|ssh\+git)://(?:[^@/]*@)?(\[[0-9a-f:.]+\]|[^:/@\s]+)(?::\d+)?/+(.+)",
    re.IGNORECASE,
)
_SCP = re.compile(r"(?:[^@/:\s]+@)?(\[[^\]/]+\]|[^:/@\s]+):(?!//)/*([^\s].*)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?/[A-Za-z0-9._-]{1,100}")


class Repository:
    """A repository on a host; `slug` is `owner/name`, which is all that github.com's API wants."""

    __slots__ = ("host", "name", "owner")

    def __init__(self, host: str, owner: str, name: str) -> None:
        self.host = host
        self.owner = owner
        self.name = name

    @property
    def slug(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def label(self) -> str:
        """What people call it: the host only where it is not github.com."""
        return self.slug if self.host == PUBLIC else f"{self.host}/{self.slug}"

    def is_same(self, other: Repository) -> bool:
        """GitHub's names of owners and repositories do not differ in case alone."""
        return self.host == other.host and self.slug.lower() == other.slug.lower()

    def issue_url(self, number: int) -> str:
        return f"https://{self.host}/{self.slug}/issues/{number}"


def parse(address: str) -> Repository | None:
    """The repository that a remote's address names, None if it names none on a host."""
    text = address.strip()
    match = _URL.fullmatch(text)
    if match is None and "://" not in text:
        match = _SCP.fullmatch(text)
        if match and len(match[1]) == 1 and match[1].isalpha():
            return None  # C:/work/shop is a Windows path
    return _repository(match[1], match[2]) if match else None


def parse_named(text: str) -> Repository:
    """The repository of `--repo`: `owner/name`, `host/owner/name`, or any address; UsageError (2) for anything
    else."""
    parts = text.strip().strip("/").split("/")
    found = None
    if "://" in text or ":" in parts[0]:
        found = parse(text)
    elif len(parts) == 2:
        found = _repository(PUBLIC, text.strip())
    elif len(parts) == 3 and "." in parts[0]:
        found = _repository(parts[0], "/".join(parts[1:]))
    if found is None:
        raise UsageError(f"{text[:80]!r} names no repository", "use --repo OWNER/NAME or HOST/OWNER/NAME")
    return found


def of_issue(link: str) -> tuple[Repository, int] | None:
    """The repository and number of an issue's address (`https://host/owner/name/issues/12`), None if it is none."""
    match = re.fullmatch(
        r"(https?://[^/\s]+/[^/\s]+/[^/\s]+)/(?:issues|pull)/(\d{1,15})/?(?:#.*)?", link.strip()
    )
    repository = parse(match[1]) if match else None
    return (repository, int(match[2])) if match and repository else None


def is_github(repository: Repository, known: frozenset[str]) -> bool:
    """Whether the host speaks GitHub's API: github.com, GitHub Enterprise Cloud (`*.ghe.com`), one that gh is set up
    for (`known`), or one that calls itself so (`github.example.org`)."""
    host = repository.host
    return (
        host == PUBLIC
        or host.endswith(".ghe.com")
        or host in known
        or host.split(".")[0] in ("github", "ghe")
    )


def check_writable(repository: Repository) -> None:
    """NotYours (77) for a repository that CCPM itself comes from: nobody's plan belongs into its issues."""
    if repository.slug.lower() in TEMPLATES:
        raise NotYours(
            f"{repository.label} is the repository that CCPM comes from; issues of your project do not belong there",
            "point the remote to your own repository (git remote set-url origin …), or use --repo OWNER/NAME",
            repository=repository.label,
        )


def _repository(host: str, path: str) -> Repository | None:
    name = re.split(r"[?#]", path, maxsplit=1)[0].strip("/")
    name = name[:-4] if name.lower().endswith(".git") else name
    if not _NAME.fullmatch(name) or name.rpartition("/")[2] in (".", ".."):
        return None
    host = host.lower().rstrip(".")
    owner, _, short = name.partition("/")
    return Repository(_ALIASES.get(host, host), owner, short)
